"""Every command with words that make it print something, and a process that runs many of them without starting anew.

`python -m tests.commands` imports the harness once, then reads jobs, a line of JSON each, and runs each in a fork: it
prints how that ended. What standard output is: `kept`, `full` (/dev/full), `gone` (a pipe without a reader) or
`closed`.
"""

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import click
import typer

REPOSITORY = Path(__file__).resolve().parent.parent
STORE = ("--store", "store.sqlite")
CASE = ("--problem", "four_points", "--solver", "numpy_lstsq")
WORDS: Mapping[str, tuple[str, ...]] = {
    "list": ("problems",),
    "import": ("asv", "--results", str(REPOSITORY / "results/asv"), *STORE),
    "doctor": ("--run", "newest", *STORE),
    "store check": STORE,
    "store export": ("exported.jsonl", *STORE),
    "store import": ("given.jsonl", *STORE),
    "store merge": ("other.sqlite", *STORE),
    "fit": ("four_points", "numpy_lstsq", "--in-process"),
    "run": (*CASE, "--in-process", *STORE),
    "sweep": ("--show", *STORE),
    "accuracy": (*CASE, "--in-process", *STORE),
    "gate": ("--expectations", "expected.toml", *STORE),
    "upgrade": ("numpy>=1", *CASE, "--budget", "0.1"),
    "ab": ("--with", "numpy>=1", *CASE, "--budget", "0.1"),
    "bisect": ("four_points", "numpy_lstsq", "--good", "good", "--bad", "bad"),
    "compare": ("--by", "solver", *STORE),
    "history": ("four_points", "numpy_lstsq", "dtype=float64", *STORE),
    "nightly": ("--run", "of b", *STORE),
    "published": ("four_points",),
    "findings": (),
    "init": ("--dry-run",),
    "explain": ("four_points", "numpy_lstsq", "dtype=float64", *STORE),
    "report": ("--quick", "-o", "page.html", *STORE),
    "plot": ("accuracy-digits", "-o", "digits.svg", *STORE),
}
"""By a command's name: what it is run with in a folder that `furnish` has filled."""


