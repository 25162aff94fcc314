"""What a shell offers for a word that is begun: names of problems, solvers, runs and devices, and known values.

Every key press waits for it, so nothing heavy is imported here: names come from the catalogs, run ids from the
SQLite file itself, and devices are not looked for.
"""

import inspect
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import typer
from typer.models import ParameterInfo

from harness.paths import results_folder
from harness.report.figures.catalog import names as pictures
from harness.solvers.device_needs import TORCH_DEVICES
from harness.solvers.options import KNOWN
from harness.solvers.training.optimizers import OPTIMIZERS, PRESETS

Command = TypeVar("Command", bound=Callable[..., None])
Names = Callable[[typer.Context], Iterable[str]]

MOST_RUNS = 50
"""The newest, as many as a terminal shows."""
PATIENCE_S = 0.5
STEPS = 10_000
"""Of SQLite's machine between two looks at the clock: a millisecond."""
RUNS_BY_PLACE, RUNS_BY_DATE = (f"SELECT id FROM runs ORDER BY {by} DESC LIMIT ?" for by in ("place", "started_at"))  # noqa: S608
ORDINARY = re.compile(r"[\w.:=,+-]+")
"""What is offered: a shell reads it, and a run's id may come from somebody's file (`harness store import`)."""


def completing(command: Command) -> Command:
    """The command with completion for every parameter that has a name of COMPLETIONS and none of its own."""
    own = FOR_ONE_COMMAND.get(command.__name__, {})
    for name, parameter in inspect.signature(command).parameters.items():
        names = own.get(name) or COMPLETIONS.get(name)
        for info in getattr(parameter.annotation, "__metadata__", ()):
            if names is not None and isinstance(info, ParameterInfo) and info.autocompletion is None:
                info.autocompletion = _beginning(names)
    return command


def _beginning(names: Names) -> Callable[..., list[str]]:
    """What of the names begins so. A completion that fails would be a traceback in the middle of a line: none."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            found = list(names(ctx))
        except Exception:  # noqa: BLE001  # the command itself says what is wrong, when it is run
            return []
        return [name for name in found if name.startswith(incomplete) and ORDINARY.fullmatch(name)]

    return complete


def _problems(_: typer.Context) -> Iterable[str]:
    from harness.problems import catalog

    return catalog.names()


def _solvers(_: typer.Context) -> Iterable[str]:
    from harness.solvers.catalog import SOLVERS

    return SOLVERS


def _runs(ctx: typer.Context) -> Iterable[str]:
    """The newest runs of the store that the line names, newest first; none of a database that is no SQLite file."""
    from harness.config import config

    address = ctx.params.get("store") or config().store
    path = Path(address.removeprefix("sqlite:///"))
    if not path.is_file():
        return []
    uri = f"{path.absolute().as_uri()}?mode=ro"
    until_s = time.monotonic() + PATIENCE_S
    with closing(sqlite3.connect(uri, uri=True, timeout=0.1)) as connection:
        # A file may come from anybody, and have a view without end in the place of a table.
        connection.set_progress_handler(lambda: time.monotonic() > until_s, STEPS)
        columns = {row[1] for row in connection.execute("PRAGMA table_info(runs)")}
        last = RUNS_BY_PLACE if "place" in columns else RUNS_BY_DATE
        rows = connection.execute(last, (MOST_RUNS,))
        return [str(run) for (run,) in rows]


def _these(*names: str) -> Names:
    return lambda _: names


def _in_results(folder: str) -> Names:
    return lambda _: sorted(path.stem for path in (results_folder() / folder).glob("*.toml"))


COMPLETIONS: Mapping[str, Names] = MappingProxyType(
    {
        "problem": _problems,
        "solver": _solvers,
        "run": _runs,
        "run_id": _runs,
        "device": _these("auto", *TORCH_DEVICES, "all"),
        "finding": _in_results("findings"),
        "tutorial": _in_results("published"),
        "model": _these("linear", "mlp"),
        **{name: _these(*known) for name, known in KNOWN.items()},
    }
)
"""By the name of a command's parameter."""

QUANTITIES = ("time", "digits", "excess_loss")
FOR_ONE_COMMAND: Mapping[str, Mapping[str, Names]] = MappingProxyType(
    {
        "list_names": {"what": _these("problems", "suites", "solvers", "optimizers", "devices")},
        "import_results": {"what": _these("asv")},
        "compare": {"by": _these("solver", "device", "optimizer", "lr", "size", "threads")},
        "run": {"optimizer": _these(*OPTIMIZERS)},
        "fit": {"device": _these(*TORCH_DEVICES)},
        "sweep": {
            "device": _these(*TORCH_DEVICES),
            "optimizer": _these(*PRESETS),
        },
        "accuracy": {"quantity": _these("coef", "se", "sd", "r2")},
        "history": {"quantity": _these(*QUANTITIES, "epochs_to")},
        "bisect": {"quantity": _these(*QUANTITIES, "status")},
        "plot": {"name": _these("list", *pictures())},
    }
)
"""Where a name means something else, or only one command has it."""
