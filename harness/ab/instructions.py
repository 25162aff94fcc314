"""Two versions counted under valgrind, both at once: a count does not mind what else the machine does."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from harness.ab import counting, worker
from harness.ab.building import Notify
from harness.ab.cells import CellSpec
from harness.ab.process import one_thread
from harness.ab.version import Version
from harness.errors import CannotMeasureError, counted
from harness.files.strict_json import parsed_json
from harness.judge.versions.instructions import InstructionLine, judge_instructions
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import Child
from harness.records.instructions import InstructionCell, InstructionCount
from harness.solvers import catalog as solvers
from harness.solvers.status import Status
from harness.timing import instructions, layouts
from harness.timing.instructions import CountError, CountingPlan

LIMIT_S = 600.0
"""CPU seconds that one cell, and each of its layouts, may take under valgrind; the default twelve take 10 to 60."""
START_S = 1200.0
"""Wall seconds that importing everything may take under valgrind: 40 s of CPU time with torch."""

Answer = dict[str, Any]


def count_and_judge(base: Version, head: Version, specs: Sequence[CellSpec], notify: Notify) -> list[InstructionLine]:
    """Every cell counted in both versions at the same time, judged.

    Raises CannotMeasureError where there is no valgrind; anything else that goes wrong is a cell's status.
    """
    need_valgrind()
    counts = count([Work(base, specs), Work(head, specs)], notify)
    cells = [
        InstructionCell(
            case=spec.case,
            problem=spec.problem,
            solver=spec.solver,
            base=counts[0][spec.case],
            head=counts[1][spec.case],
        )
        for spec in specs
    ]
    return judge_instructions(cells)


def need_valgrind() -> None:
    """Raises CannotMeasureError where there is none."""
    if shutil.which("valgrind") is None:
        raise CannotMeasureError(f"--instructions: {instructions.MISSING}")


@dataclass(frozen=True)
class Work:
    """What one process counts: these cells in this version, `slow` the factor of a slowdown planted in each."""

    version: Version
    specs: Sequence[CellSpec]
    slow: float = 1.0
    effort: CountingPlan = field(default_factory=CountingPlan)
    limit_s: float = LIMIT_S

    @property
    def setup(self) -> Answer:
        """What the process is asked, but for where its totals are."""
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


def count(works: Sequence[Work], notify: Notify) -> list[dict[str, InstructionCount]]:
    """A process under valgrind for each work, all at once; the counts by case. Never raises for what a version does."""
    silence_s = START_S + layouts.WALL_PER_CPU * max((work.limit_s for work in works), default=0.0)
    with ExitStack() as ends:
        started = [ends.enter_context(_started(work)) for work in works]
        while going := [(one, one.child) for one in started if one.child is not None and one.why is None]:
            notify("counting under valgrind: " + ", ".join(one.progress for one in started))
            ready = wait([thing for _, child in going for thing in child.watched], silence_s)
            for one, child in going:
                one.read(child, silent=not ready)
        return [one.counts() for one in started]


@dataclass
class _Counting:
    """A process under valgrind and its answers so far; `why` there are no more: how it ended."""

    work: Work
    child: Child | None = None
    answers: list[Answer] = field(default_factory=list)
    why: InstructionCount | None = None

    @property
    def progress(self) -> str:
        """How far it is, for a person."""
        far = f"{len(self.answers) - 1} of {counted(len(self.work.specs), 'cell')}" if self.answers else "starting"
        return f"{self.work.version.name} {far}"

    def read(self, child: Child, *, silent: bool) -> None:
        """Take an answer, or how the process has ended; one that has been silent for too long is ended."""
        try:
            if silent:
                raise child.lost(Status.TIMEOUT, "nothing was said for too long, and it was ended")
            message = child.receive(0.0)
        except WorkerLostError as lost:
            self.why = InstructionCount(status=lost.status, message=f"under valgrind {lost}")
        else:
            self.answers += [] if message is None else [parsed_json(message.decode())]

    def counts(self) -> dict[str, InstructionCount]:
        """What there is of every cell; of one without an answer, why."""
        greeting, *answers = self.answers or [{}]
        if greeting.get("status", "ok") != "ok":
            self.why = InstructionCount(status=_status(greeting["status"]), message=greeting["message"])
        found = {answer.pop("cell"): _count(answer) for answer in answers}
        missing = self.why or InstructionCount()
        return {
            spec.case: found.get(spec.case, missing if spec.device == "cpu" else _elsewhere(spec))
            for spec in self.work.specs
        }


@contextmanager
def _started(work: Work) -> Iterator[_Counting]:
    """A process that is ended, and whose folder of totals is gone, at the end; why, where it cannot be started."""
    with tempfile.TemporaryDirectory() as folder:
        one = _Counting(work)
        words = [str(work.version.python), "-P", "-W", "ignore", counting.__file__]
        # One seed of hashes, and no GPU, whose libraries' threads forbid forks.
        environment = one_thread() | {"PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": ""}
        try:
            one.child = Child(instructions.command(words, Path(folder)), environment=environment)
        except (CountError, OSError) as error:
            one.why = InstructionCount(status=Status.UNSUPPORTED, message=str(error))
            yield one
            return
        try:
            one.child.send({**work.setup, "totals": folder})
            yield one
        finally:
            one.child.stop()


def _count(answer: Mapping[str, Any]) -> InstructionCount:
    return InstructionCount(**{**answer, "status": _status(answer["status"])})


def _elsewhere(spec: CellSpec) -> InstructionCount:
    return InstructionCount(
        status=Status.UNSUPPORTED, message=f"valgrind counts what the CPU does, not what {spec.device} does"
    )


def _status(name: str) -> Status:
    return Status(name) if name in set(Status) else Status.ERROR
