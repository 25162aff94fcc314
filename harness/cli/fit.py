"""harness fit: one case in full, as the tutorials show it."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.groups import option
from harness.cli.isolation import HereGroup
from harness.cli.printing import PrintGroup
from harness.cli.solver_options import SolverGroup, numbers
from harness.report.tables.document import Document

if TYPE_CHECKING:
    from harness.measure.plan import Case
    from harness.records.record import Record
    from harness.solvers.options import Options


def fit(
    *,
    problem: Annotated[str, typer.Argument(help="A problem's name, or a .csv or .parquet file.")],
    solver: Annotated[str, typer.Argument(help="A solver's name.")],
    data: cli.ModelGroup,
    device: str = option(help="cpu, cuda, xpu or mps.", default="cpu"),
    n: cli.Rows = None,
    lr: float | None = option(help="Learning rate."),
    seed: cli.Seed = None,
    solving: SolverGroup,
    init: str | None = option(help="Initial weights, then bias, as 0.5,-0.1."),
    picture: cli.PictureGroup,
    place: HereGroup,
    printed: PrintGroup,
) -> None:
    """Fit one problem with one solver and show everything: coefficients, digits, losses, scores, status."""
    from harness.measure.isolation.begun import worker_begun

    with worker_begun(wanted=not place.in_process):
        from harness.records.run import exit_code
        from harness.timing.sampling import Effort

        weights = numbers(init, "--init lists the initial weights, then the bias, as 0.5,-0.1")
        options = solving.options(device=device, lr=lr, seed=seed, init=weights)
        where = place.where(options.threads)
        case = _case(problem, solver, options, data, None if n is None else cli.row_count(n))
        with closing(where.here()) as opened:
            opened.fit(case)
            (record,) = opened.time(Effort())
        code = exit_code([record])
        printed.print(record.model_dump_json, lambda: _document(case, record, quiet=printed.quiet))
        if picture.plot is not None:
            _draw(case, record, picture)
        raise typer.Exit(code)


def _case(problem: str, solver: str, options: "Options", data: cli.ModelGroup, n: int | None) -> "Case":
    from harness.measure.plan import single
    from harness.problems import catalog as problems
    from harness.solvers import catalog as solvers
    from harness.timing.device import check_device

    chosen = solvers.get(solver)
    loaded = problems.load(problem, n=n, **vars(data.model))
    check_device(options.device)
    return single(loaded, chosen, options)


def _document(case: "Case", record: "Record", *, quiet: bool) -> Document:
    """Everything about the fit; if `quiet`, how it failed, if it did."""
    from harness.report.words.case import in_full
    from harness.report.words.run import failures

    if quiet:
        return Document(list(failures([record])))
    return in_full(record, f"{case.problem.title or case.problem.name}: {case.solver.title}")


def _draw(case: "Case", record: "Record", picture: cli.PictureGroup) -> None:
    """The picture, of the fit made once more, here: a predictor does not leave its process. None of what was killed."""
    from harness.measure.run import measure
    from harness.solvers.status import Status
    from harness.studies.gallery import draw_case

    killed = (Status.TIMEOUT, Status.CRASHED, Status.OUT_OF_MEMORY)
    if picture.plot is not None and record.head and record.status not in killed:
        draw_case(measure(case), picture.plot, picture.size)
