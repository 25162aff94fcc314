"""harness run: the product of what was asked, timed, verified and stored."""

import shlex
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.measure.plan import Case, Request
    from harness.measure.run import Place
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.store.store import Store

    Show = Callable[[Run, Sequence[Record], Store], None]

RunId = Annotated[str | None, typer.Argument(metavar="RUN_ID", help="With --resume: which run.", show_default=False)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the newest run that was cut off, or RUN_ID.")]


@cli.takes_solver_options
def run(
    run_id: RunId = None,
    problem: Annotated[list[str] | None, typer.Option(help="Problem; repeatable. The tutorials' unless said.")] = None,
    solver: Annotated[list[str] | None, typer.Option(help="Solver; repeatable. All that suit unless said.")] = None,
    target: cli.Target = None,
    device: cli.Device = "auto",
    n: cli.Sizes = None,
    lr: cli.Rates = None,
    seed: cli.Seeds = None,
    said: cli.Said = MappingProxyType({}),
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    store: cli.StoreUrl = None,
    resume: Resume = False,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Run the product of what is asked: fit, verify against the exact truth, time, store."""
    from harness.measure.plan import Request

    request = Request(
        problems=tuple(problem or ()),
        solvers=tuple(solver or ()),
        device=device,
        n=tuple(map(cli.whole, n or ())),
        lr=tuple(lr or ()),
        seeds=tuple(seed or ()),
        target=target,
        options=cli.solver_options(**said),
    )
    _check(run_id, request, resume=resume)
    where = isolation.where(timeout, memory, in_process)
    show = _print_json if as_json else _print_what_failed if quiet else _print_table
    if resume:
        made, records = _resume(run_id, store, show, where, quiet=quiet)
    else:
        made, records = _run(request, store, show, where, quiet=quiet)
    raise typer.Exit(_exit_code(made, records))


def run_request(
    request: "Request",
    store: str | None,
    where: isolation.Where = isolation.ISOLATED,
    *,
    table: bool = True,
    quiet: bool = False,
) -> "tuple[Run, list[Record]]":
    """Plan, execute with its progress unless `quiet`, and print the table if wanted; Ctrl-C prints what there is."""
    return _run(request, store, _print_table if table else _print_nothing, where, quiet=quiet)


def _run(
    request: "Request", store: str | None, show: "Show", where: isolation.Where, *, quiet: bool
) -> "tuple[Run, list[Record]]":
    from harness.measure.plan import plan
    from harness.measure.run import new_run
    from harness.store.store import Store

    cases = plan(request)
    opened = Store(store)
    # The worker imports its libraries while this process looks at its environment.
    with closing(where.place()) as place:
        made = new_run(request, cases)
        return made, _go(made, cases, opened, show, place, quiet=quiet)


def _go(
    made: "Run", cases: "Sequence[Case]", opened: "Store", show: "Show", place: "Place", *, quiet: bool
) -> "list[Record]":
    """Execute cases of a run; all the records that it has. Ctrl-C shows them too, and how the run goes on."""
    from harness.cli.interrupting import interruptible
    from harness.measure.conditions import watched
    from harness.measure.run import execute
    from harness.report.console import err
    from harness.report.live import Live

    def cut_off() -> None:
        show(made, opened.records(made.id), opened)
        _print_how_it_goes_on(made, opened)

    live = Live(err(), len(cases), quiet=quiet)
    with live, interruptible(live.progress.stop, cut_off), watched(opened, made.id):
        execute(made, cases, opened, live, place=place)
    records = opened.records(made.id)
    show(opened.run(made.id), records, opened)
    return records


def _print_table(made: "Run", records: "Sequence[Record]", opened: "Store") -> None:
    from harness.measure.conditions import doubts_of
    from harness.report.console import out
    from harness.report.render.terminal import print_document
    from harness.report.words.doubts import under_a_run
    from harness.report.words.run import run

    print_document(out(), run(records))
    if made.finished_at is not None:
        print_document(out(), under_a_run(doubts_of(opened, made, records), made.id))
        out().print(f"run {made.id} is in {opened.url}; next: harness gate, harness compare --by solver", markup=False)


def _print_json(_made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    typer.echo("[" + ",\n".join(record.model_dump_json() for record in records) + "]")


def _print_what_failed(made: "Run", records: "Sequence[Record]", _opened: "Store") -> None:
    from harness.report.console import out
    from harness.report.render.terminal import print_parts
    from harness.report.words.run import failures

    if _exit_code(made, records):
        print_parts(out(), failures(records))


def _print_nothing(_made: "Run", _records: "Sequence[Record]", _opened: "Store") -> None:
    """A command that runs first and prints its own page."""


def _exit_code(made: "Run", records: "Sequence[Record]") -> int:
    from harness.errors import COULD_NOT_MEASURE
    from harness.measure.run import exit_code

    return exit_code(records) if len(records) == len(made.planned) else COULD_NOT_MEASURE


def _check(run_id: str | None, request: "Request", *, resume: bool) -> None:
    """Raises UsageError for a run's id without --resume, and for --resume with what a new run would be asked."""
    from harness.measure.plan import Request

    if run_id is not None and not resume:
        raise UsageError(f"'{run_id}': a run's id goes with --resume; problems are named with --problem")
    if resume and request != Request():
        raise UsageError(
            "--resume takes a run as it was asked for: of the options only --store, --json, --quiet, --timeout, "
            "--memory and --in-process go with it"
        )


def _resume(
    run_id: str | None, store: str | None, show: "Show", where: isolation.Where, *, quiet: bool
) -> "tuple[Run, list[Record]]":
    """The rest of a run, with its progress unless `quiet`; the run with all its records."""
    from harness.measure.resume import take_up
    from harness.report.console import err
    from harness.store.store import Store

    Store(store, create=False).close()  # what is not there is not made
    opened = Store(store)
    resumed = take_up(opened, run_id)
    if resumed.note:
        err().print(resumed.note, markup=False, soft_wrap=True)
    kept = len(resumed.run.planned) - len(resumed.left)
    if not quiet:
        err().print(f"run {resumed.run.id}: {kept} cases are there, {len(resumed.left)} to go", soft_wrap=True)
    with closing(where.place()) as place:
        return resumed.run, _go(resumed.run, resumed.left, opened, show, place, quiet=quiet)


def _print_how_it_goes_on(made: "Run", opened: "Store") -> None:
    """On standard error: the command that goes on with a run."""
    from harness.report.console import err
    from harness.store.address import DEFAULT_PATH
    from harness.store.database import sqlite_file

    path = sqlite_file(opened.engine)
    where = [] if path == DEFAULT_PATH else ["--store", str(path or opened.url)]
    words = shlex.join(["harness", "run", "--resume", made.id, *where])
    err().print(f"unfinished: {words} goes on", markup=False, soft_wrap=True)
