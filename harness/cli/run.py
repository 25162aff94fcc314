"""harness run: each problem with each solver, verified, timed and stored; or the rest of a run that was cut off."""

from types import MappingProxyType
from typing import Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.cli.progress import json_of, table, watched_run, what_failed
from harness.errors import UsageError

RunId = Annotated[str | None, typer.Argument(metavar="RUN_ID", help="With --resume: which run.", show_default=False)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the newest run that was cut off, or RUN_ID.")]


@cli.takes_table_options
@cli.takes_solver_options
def run(
    run_id: RunId = None,
    problem: Annotated[list[str] | None, typer.Option(help="Problem; repeatable. The tutorials' by default.")] = None,
    suite: cli.SuiteName = None,
    solver: cli.Solvers = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            help="An optimizer on the linear model and the MLP, as package.module:Class:betas=0.9,0.99; repeatable.",
        ),
    ] = None,
    target: cli.Target = None,
    weights: cli.Weights = None,
    no_intercept: cli.NoIntercept = False,
    given_table: cli.GivenTable = cli.NO_TABLE,
    device: cli.Device = "auto",
    n: cli.Sizes = None,
    lr: cli.Rates = None,
    seed: cli.Seeds = None,
    given_options: cli.GivenOptions = MappingProxyType({}),
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    on: isolation.On = None,
    connect_timeout: isolation.Connect = None,
    store: cli.StoreUrl = None,
    resume: Resume = False,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Fit each problem with each solver that is named, verify against the exact answer, time, store.

    A solver is anything that fits: a function of a library, an estimator, a training. A problem is the data and the
    model. A solver on a problem with its options is a case: a row of the table. harness explain says every word.
    """
    from harness.measure.isolation.begun import worker_begun

    with worker_begun(wanted=not in_process and on is None):
        from harness.measure.plan import Request
        from harness.records.run import exit_code
        from harness.solvers.catalog import trained

        options = cli.solver_options(**given_options)
        named = (*(solver or ()), *(name for one in optimizer or () for name in trained(one, options.given())))
        request = Request(
            problems=tuple(problem or ()) if suite is None else _of_suite(suite, problem),
            solvers=named,
            device=device,
            n=tuple(map(cli.row_count, n or ())),
            lr=tuple(lr or ()),
            seeds=tuple(seed or ()),
            target=target,
            weights=weights,
            intercept=not no_intercept,
            table=given_table,
            options=options,
        )
        if run_id is not None and not resume:
            raise UsageError(f"'{run_id}': a run's id goes with --resume; problems are named with --problem")
        if resume and request != Request():
            raise UsageError(
                "--resume takes a run as it was asked for: of the options only --store, --json, --quiet, --timeout, "
                "--memory, --in-process, --on and --connect-timeout go with it"
            )
        where = isolation.where(timeout, memory, in_process, on, connect_timeout)
        where.check_threads(options.threads)
        show = json_of if as_json else what_failed if quiet else table
        made, records = watched_run(run_id if resume else request, store, where, show, quiet=quiet)
        raise typer.Exit(exit_code(records, len(made.planned)))


def _of_suite(name: str, problem: list[str] | None) -> tuple[str, ...]:
    """The problems of a suite. Raises UsageError where others are named too, or there is no such suite."""
    from harness.problems import suites

    if problem:
        raise UsageError(f"--suite {name} says itself what is fitted: drop --problem")
    return tuple(one.problem for one in suites.get(name).workloads)
