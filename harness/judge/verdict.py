"""What a judgement says."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """NaN, missing and incomparable are regressions or undecided, never unchanged."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    UNCHANGED = "unchanged"
    UNDECIDED = "undecided"


WORST_FIRST = (Verdict.REGRESSION, Verdict.UNDECIDED, Verdict.IMPROVEMENT, Verdict.UNCHANGED)


@dataclass(frozen=True)
class Judgement:
    """One quantity of one case against one expectation; `detail` says by how much, `advice` what to do."""

    case: str
    quantity: str
    measured: str
    expected: str
    verdict: Verdict
    detail: str = ""
    advice: str = ""
    reason: str = ""


def number_text(value: float | None) -> str:
    """A number as a judgement has it; `none` without one."""
    return "none" if value is None else f"{value:.4g}"
