"""The process in which one version's instructions are counted: run by the version's interpreter, under valgrind.

It is a script as worker.py is, started with `-P`: it is sent one JSON object, and answers with one a cell. The
libraries are imported once; each cell is then prepared and counted in a fork, so that one that dies or hangs loses
nothing but itself.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any

Answer = dict[str, Any]


def loaded(path: str) -> Any:
    """The names of a file, outside of any package: this checkout's, whatever version is measured."""
    return SimpleNamespace(**run_path(path))


def counted(order: Answer, suite: Any, instructions: Any, layouts: Any, folder: str) -> Answer:
    """One cell, prepared and counted. `slow`: the factor of a slowdown that is planted in it."""
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in order.get("options", {}).items()}

    def prepare() -> Callable[[], object]:
        call: Callable[[], object] = suite.SuiteCase(
            order["problem"], order["solver"], device=order["device"], **options
        ).run
        return call

    counter, drawn = instructions.Valgrind(Path(folder)), partial(layouts.in_layout, limit_s=order["limit_s"])
    try:
        slow = instructions.slowed(prepare, order["slow"] - 1.0, counter, drawn) if order["slow"] > 1.0 else prepare
        counts = instructions.counted(slow, counter, instructions.CountingPlan(**order["effort"]), drawn)
    except instructions.CountError as error:
        return {"status": error.status, "message": str(error)}
    spent = os.times()
    return {
        "layouts": counts.layouts,
        "calls": counts.calls,
        "reading": counts.reading,
        "kernels": kernels(),
        "cpu_s": spent.user + spent.system + spent.children_user + spent.children_system,
    }


def kernels() -> list[str]:
    """Which code BLAS and torch chose for this processor, of the libraries that are loaded."""
    found = []
    with suppress(ImportError):
        pools = import_module("threadpoolctl").threadpool_info()
        found += [f"{one['internal_api']} {one['architecture']}" for one in pools if "architecture" in one]
    if "torch" in sys.modules:
        found.append(f"torch {sys.modules['torch'].backends.cpu.get_cpu_capability()}")
    return sorted(set(found))


def main() -> None:
    """Import what is needed, then count cell after cell."""
    connection = Connection(int(sys.argv[-1]))
    setup = json.loads(connection.recv_bytes())
    worker = loaded(setup["worker"])
    instructions, layouts = loaded(setup["instructions"]), loaded(setup["layouts"])

    def say(answer: Answer) -> None:
        connection.send_bytes(json.dumps(answer, allow_nan=False).encode())

    suite: Any = None

    def begin() -> Answer:
        nonlocal suite
        greeting, suite = worker.hello(setup)
        for name in setup["imports"]:
            with suppress(Exception):  # what is missing or broken is the status of the cell that wants it
                import_module(name)
        return dict(greeting)

    say(worker.guarded(begin))
    for order in setup["cells"] if suite is not None else ():

        def work(order: Answer = order) -> Answer:
            return dict(worker.guarded(lambda: counted(order, suite, instructions, layouts, setup["totals"])))

        say({"cell": order["cell"], **layouts.in_a_fork(work, order["limit_s"])})
    os._exit(0)


if __name__ == "__main__":
    main()