def leaves(group: object = None, above: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that the parser knows, by its whole name."""
    from harness.cli import app

    found: Any = typer.main.get_command(app) if group is None else group
    for name, one in found.commands.items():
        if hasattr(one, "commands"):
            yield from leaves(one, (*above, name))
        else:
            yield " ".join((*above, name)), one


CPU_S = 60
"""Seconds of processor time after which a command is killed: it hangs, whatever else the machine does."""


class Result(NamedTuple):
    """How a command ended; `stdout` is empty unless it was kept."""

    code: int
    stdout: str
    stderr: str


class Runs(Protocol):
    """Runs the words of a command in a folder."""

    def __call__(self, folder: Path, words: Sequence[str], stdout: str = "kept", cpu_s: int = CPU_S) -> Result: ...


@contextmanager
def forking(**environment: str) -> Iterator[Runs]:
    """A process that runs commands as forks of itself."""
    words = [sys.executable, "-m", "tests.commands"]
    paths = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    here = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment}
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=here)

    def run(folder: Path, words: Sequence[str], stdout: str = "kept", cpu_s: int = CPU_S) -> Result:
        assert server.stdin
        assert server.stdout
        job = {"folder": str(folder), "words": list(words), "stdout": stdout, "cpu_s": cpu_s}
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        return Result(**json.loads(server.stdout.readline()))

    try:
        yield run
    finally:
        server.communicate(timeout=60)


def furnish(folder: Path) -> None:
    """What WORDS name: a store with runs over two commits and a sweep, another store, an export, expectations."""
    from sqlalchemy import update

    from harness.store import tables
    from harness.store.exchange_files import write_entries
    from harness.store.salvage import salvaging
    from harness.store.store import Store
    from tests.history_site import HERE, record
    from tests.test_store_exchange import filled
    from tests.writers import run_of

    filled(folder / "other.sqlite").close()
    with salvaging(str(folder / "other.sqlite")) as found:
        write_entries(folder / "given.jsonl", found.entries())
    shutil.copy(folder / "other.sqlite", folder / "store.sqlite")
    store = Store(str(folder / "store.sqlite"))
    with store.write() as connection:
        connection.execute(update(tables.runs).values(worker=None))  # nobody is at the run that was cut off
    for i, letter in enumerate("ab"):
        fitted = [record(solver=solver) for solver in ("numpy_lstsq", "normal_equations")]
        planned = tuple(one.case for one in fitted)
        made = run_of(f"of {letter}", planned, f"2026-02-0{i + 1}T00:00:00+00:00")
        environment = HERE.model_copy(update={"commit": letter * 40, "dirty": False})
        selection = made.selection.model_copy(update={"machine": "bench"})
        ended = {"finished_at": made.started_at, "environment": environment, "selection": selection}
        timed = [one.model_copy(update={"samples": samples_of(i)}) for one in fitted]
        store.keep(made.model_copy(update=ended), timed)
    store.close()
    (folder / "expected.toml").write_text(
        "schema_version = 1\ndefault_problems = []\n"
        "margins = { digits = 1.0, excess_loss = 10.0, r2 = 0.1, mse = 0.1 }\n"
        '[[expect]]\nproblem = "four_points"\nsolver = "numpy_lstsq"\ndigits_min = 5.0\nsource = "made up"\n'
    )


def samples_of(more: int) -> Any:
    """Some calls of about a millisecond."""
    from harness.timing.sampling import Samples

    taken = tuple(1e-3 + 1e-6 * (i + more) for i in range(9))
    return Samples(taken, taken)


def _serve() -> None:
    gc.disable()  # imports leave next to nothing to collect
    import altair as alt  # noqa: F401  # imported before the first fork, as all of these
    import torch  # noqa: F401
    import vl_convert  # noqa: F401

    import harness.ab.measure
    import harness.cli
    import harness.measure.session
    import harness.page.gather
    import harness.page.making
    import harness.report.html.order
    import harness.report.terminal.live
    import harness.sweep.run
    from harness.problems.catalog import load
    from harness.report.html import render

    _stand_in()
    # What each fork would make for itself once more: the parser, the page's scripts, what reads a file of data.
    vars(typer.main)["get_command"] = cache(typer.main.get_command)
    typer.main.get_command(harness.cli.app)
    with ProcessPoolExecutor(1, get_context("fork")) as other:  # the threads of vl_convert would outlive no fork
        scripts = other.submit(render.vega_bundle).result()
    vars(render)["vega_bundle"] = lambda: scripts
    load("four_points")
    gc.enable()
    gc.collect()
    gc.freeze()  # a collection in a fork would touch all of that, and so copy it
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps(_forked(**job)) + "\n")
        sys.stdout.flush()


def _stand_in() -> None:
    """What two commands print, without the minutes that go before: commits that are built, figures that are trained."""
    from harness.ab.bisect import suspects
    from harness.records.bisection import Bisection

    vars(sys.modules["harness.cli.bisect"])["_searched"] = lambda *_: Bisection((), ())
    vars(sys.modules["harness.cli.published"])["_reproduce"] = lambda _: []
    vars(suspects)["Suspects"] = lambda *_: None


def _stand_in_for_a_comparison() -> None:
    """What `ab` and `upgrade` print, without the seconds that two versions take to start: one case is slower."""
    import numpy as np

    from harness.judge.versions.ab import judge_ab
    from harness.judge.versions.upgrade.decide import UpgradeQuestion, decide_upgrade
    from harness.records.ab import Side
    from tests.ab_cells import cells

    side = Side(name="installed")
    sides = SimpleNamespace(same="", notes=(), base=side, head=side)
    report = judge_ab(cells(np.random.default_rng(0), [1.0, 1.2], launches=4))
    vars(sys.modules["harness.cli.ab"]).update(
        _prepared=lambda *_, **__: (sides, (), (side, side), ""),
        compared_task=lambda *_, **__: report,
    )
    answer = decide_upgrade(report, UpgradeQuestion(side, side, ("numpy",), (), 0.1))
    vars(sys.modules["harness.cli.upgrade"]).update(
        _built=lambda *_, **__: (sides, ()), _answered=lambda *_, **__: answer
    )


def _forked(folder: str, words: list[str], stdout: str, cpu_s: int) -> dict[str, object]:
    kept = {name: os.memfd_create(name) for name in ("stdout", "stderr")}
    pid = os.fork()
    if not pid:
        code = 70
        try:
            os.chdir(folder)
            used_s = int(time.process_time()) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (used_s + cpu_s, used_s + cpu_s))
            os.dup2(kept["stderr"], 2)
            _let_stdout_be(stdout, kept["stdout"])
            sys.stdin.close()
            sys.argv = ["harness", *words]
            # Without it a process that is started could get its number: there `ab` starts them.
            if words[0] == "upgrade" or (words[0] == "ab" and stdout != "closed"):
                _stand_in_for_a_comparison()
            code = _ended()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = {}
    for name, descriptor in kept.items():
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            said[name] = file.read()
    return {"code": code, **said}


def _let_stdout_be(what: str, kept: int) -> None:
    if what == "closed":
        os.close(1)
        sys.stdout = None  # as Python has it
        return
    descriptor = kept
    if what == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
    elif what == "gone":
        read, descriptor = os.pipe()
        os.close(read)
    os.dup2(descriptor, 1)


def _ended() -> int:
    """The exit code as the shell has it; a traceback is 1, and on standard error, as Python does it."""
    from harness.cli import script

    try:
        script()
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001  # what a test looks for
        import traceback

        traceback.print_exc()
        return 1
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    return 0


if __name__ == "__main__":
    _serve()
