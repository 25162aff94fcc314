"""The checks of harness.testing: a right solver passes them all, each planted fault is found by the check about it."""

import re
from collections.abc import Iterator
from unittest import SkipTest

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import harness.testing
from harness.errors import UsageError
from harness.testing import check, checks
from harness.testing.subject import METHODS
from harness.timing.threads import limited, pools_of
from tests.bad_estimators import FOUND_BY, DropsShortColumns, Estimator, NormalEquations


@pytest.fixture(autouse=True, scope="module")
def one_thread_of_all() -> Iterator[None]:
    with pools_of(1), limited(1):
        yield


def outcome(solver: object, name: str, method: str | None = None) -> str:
    """Empty where the check passes, else how it does not."""
    try:
        check(solver, name, method=method)
    except AssertionError as error:
        return str(error)
    except SkipTest as skipped:
        return f"skipped: {skipped}"
    return ""


_FAILURES: dict[str, dict[str, str]] = {}


def failures(kind: type[Estimator]) -> dict[str, str]:
    """The failed checks of an estimator with their texts; each is checked once."""
    if kind.__name__ not in _FAILURES:
        found = {name: outcome(kind(), name, "qr") for name in checks()}
        _FAILURES[kind.__name__] = {name: text for name, text in found.items() if text}
    return _FAILURES[kind.__name__]


@pytest.mark.slow
def test_a_right_solver_passes_every_check() -> None:
    assert failures(Estimator) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in FOUND_BY.items() for name in names])
def test_a_fault_is_found_by_the_check_about_it(kind: type[Estimator], name: str) -> None:
    text = failures(kind).get(name, "")
    assert text.startswith(f"{kind()!r} fails {name}: ")
    assert "\n  whose fault: the solver's." in text


def test_every_fault_of_the_list_is_planted() -> None:
    planted = {name for names in FOUND_BY.values() for name in names}
    unplanted = {name for name in checks() if name not in planted and not name.startswith("nist_")}
    # These fail where the ones above do: they are of the same property on another problem.
    assert unplanted == {"exact_line", "offset_1e9", "fewer_rows_than_columns"}


def test_normal_equations_pass_by_their_own_name_and_not_by_another() -> None:
    own = {name: outcome(NormalEquations(), name, "normal_equations") for name in ("nist_wampler1", "nist_longley")}
    assert own == {"nist_wampler1": "", "nist_longley": ""}
    other = outcome(NormalEquations(), "nist_wampler1", "qr")
    assert "whose fault: the claim's. Normal equations explain it" in other


def test_a_failure_says_digits_backward_error_and_how_to_do_it_again() -> None:
    lines = outcome(LinearRegression(tol=1e-6), "scaled_columns").splitlines()
    assert lines[0] == "LinearRegression() fails scaled_columns: wrong on everyday:n=2000,seed=0"
    assert re.fullmatch(r"  digits: 0\.\d of rate, where a solver by svd must have 6\.\d", lines[2])
    assert re.fullmatch(r"  backward error: \S+; rounding explains up to \S+", lines[3])
    assert lines[5:] == [
        "  without pytest:",
        "    from sklearn.linear_model import LinearRegression",
        "    from harness.testing import check",
        '    check(LinearRegression(), "scaled_columns")',
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "solver",
    [
        DropsShortColumns(),
        DropsShortColumns,
        make_pipeline(StandardScaler(), LinearRegression(tol=0.1)),
        "statsmodels_pinv",
    ],
)
def test_the_lines_of_a_failure_do_it_again(solver: object) -> None:
    name = "nist_longley" if solver != "statsmodels_pinv" else "nist_filip"
    text = outcome(solver, name)
    again = text.partition("without pytest:\n")[2]
    with pytest.raises(AssertionError) as error:
        exec("\n".join(line.strip() for line in again.splitlines()), {})  # noqa: S102  # our own lines
    assert str(error.value) == text


def test_what_does_not_apply_is_skipped_with_its_reason() -> None:
    def function(X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.lstsq(X, y, rcond=None)[0])

    assert outcome(function, "weights") == "skipped: function takes no weights"
    assert outcome(function, "pickles") == "skipped: function is no estimator with fit and predict"
    assert outcome(function, "clones") == "skipped: function has no get_params"
    assert outcome(function, "well_conditioned") == ""


def test_a_results_object_of_statsmodels_is_checked() -> None:
    assert outcome(sm.OLS, "nist_norris") == ""
    assert outcome(sm.OLS, "pickles").startswith("skipped")


def test_an_iterative_solver_is_held_to_its_loss_alone() -> None:
    stopped = SGDRegressor(max_iter=5, tol=None, random_state=0)
    text = outcome(make_pipeline(StandardScaler(), stopped), "well_conditioned", "iterative")
    assert "whose fault: the settings'. It stopped before the optimum" in text or "wrong" in text


def test_a_solver_that_is_named_by_its_place_is_checked_in_all() -> None:
    assert outcome("tests.bad_estimators:ForgetsWhenPickled", "pickles").startswith("tests.bad_estimators:Forgets")
    assert outcome("tests.bad_estimators:Estimator", "clones") == ""


def test_a_solver_says_its_method_by_an_attribute() -> None:
    solver = NormalEquations()
    solver.least_squares_method = "normal_equations"  # type: ignore[attr-defined]
    assert outcome(solver, "nist_wampler1") == ""


def test_one_line_for_what_is_unknown() -> None:
    with pytest.raises(UsageError, match=r"^unknown check 'scaled_column': did you mean 'scaled_columns'\?$"):
        check(Estimator(), "scaled_column")
    with pytest.raises(UsageError, match=f"^unknown method 'chol': known: {', '.join(sorted(METHODS))}$"):
        check(Estimator(), "exact_line", method="chol")
    with pytest.raises(UsageError, match="int is no solver"):
        check(3, "exact_line")


def test_every_check_says_what_it_is_about() -> None:
    assert all(re.fullmatch(r"[a-z0-9_]+", name) and about for name, about in checks().items())


def test_the_names_of_the_package_stay_functions() -> None:
    assert outcome(Estimator(), "exact_line") == ""  # every module of the package is loaded now
    assert harness.testing.checks() == checks()
    assert callable(harness.testing.check)
    assert callable(harness.testing.parametrize_with_problems)
