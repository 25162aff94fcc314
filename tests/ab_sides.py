"""Versions to compare in tests: a harness of one file, whose problems say how it behaves; workers without a process."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.ab.cells import CellSpec
from harness.ab.version import Version
from harness.measure.isolation.ending import WorkerLostError
from harness.solvers.status import Status

SUITE = """
import os, sys, time
from types import SimpleNamespace

class SuiteCase:
    def __init__(self, problem, solver, device="cpu", **options):
        if problem == "gone":
            raise ValueError("unknown problem 'gone'\\nsecond line")
        if problem == "elsewhere":
            raise NotImplementedError("it cannot run here")
        if problem == "large":
            raise MemoryError
        if problem == "dies at once":
            os._exit(7)
        self.problem, self.calls, self.options = problem, 0, options
        self.case = SimpleNamespace(key=f"{problem} {solver}")

    def run(self):
        self.calls += 1
        print("a solver talks", self.calls)
        os.write(1, b"not JSON\\n")
        timed = self.calls > 2
        if timed and self.problem == "dies":
            sys.stderr.write("the last words\\n")
            sys.stderr.flush()
            os.kill(os.getpid(), 11)
        if timed and self.problem == "hangs":
            time.sleep(600)
        if timed and self.problem == "raises":
            raise RuntimeError("no more")
        if timed and self.problem == "reads":
            assert sys.stdin.read() == ""

    @property
    def record(self):
        if self.problem == "fails":
            raise RuntimeError("fails solver: diverged: it went up")
        accuracy = SimpleNamespace(digits=self.options.get("digits", 12.5), excess_loss=float("nan"))
        return SimpleNamespace(status="ok", message="", accuracy=accuracy)
"""


def package(folder: Path, suite: str = SUITE) -> Path:
    """A folder with a harness of one module."""
    (folder / "harness").mkdir(parents=True)
    (folder / "harness/__init__.py").write_text("")
    (folder / "harness/suite.py").write_text(suite)
    return folder


def version(folder: Path, name: str = "base") -> Version:
    """The harness of one module, run by this interpreter."""
    return Version(name, Path(sys.executable), package=folder)


def spec(problem: str, **options: object) -> CellSpec:
    return CellSpec(f"{problem} solver", problem, "solver", problem, options=options)


@dataclass
class FakeClock:
    """Wall seconds that pass when a fake worker says so."""

    now_s: float = 0.0

    def wall_s(self) -> float:
        return self.now_s

    def cpu_s(self) -> float:
        return self.now_s


@dataclass
class FakeWorker:
    """A worker without a process: each order takes seconds of the fake clock; `fate` says what happens to an order."""

    version: Version
    clock: FakeClock
    said: list[tuple[str, str, str]]
    fate: Mapping[tuple[str, str, str], WorkerLostError | Mapping[str, Any]] = field(default_factory=dict)
    start_s: float = 4.0
    waiting: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.waiting = [{"status": "ok"}]
        self.clock.now_s += self.start_s

    def order(self, order: Mapping[str, Any]) -> None:
        do = f"cores {' '.join(map(str, order['cores']))}" if order["do"] == "cores" else order["do"]
        key = (self.version.name, do, order.get("cell", ""))
        self.said.append(key)
        calls = order.get("calls", 0)
        self.clock.now_s += 0.01 * calls
        answer = {"status": "ok", "digits": 9.0, "excess_loss": 0.0}
        if order["do"] == "time":
            answer = {"status": "ok", "wall_s": [0.01] * calls, "cpu_s": [0.01] * calls}
        self.waiting.append(self.fate.get(key, answer))

    def answer(self, deadline_s: float) -> dict[str, Any]:
        assert deadline_s > 0
        found = self.waiting.pop(0)
        if isinstance(found, WorkerLostError):
            raise found
        return dict(found)

    def stop(self) -> None:
        self.said.append((self.version.name, "stop", ""))


def lost(status: Status = Status.CRASHED) -> WorkerLostError:
    return WorkerLostError(status, "the process ended with signal 11")
