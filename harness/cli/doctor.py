"""harness doctor: what makes times doubtful, on this machine now or in a stored run, and what to do."""

from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.groups import flag, option
from harness.cli.printing import JsonGroup
from harness.errors import COULD_NOT_MEASURE, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.machine.doubts import Doubt
    from harness.store.conditions import Conditions

NEWEST = "newest"


def doctor(
    *,
    run: str | None = option(
        metavar="ID", help="A stored run or sweep instead of the machine now; newest: the newest run."
    ),
    store: cli.StoreUrl = None,
    strict: bool = flag(help="Exit 3 if anything is doubtful."),
    printed: JsonGroup,
) -> None:
    """Watch the machine for a second and say what would make times doubtful, why, and what to do; --run: of a run.

    Exit 0 whatever it finds: doubts are no verdict on code. With --strict 3, could not measure, if there are any.
    """
    if store and not run:
        raise UsageError("--store goes with --run: the machine now is in no store")
    name, doubts, watched = _of_run(run, store) if run else _now()
    from harness.judge.machine.doubts import doubtful
    from harness.report.words import doubts as words

    printed.print(
        lambda: words.doctor_json(doubts, name, [one.model_dump(mode="json") for one in watched]),
        lambda: words.doctor(doubts, f"run {name}" if name else "this machine now"),
    )
    raise typer.Exit(COULD_NOT_MEASURE if strict and doubtful(doubts) else 0)


def _now() -> "tuple[None, Sequence[Doubt], Sequence[Conditions]]":
    """The machine, with the libraries loaded whose pools of threads are looked at."""
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401

    from harness.measure.conditions import PROBE_S, doubts_now, probe
    from harness.report.terminal.console import err

    with err().status(f"watching the machine for {PROBE_S:g} s"):
        watched = probe()
    return None, doubts_now(watched), [watched]


def _of_run(run_id: str, store: str | None) -> "tuple[str, Sequence[Doubt], Sequence[Conditions]]":
    """A stored run or sweep. Raises CannotMeasureError without any, UsageError for an unknown id."""
    from harness.measure.conditions import doubts_in
    from harness.store.conditions import conditions_of
    from harness.store.store import Store

    opened = Store(store, create=False)
    name, doubts = doubts_in(opened, None if run_id == NEWEST else run_id)
    return name, doubts, conditions_of(opened, name)
