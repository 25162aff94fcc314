"""A run while a person waits for it: its progress, what Ctrl-C prints, and what is printed at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from harness.cli.printing import note, pasted, print_json, print_line, show
from harness.config import expectations_file
from harness.errors import counted
from harness.report.tables.document import Document

if TYPE_CHECKING:
    from harness.judge.machine.doubts import Doubt
    from harness.measure.plan import Case, Request
    from harness.measure.session import Where
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.report.terminal.live import Live
    from harness.store.store import Store
    from harness.timing.sampling import Effort

    Show = Callable[[Run, Sequence[Record], Store], None]


def watched_run(
    asked: "Request | str | None",
    store: str | None,
    where: "Where",
    show: "Show",
    *,
    quiet: bool = False,
    cases: "Sequence[Case] | None" = None,
    effort: "Effort | None" = None,
) -> "tuple[Run, list[Record]]":
    """Make a run of a request, or the rest of the run of that id (None: the newest cut off), and `show` it.

    `cases`: those of the request where they are no product of what it names. `effort`: of the timing.

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
                note(f"unfinished: {pasted('run', '--resume', made.id, store=opened)} goes on")

        live = Live(err(), len(running), quiet=quiet)
        with live, interruptible(live.progress.stop, cut_off):
            yield live

    if isinstance(asked, Request):
        made, records = run_request(asked, planned, opened, where, around, effort=effort)
    else:
        made, left = _cut_off(opened, asked, quiet=quiet)
        with closing(where.place()) as place:
            made, records = measure_cases(made, left, opened, place, around)
    show(made, records, opened)
    return made, records


def table(made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
    """Print the records; of a run that has finished what makes its times doubtful, and what is next."""
    from harness.paths import results_folder

    table_only(made, records, opened)
    if made.finished_at is not None:
        is_first = expectations_file().parent == results_folder() and any(record.is_own for record in records)
        gate = pasted("gate", *(["--init"] if is_first else []), store=opened)
        following = f"next: {gate}, {pasted('compare', '--by', 'solver', store=opened)}"
        print_line(f"run {made.id} is in {opened.url}; {following}")


def table_only(made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
    """Print the records, and of a run that has finished what makes its times doubtful."""
    from harness.measure.conditions import doubts_of
    from harness.report.words.run import run

    show(run(records, _took_s(made, records)))
    if made.finished_at is not None:
        show_doubts(made.id, doubts_of(opened, made, records), opened)


def _took_s(made: "Run", records: "Sequence[Record]") -> float | None:
    """Seconds of this command; None where it went on with another's run, or workers elsewhere measured."""
    from datetime import UTC, datetime

    from harness.timing.clock import since_start_s

    here_s, age = since_start_s(), datetime.now(UTC) - datetime.fromisoformat(made.started_at)
    return None if age.total_seconds() > here_s or any(record.worker for record in records) else here_s


def show_doubts(run_id: str, doubts: "Sequence[Doubt]", opened: "Store") -> None:
    """Print what makes the times of a run or a sweep doubtful, and the command that says more."""
    from harness.report.words.doubts import under_a_run

    show(under_a_run(doubts, pasted("doctor", "--run", run_id, store=opened)))


def json_of(_made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    """Print the records as they are stored."""
    print_json("[" + ",\n".join(record.model_dump_json() for record in records) + "]")


def what_failed(made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    """Print nothing of a run that ended well."""
    from harness.records.run import exit_code
    from harness.report.words.run import failures

    if exit_code(records, len(made.planned)):
        show(Document(list(failures(records))))


def nothing(_made: "Run", _records: "Sequence[Record]", _opened: "Store") -> None:
    """Print nothing: the command has a page of its own to print."""


def _cut_off(opened: "Store", run_id: str | None, *, quiet: bool) -> "tuple[Run, Sequence[Case]]":
    """A run with the cases that it lacks, and how many these are on standard error."""
    from harness.measure.resume import take_up

    resumed = take_up(opened, run_id)
    if resumed.note:
        note(resumed.note)
    if not quiet:
        there = counted(len(resumed.run.planned) - len(resumed.left), "case is", "cases are")
        note(f"run {resumed.run.id}: {there} there, {len(resumed.left)} to go")
    return resumed.run, resumed.left
