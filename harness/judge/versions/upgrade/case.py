"""One case of an upgrade: whether it is a reason against it, and its coefficients before and after.

What a fit answers comes first: one that fails, loses rank or loses its digits is a reason against the upgrade, whatever
its speed. Digits are lost where at least one is, which is a tenfold error, and fewer than ENOUGH of them remain: above
that BLAS's order of summation moves them, and nobody needs to ask why. A slower fit is a reason where the rule of
`harness ab` calls it a regression, the accepted slowdown being the smallest effect (harness.judge.versions.ab_speed),
and it is one by NOTICED_S at least.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbVerdict
from harness.judge.versions.ab_cell import ran
from harness.judge.versions.upgrade.answer import MOST_COEFFICIENTS, NOTICED_S, CaseAnswer, Coefficient, Decision
from harness.records.ab import Measured
from harness.records.record import ENOUGH_DIGITS, MAX_DIGITS

LOST = 1.0
"""Digits: a tenfold error."""
ENOUGH = ENOUGH_DIGITS * MAX_DIGITS
TIME_UNKNOWN, TIME_OPEN = "the time is not known", "the time changes"
TEST, TRAIN = "test", "train"


def case_answer(one: AbVerdict, slower: float) -> CaseAnswer:
    """What the upgrade does to one cell; `slower`: the limit on its time, as a fraction."""
    base, head = one.cell.base, one.cell.head
    decision, why = _case_decision(one, slower)
    part = TEST if TEST in base.r2 or TEST in head.r2 else TRAIN
    return CaseAnswer(
        case=one.cell.case,
        problem=one.cell.problem,
        solver=one.cell.solver,
        decision=decision,
        why=why,
        lost=loses(one),
        status_before=base.status.value,
        status_after=head.status.value,
        digits_before=_finite(base.digits),
        digits_after=_finite(head.digits),
        r2_before=_finite(base.r2.get(part)),
        r2_after=_finite(head.r2.get(part)),
        rank_before=base.rank,
        rank_after=head.rank,
        rank_of_data=head.rank_of_data if base.rank_of_data is None else base.rank_of_data,
        before_s=one.speed.base_s,
        after_s=one.speed.head_s,
        ratio=one.speed.ratio,
        low=one.speed.low,
        high=one.speed.high,
    )


def _case_decision(one: AbVerdict, slower: float) -> tuple[Decision, str]:
    """The answer of one cell and why; what it answers before how fast it is."""
    against = "; ".join(_against(one))
    if against:
        return Decision.NO, against
    open_ = [j.detail or f"{j.quantity} cannot be compared" for j in one.accuracy if j.verdict is Verdict.UNDECIDED]
    if one.cell.base.status.failed and one.cell.head.status.failed and not open_:
        open_ = ["wrong before and after: there is no right answer to keep"]
    if open_ or one.cell.left:
        return Decision.UNDECIDED, one.cell.left or "; ".join(open_)
    return _by_time(one, slower)


def _by_time(one: AbVerdict, slower: float) -> tuple[Decision, str]:
    """The answer of one cell that keeps what it answers."""
    speed = one.speed
    if speed.low is None or speed.high is None or speed.base_s is None or speed.head_s is None:
        slowed = one.found.verdict is Verdict.REGRESSION  # it lost its time
        return (Decision.NO, one.why) if slowed else (Decision.UNDECIDED, f"{TIME_UNKNOWN} ({speed.why_not})")
    if (speed.high - 1) * speed.base_s < NOTICED_S or speed.high <= 1 + slower:
        return Decision.SAFE, ""
    if one.found.verdict is Verdict.REGRESSION and speed.head_s - speed.base_s >= NOTICED_S:
        times = f"{speed.base_s * 1e3:.3g} -> {speed.head_s * 1e3:.3g} ms"
        return Decision.NO, f"{slower_text(speed.ratio, speed.low, speed.high)}, {times}"
    return Decision.UNDECIDED, f"{TIME_OPEN} by {in_percent(speed.low, speed.high)}"


def loses(one: AbVerdict) -> bool:
    """Whether what a cell answers is a reason against the upgrade, whatever its speed."""
    return any(True for _ in _against(one))


def _against(one: AbVerdict) -> Iterator[str]:
    """What of a cell's answers is a reason against the upgrade."""
    base, head = one.cell.base, one.cell.head
    wrong = {judged.quantity: judged for judged in one.wrong}
    if not ran(head.status) and "status" in wrong:
        yield wrong["status"].detail
        return
    if dropped(base, head):
        yield f"rank {base.rank} -> {head.rank} of {head.rank_of_data}"
    for quantity, judged in wrong.items():
        if quantity == "digits" and not _loses(base.digits, head.digits):
            continue
        if quantity == "digits" and head.digits is not None and base.digits is not None:
            yield f"digits {base.digits:.1f} -> {head.digits:.1f}"
        elif quantity == "status":
            yield f"{base.status.value} -> {head.status.value}"
        else:
            yield f"{quantity}: {judged.detail}"


def dropped(base: Measured, head: Measured) -> int:
    """How many directions the upgraded solver no longer sees, that the data have."""
    if base.rank is None or head.rank is None or head.rank_of_data is None:
        return 0
    return max(0, min(base.rank, head.rank_of_data) - head.rank)


def _loses(before: float | None, after: float | None) -> bool:
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return True
    return before - after >= LOST and after < ENOUGH


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def coefficients(base: Measured, head: Measured, spreads: Mapping[str, float]) -> tuple[Coefficient, ...]:
    """Of both versions' solutions, those first whose change does the most to the predictions."""
    before, after = base.solution, head.solution
    both = [one for one in (after, before) if one is not None and one.terms]
    if not both:
        return ()
    terms = both[0].terms
    exact = next((one.exact for one in both if one.exact is not None and one.terms == terms), None)

    def of(values: Sequence[float] | None) -> list[float | None]:
        fits = values is not None and len(values) == len(terms)
        return [value if math.isfinite(value) else None for value in values or ()] if fits else [None] * len(terms)

    rows = zip(
        terms,
        of(before.computed if before is not None and before.terms == terms else None),
        of(after.computed if after is not None and after.terms == terms else None),
        of(exact),
        strict=True,
    )
    made = [Coefficient(term, b, a, e, spreads.get(term, 0.0)) for term, b, a, e in rows]
    return tuple(sorted(made, key=lambda one: -one.effect_of_change)[:MOST_COEFFICIENTS])


def slower_text(ratio: float | None, low: float | None, high: float | None) -> str:
    """`4 % slower [3.1, 5.0]`: of a time's ratio and its 95 % interval."""
    if ratio is None:
        return "the head has no times"
    change, word = abs(ratio - 1) * 100, "slower" if ratio > 1 else "faster"
    if low is None or high is None:
        return f"{change:.0f} % {word}"
    ends = sorted(((low - 1) * 100, (high - 1) * 100)) if ratio > 1 else sorted(((1 - high) * 100, (1 - low) * 100))
    return f"{change:.0f} % {word} [{ends[0]:.1f}, {ends[1]:.1f}]"


def in_percent(low: float, high: float) -> str:
    """`-1.2 to +14 %`: the interval of a time's change."""
    return f"{(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f} %"
