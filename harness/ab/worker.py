"""The process in which one version is measured: orders in, answers out, each a JSON object over one connection.

It is run as a script by the version's own interpreter, with `-P` so that this folder is not importable. The first
message says what to put on sys.path, and how many pages to map before anything is imported. Until it is told what to
prepare it needs nothing but the standard library; of the version it uses `harness.suite.SuiteCase`, whose names stay
from commit to commit. An asv benchmark or a plain callable needs no harness: `benchmark_worker.py` has those.

Orders: `prepare`, `time`, `accuracy`, `value`, `release` of a cell, `discover`, `cores`. Every answer has a
`status`, `ok` or what went wrong with its `message`.
"""

import gc
import json
import math
import mmap
import os
import platform
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

WARM_UP_CALLS = 2
REWARM_BELOW_S = 0.005
"""As in harness.timing.sampling: cold caches are microseconds, so that a longer call needs no untimed one before it."""
PLANTING_CALLS = 7
FAILED_IMPORT = "failed to import: "
"""What an answer's message begins with where a library is there and cannot be imported."""

Answer = dict[str, Any]


class Cells:
    """The cells that were prepared, and how each is timed."""

    def __init__(self, suite: Any, scratch: str | None = None) -> None:
        """`suite` is the version's module harness.suite; `scratch`: where an asv suite runs, which needs none."""
        self._suite = suite
        self._scratch = scratch
        self._cases: dict[str, Any] = {}
        self._slow: dict[str, float] = {}
        self._last_s: dict[str, float] = {}
        self._planting_s: dict[str, float] = {}
        self._limits = ExitStack()  # until the process ends

    def prepare(self, order: Answer) -> Answer:
        """Prepare one cell and call it twice, untimed. `slow`: the factor of a slowdown that is planted in it."""
        if "benchmark" in order or "call" in order:
            kind = "AsvBenchmark" if "benchmark" in order else "PlainCall"
            self._cases[order["cell"]] = benchmarks()[kind]({**order, "scratch": self._scratch})
            return {}
        for name in order.get("imports", ()):
            imported(name)
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in order.get("options", {}).items()}
        case = self._suite.SuiteCase(order["problem"], order["solver"], device=order["device"], **options)
        if options.get("threads", 1) != 1:  # versions before threads were an option here hold it to one
            self._limits.enter_context(import_module("harness.timing.threads").limited(options["threads"]))
        for _ in range(WARM_UP_CALLS):
            case.run()
        key = order["cell"]
        self._cases[key], self._slow[key] = case, order.get("slow", 1.0)
        if self._slow[key] > 1.0:
            self._planting_s[key] = statistics.median(_planting_s(case.run) for _ in range(PLANTING_CALLS))
        return {}

    def time(self, order: Answer) -> Answer:
        """`calls` single calls after an untimed one: seconds of wall and of this process's CPU time, in order."""
        key = order["cell"]
        if key not in self._slow:
            return dict(self._cases[key].times(order["calls"]))
        call, slow = self._cases[key].run, self._slow[key]
        wall_s, cpu_s = [], []
        gc.disable()
        try:
            if self._last_s.get(key, 0.0) < REWARM_BELOW_S:
                call()
            for _ in range(order["calls"]):
                wall, cpu = time.perf_counter(), time.process_time()
                call()
                cpu_after = time.process_time()
                if slow > 1.0:
                    cpu_after = _planted((slow - 1.0) * (cpu_after - cpu) - self._planting_s[key])
                wall_s.append(time.perf_counter() - wall)
                cpu_s.append(cpu_after - cpu)
        finally:
            gc.enable()
        self._last_s[key] = wall_s[-1]
        return {"wall_s": wall_s, "cpu_s": cpu_s}

    def value(self, order: Answer) -> Answer:
        """What a benchmark that is no time returns."""
        return dict(self._cases[order["cell"]].value())

    def release(self, order: Answer) -> Answer:
        """Tear a benchmark down, if it was set up, and forget it."""
        case = self._cases.pop(order["cell"], None)
        if case is not None:
            case.release()
        return {}

    def accuracy(self, order: Answer) -> Answer:
        """The cell fitted in full and verified by the version itself: its status, digits and excess loss."""
        case = self._cases[order["cell"]]
        try:
            record = case.record
        except RuntimeError as error:
            # SuiteCase has no record of a case that failed: its error is "case: status: message".
            status, _, message = str(error).removeprefix(f"{case.case.key}: ").partition(": ")
            return {"status": status if status.isidentifier() else "error", "message": message or str(error)}
        found = record.accuracy
        return {
            "status": str(record.status),
            "message": record.message,
            "digits": _number(found.digits),
            "excess_loss": _number(found.excess_loss),
            "problem_sha256": getattr(record, "problem_sha256", ""),  # no version must have it
            "rank": getattr(found, "rank", None),
            "rank_of_data": getattr(found, "rank_of_data", None),
            "r2": {part: _number(value) for part, value in getattr(found, "r2", {}).items()},
            "solution": _solution(getattr(record, "solution", None)),
        }


