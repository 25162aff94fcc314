"""The tutorials' pictures, each from fits made on the spot: a name -> cases -> fits -> a drawing -> a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import CannotMeasureError, UsageError, unknown
from harness.files.writing import write
from harness.measure.plan import DEFAULT_LRS, single
from harness.measure.run import Outcome, measure
from harness.problems import catalog as problems
from harness.problems.problem import Problem
from harness.problems.table_options import NOTHING_SAID, TableOptions
from harness.records.record import Record
from harness.report.figures import files
from harness.report.figures.figure import Figure
from harness.report.figures.fits import Drawing, figure
from harness.report.figures.size import Size
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.studies import pictures
from harness.studies.pictures import Fitted
from harness.timing.threads import limited

OLS = "statsmodels_pinv"


@dataclass(frozen=True)
class PlotRequest:
    """What a person asked for; None or an empty tuple means the picture's own default."""

    problem: str | None = None
    target: str | None = None
    solver: str | None = None
    lr: tuple[float, ...] = ()
    epochs: int | None = None
    seed: int | None = None
    table: TableOptions = NOTHING_SAID

    def options(self, lr: float | None = None) -> Options:
        """The options of one fit, with `lr` or the only one that was asked for."""
        return Options(lr=next(iter(self.lr), None) if lr is None else lr, epochs=self.epochs, seed=self.seed)


@dataclass(frozen=True)
class Plot:
    """One picture: what of by default, and how it is made; what it shows is in `catalog.FITTED`.

    `trains`: its solver must have a loss by epoch; `several_lrs`: it takes more than one learning rate.
    """

    problem: str
    solver: str
    make: Callable[[Problem, Solver, PlotRequest], Drawing]
    trains: bool = False
    several_lrs: bool = False


def draw(name: str, path: Path, request: PlotRequest, size: Size = Size.SCREEN) -> None:
    """Fit what the picture of that name shows, and write it to `path` in the format of its suffix.

    Raises UsageError for an unknown name, an unusable request or path; CannotMeasureError if a fit fails.
    """
    _get(name)
    files.check_path(path)
    write(path, files.picture([picture(name, request)], path.suffix.lower(), size))


def draw_case(outcome: Outcome, path: Path, size: Size = Size.SCREEN) -> None:
    """Write one case's fit and, if it was trained, its loss by epoch beside it.

    A failed case that still predicts finite values is drawn with its status in the title. Raises
    CannotMeasureError if there is no fit to draw, UsageError for an unusable path.
    """
    files.check_path(path)
    with limited(1):
        fitted = drawable(outcome)
        shown = [pictures.fit(fitted), *([] if fitted.fit.trace is None else [pictures.losses(fitted)])]
    made = [figure("case", drawing, fitted.problem.label) for drawing in shown]
    write(path, files.picture(made, path.suffix.lower(), size))


def picture(name: str, request: PlotRequest) -> Figure:
    """The figure of that name, from fits made now, on one thread; raises as `draw` does."""
    plot = _get(name)
    if len(request.lr) > 1 and not plot.several_lrs:
        raise UsageError(f"plot {name} takes one --lr, not {len(request.lr)}; plot learning-rates takes several")
    solver = solvers.get(request.solver or plot.solver)
    if plot.trains and "epochs" not in solver.takes:
        trained = ", ".join(s.name for s in solvers.ALL if "epochs" in s.takes)
        raise UsageError(f"plot {name} needs a solver that trains by epochs, not {solver.name}: {trained}")
    problem = problems.load(request.problem or plot.problem, target=request.target, table=request.table)
    with limited(1):
        return figure(name, plot.make(problem, solver, request), problem.label)


def drawable(outcome: Outcome) -> Fitted:
    """The outcome, if it has a fit with finite predictions. Raises CannotMeasureError, with its message, if not."""
    X, _ = outcome.case.problem.rows("train")
    if outcome.fit is None or not np.isfinite(outcome.fit.predict(X)).all():
        raise _failure(outcome.record)
    return Fitted(outcome.case, outcome.record, outcome.fit)


def _get(name: str) -> Plot:
    if name not in PLOTS:
        raise unknown("plot", name, PLOTS)
    return PLOTS[name]


def _fit(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    return pictures.fit(_measured(problem, solver, request.options()))


def _loss(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    return pictures.training_loss(_measured(problem, solver, request.options()))


def _validation(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    _held_out(problem)
    return pictures.losses(_measured(problem, solver, request.options()))


def _learning_rates(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    lrs = dict.fromkeys(request.lr or DEFAULT_LRS)
    return pictures.learning_rates({lr: _measured(problem, solver, request.options(lr)) for lr in lrs})


def _network_and_ols(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    trained = _measured(problem, solver, request.options())
    return pictures.beside(trained, _measured(problem, solvers.get(OLS), Options()))


def _predictions(problem: Problem, solver: Solver, request: PlotRequest) -> Drawing:
    part = _held_out(problem)
    return pictures.predictions(_measured(problem, solver, request.options()), part)


def _measured(problem: Problem, solver: Solver, options: Options) -> Fitted:
    """One case fitted. Raises CannotMeasureError, with the case and its message, if it failed."""
    outcome = measure(single(problem, solver, options))
    if outcome.record.status.failed:
        raise _failure(outcome.record)
    return drawable(outcome)


def _failure(record: Record) -> CannotMeasureError:
    reason = record.message.rstrip(".") or "the predictions are not finite"
    return CannotMeasureError(f"no picture: {record.case}: {record.status}: {reason}. {record.advice}".rstrip())


def _held_out(problem: Problem) -> str:
    """`test` if it has rows, else `val`. Raises UsageError, naming the problems that hold rows out, if neither has."""
    found = [part for part in ("test", "val") if len(getattr(problem.split, part))]
    if found:
        return found[0]
    stored = {name: problems.load(name) for name in problems.sidecars()}
    having = [name for name, known in stored.items() if len(known.split.train) < known.n]
    raise UsageError(
        f"{problem.label} has no held-out rows; these have: {', '.join(having)}; "
        "in a file, a column 'split' of train, val and test says which they are"
    )


PLOTS: dict[str, Plot] = {
    "fit": Plot("auto_mpg", OLS, _fit),
    "loss": Plot("auto_mpg", "torch_sgd", _loss, trains=True),
    "validation": Plot("make_regression", "torch_adam", _validation, trains=True),
    "learning-rates": Plot("auto_mpg", "torch_sgd", _learning_rates, trains=True, several_lrs=True),
    "network-and-ols": Plot("auto_mpg", "torch_sgd", _network_and_ols, trains=True),
    "predictions": Plot("noiseless_line", "torch_sgd", _predictions),
}
"""By the names of `catalog.FITTED`."""
