"""The process in which one version is measured: orders in, answers out, each a JSON object over one connection.

It is run as a script by the version's own interpreter, with `-P` so that this folder is not importable. The first
message says what to put on sys.path, and how many pages to map before anything is imported. Until it is told what to
prepare it needs nothing but the standard library. `case_worker.py` has the cases of a version of the harness,
`suite_worker.py` and `benchmark_worker.py` asv's benchmarks, the latter plain callables too, which need no harness.

Orders: `load` of a suite's benchmark, `prepare`, `time`, `accuracy`, `value`, `release` of a cell, `discover`, `cores`.
Every answer has a `status`, `ok` or what went wrong with its `message`.
"""

import json
import mmap
import os
import platform
import runpy
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

BENCHMARKS, CASES, SUITE = "benchmark_worker.py", "case_worker.py", "suite_worker.py"
FAILED_IMPORT = "failed to import: "
"""What an answer's message begins with where a library is there and cannot be imported."""

Answer = dict[str, Any]


class Cells:
    """The cells that were prepared: cases of the harness, benchmarks and plain callables."""

    def __init__(self, suite: Any, scratch: str | None = None) -> None:
        """`suite` is the version's module harness.suite; `scratch`: where an asv suite runs, which needs none."""
        self._suite = suite
        self._scratch = scratch
        self._loaded: dict[str, Any] = {}
        self._made: dict[str, Any] = {}

    def load(self, order: Answer) -> Answer:
        """Import the file of a suite's benchmark, whose timeout is not for that."""
        self._loaded[order["cell"]] = beside(SUITE)["loaded"](order)
        return {}

    def prepare(self, order: Answer) -> Answer:
        """Prepare one cell."""
        if "place" in order:
            made = beside(BENCHMARKS)["AsvBenchmark"](self._loaded.pop(order["cell"]), self._scratch)
        elif "call" in order:
            made = beside(BENCHMARKS)["PlainCall"](order)
        else:
            for name in order.get("imports", ()):
                imported(name)
            made = beside(CASES)["Case"](order, self._suite)
        self._made[order["cell"]] = made
        return {}

    def time(self, order: Answer) -> Answer:
        """Seconds of `calls` calls by the wall and by this process's CPU, in order."""
        return dict(self._made[order["cell"]].times(order["calls"]))

    def value(self, order: Answer) -> Answer:
        """What a benchmark that is no time returns."""
        return dict(self._made[order["cell"]].value())

    def accuracy(self, order: Answer) -> Answer:
        """How right a case is, fitted in full."""
        return dict(self._made[order["cell"]].accuracy())

    def release(self, order: Answer) -> Answer:
        """Tear a benchmark down, if it was set up, and forget it."""
        made = self._made.pop(order["cell"], None)
        if made is not None:
            made.release()
        return {}


@cache
def beside(file: str) -> dict[str, Any]:
    """The names of a file beside this one, which cannot be imported from here by its name."""
    return runpy.run_path(str(Path(__file__).with_name(file)))


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
    if setup.get("scratch"):  # what a benchmark starts imports what it does
        os.environ["PYTHONPATH"] = os.pathsep.join(setup["paths"])
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
    works = {name: getattr(cells, name) for name in ("load", "prepare", "time", "accuracy", "value", "release")}
    works |= {"cores": on_cores, "discover": lambda order: dict(beside(SUITE)["discover"](order))}
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
