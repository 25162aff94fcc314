"""From fitted cases to drawings: which arrays each picture shows, and what its texts say."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.errors import counted
from harness.measure.plan import Case
from harness.problems.problem import Floats, Problem
from harness.records.record import Record
from harness.report.figures.axes import MOST_CURVES
from harness.report.figures.fits import Drawing, Form, Labels, Points
from harness.report.tables.numbers import four
from harness.solvers.fit import Fit, Trace

GRID_POINTS = 400
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}
LOSS_NAMES = {"mse": "mean squared error", "l1": "mean absolute error"}


@dataclass(frozen=True)
class Fitted:
    """A case with its record and its fit, whose predictions for the training rows are finite."""

    case: Case
    record: Record
    fit: Fit

    @property
    def problem(self) -> Problem:
        """What was fitted."""
        return self.case.problem

    @property
    def trace(self) -> Trace:
        """The training's history. Raises ValueError for a solver that does not train."""
        if self.fit.trace is None:
            raise ValueError(f"{self.case.key} has no training trace")
        return self.fit.trace

    def against_observed(self, part: str) -> Points:
        """Observed and predicted target of one split, each (m,)."""
        X, y = self.problem.rows(part)
        return y, self.fit.predict(X)

    def line(self) -> Points:
        """The fit over the range of the training rows' only feature, each (GRID_POINTS,)."""
        X, _ = self.problem.rows("train")
        grid = np.linspace(X.min(), X.max(), GRID_POINTS)
        return grid, self.fit.predict(grid[:, None])

    def r2(self, part: str) -> str:
        """R² of one split, as text."""
        return four(self.record.accuracy.r2[part])


def fit(fitted: Fitted) -> Drawing:
    """The training rows and the fit over them; predicted against observed where there are several features."""
    problem = fitted.problem
    title = f"{_subject(fitted)}\nR² {fitted.r2('train')} on the training rows"
    if problem.p > 1:
        return _observed({_rows(problem, "train"): fitted}, title)
    return _over_the_data({_equation(fitted): fitted}, title)


def training_loss(fitted: Fitted) -> Drawing:
    """Training loss by epoch."""
    loss = fitted.trace.train_loss
    title = f"{_subject(fitted)}\nfinal training loss {four(loss[-1])}"
    return _losses({"training": _by_epoch(loss)}, fitted, title)


def losses(fitted: Fitted) -> Drawing:
    """Training loss by epoch and, where rows are held out, theirs."""
    trace = fitted.trace
    curves = {"training": _by_epoch(trace.train_loss)}
    final = f"training {four(trace.train_loss[-1])}"
    if trace.val_loss is not None and trace.val_split is not None:
        held_out = SPLIT_NAMES[trace.val_split]
        # Epoch t's training loss is the one it stepped from, its held-out loss the one after the step.
        curves[held_out] = _by_epoch(trace.val_loss, first=1)
        final += f", {held_out} {four(trace.val_loss[-1])}"
    return _losses(curves, fitted, f"{_subject(fitted)}\nfinal loss: {final}")


def learning_rates(fits: Mapping[float, Fitted]) -> Drawing:
    """Training loss by epoch, a colour for each learning rate."""
    final = {lr: float(fitted.trace.train_loss[-1]) for lr, fitted in fits.items()}
    lowest = sorted(final, key=lambda lr: final[lr] if np.isfinite(final[lr]) else np.inf)
    best, few = lowest[0], set(lowest[:MOST_CURVES])
    names = {lr: f"lr {lr:g}: final loss {four(final[lr])}" for lr in fits if lr in few}
    curves = {names[lr]: _by_epoch(fits[lr].trace.train_loss) for lr in names}
    title = f"{_subject(fits[best], lr=False)}\nlowest final training loss {four(final[best])}, at lr {best:g}"
    title += f"; the lowest {len(names)} of {len(fits)} learning rates" if len(names) < len(fits) else ""
    fit_of = {names[lr]: _fit_of(fits[lr]) for lr in names}
    return Drawing(Form.LOSSES, _loss_labels(fits[best], title), over=curves, fit_of=fit_of)


def beside(trained: Fitted, ols: Fitted) -> Drawing:
    """The predictions of a trained model beside those of OLS, over the training rows."""
    both = {f"{one.record.label}: R² {one.r2('train')}": one for one in (ols, trained)}
    title = f"{_subject(trained)}\nR² {trained.r2('train')} beside {ols.r2('train')} of {ols.record.solver}"
    return _observed(both, title) if trained.problem.p > 1 else _over_the_data(both, title)


def predictions(fitted: Fitted, part: str) -> Drawing:
    """The training rows, the held-out rows of split `part`, and what was predicted for these."""
    problem = fitted.problem
    title = f"{_subject(fitted)}\nR² {fitted.r2(part)} on the {SPLIT_NAMES[part]} rows"
    if problem.p > 1:
        pairs = {_rows(problem, each): fitted.against_observed(each) for each in ("train", part)}
        fit_of = dict.fromkeys(pairs, _fit_of(fitted))
        return Drawing(Form.OBSERVED, _observed_labels(problem, title), points=pairs, fit_of=fit_of)
    return _for_held_out(fitted, part, fitted.fit.predict(problem.rows(part)[0]), title)


