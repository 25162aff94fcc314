"""The checks: each is one property on one problem, with a plain name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, nan
from unittest import SkipTest

from harness.errors import unknown
from harness.problems.catalog import named as problem_named
from harness.problems.problem import Problem, without_intercept
from harness.testing import properties
from harness.testing.data import in_single_precision, with_columns_moved, with_rows_moved, with_weights
from harness.testing.failure import HIDDEN, raised
from harness.testing.subject import Subject

__tracebackhide__ = HIDDEN
NIST = (
    ("norris", "NIST's Norris: a line, of lower difficulty"),
    ("pontius", "NIST's Pontius: a parabola, of lower difficulty"),
    ("noint1", "NIST's NoInt1: a line through the origin, of average difficulty"),
    ("noint2", "NIST's NoInt2: a line through the origin, of average difficulty"),
    ("filip", "NIST's Filip: a polynomial of degree 10, of higher difficulty"),
    ("longley", "NIST's Longley: six collinear series, of higher difficulty"),
    ("wampler1", "NIST's Wampler1: a polynomial of degree 5 without noise, of higher difficulty"),
    ("wampler2", "NIST's Wampler2: the same, its coefficients from 1 to 1e-5, of higher difficulty"),
    ("wampler3", "NIST's Wampler3: Wampler1 with noise, of higher difficulty"),
    ("wampler4", "NIST's Wampler4: Wampler1 with a hundred times that noise, of higher difficulty"),
    ("wampler5", "NIST's Wampler5: Wampler1 with ten thousand times that noise, of higher difficulty"),
)
SMALL = "synthetic:n=100,p=5"


@dataclass(frozen=True)
class Check:
    """`run` raises AssertionError where a subject fails it, SkipTest where it does not apply."""

    name: str
    about: str
    run: Callable[[Subject], None]


def _right(name: str, about: str, spec: str, *changes: Callable[[Problem], Problem], dtype: str | None = None) -> Check:
    """The check that a subject has the digits that it must have on a problem of the catalog, changed in turn."""

    def run(subject: Subject) -> None:
        problem = problem_named(spec)
        for change in changes:
            problem = change(problem)
        subject.right(problem, name, dtype)

    return Check(name, about, run)


def _property(name: str, about: str, run: Callable[[Subject, str, Problem], None], spec: str = SMALL) -> Check:
    def guarded(subject: Subject) -> None:
        try:
            run(subject, name, problem_named(spec))
        except (AssertionError, SkipTest):
            raise
        except Exception as error:  # a solver may raise anything: that is its failure
            raise raised(error, subject.given, subject.solver.name, name) from error

    return Check(name, about, guarded)


CHECKS: tuple[Check, ...] = (
    _right("exact_line", "points on a line: the line, to rounding", "noiseless_line"),
    _right("well_conditioned", "normal columns, 100 rows: nothing is lost", SMALL),
    *(_right(f"nist_{name}", about, f"nist_{name}") for name, about in NIST),
    _right("scaled_columns", "an income and a rate: no column is dropped for its scale", "everyday:n=2000"),
    _right("offset_1e9", "columns with a mean of 1e9 and an sd of 1", "shifted:n=100,p=2,ratio=1e9"),
    _right("permuted_rows", "Longley with its rows in another order", "nist_longley", with_rows_moved),
    _right("permuted_columns", "Longley with its columns in another order", "nist_longley", with_columns_moved),
    _right("weights", "weights from 1 to 9: sum w r² is least", SMALL, with_weights),
    _right("no_intercept", "a model through the origin", SMALL, without_intercept),
    _right("float32", "rows in float32: the digits that it carries", SMALL, in_single_precision, dtype="float32"),
    _right("as_many_rows_as_columns", "five rows, five coefficients: every point is met", "synthetic:n=5,p=4"),
    _right("few_rows", "one row more than coefficients", "synthetic:n=6,p=4"),
    _property(
        "dependent_columns",
        "columns that are sums of others: the least loss, or a refusal",
        properties.right_or_refused,
        "deficient:n=100,p=5,rank=3",
    ),
    _property("fewer_rows_than_columns", "ten rows, twenty columns", properties.right_or_refused, "wide:n=10,p=20"),
    _property("nan_refused", "a missing value in X is refused", partial(properties.refused, value=nan)),
    _property("infinity_refused", "infinity in X is refused", partial(properties.refused, value=inf)),
    _property(
        "nan_in_y_refused",
        "a missing value in y is refused",
        partial(properties.refused, value=nan, in_y=True),
    ),
    _property("input_not_modified", "X and y are as they were", properties.input_not_modified),
    _property("two_fits_agree", "fitted again after other data, it answers as before", properties.two_fits_agree),
    _property("pickles", "a pickled and read fit predicts the same", properties.pickles),
    _property("clones", "a clone fits the same, and fitting changes no parameter", properties.clones),
)


def named(name: str) -> Check:
    """The check of that name. Raises UsageError with the nearest if there is none."""
    found = {one.name: one for one in CHECKS}
    if name not in found:
        raise unknown("check", name, found)
    return found[name]
