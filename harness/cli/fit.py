"""harness fit: one case in full, as the tutorials show it."""

from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.report.figures.size import Size

if TYPE_CHECKING:
    from harness.measure.plan import Case
    from harness.measure.session import Where
    from harness.records.record import Record
    from harness.solvers.options import Options


@cli.takes_table_options
@cli.takes_solver_options
def fit(
    problem: Annotated[str, typer.Argument(help="A problem's name, or a .csv or .parquet file.")],
    solver: Annotated[str, typer.Argument(help="A solver's name.")],
    target: cli.Target = None,
    weights: cli.Weights = None,
    no_intercept: cli.NoIntercept = False,
    given_table: cli.GivenTable = cli.NO_TABLE,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, xpu or mps.")] = "cpu",
    n: Annotated[str | None, typer.Option("--n", help="Rows of a drawn problem.")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and batch order.")] = None,
    given_options: cli.GivenOptions = MappingProxyType({}),
    init: Annotated[str | None, typer.Option("--init", help="Initial weights, then bias, as 0.5,-0.1.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Also draw the fit to FILE (.png, .svg, .pdf).")] = None,
    plot_size: cli.PlotSize = None,
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Fit one problem with one solver and show everything: coefficients, digits, losses, scores, status."""
    from harness.measure.isolation.begun import worker_begun

    with worker_begun(wanted=not in_process):
        options = cli.solver_options(device=device, lr=lr, seed=seed, init=cli.initial(init), **given_options)
        where = isolation.where(timeout, memory, in_process)
        where.check_threads(options.threads)
        rows = None if n is None else cli.row_count(n)
        model = {"target": target, "weights": weights, "intercept": not no_intercept, "table": given_table}
        case = _case(problem, solver, options, n=rows, **model)
        size = cli.plot_size(plot_size, plot)
        if plot is not None:
            from harness.report.figures.files import check_path

            check_path(plot)
        raise typer.Exit(_fit(case, where, plot=None if plot is None else (plot, size), as_json=as_json, quiet=quiet))


def _case(problem: str, solver: str, options: "Options", **model: Any) -> "Case":
    from harness.measure.plan import single
    from harness.problems import catalog as problems
    from harness.solvers import catalog as solvers
    from harness.timing.device import check_device

    chosen = solvers.get(solver)
    loaded = problems.load(problem, **model)
    check_device(options.device)
    return single(loaded, chosen, options)


def _fit(case: "Case", where: "Where", *, plot: tuple[Path, Size] | None, as_json: bool, quiet: bool) -> int:
    """Fit, show and draw; the exit code."""
    from harness.records.run import exit_code
    from harness.report.render.terminal import print_document, print_parts
    from harness.report.terminal.console import out
    from harness.report.words.case import in_full
    from harness.report.words.run import failures
    from harness.timing.sampling import Effort

    with closing(where.here()) as place:
        place.fit(case)
        (record,) = place.time(Effort())
    if as_json:
        print_json(record.model_dump_json())
    elif quiet:
        print_parts(out(), failures([record]))
    else:
        print_document(out(), in_full(record, f"{case.problem.title or case.problem.name}: {case.solver.title}"))
    if plot is not None:
        _draw(case, record, *plot)
    return exit_code([record])


def _draw(case: "Case", record: "Record", plot: Path, size: Size) -> None:
    """The picture, of the fit made once more, here: a predictor does not leave its process. None of what was killed."""
    from harness.measure.run import measure
    from harness.solvers.status import Status
    from harness.studies.gallery import draw_case

    if record.head and record.status not in (Status.TIMEOUT, Status.CRASHED, Status.OUT_OF_MEMORY):
        draw_case(measure(case), plot, size)