def untrained(fitted: Fitted, part: str) -> Drawing:
    """The same of a line before its first step; raises ValueError for what is not a line that is trained."""
    problem, trace = fitted.problem, fitted.trace
    if trace.coef is None or trace.intercept is None or problem.p > 1:
        raise ValueError(f"{fitted.case.key} is no line that is trained")
    predicted = problem.rows(part)[0] @ trace.coef[0] + trace.intercept[0]
    title = f"{problem.name}, {fitted.record.label}\nbefore the first step"
    return _for_held_out(fitted, part, predicted, title)


def _for_held_out(fitted: Fitted, part: str, predicted: Floats, title: str) -> Drawing:
    problem, label = fitted.problem, f"predictions for the {SPLIT_NAMES[part]} rows"
    data = _data(problem, "train") | _data(problem, part)
    over = {label: (problem.rows(part)[0][:, 0], predicted)}
    return Drawing(Form.SPLITS, _xy_labels(problem, title), data, over, {label: _fit_of(fitted)})


def _over_the_data(fits: Mapping[str, Fitted], title: str) -> Drawing:
    """Lines by label over the training rows."""
    problem = next(iter(fits.values())).problem
    lines = {label: one.line() for label, one in fits.items()}
    fit_of = {label: _fit_of(one) for label, one in fits.items()}
    return Drawing(Form.FITTED, _xy_labels(problem, title), _data(problem, "train"), lines, fit_of)


def _observed(fits: Mapping[str, Fitted], title: str) -> Drawing:
    pairs = {label: one.against_observed("train") for label, one in fits.items()}
    fit_of = {label: _fit_of(one) for label, one in fits.items()}
    labels = _observed_labels(next(iter(fits.values())).problem, title)
    return Drawing(Form.OBSERVED, labels, points=pairs, fit_of=fit_of)


def _losses(curves: Mapping[str, Points], fitted: Fitted, title: str) -> Drawing:
    fit_of = dict.fromkeys(curves, _fit_of(fitted))
    return Drawing(Form.LOSSES, _loss_labels(fitted, title), over=curves, fit_of=fit_of)


def _fit_of(fitted: Fitted) -> dict[str, object]:
    """What a fit is of, in the words that records are looked for by."""
    record = fitted.record
    rate = {"lr": record.options["lr"]} if "lr" in record.options else {}
    return {"problem": record.problem, "solver": record.label, "device": record.device, "n": record.n, **rate}


def _by_epoch(loss: Floats, first: int = 0) -> Points:
    return np.arange(first, first + len(loss), dtype=np.float64), loss


def _data(problem: Problem, part: str) -> dict[str, Points]:
    X, y = problem.rows(part)
    return {_rows(problem, part): (X[:, 0], y)}


def _rows(problem: Problem, part: str) -> str:
    count = len(getattr(problem.split, part))
    return f"data ({counted(count, 'row')})" if count == problem.n else f"{SPLIT_NAMES[part]} rows ({count})"


def _subject(fitted: Fitted, *, lr: bool = True) -> str:
    """`auto_mpg, torch_sgd (lr 0.01, 1001 epochs)`; a failed case says so: it must not pass for a good one."""
    record, options = fitted.record, fitted.record.options
    settings = [f"lr {options['lr']:g}"] if lr and "lr" in options else []
    if fitted.fit.trace is not None:
        done, asked = fitted.fit.trace.epochs, options["epochs"]
        settings.append(counted(done, "epoch") if done == asked else f"{done} of {asked} epochs")
    # A file's label holds its whole path; a picture's reader knows which file it was.
    named = record.problem_name if record.family == "user" else record.problem
    subject = f"{named}, {record.label}" + (f" ({', '.join(settings)})" if settings else "")
    return subject + (f": {record.status.replace('_', ' ')}" if record.status.failed else "")


def _equation(fitted: Fitted) -> str:
    """The line as `mpg = 35.17 - 0.06028 displacement`, or the solver's name for a curve."""
    problem, coef, intercept = fitted.problem, fitted.fit.coef, fitted.fit.intercept
    if coef is None or intercept is None:
        return fitted.record.label
    slope, name = coef[0], problem.features[0]
    if not problem.intercept:
        return f"{problem.target} = {slope:.4g} {name}"
    return f"{problem.target} = {intercept:.4g} {'-' if slope < 0 else '+'} {abs(slope):.4g} {name}"


def _xy_labels(problem: Problem, title: str) -> Labels:
    x, y = (_named(problem, name) for name in (problem.features[0], problem.target))
    return Labels(title, x, y)


def _observed_labels(problem: Problem, title: str) -> Labels:
    name = _named(problem, problem.target)
    return Labels(title, f"observed {name}", f"predicted {name}")


def _loss_labels(fitted: Fitted, title: str) -> Labels:
    """The loss by name, of the target as it was trained on: standardised, or with its unit."""
    problem, options = fitted.problem, fitted.case.options
    loss = LOSS_NAMES[str(options.loss)]
    if options.scale == "standardized":
        return Labels(title, "epoch", f"{loss} of standardised {problem.target}")
    unit = problem.units.get(problem.target, "1")
    squared = f"({unit})²" if options.loss == "mse" else unit
    return Labels(title, "epoch", f"{loss} of {problem.target}" + ("" if unit == "1" else f", {squared}"))


def _named(problem: Problem, column: str) -> str:
    """A column with its unit, where it has one."""
    unit = problem.units.get(column, "1")
    return column if unit == "1" else f"{column} ({unit})"
