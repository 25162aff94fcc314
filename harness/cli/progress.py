"""A run while a person waits for it: its progress, what Ctrl-C prints, and what is printed at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from harness.cli.pasting import pasted
from harness.cli.streams import print_json

if TYPE_CHECKING:
    from harness.measure.plan import Case, Request
    from harness.measure.session import Where
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.report.terminal.live import Live
    from harness.store.store import Store

    Show = Callable[[Run, Sequence[Record], Store], None]


def watched_run(
    asked: "Request | str | None",
    store: str | None,
    where: "Where",
    show: "Show",
    *,
    quiet: bool = False,
    cases: "Sequence[Case] | None" = None,
) -> "tuple[Run, list[Record]]":
    """Make a run of a request, or the rest of the run of that id (None: the newest cut off), and `show` it.

    `cases`: those of the request where they are no product of what it names.

    Progress goes to standard error unless `quiet`. Ctrl-C shows what there is, and says how the run goes on.
    """
    from harness.measure.plan import Request, plan, with_defaults
    from harness.measure.session import measure_cases, run_request
    from harness.store.store import Store

    if isinstance(asked, Request):
        asked = with_defaults(asked) if cases is None else asked
        planned = plan(asked) if cases is None else list(cases)
    else:
        Store(store, create=False).close()  # what is not there is not made
    opened = Store(store)

    @contextmanager
    def around(made: "Run", running: "Sequence[Case]") -> "Iterator[Live]":
        from harness.cli.interrupting import interruptible
        from harness.report.terminal.console import err
        from harness.report.terminal.live import Live

        def cut_off() -> None:
            show(made, opened.records(made.id), opened)
            if cases is None:
                _print_how_it_goes_on(made, opened)

        live = Live(err(), len(running), quiet=quiet)
        with live, interruptible(live.progress.stop, cut_off):
            yield live

    if isinstance(asked, Request):
        made, records = run_request(asked, planned, opened, where, around)
    else:
        made, left = _cut_off(opened, asked, quiet=quiet)
        with closing(where.place()) as place:
            made, records = measure_cases(made, left, opened, place, around)
    show(made, records, opened)
    return made, records


def table(made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
    """Print the records; of a run that has finished what makes its times doubtful, and what is next."""
    from harness.config import expectations_file
    from harness.paths import results_folder
    from harness.report.terminal.console import out

    table_only(made, records, opened)
    if made.finished_at is not None:
        is_first = expectations_file().parent == results_folder() and any(record.is_own for record in records)
        gate = pasted("gate", *(["--init"] if is_first else []), store=opened)
        following = f"next: {gate}, {pasted('compare', '--by', 'solver', store=opened)}"
        out().print(f"run {made.id} is in {opened.url}; {following}", markup=False, soft_wrap=True)


def table_only(made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
    """Print the records, and of a run that has finished what makes its times doubtful."""
    from harness.measure.conditions import doubts_of
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.doubts import under_a_run
    from harness.report.words.run import run

    print_document(out(), run(records, _took_s(made, records)))
    if made.finished_at is not None:
        doctor = pasted("doctor", "--run", made.id, store=opened)
        print_document(out(), under_a_run(doubts_of(opened, made, records), doctor))


def _took_s(made: "Run", records: "Sequence[Record]") -> float | None:
    """Seconds of this command; None where it went on with another's run, or workers elsewhere measured."""
    from datetime import UTC, datetime

    from harness.timing.clock import since_start_s

    here_s, age = since_start_s(), datetime.now(UTC) - datetime.fromisoformat(made.started_at)
    return None if age.total_seconds() > here_s or any(record.worker for record in records) else here_s


def json_of(_made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    """Print the records as they are stored."""
    print_json("[" + ",\n".join(record.model_dump_json() for record in records) + "]")


def what_failed(made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    """Print nothing of a run that ended well."""
    from harness.records.run import exit_code
    from harness.report.render.terminal import print_parts
    from harness.report.terminal.console import out
    from harness.report.words.run import failures

    if exit_code(records, len(made.planned)):
        print_parts(out(), failures(records))


def nothing(_made: "Run", _records: "Sequence[Record]", _opened: "Store") -> None:
    """Print nothing: the command has a page of its own to print."""


def _cut_off(opened: "Store", run_id: str | None, *, quiet: bool) -> "tuple[Run, Sequence[Case]]":
    """A run with the cases that it lacks, and how many these are on standard error."""
    from harness.errors import counted
    from harness.measure.resume import take_up
    from harness.report.terminal.console import err

    resumed = take_up(opened, run_id)
    if resumed.note:
        err().print(resumed.note, markup=False, soft_wrap=True)
    kept = len(resumed.run.planned) - len(resumed.left)
    if not quiet:
        there = counted(kept, "case is", "cases are")
        err().print(f"run {resumed.run.id}: {there} there, {len(resumed.left)} to go", soft_wrap=True)
    return resumed.run, resumed.left


def _print_how_it_goes_on(made: "Run", opened: "Store") -> None:
    """On standard error: the command that goes on with a run."""
    from harness.report.terminal.console import err

    words = pasted("run", "--resume", made.id, store=opened)
    err().print(f"unfinished: {words} goes on", markup=False, soft_wrap=True)
