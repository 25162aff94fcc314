"""Whether the head's answers of a cell are as good as the base's: status, digits, excess loss."""

import math

from harness.judge.gate.asv_cell import FIND_BY_AB, FIND_IT, RUN_IT
from harness.judge.gate.rules import DECADE, HALF_A_DIGIT, LIMITS
from harness.judge.verdict import Judgement, Verdict, number_text
from harness.judge.versions.ab_cell import ran
from harness.records.ab import AbCell, Measured
from harness.records.content import SHOWN

FLOOR = LIMITS["track_excess_loss"].negligible
IMPORT_ADVICE = (
    "Name all that this side needs together (--from or --with, once each), so that one folder holds it; of torch take "
    "the CPU builds: docs/how-to/upgrade.md has the recipes."
)

CALL_IT = "Call it by itself in a Python of that version, and read what it says."


def judge_accuracy(cell: AbCell) -> tuple[Judgement, ...]:
    """The status always; digits and excess loss where either version has them and both ran.

    Where the versions were given other data, that is all that is said: no version is to blame for an answer to another
    question.
    A number that the base has and the head has not, or has as NaN, is a regression; NaN on both sides is undecided.
    """
    base, head = cell.base, cell.head
    if cell.data_changed:
        return (_other_data(cell),)
    status = _status(cell)
    if not (ran(base.status) and ran(head.status)):
        return (status,)
    numbers = (
        ("digits", base.digits, head.digits, _digits_verdict),
        ("excess loss", base.excess_loss, head.excess_loss, _excess_verdict),
    )
    found: list[Judgement] = [status]
    for quantity, then, now, compare in numbers:
        if then is not None or now is not None:
            verdict, expected, detail = _incomparable(then, now) or compare(_number(then), _number(now))
            advice = FIND_IT if verdict is Verdict.REGRESSION else ""
            found.append(
                Judgement(cell.case, quantity, number_text(now), expected, verdict, detail, advice, "the base")
            )
    return tuple(found)


def _other_data(cell: AbCell) -> Judgement:
    detail = "the data changed between the two versions: nothing is compared"
    advice = "Find what changed the data: the problem's file, or the generator that draws it."
    head, base = (side.problem_sha256[:SHOWN] for side in (cell.head, cell.base))
    return Judgement(cell.case, "data", head, base, Verdict.UNDECIDED, detail, advice, "the base")


def _rank(measured: Measured) -> int:
    """0 an answer, 1 a wrong one, 2 none. `ok` and `not_converged` are one rank: the excess loss tells them apart."""
    if not ran(measured.status):
        return 2
    return int(measured.status.failed)


def _status(cell: AbCell) -> Judgement:
    base, head = cell.base, cell.head
    then, now = _rank(base), _rank(head)
    verdict, detail, advice = Verdict.UNCHANGED, "", ""
    if not ran(base.status) and not ran(head.status):
        both = "base and head" if base.import_failed and head.import_failed else ""
        detail = f"{both} {head.message}" if both else f"neither version could run it: {_said(head)}"
        verdict, advice = Verdict.UNDECIDED, IMPORT_ADVICE if both else head.status.advice
    elif base.import_failed:
        verdict, detail, advice = Verdict.UNDECIDED, f"the base {base.message}", IMPORT_ADVICE
    elif not ran(base.status):
        verdict, detail = Verdict.UNDECIDED, f"new: the base could not run it: {_said(base)}"
    elif head.import_failed:
        verdict, detail, advice = Verdict.REGRESSION, f"the head {head.message}", IMPORT_ADVICE
    elif now > then:
        verdict, detail, advice = Verdict.REGRESSION, _said(head), head.status.advice
    elif now < then:
        verdict = Verdict.IMPROVEMENT
    if advice and advice != IMPORT_ADVICE and not cell.solver:  # a benchmark's status is no solver's
        alone = CALL_IT if ":" in cell.problem else RUN_IT
        advice = FIND_BY_AB if verdict is Verdict.REGRESSION else alone
    return Judgement(cell.case, "status", head.status, base.status, verdict, detail, advice, "the base")


def _said(measured: Measured) -> str:
    return measured.message or measured.status.value


def _incomparable(then: float | None, now: float | None) -> tuple[Verdict, str, str] | None:
    """The verdict where one side has no number to compare; None where both have."""
    there, here = _finite(then), _finite(now)
    if there and here:
        return None
    if there:
        return Verdict.REGRESSION, f"a number, as {number_text(then)}", "the base had a number"
    if here:
        return Verdict.IMPROVEMENT, number_text(then), "the base had no number"
    return Verdict.UNDECIDED, "a number", "neither version has a number"


def _digits_verdict(then: float, now: float) -> tuple[Verdict, str, str]:
    """Half a digit or more, either way."""
    lost = then - now
    expected = f"> {then - HALF_A_DIGIT:.4g}"
    if lost >= HALF_A_DIGIT:
        return Verdict.REGRESSION, expected, f"{lost:.2g} fewer than the base's {then:.4g}"
    return Verdict.IMPROVEMENT if -lost >= HALF_A_DIGIT else Verdict.UNCHANGED, expected, ""


def _excess_verdict(then: float, now: float) -> tuple[Verdict, str, str]:
    """More than a decade, either way, above the floor where float32 trainings end in rounding."""
    allowed = max(then * DECADE, FLOOR)
    expected = f"<= {allowed:.3g}"
    if now > allowed:
        return Verdict.REGRESSION, expected, f"the base's is {then:.3g}"
    return Verdict.IMPROVEMENT if then > max(now * DECADE, FLOOR) else Verdict.UNCHANGED, expected, ""


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
