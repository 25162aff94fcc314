"""The same version against itself, with slowdowns planted in one side: what the error rates are computed from.

Every repeat of every condition is a comparison of its own, measured and decided as any other; no launch is shared
between conditions, and a planted slowdown is really spun in the timed region. Each is written when it ends, one JSON
object a line, so that a calibration that is cut off goes on where it was.
"""

import csv
import io
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from harness.ab.building import Notify
from harness.ab.launch import Manner
from harness.ab.measure import Decide, Task, measured
from harness.cores.usable import all_cores
from harness.errors import UsageError
from harness.files.reading import NoSuchFileError, checked, text_of
from harness.files.strict_json import parsed_json
from harness.files.writing import write
from harness.judge.medians import measurable
from harness.records.ab import Comparison, Condition
from harness.records.environment import Environment
from harness.report.render.frame import inert_cell

CONDITIONS = (
    *(Condition(planted) for planted in (1.00, 1.03, 1.05, 1.10)),
    *(Condition(planted, busy=True) for planted in (1.00, 1.10)),
)
REPEATS = 10
FOLDER = Path("results/calibration")
LARGEST_BYTES = 64 * 2**20
"""Of a file of raw samples: 60 comparisons of some ten cells and launches are a few megabytes."""
BUSY = (sys.executable, "-c", "while True: pass")


def calibration_file(environment: Environment, manner: Manner) -> Path:
    """Where a machine's error rates are, below the working folder: named after processor, cores and manner.

    Beside it, with the ending `.jsonl`, are the raw samples that they are counted from.
    """
    parts = [f"{environment.cpu} {environment.cores} cores"]
    parts += [name for name, on in (("duet", manner.duet), ("fastest", manner.fastest)) if on]
    return FOLDER / f"{re.sub(r'[^a-z0-9]+', '-', ' '.join(parts).lower()).strip('-')}.json"


def stored(path: Path) -> list[Comparison]:
    """What is in a calibration's file, oldest first; nothing where there is none.

    Raises UsageError naming the file and the line that cannot be read.
    """
    try:
        text = text_of(path, LARGEST_BYTES)
    except NoSuchFileError:
        return []
    found = []
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        where = f"{path}, line {number}: no comparison of a calibration; move the file away"
        try:
            found.append(checked(Comparison, parsed_json(line), where))
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None
    return found


def missing(done: Sequence[Comparison], task: Task) -> Iterator[tuple[Condition, int]]:
    """The conditions and repeats that are still to be measured, repeat by repeat, so that drift hits all conditions."""
    there = {(one.condition, one.repeat) for one in done if _is_of(one, task)}
    for repeat in range(REPEATS):
        yield from ((condition, repeat) for condition in CONDITIONS if (condition, repeat) not in there)


def calibrate(
    task: Task, path: Path, decide: Decide, notify: Notify, measure: Callable[..., Comparison] = measured
) -> dict[Condition, list[Comparison]]:
    """Measure every condition and repeat that is missing in `path`, keeping each there; the repeats by condition.

    Raises what `write` does where the file cannot be written, before anything is measured.
    """
    done = stored(path)
    todo = list(missing(done, task))
    _keep(done, path)
    for number, (condition, repeat) in enumerate(todo, start=1):
        what = f"{number} of {len(todo)}, planted {condition.planted - 1:+.0%}" + ", busy" * condition.busy

        def say(line: str, what: str = what) -> None:
            notify(f"{what}: {line}")

        # Orders of turns differ from repeat to repeat.
        turn = replace(task, allowance=replace(task.allowance, seed=task.allowance.seed + number))
        with others_busy(condition.busy):
            done.append(measure(turn, decide, say, condition=condition, repeat=repeat))
        _keep(done, path)
    return {
        condition: [one for one in done if _is_of(one, task) and one.condition == condition] for condition in CONDITIONS
    }


def _keep(done: Sequence[Comparison], path: Path) -> None:
    """Write all comparisons at once: half a line, of a process that was killed, would be hours that nobody can read."""
    write(path, "".join(one.model_dump_json() + "\n" for one in done), make_folder=True)


@contextmanager
def others_busy(busy: bool) -> Iterator[None]:
    """A loop that never rests for every core but one, each free to go wherever the scheduler puts it."""
    with ExitStack() as ends:
        for _ in all_cores()[1:] if busy else ():
            loop = subprocess.Popen(BUSY)  # noqa: S603  # this interpreter, our own loop
            ends.callback(loop.wait)
            ends.callback(loop.kill)
        yield


def write_ratios(found: Mapping[Condition, Sequence[Comparison]], path: Path) -> None:
    """A row a launch: condition, repeat, case and the two medians of CPU seconds, so that anybody can count again."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("planted", "busy", "repeat", "case", "launch", "base_cpu_s", "head_cpu_s", "ratio"))
    for condition, repeats in found.items():
        for one in repeats:
            rows.writerows((condition.planted, int(condition.busy), one.repeat, *row) for row in _launches(one))
    write(path, text.getvalue())


def _launches(one: Comparison) -> Iterator[tuple[str, int, str, str, str]]:
    for cell in one.cells:
        for number, launch in enumerate(cell.launches):
            pairs = zip(launch.base.cpu_s, launch.head.cpu_s, strict=True)
            usable = measurable((*launch.base.cpu_s, *launch.head.cpu_s))
            ratio = statistics.median(h / b for b, h in pairs) if usable else math.nan
            base_s, head_s = statistics.median(launch.base.cpu_s), statistics.median(launch.head.cpu_s)
            yield inert_cell(cell.case), number, f"{base_s:.4g}", f"{head_s:.4g}", f"{ratio:.5f}"


def _is_of(one: Comparison, task: Task) -> bool:
    """Whether it is of the same versions, cells, budget and manner."""
    return (
        (one.base, one.head) == task.described
        and one.budget_s == task.allowance.budget_s
        and (one.duet, one.fastest) == (task.manner.duet, task.manner.fastest)
        and {cell.case for cell in one.cells} == {spec.case for spec in task.specs}
    )