@cache
def benchmarks() -> dict[str, Any]:
    """The names of benchmark_worker.py, which cannot be imported from here by its name."""
    return runpy.run_path(str(Path(__file__).with_name("benchmark_worker.py")))


class FailedImportError(Exception):
    """A library that is there cannot be imported."""


def imported(name: str) -> Any:
    """A module that a version needs; None where it is not there itself. Raises FailedImportError with what it said."""
    try:
        return import_module(name) if find_spec(name.partition(".")[0]) is not None else None
    except (Exception, SystemExit) as error:  # a library may raise anything while it is imported
        absent = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
        if absent and f"{name}.".startswith(f"{absent}."):
            return None
        if isinstance(error, MemoryError):
            raise
        lines = str(error).strip().splitlines()
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        raise FailedImportError(FAILED_IMPORT + kind + (lines[0] if lines else type(error).__name__)) from error


def _solution(found: Any) -> Answer | None:
    """Terms, computed and exact coefficients of a record's solution."""
    if found is None or not getattr(found, "computed", ()):
        return None
    exact = getattr(found, "exact", None)
    return {
        "terms": list(found.terms),
        "computed": [_number(value) for value in found.computed],
        "exact": None if exact is None else [_number(value) for value in exact],
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no number that is not finite: such a one is its text."""
    return value if value is None or math.isfinite(value) else str(value)


def _planted(wait_s: float) -> float:
    """Wait, busy, for so many seconds; the CPU clock afterwards. On the wall clock, which is read ten times faster."""
    until = time.perf_counter() + wait_s
    while time.perf_counter() < until:
        pass
    return time.process_time()


def _planting_s(call: Callable[[], object]) -> float:
    """CPU seconds that planting costs by itself just after a call, where its caches are cold."""
    call()
    before = time.process_time()
    return _planted(0.0) - before


def shifted(pages: int) -> mmap.mmap | None:
    """So many pages, never touched, above whatever is mapped from now on: as long as it is kept."""
    return mmap.mmap(-1, pages * mmap.PAGESIZE) if pages else None


def on_cores(order: Answer) -> Answer:
    """Run on these `cores` only, from now on."""
    os.sched_setaffinity(0, set(order["cores"]))
    return {}


def hello(setup: Answer) -> tuple[Answer, Any]:
    """Put the version first on sys.path and import it: where it is, what it runs on; and its harness.suite.

    Somebody's project is measured in the folder of its files, and each of its modules must come from what was built.
    """
    sys.path[:0] = setup["paths"]
    if setup.get("folder") is not None:
        os.chdir(setup["folder"])
    for name in setup.get("modules", ()):
        spec = find_spec(name)
        if spec is None or spec.origin is None or not spec.origin.startswith(setup["paths"][0] + os.sep):
            where = "nowhere" if spec is None else spec.origin
            raise RuntimeError(f"{name} is imported from {where}, not from what was built: uninstall the editable one")
    suite = None if setup.get("scratch") else imported("harness.suite") or import_module("harness.suite")
    spec = find_spec("harness")
    return {
        "file": spec.origin if spec else "",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: found for name in setup["libraries"] if (found := _version(name))},
    }, suite


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def guarded(work: Callable[[], Answer]) -> Answer:
    """The answer, or the status and one line of whatever was raised."""
    try:
        return {"status": "ok", **work()}
    except NotImplementedError as error:
        return {"status": "unsupported", "message": str(error)}
    except MemoryError as error:
        return {"status": "out_of_memory", "message": str(error) or "the host's memory is exhausted"}
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a solver may raise anything: it is the cell's status
        if type(error).__name__ == "SkippedError":
            return {"status": "unsupported", "message": str(error)}
        lines = str(error).strip().splitlines()
        kind = "" if isinstance(error, FailedImportError) else f"{type(error).__name__}: "
        return {"status": "error", "message": f"{kind}{lines[0] if lines else ''}"}


def serve(setup: Answer, connection: Connection) -> None:
    """Answer orders until they end."""

    def say(answer: Answer) -> None:
        connection.send_bytes(json.dumps(answer, allow_nan=False).encode())

    cells: Cells | None = None

    def begin() -> Answer:
        nonlocal cells
        greeting, suite = hello(setup)
        cells = Cells(suite, setup.get("scratch"))
        return greeting

    say(guarded(begin))
    if cells is None:
        return
    works = {name: getattr(cells, name) for name in ("prepare", "time", "accuracy", "value", "release")}
    works |= {"cores": on_cores, "discover": lambda order: dict(benchmarks()["discover"](order))}
    with suppress(EOFError):  # the parent has gone
        while True:
            order = json.loads(connection.recv_bytes())
            say(guarded(partial(works[order["do"]], order)))


def main() -> None:
    """Serve the parent, whose connection's descriptor is the last argument."""
    connection = Connection(int(sys.argv[-1]))
    setup = json.loads(connection.recv_bytes())
    above = shifted(setup["pages"])
    serve(setup, connection)
    if above is not None:
        above.close()


if __name__ == "__main__":
    main()
