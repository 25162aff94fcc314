"""A test of each check and solver, named as scikit-learn names them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import UsageError
from harness.testing import ExpectedFailures, Test
from harness.testing.catalog import CHECKS, Check, named
from harness.testing.subject import Subject, subject_of

Claim = str | Callable[[Any], str | None] | None


@dataclass(frozen=True)
class Bound:
    """A check of one subject: what a test gets as `check`."""

    check: Check
    subject: Subject

    def __call__(self) -> None:
        """Run it. Raises AssertionError where it fails, SkipTest where it does not apply."""
        __tracebackhide__ = True
        self.check.run(self.subject)

    def __repr__(self) -> str:
        return f"{self.subject.solver.name}-{self.check.name}"


def parametrized(
    solvers: object, method: Claim, expected: ExpectedFailures | None, xfail_strict: bool | None
) -> Callable[[Test], Test]:
    """The decorator. Whatever is wrong with what is given is one line at the collection."""
    try:
        subjects = [subject_of(one, method(one) if callable(method) else method) for one in _several(solvers)]
        params = [
            pytest.param(Bound(check, subject), id=f"{subject.solver.name}-{check.name}", marks=marks)
            for subject in subjects
            for check, marks in _marked(expected(subject.made) if callable(expected) else expected, xfail_strict)
        ]
    except UsageError as error:
        raise pytest.Collector.CollectError(f"parametrize_with_problems: {error}") from None
    return pytest.mark.parametrize("check", params)


def _several(solvers: object) -> tuple[object, ...]:
    """One or several; a pipeline has a length, and is one all the same."""
    found = tuple(solvers) if isinstance(solvers, list | tuple | set | Iterator) else (solvers,)
    if not found:
        raise UsageError("no solver was given")
    return found


def _marked(
    expected: Mapping[str, str] | None, strict: bool | None
) -> Iterator[tuple[Check, tuple[pytest.MarkDecorator, ...]]]:
    """Every check, with xfail where it is expected to fail."""
    reasons = {named(name).name: reason for name, reason in (expected or {}).items()}
    for check in CHECKS:
        reason = reasons.get(check.name)
        if reason is None:
            yield check, ()
        elif strict is None:
            yield check, (pytest.mark.xfail(reason=reason),)
        else:
            yield check, (pytest.mark.xfail(reason=reason, strict=strict),)
