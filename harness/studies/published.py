"""The tutorials' printed figures, reproduced: the files' cases -> fits -> lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UsageError, unknown
from harness.judge.studies.published import CaseEntry, Figure, Line, Tutorial, compare, not_run, read_tutorial
from harness.measure.plan import Case, single
from harness.measure.run import Outcome, measure
from harness.paths import results_folder
from harness.problems import catalog as problems
from harness.problems.problem import SPLITS, Problem
from harness.solvers import catalog as solvers
from harness.solvers.fit import Fit, Inference, Trace
from harness.solvers.options import UNIVERSAL, Options
from harness.solvers.training.batched.engine import fits_of
from harness.solvers.training.scaling import Scaling
from harness.solvers.training.torch_trained import TorchTrained
from harness.studies.findings import files_in
from harness.timing.threads import limited


@dataclass(frozen=True)
class _Plan:
    """A tutorial's file with its cases, resolved: one case by id, or one for each of its seeds."""

    tutorial: Tutorial
    cases: Mapping[str, tuple[Case, ...]]


@dataclass(frozen=True)
class Rerun:
    """A tutorial whose cases have been run: outcomes by the case's id, one or one a seed; none if left out."""

    name: str
    tutorial: Tutorial
    outcomes: Mapping[str, tuple[Outcome, ...]]

    def lines(self) -> Iterator[Line]:
        """One line a figure."""
        for figure in self.tutorial.figures:
            if figure.case is not None and figure.case not in self.outcomes:
                yield not_run(self.name, figure, f"several trainings: harness published {self.name}")
                continue
            values, missing = _values(figure, self.outcomes.get(figure.case or "", ()))
            yield compare(self.name, figure, values, missing)


def published_files() -> dict[str, Path]:
    """Name -> file of every tutorial. Raises CannotMeasureError if there is none."""
    return files_in(results_folder() / "published", "published figures")


def reproduce(tutorials: Sequence[str] = (), on_case: Callable[[str], None] | None = None) -> list[Line]:
    """Run every case of the named tutorials (all by default) once, and compare each figure; raises as `rerun` does."""
    return [line for one in rerun(tutorials, on_case) for line in one.lines()]


def rerun(
    tutorials: Sequence[str] = (), on_case: Callable[[str], None] | None = None, *, seeds: bool = True
) -> Iterator[Rerun]:
    """Run every case of the named tutorials (all by default) once, on one thread, tutorial by tutorial.

    `seeds`: cases that are trained with several seeds too, which take longer than all others together.
    `on_case` is told of each case before it runs. What a solver does is an outcome, never an exception.
    Raises UsageError for an unknown tutorial and for a bad file, before anything is fitted.
    """
    known = published_files()
    for name in tutorials:
        if name not in known:
            raise unknown("tutorial", name, known)
    plans = {name: _plan(known[name]) for name in dict.fromkeys(tutorials or known)}
    for name, plan in plans.items():
        cases = {case_id: found for case_id, found in plan.cases.items() if seeds or len(found) == 1}
        with limited(1):
            made = Rerun(name, plan.tutorial, _outcomes(name, cases, on_case))
        yield made


def _plan(path: Path) -> _Plan:
    tutorial = read_tutorial(path)
    try:
        for figure in tutorial.figures:
            root = (figure.quantity or "intercept").partition(".")[0]
            if root not in QUANTITIES:
                raise unknown("quantity", root, QUANTITIES)
        return _Plan(tutorial, {entry.id: tuple(_cases(entry)) for entry in tutorial.cases})
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _cases(entry: CaseEntry) -> Iterator[Case]:
    settable = {f.name for f in fields(Options)} - set(UNIVERSAL)
    for name, value in entry.options.items():
        if name not in settable:
            raise unknown("option", name, settable)
        try:
            Options(**{name: value})  # type: ignore[arg-type]  # it checks the value
        except TypeError:
            raise UsageError(f"case '{entry.id}': {name} cannot be {value!r}") from None
    asked = Options(**entry.options)  # type: ignore[arg-type]  # same
    problem, solver = problems.named(entry.problem), solvers.get(entry.solver)
    for seed in entry.seeds or (asked.seed,):
        yield single(problem, solver, replace(asked, seed=seed))


def _outcomes(
    name: str, planned: Mapping[str, tuple[Case, ...]], on_case: Callable[[str], None] | None
) -> Mapping[str, tuple[Outcome, ...]]:
    """A case that several entries share is run once."""
    ended: dict[str, Outcome] = {}
    for case_id, cases in planned.items():
        together = _together(cases)
        for case in cases:
            if case.key in ended:
                continue
            if on_case:
                on_case(f"{name}: {case_id}" + (f", seed {case.options.seed}" if len(cases) > 1 else ""))
            ended[case.key] = measure(case, fit=together and partial(together, case))
    return {case_id: tuple(ended[case.key] for case in cases) for case_id, cases in planned.items()}


