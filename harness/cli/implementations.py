"""harness sweep --implementations: each optimizer by each implementation that there is, from one start."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from harness.cli.streams import print_json
from harness.errors import UsageError
from harness.solvers.training.optimizers import PRESETS

if TYPE_CHECKING:
    from harness.judge.studies.implementations import Partings
    from harness.sweep.plan import SweepRequest

NAMED = ("problems", "suite", "target", "weights", "intercept", "n", "optimizers", "lr", "epochs", "device")
MODEL = ("model", "hidden", "network", "loss", "batch", "dtype", "scale", "threads")
TAKEN = NAMED + MODEL
DEFAULT_LR, DEFAULT_EPOCHS = "0.01", 100
DEFAULT_PROBLEMS = ("auto_mpg", "sine")
"""One for the linear model and one for the network."""


def compared(request: "SweepRequest", *, as_json: bool, markdown: bool, quiet: bool) -> int:
    """Train, print, and the exit code: 1 if a parting is new; `quiet` prints a table only then."""
    from harness.report.render.markdown import markdown as as_markdown
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.implementations import implementations

    found = _train(request)
    if as_json:
        print_json(found.model_dump_json())
    elif markdown:
        typer.echo(as_markdown(implementations(found)))
    elif found.new or not quiet:
        print_document(out(), implementations(found))
    return 1 if found.new else 0


def only_once(asked: dict[str, object], of_table: Sequence[str]) -> dict[str, object]:
    """What a sweep is asked for, every optimizer once. Raises UsageError for an option that says nothing here."""
    strange = next((name for name in asked if name not in (*TAKEN, *of_table)), None)
    if strange is not None:
        once = "--implementations trains each optimizer once, by torch's loop, and keeps nothing"
        raise UsageError(f"{once}: drop --{strange.replace('_', '-')}")
    lr = asked.get("lr", (DEFAULT_LR,))
    if isinstance(lr, tuple) and len(lr) > 1:
        raise UsageError(f"--implementations trains at one learning rate: give one --lr, not {len(lr)}")
    problems = {} if {"problems", "suite"} & asked.keys() else {"problems": DEFAULT_PROBLEMS}
    given = {"optimizers": tuple(PRESETS), "epochs": DEFAULT_EPOCHS, **problems, **asked, "lr": lr}
    return given | {"engine": "loop", "seeds": 1, "widen": False}


def _train(request: "SweepRequest") -> "Partings":
    from importlib import import_module

    from harness.judge.studies.implementations import Partings
    from harness.report.terminal.console import err
    from harness.report.terminal.working import Working
    from harness.studies.findings import findings
    from harness.sweep.implementations import DTYPES, check_measured, compare
    from harness.sweep.plan import candidates
    from harness.timing.threads import limited

    planned = candidates(request)
    dtypes = (request.dtype,) if request.dtype else DTYPES
    import_module("torch")  # only a library that is loaded can be held to so many threads
    with limited(request.threads), Working(err(), "reading the findings") as status:
        found = compare(planned, dtypes, findings(), lambda doing: status.update(f"training {doing}"))
    check_measured(found)
    return Partings(lines=tuple(found))
