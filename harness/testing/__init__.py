"""Checks of a least-squares solver against exact answers, for pytest and without it.

`parametrize_with_problems` makes a test of each check and solver; `check` runs one, without pytest. pytest itself loads
`harness.testing.plugin`, which imports nothing else of the harness until a test asks for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
ExpectedFailures = Mapping[str, str] | Callable[[Any], Mapping[str, str]]

__all__ = ["check", "checks", "parametrize_with_problems"]


def parametrize_with_problems(
    solvers: object,
    *,
    method: str | Callable[[Any], str | None] | None = None,
    expected_failed_checks: ExpectedFailures | None = None,
    xfail_strict: bool | None = None,
) -> Callable[[Test], Test]:
    """A decorator that gives a test, by its argument `check`, every check of every solver; `check()` runs it.

    A check raises AssertionError where the solver has not the digits that it must have, and says whose fault that is;
    one that does not apply (weights, to a solver that takes none) is skipped with its reason.

    Parameters
    ----------
    solvers
        One or several: estimators with fit(X, y), functions f(X, y) that return coefficients, classes of statistical
        models, objects with the Solver contract, names as `harness list solvers` has them, 'package.module:name'.
    method
        What the solvers claim to be: 'qr', 'svd', 'normal_equations', or 'iterative'; or a function of the solver. It
        decides how many digits a solver must have (harness.verify.expected_digits); an iterative one is held to its
        loss alone. A solver's own attribute `least_squares_method` by default, else 'svd', of which least is asked
        that is backward stable.
    expected_failed_checks
        Check -> the reason why it is expected to fail, or a function of the solver that returns that: those tests are
        xfail, as in scikit-learn's parametrize_with_checks.
    xfail_strict
        Whether an expected failure that passes is a failure; what pytest's configuration says by default.
    """
    from harness.testing.parametrize import parametrized

    return parametrized(solvers, method, expected_failed_checks, xfail_strict)


def check(solver: object, name: str, *, method: str | None = None) -> None:
    """One check of one solver, as `checks` names it, without pytest.

    Raises AssertionError where it fails, unittest.SkipTest where it does not apply, UsageError for an unknown name.
    """
    from harness.testing.catalog import named
    from harness.testing.subject import subject_of

    named(name).run(subject_of(solver, method))


def checks() -> dict[str, str]:
    """Every check with what it is about, in the order in which they are run."""
    from harness.testing.catalog import CHECKS

    return {one.name: one.about for one in CHECKS}
