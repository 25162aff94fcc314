"""harness sweep --implementations: each optimizer by each implementation that there is, from one start."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.cli.groups import refuse
from harness.cli.printing import MarkdownGroup, working
from harness.cli.sweep_request import TABLE, request_of
from harness.errors import UsageError
from harness.solvers.training.optimizers import PRESETS

if TYPE_CHECKING:
    from harness.judge.studies.implementations import Partings
    from harness.sweep.plan import SweepRequest

NAMED = ("problem", "suite", "target", "weights", "no_intercept", "n", "optimizer", "lr", "epochs", "device")
MODEL = ("model", "hidden", "network", "loss", "batch", "dtype", "scale", "threads")
TAKEN = (*NAMED, *MODEL, *TABLE)
DEFAULT_LR, DEFAULT_EPOCHS = "0.01", 100
DEFAULT_PROBLEMS = ("auto_mpg", "sine")
"""One for the linear model and one for the network."""


def implementations(said: Mapping[str, Any], printed: MarkdownGroup) -> int:
    """Train, print, and the exit code: 1 if a parting is new."""
    from harness.report.words.implementations import implementations as told

    found = _train(only_once(said))
    code = 1 if found.new else 0
    if printed.wants(code):
        printed.print(found.model_dump_json, lambda: told(found))
    return code


def only_once(said: Mapping[str, Any]) -> "SweepRequest":
    """What a sweep is asked for, every optimizer once. Raises UsageError for an option that says nothing here."""
    strange = [name for name in said if name not in TAKEN]
    refuse(strange, "--implementations trains each optimizer once, by torch's loop, and keeps nothing")
    lr = said.get("lr", (DEFAULT_LR,))
    if len(lr) > 1:
        raise UsageError(f"--implementations trains at one learning rate: give one --lr, not {len(lr)}")
    problems = {} if {"problem", "suite"} & said.keys() else {"problem": DEFAULT_PROBLEMS}
    given = {"optimizer": tuple(PRESETS), "epochs": DEFAULT_EPOCHS, **problems, **said, "lr": lr}
    return request_of(given | {"engine": "loop", "seeds": 1, "widen": False})


def _train(request: "SweepRequest") -> "Partings":
    from harness.judge.studies.implementations import Partings
    from harness.studies.findings import findings
    from harness.sweep.implementations import DTYPES, check_measured, compare
    from harness.sweep.plan import candidates
    from harness.timing.threads import limited

    planned = candidates(request)
    dtypes = (request.dtype,) if request.dtype else DTYPES
    import_module("torch")  # only a library that is loaded can be held to so many threads
    with limited(request.threads), working("reading the findings") as status:
        found = compare(planned, dtypes, findings(), lambda doing: status.update(f"training {doing}"))
    check_measured(found)
    return Partings(lines=tuple(found))
