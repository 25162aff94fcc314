"""Two versions counted under valgrind, both at once: a count does not mind what else the machine does."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.ab import counting, worker
from harness.ab.cells import CellSpec
from harness.ab.process import CHUNK_BYTES, ONE_THREAD, STRANGE
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.judge.versions.instructions import InstructionLine, judge_instructions
from harness.measure.isolation.ending import STOP_S
from harness.records.instructions import InstructionCell, InstructionCount
from harness.solvers import catalog as solvers
from harness.solvers.status import Status
from harness.timing import instructions, layouts
from harness.timing.instructions import CountError, Effort

LIMIT_S = 600.0
"""CPU seconds that one cell, and each of its layouts, may take under valgrind; the default twelve take 10 to 60."""
START_S = 1200.0
"""Wall seconds that importing everything may take under valgrind: 40 s of CPU time with torch."""

Told = Callable[[str], None]
Answer = dict[str, Any]


def count_and_judge(
    base: Version, head: Version, specs: Sequence[CellSpec], told: Told, *, planted: float = 1.0
) -> list[InstructionLine]:
    """Every cell counted in both versions, judged. `planted`: the factor of a slowdown planted in the head's cells.

    Raises CannotMeasureError where there is no valgrind; anything else that goes wrong is a cell's status.
    """
    need_valgrind()
    return judge_instructions(count_both(base, head, specs, told, planted=planted))


def need_valgrind() -> None:
    """Raises CannotMeasureError where there is none."""
    if shutil.which("valgrind") is None:
        raise CannotMeasureError(f"--instructions: {instructions.MISSING}")


def count_both(
    base: Version, head: Version, specs: Sequence[CellSpec], told: Told, *, planted: float = 1.0
) -> list[InstructionCell]:
    """Every cell counted in both versions at the same time. What cannot be counted is a status with its reason."""
    counts = count([Work(base, specs), Work(head, specs, slow=planted)], told)
    return [
        InstructionCell(
            case=spec.case,
            problem=spec.problem,
            solver=spec.solver,
            base=counts[0][spec.case],
            head=counts[1][spec.case],
            planted=planted,
        )
        for spec in specs
    ]


@dataclass(frozen=True)
class Work:
    """What one process counts: these cells in this version, `slow` the factor of a slowdown planted in each."""

    version: Version
    specs: Sequence[CellSpec]
    slow: float = 1.0
    effort: Effort = field(default_factory=Effort)
    limit_s: float = LIMIT_S

    @property
    def setup(self) -> Answer:
        """What the process is told, but for where its totals are."""
        names = dict.fromkeys(name for spec in self.specs for name in solvers.get(spec.solver).requires)
        shared = {"slow": self.slow, "limit_s": self.limit_s, "effort": asdict(self.effort)}
        return {
            "paths": self.version.paths,
            "libraries": [],
            "imports": list(names),
            "worker": worker.__file__,
            "instructions": instructions.__file__,
            "layouts": layouts.__file__,
            "cells": [{**spec.order, **shared} for spec in self.specs if spec.device == "cpu"],
        }


def count(works: Sequence[Work], told: Told) -> list[dict[str, InstructionCount]]:
    """A process under valgrind for each work, all at once; the counts by case. Never raises for what a version does."""
    silence_s = START_S + layouts.WALL_PER_CPU * max((work.limit_s for work in works), default=0.0)
    with ExitStack() as ends:
        started = [ends.enter_context(_started(work)) for work in works]
        ready = ends.enter_context(selectors.DefaultSelector())
        for one in started:
            if one.answers is not None:
                ready.register(one.answers, selectors.EVENT_READ, one)
        while ready.get_map():
            told("counting under valgrind: " + ", ".join(one.progress for one in started))
            said = ready.select(silence_s)
            if not said:
                break
            for key, _ in said:
                if not key.data.read():
                    ready.unregister(key.fileobj)
        return [one.counts() for one in started]


class _Counting:
    """A process under valgrind, in a session of its own: what it has said so far."""

    def __init__(self, work: Work, folder: Path) -> None:
        """Start it; where it cannot be started, every cell's status says why."""
        self._work, self._folder = work, folder
        self._said = b""
        self._refused = ""
        self._process: subprocess.Popen[bytes] | None = None
        words = [str(work.version.python), "-P", "-W", "ignore", counting.__file__]
        told = folder / "setup.json"
        told.write_text(json.dumps({**work.setup, "totals": str(folder)}))
        try:
            with told.open() as setup, (folder / "errors").open("w") as errors:
                self._process = subprocess.Popen(  # noqa: S603  # valgrind, the side's interpreter, our own script
                    instructions.command(words, folder),
                    stdin=setup,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=_environment(),
                    start_new_session=True,
                )
        except (CountError, OSError) as error:
            self._refused = str(error)

    @property
    def answers(self) -> Any:
        """Its pipe; None where it was not started."""
        return None if self._process is None else self._process.stdout

    @property
    def progress(self) -> str:
        """How far it is, for a person."""
        lines = self._said.count(b"\n")
        far = f"{lines - 1} of {len(self._work.specs)} cells" if lines else "starting"
        return f"{self._work.version.name} {far}"

    def read(self) -> bool:
        """Take what it says; False when it has ended."""
        chunk = os.read(self.answers.fileno(), CHUNK_BYTES)
        self._said += chunk
        return bool(chunk)

    def counts(self) -> dict[str, InstructionCount]:
        """What there is of every cell; of one without an answer, why."""
        # The last piece is empty, or a line that its process did not live to end.
        greeting, *answers = [json.loads(line) for line in self._said.split(b"\n")[:-1]] or [{}]
        found = {answer.pop("cell"): _count(answer) for answer in answers}
        missing = self._missing(greeting)
        return {
            spec.case: found.get(spec.case, missing if spec.device == "cpu" else _elsewhere(spec))
            for spec in self._work.specs
        }

    def _missing(self, greeting: Answer) -> InstructionCount:
        """Why a cell has no answer: valgrind was not started, the version was not imported, or the process ended."""
        if self._process is None:
            return InstructionCount(status=Status.UNSUPPORTED, message=self._refused)
        if greeting.get("status", "ok") != "ok":
            return InstructionCount(status=_status(greeting["status"]), message=greeting["message"])
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        code = self._process.poll()
        if code is None:
            return InstructionCount(status=Status.TIMEOUT, message="valgrind said nothing for too long and was ended")
        lines = (self._folder / "errors").read_text(errors="replace").strip().splitlines()
        ended = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return InstructionCount(
            status=Status.CRASHED, message=f"{ended} under valgrind" + (f": {lines[-1]}" if lines else "")
        )

    def stop(self) -> None:
        """End it and its children."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.answers.close()


@contextmanager
def _started(work: Work) -> Iterator[_Counting]:
    """A process that is ended, and whose folder of totals is gone, at the end."""
    with tempfile.TemporaryDirectory() as folder:
        one = _Counting(work, Path(folder))
        try:
            yield one
        finally:
            one.stop()


def _count(answer: Mapping[str, Any]) -> InstructionCount:
    return InstructionCount(**{**answer, "status": _status(answer["status"])})


def _elsewhere(spec: CellSpec) -> InstructionCount:
    return InstructionCount(
        status=Status.UNSUPPORTED, message=f"valgrind counts what the CPU does, not what {spec.device} does"
    )


def _status(name: str) -> Status:
    return Status(name) if name in set(Status) else Status.ERROR


def _environment() -> dict[str, str]:
    """As a worker's (harness.ab.process), one seed of hashes, and no GPU, whose libraries' threads forbid forks."""
    kept = {name: value for name, value in os.environ.items() if name not in STRANGE}
    return kept | dict.fromkeys(ONE_THREAD, "1") | {"PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""}
