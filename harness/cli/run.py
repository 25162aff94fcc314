"""harness run: the product of what was asked, timed, verified and stored."""

from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan import Request
    from harness.records.record import Record
    from harness.records.run import Run


@cli.takes_solver_options
def run(
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
    as_json: cli.AsJson = False,
) -> None:
    """Run the product of what is asked: fit, verify against the exact truth, time, store."""
    from harness.plan import Request

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
    where = isolation.where(timeout, memory, in_process)
    made, records = run_request(request, store, where, quiet=as_json)
    if as_json:
        typer.echo("[" + ",\n".join(record.model_dump_json() for record in records) + "]")
    raise typer.Exit(_exit_code(made, records))


def run_request(
    request: "Request", store: str | None, where: isolation.Where = isolation.ISOLATED, *, quiet: bool = False
) -> "tuple[Run, list[Record]]":
    """Plan, execute with a progress bar, and print the table unless quiet; Ctrl-C prints what there is."""
    from harness.conditions import doubts_of, watched
    from harness.plan import plan
    from harness.records.store import Store
    from harness.report.console import err, out
    from harness.report.doubts_table import print_doubts_line
    from harness.report.live import Live
    from harness.report.run_table import print_run
    from harness.run import execute, new_run

    cases = plan(request)
    opened = Store(store)
    # The worker imports its libraries while this process looks at its environment.
    with closing(where.place()) as place:
        made = new_run(request, cases)
        try:
            with watched(opened, made.id), Live(err(), len(cases)) as live:
                records = execute(made, cases, opened, live, place=place)
        except KeyboardInterrupt:
            print_run(out(), opened.records(made.id))
            raise
    if not quiet:
        print_run(out(), records)
        print_doubts_line(out(), doubts_of(opened, made, records), made.id)
        out().print(f"run {made.id} is in {opened.url}; next: harness gate, harness compare --by solver", markup=False)
    return made, records


def _exit_code(made: "Run", records: "Sequence[Record]") -> int:
    from harness.errors import COULD_NOT_MEASURE
    from harness.run import exit_code

    return exit_code(records) if len(records) == len(made.planned) else COULD_NOT_MEASURE
