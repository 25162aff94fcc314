"""harness run --resume: a run that was cut off, to its end."""

import shlex
from contextlib import closing
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.cli.isolation import Where
    from harness.cli.run import Show
    from harness.plan import Request
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.records.store import Store


def check(run_id: str | None, request: "Request", *, resume: bool) -> None:
    """Raises UsageError for a run's id without --resume, and for --resume with what a new run would be asked."""
    from harness.plan import Request

    if run_id is not None and not resume:
        raise UsageError(f"'{run_id}': a run's id goes with --resume; problems are named with --problem")
    if resume and request != Request():
        raise UsageError(
            "--resume takes a run as it was asked for: of the options only --store, --json, --quiet, --timeout, "
            "--memory and --in-process go with it"
        )


def resume_run(
    run_id: str | None, store: str | None, show: "Show", where: "Where", *, quiet: bool
) -> "tuple[Run, list[Record]]":
    """The rest of a run, with its progress unless `quiet`; the run with all its records."""
    from harness.cli.run import go
    from harness.records.store import Store
    from harness.report.console import err
    from harness.resuming import take_up

    Store(store, create=False).close()  # what is not there is not made
    opened = Store(store)
    resumed = take_up(opened, run_id)
    if resumed.note:
        err().print(resumed.note, markup=False, soft_wrap=True)
    kept = len(resumed.run.planned) - len(resumed.left)
    if not quiet:
        err().print(f"run {resumed.run.id}: {kept} cases are there, {len(resumed.left)} to go", soft_wrap=True)
    with closing(where.place()) as place:
        return resumed.run, go(resumed.run, resumed.left, opened, show, place, quiet=quiet)


def print_how_it_goes_on(made: "Run", opened: "Store") -> None:
    """On standard error: the command that goes on with a run."""
    from harness.records.address import DEFAULT_PATH
    from harness.records.database import sqlite_file
    from harness.report.console import err

    path = sqlite_file(opened.engine)
    where = [] if path == DEFAULT_PATH else ["--store", str(path or opened.url)]
    words = shlex.join(["harness", "run", "--resume", made.id, *where])
    err().print(f"unfinished: {words} goes on", markup=False, soft_wrap=True)
