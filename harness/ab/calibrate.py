"""The same version against itself, with slowdowns planted in one side: what the error rates are computed from.

Every repeat of every arm is a comparison of its own, measured and decided as any other; no launch is shared between
arms, and a planted slowdown is really spun in the timed region. Each is written when it ends, one JSON object a line,
so that a calibration that is cut off goes on where it was.
"""

import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from harness.ab.measure import Decide, Task, Told, measured
from harness.errors import CannotMeasureError, UsageError
from harness.records.ab import Comparison

ARMS = (1.00, 1.03, 1.05, 1.10)
REPEATS = 10
FOLDER = Path("results/calibration")


def samples_file() -> Path:
    """Where this machine's raw samples are: below the working folder, named after the host; JSON lines."""
    return FOLDER / f"{_machine()}.jsonl"


def rates_file() -> Path:
    """Where this machine's error rates are, beside the samples that they are counted from."""
    return FOLDER / f"{_machine()}.json"


def _machine() -> str:
    return re.sub(r"[^\w.-]+", "-", platform.node()) or "machine"


def stored(path: Path) -> list[Comparison]:
    """What is in a calibration's file, oldest first; nothing where there is none.

    Raises UsageError naming the file and the line that cannot be read.
    """
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            found.append(Comparison.model_validate_json(line))
        except ValidationError:
            raise UsageError(f"{path}, line {number}: no comparison of a calibration; move the file away") from None
    return found


def missing(done: Sequence[Comparison], task: Task) -> Iterator[tuple[float, int]]:
    """The arms and repeats that are still to be measured, repeat by repeat, so that drift hits every arm."""
    there = {(one.planted, one.repeat) for one in done if _is_of(one, task)}
    for repeat in range(REPEATS):
        yield from ((arm, repeat) for arm in ARMS if (arm, repeat) not in there)


def calibrate(
    task: Task, path: Path, decide: Decide, told: Told, measure: Callable[..., Comparison] = measured
) -> dict[float, list[Comparison]]:
    """Measure every arm and repeat that is missing in `path`, appending each; the repeats of this task by arm.

    Raises CannotMeasureError where the file cannot be written, before anything is measured.
    """
    done = stored(path)
    todo = list(missing(done, task))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            for number, (arm, repeat) in enumerate(todo, start=1):

                def say(line: str, number: int = number, arm: float = arm) -> None:
                    told(f"{number} of {len(todo)}, planted x {arm:.2f}: {line}")

                # Orders of turns differ from repeat to repeat.
                turn = replace(task, allowance=replace(task.allowance, seed=task.allowance.seed + number))
                done.append(measure(turn, decide, say, planted=arm, repeat=repeat))
                file.write(done[-1].model_dump_json() + "\n")
                file.flush()
    except OSError as error:
        raise CannotMeasureError(f"{path} cannot be written: {error.strerror}") from None
    return {arm: [one for one in done if _is_of(one, task) and one.planted == arm] for arm in ARMS}


def _is_of(one: Comparison, task: Task) -> bool:
    """Whether it is of the same versions, cells, budget and manner."""
    return (
        (one.base, one.head) == task.described
        and one.budget_s == task.allowance.budget_s
        and (one.duet, one.fastest) == (task.manner.duet, task.manner.fastest)
        and {cell.case for cell in one.cells} == {spec.case for spec in task.specs}
    )