def _together(cases: tuple[Case, ...]) -> Callable[[Case], Fit] | None:
    """The fit of each of a case's seeds, all trained in one batch when the first is asked for.

    None where they are trained one after the other: by the other engines, and where there is one seed.
    """
    first = cases[0]
    if len(cases) == 1 or first.options.engine != "batched" or not isinstance(first.solver, TorchTrained):
        return None
    seeds = [int(case.options.seed or 0) for case in cases]
    fits = cache(partial(fits_of, first.solver.training(first.problem, first.options), seeds))
    return lambda case: fits()[seeds.index(int(case.options.seed or 0))]


def _values(figure: Figure, outcomes: Sequence[Outcome]) -> tuple[tuple[float, ...], str]:
    """The reproduced values, or none and why."""
    if figure.quantity is None:
        return (), ""
    try:
        found = [evaluate(figure.quantity, outcome, figure.at) for outcome in outcomes]
    except (LookupError, ValueError) as error:
        messages = "; ".join(o.record.message for o in outcomes if o.fit is None)
        return (), f"no {figure.quantity}: {messages or error.args[0]}"
    if figure.best:
        best = {"max": np.max, "min": np.min}[figure.best]
        return (float(best(found)),), ""
    return found[0], ""


def evaluate(quantity: str, outcome: Outcome, at: Sequence[int] = ()) -> tuple[float, ...]:
    """The values of a dotted path into a case's outcome, at some of its epochs or rows (all by default).

    Raises LookupError if the outcome has no such value.
    """
    root, _, name = quantity.partition(".")
    values = np.atleast_1d(np.asarray(QUANTITIES[root](outcome, name), dtype=np.float64))
    return tuple(map(float, values[list(at)] if at else values))


def _fit(outcome: Outcome) -> Fit:
    if outcome.fit is None:
        raise LookupError("the case has no fit")
    return outcome.fit


def _of_fit(outcome: Outcome, name: str, lacking: str) -> Any:
    found = getattr(_fit(outcome), name)
    if found is None:
        raise LookupError(lacking)
    return found


_trace: Callable[[Outcome], Trace] = partial(_of_fit, name="trace", lacking="the solver keeps no trace")
_inference: Callable[[Outcome], Inference] = partial(_of_fit, name="inference", lacking="the solver makes no inference")


def _named(thing: object, name: str) -> Any:
    """A field of one of the harness's own dataclasses that is there and is set."""
    value = getattr(thing, name, None)
    if value is None:
        raise LookupError(f"there is no {name}")
    return value


def _rows(problem: Problem, part: str) -> Any:
    if part not in SPLITS:
        raise LookupError(f"there is no split {part}")
    return problem.rows(part)[0]


def _predictions(outcome: Outcome, part: str) -> Any:
    return _fit(outcome).predict(_rows(outcome.case.problem, part))


def _initial_predictions(outcome: Outcome, part: str) -> Any:
    """Of the linear model before its first step."""
    trace = _trace(outcome)
    return _rows(outcome.case.problem, part) @ _named(trace, "coef")[0] + _named(trace, "intercept")[0]


def _coef(outcome: Outcome, index: str) -> Any:
    return _named(_fit(outcome), "coef")[int(index)]


def _by_term(field: str) -> Callable[[Outcome, str], Any]:
    """`const` for the intercept, else a feature's name."""

    def read(outcome: Outcome, term: str) -> Any:
        inference = _inference(outcome)
        return dict(zip(inference.terms, getattr(inference, field), strict=True))[term]

    return read


def _column(outcome: Outcome, column: str) -> Any:
    """A numeric column of the stored table, in the file's order of rows."""
    from harness.problems.sidecar import read_sidecar, stored_table

    path = problems.sidecars()[outcome.case.problem.name]
    return stored_table(path, read_sidecar(path)).numbers[column]


QUANTITIES: dict[str, Callable[[Outcome, str], Any]] = {
    "trace": lambda outcome, name: _named(_trace(outcome), name),
    "coef": _coef,
    "intercept": lambda outcome, _: _named(_fit(outcome), "intercept"),
    "predictions": _predictions,
    "initial_predictions": _initial_predictions,
    "statistics": lambda outcome, name: _inference(outcome).statistics[name],
    "standard_errors": _by_term("standard_errors"),
    "t": _by_term("t"),
    "intervals_95": _by_term("intervals_95"),
    "r2": lambda outcome, part: outcome.record.accuracy.r2[part],
    "mse": lambda outcome, part: outcome.record.accuracy.mse[part],
    "scaling": lambda outcome, name: _named(Scaling.of(outcome.case.problem, "standardized"), name),
    "data": _column,
    "truth": lambda outcome, name: _named(outcome.case.problem.truth, name),
}
"""What a figure's `quantity` may start with; the rest of the path names a split, a term or a column."""
