"""The gate over asv's cells: every number there and finite, and no worse than the base's."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.judge.verdict import Judgement, Verdict
from harness.records.asv_results import AsvCell

HALF_A_DIGIT = 0.5
DECADE = 10.0
"""Excess loss goes with the square of the coefficients' error: half a digit of them is a decade of it."""


@dataclass(frozen=True)
class Limit:
    """When a lower-is-better number is worse: above base times `factor` plus `add`, and above `floor`."""

    factor: float
    add: float
    floor: float
    why: str


LIMITS = {
    "track_digits_lost": Limit(1.0, HALF_A_DIGIT, 0.0, "half a digit"),
    "track_excess_loss": Limit(DECADE, 0.0, 1e-10, "a decade, above 1e-10, where float32 trainings end in rounding"),
    "track_unexplained_variance": Limit(1.0, 1e-3, 0.0, "0.001, the third decimal of R² that people print"),
    "track_epochs_to_tolerance": Limit(1.1, 2.0, 0.0, "a tenth and two epochs: another summation order moves one"),
    "track_wrong": Limit(1.0, 0.0, 0.0, "a right answer does not become wrong"),
}
"""What is gated against a base; times and bytes are reported, not gated."""


def judge_cells(cells: Sequence[AsvCell]) -> list[Judgement]:
    """Every cell must be a finite, non-negative number, but for skips on a device that the machine may lack.

    asv writes NaN where a benchmark raises NotImplementedError, as where one returns NaN.
    """
    return [_judge_number(cell) for cell in cells if not (_optional(cell) and cell.skipped)]


def judge_listed(cells: Sequence[AsvCell], listed: Iterable[str]) -> list[Judgement]:
    """Every benchmark that the suite lists must have results."""
    missing = sorted(set(listed) - {cell.name for cell in cells})
    return [
        Judgement(
            case=name,
            quantity="presence",
            measured="no result",
            expected="a result",
            verdict=Verdict.REGRESSION,
            detail="the suite lists it, the results have none",
            advice="Run the whole suite: make asv.",
        )
        for name in missing
    ]


def judge_against(cells: Sequence[AsvCell], base: Sequence[AsvCell]) -> list[Judgement]:
    """Every gated cell of the base must still be there, and no worse than its limit allows."""
    now = {(cell.name, cell.params): cell for cell in cells}
    return [
        _judge_pair(then, now.get((then.name, then.params)))
        for then in base
        if then.metric in LIMITS and then.value is not None and math.isfinite(then.value)
    ]


def _optional(cell: AsvCell) -> bool:
    return dict(cell.params).get("device", "cpu") != "cpu"


def _judge_number(cell: AsvCell) -> Judgement:
    good = cell.value is not None and math.isfinite(cell.value) and cell.value >= 0
    return Judgement(
        case=cell.label,
        quantity=cell.metric,
        measured="failed" if cell.value is None else f"{cell.value:.4g}",
        expected="a finite number",
        verdict=Verdict.UNCHANGED if good else Verdict.REGRESSION,
        detail="" if good else "the benchmark failed" if cell.value is None else "not a number to judge",
        advice="" if good else "Run it with 'asv run --show-stderr --bench NAME' and read what it says.",
    )


def _judge_pair(then: AsvCell, now: AsvCell | None) -> Judgement:
    limit = LIMITS[then.metric]
    assert then.value is not None  # noqa: S101  # judge_against() has looked
    allowed = max(then.value * limit.factor + limit.add, limit.floor)
    advice = "Find what changed between the two: the commit by harness bisect, the release in its changelog."
    if now is None:
        measured, detail, bad = "no result", "the benchmark or its parameters were deleted", True
    elif now.value is None or not math.isfinite(now.value):
        measured = "failed" if now.value is None else f"{now.value:.4g}"
        detail, bad = "the base had a number", True
    else:
        measured, bad = f"{now.value:.4g}", now.value > allowed
        detail = f"{now.value - then.value:.2g} worse than the base's {then.value:.4g}" if bad else ""
    return Judgement(
        case=then.label,
        quantity=then.metric,
        measured=measured,
        expected=f"<= {allowed:.4g}",
        verdict=Verdict.REGRESSION if bad else Verdict.UNCHANGED,
        detail=detail,
        advice=advice if bad else "",
        reason=limit.why,
    )
