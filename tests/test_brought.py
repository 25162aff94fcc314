"""Solvers that somebody brings: what becomes of each form, of what is none of them, and where they come from."""

import sys
import threading
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
import torch
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import harness
from harness.errors import UsageError
from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.in_memory import from_arrays
from harness.problems.problem import Problem, without_intercept
from harness.problems.weights import weighted
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.brought.origin import is_importable, origin_of, source_of
from harness.solvers.brought.parcel import packed, unpacked
from harness.solvers.brought.solver import name_of, solver_of
from harness.solvers.brought.spec import parse
from harness.solvers.closed_forms.numpy_lstsq import NumpyLstsq
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.verify.reference import compute

pytestmark = pytest.mark.usefixtures("harmless_imports")
RNG = np.random.default_rng(19)
X = RNG.standard_normal((60, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, 1.0]
Y = X @ [1.0, -2.0, 3.0] + 4.0 + RNG.standard_normal(60)
PROBLEM = from_arrays(X, Y, name="brought")


class Mine(BaseEstimator):
    """A minimal estimator; `how` is a setting that shows in its name."""

    def __init__(self, how: str = "qr") -> None:
        self.how = how

    def fit(self, X: Any, y: Any) -> "Mine":
        A = np.column_stack([np.ones(len(X)), X])
        self.intercept_, *self.coef_ = np.linalg.lstsq(A, y, rcond=None)[0]
        return self


class Unnamed:
    """No get_params: copied, not cloned."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Unnamed":
        found = LinearRegression().fit(X, y, sample_weight)
        self.coef_, self.intercept_ = found.coef_, found.intercept_
        return self


class WithoutPredictions(Mine):
    """Its fit returns nothing."""

    def fit(self, X: Any, y: Any) -> Any:
        return None


def normal(X: Any, y: Any) -> Any:
    return np.linalg.solve(X.T @ X, X.T @ y)


def pair(X: Any, y: Any) -> Any:
    found = LinearRegression().fit(X, y)
    return found.coef_, found.intercept_


pair.adds_intercept = True  # type: ignore[attr-defined]


def intercept_first(X: Any, y: Any) -> Any:
    found = LinearRegression().fit(X, y)
    return [found.intercept_, *found.coef_]


intercept_first.adds_intercept = True  # type: ignore[attr-defined]


def number_and_slopes(X: Any, y: Any) -> Any:
    slopes, intercept = pair(X, y)
    return float(intercept), list(slopes)


number_and_slopes.adds_intercept = True  # type: ignore[attr-defined]


class Slotted:
    """Without a dictionary, parameters or predictions."""

    __slots__ = ("coef_", "intercept_")

    def fit(self, X: Any, y: Any) -> "Slotted":
        self.coef_, self.intercept_ = pair(X, y)
        return self


class Maker:
    """Whose methods and whose call are functions."""

    def solve(self, X: Any, y: Any, ridge: float = 1.0) -> Any:
        return np.linalg.solve(X.T @ X + ridge * np.eye(X.shape[1]), X.T @ y)

    def __call__(self, X: Any, y: Any) -> Any:
        return self.solve(X, y, ridge=0.0)

    def chatty(self, X: Any, y: Any) -> Any:
        sys.stdout.write("at work " * 200_000)
        return self(X, y)


def counted_calls(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def inner(*given: Any) -> Any:
        inner.calls = getattr(inner, "calls", 0) + 1  # type: ignore[attr-defined]
        return function(*given)

    return inner


def by_formula(X: Any, y: Any) -> Any:
    table = pd.DataFrame(X, columns=[f"x{at}" for at in range(X.shape[1])]).assign(y=y)
    return smf.ols("y ~ 0 + " + " + ".join(table.columns[:-1]), table).fit()


def as_frame(X: Any, y: Any) -> Any:
    return pd.DataFrame({"coefficient": normal(X, y)})


def as_tensor(X: Any, y: Any) -> Any:
    return torch.linalg.lstsq(torch.tensor(X), torch.tensor(y)[:, None]).solution


def results(X: Any, y: Any) -> Any:
    return sm.OLS(y, X).fit()


def weighted_function(X: Any, y: Any, weights: Any = None) -> Any:
    return sm.WLS(y, X, weights=1.0 if weights is None else weights).fit().params


def with_ones_of_its_own(X: Any, y: Any) -> Any:
    return np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]


def inverted_with_ones_of_its_own(X: Any, y: Any) -> Any:
    return normal(np.column_stack([np.ones(len(X)), X]), y)


def fitted(given: object, problem: Problem = PROBLEM) -> Record:
    return measure(single(problem, solver_of(given), Options())).record


RIGHT: list[object] = [
    Mine(),
    Mine,
    Unnamed(),
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(alpha=0),
    normal,
    pair,
    intercept_first,
    results,
    sm.OLS,
    np.linalg.lstsq,
    lambda X, y: np.linalg.lstsq(X, y, rcond=None)[0].reshape(-1, 1),
    NumpyLstsq(),
    Slotted(),
    partial(Maker().solve, ridge=0.0),
    Maker(),
    Maker().chatty,
    counted_calls(normal),
    number_and_slopes,
    by_formula,
    as_frame,
    lambda X, y: pd.Series(normal(X, y)),
    lambda X, y: list(normal(X, y)),
    as_tensor,
]


@pytest.mark.parametrize("given", RIGHT, ids=name_of)
def test_each_form_is_measured_as_ours_are(given: object) -> None:
    record = fitted(given)
    assert record.status is Status.OK, record.message
    assert record.accuracy.digits is not None
    assert record.accuracy.digits > 11
    assert record.accuracy.stable is not None
    assert record.source_sha256


@pytest.mark.parametrize(
    "given",
    [
        make_pipeline(StandardScaler(), LinearRegression()),
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    ],
    ids=["pipeline", "transformed"],
)
def test_without_coefficients_it_is_judged_by_its_predictions(given: object) -> None:
    record = fitted(given)
    assert record.status is Status.OK
    assert "by its predictions" in record.message
    assert record.accuracy.digits is None
    assert record.accuracy.excess_loss is not None
    # p + 1 rounded products put predictions off by d = (p + 1) eps max|y|, and the loss by 2 mean |d r|.
    rounding = 2 * 4 * np.finfo(np.float64).eps * np.abs(Y).max() / np.sqrt(compute(PROBLEM).mse)
    assert 0 <= record.accuracy.excess_loss <= rounding


def test_predictions_that_lose_or_that_no_line_makes_are_wrong() -> None:
    lossy = fitted(make_pipeline(StandardScaler(), Ridge(alpha=10.0)))
    assert lossy.status is Status.WRONG
    assert "excess loss of its predictions" in lossy.message
    curved = fitted(make_pipeline(PolynomialFeatures(2), LinearRegression()))
    assert curved.status is Status.WRONG
    assert "no linear function" in curved.message


class Contradicting(LinearRegression):
    """Its coefficients are right, and its predictions are not theirs."""

    def predict(self, X: Any) -> Any:
        return super().predict(X) + 1.0


def test_predictions_of_an_estimator_that_are_not_its_coefficients_are_wrong() -> None:
    record = fitted(Contradicting())
    assert record.status is Status.WRONG
    assert "are not X coef + intercept" in record.message


def test_what_clones_an_estimator_is_imported_before_its_case() -> None:
    assert "sklearn.base" in solver_of(LinearRegression()).requires
    assert "sklearn.base" not in solver_of(normal).requires


def test_standard_errors_of_a_results_object_are_judged() -> None:
    for given in (results, sm.OLS):
        accuracy = fitted(given).accuracy
        assert accuracy.standard_error_digits is not None
        assert accuracy.standard_error_digits > 11
        assert accuracy.r_squared_digits is not None
        assert accuracy.r_squared_digits > 11


def test_weights_go_to_those_that_take_them() -> None:
    problem = weighted(PROBLEM, np.linspace(0.5, 2.0, 60))
    for given in (LinearRegression(), Unnamed(), weighted_function, sm.WLS):
        record = fitted(given, problem)
        assert (record.status, (record.accuracy.digits or 0) > 11) == (Status.OK, True), record.message
    assert fitted(Mine(), problem).message == "Mine() takes no weights"


def test_without_intercept() -> None:
    problem = without_intercept(PROBLEM)
    for given in (LinearRegression(), LinearRegression(fit_intercept=False), normal, sm.OLS):
        record = fitted(given, problem)
        assert (record.status, (record.accuracy.digits or 0) > 11) == (Status.OK, True), record.message
    for given in (Mine(), pair):
        record = fitted(given, problem)
        assert record.status is Status.UNSUPPORTED
        assert "intercept" in record.message


def writes(X: Any, y: Any) -> Any:
    X[0] = 0.0
    return np.linalg.lstsq(X, y, rcond=None)[0]


def without_ones(X: Any, y: Any) -> Any:
    return normal(X[:, 1:], y)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda X, y: None, "TypeError: lambda returned None"),
        (WithoutPredictions(), "fit returned None"),
        (without_ones, "returned 3 coefficients for 4 columns: X has a column of ones in front"),
        (lambda X, y: "none", "lambda returned str, where coefficients are expected"),
        (lambda X, y: normal(X, y) + 5j, "coefficients are expected: the solver's numbers are complex"),
        (lambda X, y: [str(one) for one in normal(X, y)], "lambda returned list, where coefficients are expected"),
        (lambda X, y: {"coef": normal(X, y)}, "lambda returned dict, where coefficients are expected"),
        (lambda X, y: (one for one in normal(X, y)), "lambda returned generator, where coefficients are expected"),
        (lambda X, y: (1.0, normal(X, y)[1:]), "lambda returned tuple, where coefficients are expected"),
        (writes, "writes wrote to the X"),
        (lambda X, y: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_a_status_and_a_line(given: object, said: str) -> None:
    record = fitted(given)
    assert record.status is Status.ERROR
    assert said in record.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "int is no solver"),
        (dict, "dict is no solver"),
        (sm.OLS(Y, X), "holds its data already"),
        (object, "object is no solver"),
    ],
)
def test_what_is_no_solver_is_refused(given: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        solver_of(given)


def test_names() -> None:
    assert name_of(Mine(how="svd")) == "Mine(how='svd')"
    assert name_of(lambda X, y: X) == "lambda"
    assert name_of(make_pipeline(StandardScaler(), LinearRegression())) == "Pipeline(StandardScaler,LinearRegression)"
    with pytest.raises(UsageError, match="two solvers are called 'lambda'"):
        harness.run("four_points", [lambda X, y: X, lambda X, y: y], store="sqlite://")
    with pytest.raises(UsageError, match="'sklearn' is a solver of the harness"):
        harness.run("four_points", {"sklearn": Mine()}, store="sqlite://")


@pytest.mark.slow
def test_objects_go_to_the_worker_and_back() -> None:
    frame = pd.DataFrame(X, columns=list("abc")).assign(y=Y)
    run = harness.run(
        frame, ["numpy_lstsq", Mine(), normal, lambda X, y: normal(X, y) * 1.0], target="y", store="sqlite://"
    )
    assert list(run["solver"]) == ["numpy_lstsq", "Mine()", "normal", "lambda"]
    assert set(run["status"]) == {"ok"}
    hashes = [record.source_sha256 for record in run.records]
    assert hashes[0] == ""
    assert len(set(hashes[1:])) == 2  # two are in one file, and one has settings
    assert run["fit_s"].notna().all()


def write(folder: Path, text: str, name: str = "own.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


SOLVER = "import numpy as np\n\ndef solve(X, y):\n    return np.linalg.lstsq(X, y, rcond=None)[0]\n"


def test_a_place_in_a_file(tmp_path: Path) -> None:
    name = f"{write(tmp_path, SOLVER)}:solve"
    solver = catalog.get(name)
    assert solver.name == name
    assert measure(single(PROBLEM, solver, Options())).record.status is Status.OK


def test_settings_of_a_function_are_filled_in(tmp_path: Path) -> None:
    place = write(tmp_path, SOLVER.replace("(X, y):", "(X, y, cut=0.9):").replace("rcond=None", "rcond=cut"))
    records = [measure(single(PROBLEM, catalog.get(f"{place}:solve{end}"), Options())).record for end in ("", ":cut=0")]
    assert [record.status for record in records] == [Status.WRONG, Status.OK]


def test_a_place_in_a_module_with_settings() -> None:
    assert catalog.get("sklearn.linear_model:Ridge:alpha=0").name == "sklearn.linear_model:Ridge:alpha=0"
    spec = parse("torch.optim:Adam:betas=0.9,0.99,eps=1e-8,amsgrad=true,name=x")
    assert dict(spec.settings) == {"betas": (0.9, 0.99), "eps": 1e-8, "amsgrad": True, "name": "x"}
    assert parse("a/b.py:f").is_file
    assert parse("a/b.py:f").place == "a/b.py"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module:f", "there is no module no_such_module"),
        ("numpy.nowhere:f", "there is no module numpy.nowhere"),
        ("nowhere.py:f", "there is no file nowhere.py"),
        ("numpy:lstsqq", "unknown name in numpy 'lstsqq'"),
        ("numpy:pi", "'numpy:pi': float is no solver"),
        ("numpy:", "is no package.module:name"),
        ("mine.py", "'mine.py' is no package.module:name and no path/to/file.py:name"),
        ("sklearn.linear_model:Ridge:alpah=0", "refuses its settings: TypeError"),
        ("numpy:pi:a=1", "pi is not callable"),
        ("numpy:x:a=1,a=2", "says a twice"),
        ("numpy:x:1", "a setting is NAME=VALUE"),
    ],
)
def test_a_place_where_nothing_is_found_is_one_line(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        catalog.get(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError('first\\nlast')", "ValueError: last"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_imported_says_its_last_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match="cannot be imported") as raised:
        catalog.get(f"{write(tmp_path, text)}:f")
    assert said in str(raised.value)


def test_an_edit_is_another_source(tmp_path: Path) -> None:
    path = write(tmp_path, SOLVER)
    first = measure(single(PROBLEM, catalog.get(f"{path}:solve"), Options())).record.source_sha256
    other = write(tmp_path, SOLVER.replace("None", "1e-9"), "edited.py")
    second = measure(single(PROBLEM, catalog.get(f"{other}:solve"), Options())).record.source_sha256
    assert first
    assert second
    assert first != second


def test_a_file_that_was_edited_since_is_what_is_measured(tmp_path: Path) -> None:
    path = write(tmp_path, SOLVER)
    before = measure(single(PROBLEM, catalog.get(f"{path}:solve"), Options())).record
    write(tmp_path, SOLVER.replace("None", "0.99"))
    after = measure(single(PROBLEM, catalog.get(f"{path}:solve"), Options())).record
    assert (before.status, after.status) == (Status.OK, Status.WRONG)
    assert before.source_sha256 != after.source_sha256


def test_settings_are_a_part_of_the_source() -> None:
    assert solver_of(Ridge(alpha=0)).source.origin.sha256 != solver_of(Ridge(alpha=1)).source.origin.sha256
    assert solver_of(Ridge(alpha=0)).source.origin.sha256 == solver_of(Ridge(alpha=0)).source.origin.sha256


def test_two_lambdas_are_told_apart() -> None:
    def made(power: float) -> Callable[..., Any]:
        typed = {"__name__": "__main__"}
        return eval(f"lambda X, y: X.T @ y ** {power}", typed)  # type: ignore[no-any-return]  # noqa: S307  # as typed

    assert origin_of(made(1)).sha256 != origin_of(made(2)).sha256
    assert origin_of(made(1)).sha256 == origin_of(made(1)).sha256


def test_where_it_comes_from() -> None:
    assert solver_of(Ridge()).requires == ("sklearn.base", "sklearn.linear_model._ridge")
    assert is_importable("sklearn.linear_model")
    assert not is_importable("__main__")
    assert not is_importable("nowhere")


def test_what_is_packed_comes_out() -> None:
    brought = solver_of(Mine(how="svd"))
    solver = unpacked(packed(brought, brought.source))
    assert solver.name == "Mine(how='svd')"
    source = source_of(solver)
    assert source is not None
    assert source.origin == brought.source.origin
    assert solver_of(Mine(how="svd")).source.origin == brought.source.origin
    locked = Mine(how=threading.Lock())  # type: ignore[arg-type]  # what no pickle takes
    with pytest.raises(UsageError, match="cannot go to a worker process"):
        packed(solver_of(locked), solver_of(locked).source)


@pytest.mark.parametrize("given", [with_ones_of_its_own, inverted_with_ones_of_its_own])
def test_a_function_that_takes_the_design_for_another_is_told_how_to_say_so(given: object) -> None:
    record = fitted(given)
    assert record.status is Status.ERROR
    assert "adds_intercept = True" in record.message
