"""harness run: each problem with each solver, verified, timed and stored; or the rest of a run that was cut off."""

import typer

from harness.cli import options as cli
from harness.cli.groups import argument, flag, option
from harness.cli.isolation import PlaceGroup
from harness.cli.printing import PrintGroup
from harness.cli.progress import json_of, table, watched_run, what_failed
from harness.cli.solver_options import SolverGroup
from harness.errors import UsageError


def run(
    *,
    run_id: str | None = argument(metavar="RUN_ID", help="With --resume: which run.", show_default=False),
    problem: list[str] | None = option(help="Problem; repeatable. The tutorials' by default."),
    suite: cli.SuiteName = None,
    solver: list[str] | None = option(
        help="What fits: a name, or your estimator or function as package.module:name, path/file.py:name; "
        "repeatable. All that suit by default."
    ),
    optimizer: list[str] | None = option(
        metavar="PLACE",
        help="An optimizer on the linear model and the MLP, as package.module:Class:betas=0.9,0.99; repeatable.",
    ),
    data: cli.ModelGroup,
    device: cli.Device = "auto",
    n: list[str] | None = option(help="Rows of a drawn problem, as 1000 or 1e5; repeatable."),
    lr: list[float] | None = option(help="Learning rate; repeatable."),
    seed: list[int] | None = option(help="Seed of weights and batch order; repeatable."),
    solving: SolverGroup,
    place: PlaceGroup,
    store: cli.StoreUrl = None,
    resume: bool = flag(help="Go on with the newest run that was cut off, or RUN_ID."),
    printed: PrintGroup,
) -> None:
    """Fit each problem with each solver that is named, verify against the exact answer, time, store.

    A solver is anything that fits: a function of a library, an estimator, a training. A problem is the data and the
    model. A solver on a problem with its options is a case: a row of the table. harness explain says every word.
    """
    from harness.measure.isolation.begun import worker_begun

    with worker_begun(wanted=not place.in_process and place.on is None):
        from harness.measure.plan import Request
        from harness.records.run import exit_code
        from harness.solvers.catalog import trained

        options = solving.options()
        request = Request(
            problems=tuple(problem or ()) if suite is None else _of_suite(suite, problem),
            solvers=(*(solver or ()), *(name for one in optimizer or () for name in trained(one, options.given()))),
            device=device,
            n=tuple(map(cli.row_count, n or ())),
            lr=tuple(lr or ()),
            seeds=tuple(seed or ()),
            options=options,
            **vars(data.model),
        )
        if run_id is not None and not resume:
            raise UsageError(f"'{run_id}': a run's id goes with --resume; problems are named with --problem")
        if resume and request != Request():
            raise UsageError(
                "--resume takes a run as it was asked for: of the options only --store, --json, --quiet, --timeout, "
                "--memory, --in-process, --on and --connect-timeout go with it"
            )
        show = json_of if printed.as_json else what_failed if printed.quiet else table
        where = place.where(options.threads)
        made, records = watched_run(run_id if resume else request, store, where, show, quiet=printed.quiet)
        raise typer.Exit(exit_code(records, len(made.planned)))


def _of_suite(name: str, problem: list[str] | None) -> tuple[str, ...]:
    """The problems of a suite. Raises UsageError where others are named too, or there is no such suite."""
    from harness.problems import suites

    if problem:
        raise UsageError(f"--suite {name} says itself what is fitted: drop --problem")
    return tuple(one.problem for one in suites.get(name).workloads)
