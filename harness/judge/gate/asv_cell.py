"""One cell of asv's results, judged: by itself, by the limits of a rule, and against the base's."""

import math

from harness.judge.gate.rules import Direction, Limit
from harness.judge.verdict import Judgement, Verdict, number_text
from harness.records.asv_cells import AsvCell

FIND_IT = "Find what changed between the two: the commit by harness bisect, the release in its changelog."
FIND_BY_AB = "Find what changed between the two: git log has the commits between them, harness ab measures any two."
"""Of benchmarks and callables, which harness bisect does not run."""
RUN_IT = "Run it with 'asv run --show-stderr --bench NAME' and read what it says."


def judge_number(cell: AsvCell) -> Judgement:
    """Whether it is a number at all, finite and not negative."""
    detail = "the benchmark failed" if cell.value is None else "not a number to judge"
    good = cell.number is not None and cell.number >= 0
    return finite(cell) if good else _judgement(cell, None, "a finite number", detail, RUN_IT)


def finite(cell: AsvCell) -> Judgement:
    """Of a number that is there, and with which nothing is compared."""
    return _judgement(cell, None, "a finite number")


def compared(now: AsvCell, then: AsvCell, limit: Limit, *, worse: bool) -> Judgement:
    """A number against the base's."""
    old, new = then.number or 0.0, now.number or 0.0
    by = float(limit.badness(new) - limit.badness(old))
    how = f"{new / old:.3g} times" if limit.is_time and old > 0 else f"{by:.2g} worse than"
    return _judgement(now, limit, expected(limit, old), f"{how} the base's {old:.4g}" if worse else "")


def lost(now: AsvCell, then: AsvCell, limit: Limit | None) -> Judgement:
    """No number, where the base has one."""
    wanted = expected(limit, then.number or 0.0) if limit and limit.compares else "a number"
    return _judgement(now, limit, wanted, "the base had a number")


def deleted(then: AsvCell, limit: Limit) -> Judgement:
    """Of the base's cell, which is not there any more."""
    wanted, detail = expected(limit, then.number or 0.0), "the benchmark or its parameters were deleted"
    return Judgement(then.label, then.metric, "no result", wanted, Verdict.REGRESSION, detail, FIND_IT, limit.why)


def no_result(then: AsvCell) -> Judgement:
    """Of the base's cell, where it may be that this run was asked for less."""
    return Judgement(
        case=then.label,
        quantity=then.metric,
        measured="no result",
        expected="a result",
        verdict=Verdict.UNDECIDED,
        detail="the base has a number: nothing is compared",
        advice="Run the whole suite, or name what is to be judged with --bench.",
    )


def bounded(cell: AsvCell, limit: Limit) -> list[Judgement]:
    """By the floor, the ceiling and the digits of a rule, without a base."""
    value, digits = cell.number or 0.0, limit.fewest_digits
    limits = (
        (limit.floor > -math.inf, value >= limit.floor, f">= {limit.floor:g}"),
        (limit.ceiling < math.inf, value <= limit.ceiling, f"<= {limit.ceiling:g}"),
        (digits > 0, limit.shared_digits(value) >= digits, f"{limit.near:g} to {digits:g} digits"),
    )
    return [
        _judgement(cell, limit, wanted, "" if holds else "outside of its limit")
        for asked, holds, wanted in limits
        if asked
    ]


def other_version(cell: AsvCell, then: AsvCell) -> bool:
    """A version that asv did not keep is any, as asv takes it."""
    return bool(cell.version and then.version) and cell.version != then.version


def exceeds(now: AsvCell, then: AsvCell, limit: Limit) -> bool:
    """Whether a number is worse than the base's by more than the limit allows."""
    return bool(limit.badness(now.number or 0.0) > limit.allowed(then.number or 0.0))


def expected(limit: Limit, base: float) -> str:
    """What the number may be, by the base's."""
    allowed = float(limit.allowed(base))
    if limit.direction is Direction.NEAR:
        return f"within {allowed:.4g} of {limit.near:g}"
    return f">= {-allowed:.4g}" if limit.direction is Direction.HIGHER else f"<= {allowed:.4g}"


def _judgement(cell: AsvCell, limit: Limit | None, wanted: str, against: str = "", advice: str = FIND_IT) -> Judgement:
    """`against`: what speaks against the cell; empty where nothing does."""
    measured = "failed" if cell.value is None else number_text(cell.value)
    verdict = Verdict.REGRESSION if against else Verdict.UNCHANGED
    why = "" if limit is None else limit.why
    return Judgement(cell.label, cell.metric, measured, wanted, verdict, against, advice if against else "", why)
