"""Why an upgrade is safe, is not, or cannot be told: in sentences, the strongest reason first."""

import math
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from harness.errors import counted
from harness.judge.grouped import grouped
from harness.judge.versions.ab import AbVerdict
from harness.judge.versions.ab_cell import ran
from harness.judge.versions.ab_speed import ALPHA, EFFECT
from harness.judge.versions.upgrade.answer import CaseAnswer, Coefficient, Decision, KnownFinding
from harness.judge.versions.upgrade.case import ENOUGH, TIME_OPEN, TIME_UNKNOWN, coefficients, dropped, slower_text
from harness.records.ab import Measured

MOST_NAMED = 3
"""Cases that a sentence names."""
SEEN = math.log1p(EFFECT)
"""Of a time's change: a smaller one is not said, however certain it is."""


def because(
    decision: Decision, cases: Sequence[CaseAnswer], verdicts: Mapping[str, AbVerdict], alike: str
) -> Iterator[str]:
    """Sentences without a full stop; `cases` by the worst first, `verdicts` by case, `alike`: why nothing is judged."""
    if alike:
        yield f"{alike}: there is no upgrade to judge"
    elif not cases:
        yield "nothing was compared"
    elif decision is Decision.NO:
        yield from _against_all(cases, verdicts)
    elif decision is Decision.UNDECIDED:
        yield from _open(cases)
        yield from _kept(cases)
    else:
        yield _keep(cases, cases)
        yield from _speeds(cases, verdicts)


def _against_all(cases: Sequence[CaseAnswer], verdicts: Mapping[str, AbVerdict]) -> Iterator[str]:
    """Of the worst case what a person sees in it; then how many cases, and which."""
    against = [case for case in cases if case.decision is Decision.NO]
    worst = against[0]
    cell = verdicts[worst.case].cell
    said = list(_seen(worst, cell.base, cell.head, cell.spreads)) if worst.lost else []
    yield from said or [worst.why]
    names = ", ".join(_name(case, cases) for case in against[:MOST_NAMED])
    more = f" and {len(against) - MOST_NAMED} more" if len(against) > MOST_NAMED else ""
    yield f"{len(against)} of {counted(len(cases), 'case')}: {names}{more}"


def _seen(case: CaseAnswer, base: Measured, head: Measured, spreads: Mapping[str, float]) -> Iterator[str]:
    """What of a case against the upgrade a person sees: dropped directions, R², the effect that changed the most."""
    if not ran(head.status):
        return
    lost = dropped(base, head)
    if lost:
        yield f"{lost} of {head.rank_of_data} directions {'is' if lost == 1 else 'are'} dropped"
    if case.r2_before is not None and case.r2_after is not None:
        places = 3 if f"{case.r2_before:.3f}" != f"{case.r2_after:.3f}" else 4
        texts = f"{case.r2_before:.{places}f}", f"{case.r2_after:.{places}f}"
        if texts[0] != texts[1]:
            yield f"R² {texts[0]} -> {texts[1]}"
    most = next(iter(coefficients(base, head, spreads)), None)
    if most is not None and most.before is not None and most.after is not None and _seen_change(most):
        yield f"the effect of {most.term}, {most.before:.3g}, becomes {_beside(most.after, most.before)}"
    elif "digits" in case.why or not lost:
        yield case.why


def _beside(value: float, other: float) -> str:
    """A number in the places that three digits of another have, or three digits of its own where it is larger."""
    places = max(0, 2 - math.floor(math.log10(abs(other)))) if other else 2
    if abs(value) >= abs(other):
        return f"{value:.3g}"
    text = f"{value:.{places}f}"
    return "0" if float(text) == 0 else text


def _seen_change(one: Coefficient) -> bool:
    return one.effect_of_change > 0 and f"{one.before:.3g}" != f"{one.after:.3g}"


def _open(cases: Sequence[CaseAnswer]) -> Iterator[str]:
    """Each reason once, with the cases that it holds for."""
    undecided = [case for case in cases if case.decision is Decision.UNDECIDED]
    for why, of in grouped(undecided, attrgetter("why")).items():
        why += ": a larger --budget" if why.startswith((TIME_OPEN, TIME_UNKNOWN)) else ""  # noqa: PLW2901  # what to do
        yield why if len(of) == len(cases) else f"{_name(of[0], cases) if len(of) == 1 else f'{len(of)} cases'}: {why}"


def _kept(cases: Sequence[CaseAnswer]) -> Iterator[str]:
    """How many cases keep their digits, where nothing else is open than their time."""
    timeless = [case for case in cases if case.why.startswith((TIME_OPEN, TIME_UNKNOWN)) or not case.why]
    if timeless:
        yield _keep(timeless, cases)


def _keep(some: Sequence[CaseAnswer], cases: Sequence[CaseAnswer]) -> str:
    return f"{len(some)} of {counted(len(cases), 'case')} {'keeps its' if len(some) == 1 else 'keep their'} digits"


def _speeds(cases: Sequence[CaseAnswer], verdicts: Mapping[str, AbVerdict]) -> Iterator[str]:
    """Each case that is slower or faster for certain; else that none is."""
    changed = False
    for case in cases:
        p_value = verdicts[case.case].found.p_change
        if p_value is not None and p_value <= ALPHA and case.ratio is not None and abs(math.log(case.ratio)) >= SEEN:
            changed = True
            by_s = abs((case.after_s or 0.0) - (case.before_s or 0.0))
            yield f"{_name(case, cases)} {slower_text(case.ratio, case.low, case.high)}, by {by_s * 1e3:.2g} ms a call"
    if not changed:
        highest = max((case.high or 0.0 for case in cases), default=0.0)
        yield f"none is slower by more than {max(0.0, 100 * (highest - 1)):.0f} %"


def _name(case: CaseAnswer, cases: Sequence[CaseAnswer]) -> str:
    """The solver, and the problem where there are several."""
    problems = {one.problem for one in cases}
    same = sum((one.solver, one.problem) == (case.solver, case.problem) for one in cases)
    if same > 1:
        return case.case
    return case.solver if len(problems) == 1 else f"{case.solver} on {case.problem}"


def workaround(decision: Decision, cases: Sequence[CaseAnswer], known: Sequence[KnownFinding]) -> str:
    """What to do meanwhile: of a finding that is seen here; else a solver that keeps its digits on the same data."""
    if decision is not Decision.NO:
        return ""
    said = next((one.workaround for one in known if one.shown and one.workaround), "")
    if said:
        return said
    worst = cases[0]
    if not worst.lost:
        return ""
    keeps = [c.solver for c in cases if c.problem == worst.problem and c.decision is not Decision.NO and _is_right(c)]
    return f"{', '.join(keeps[:MOST_NAMED])} {'keeps' if len(keeps) == 1 else 'keep'} the digits" if keeps else ""


def _is_right(case: CaseAnswer) -> bool:
    return case.status_after == "ok" and (case.digits_after or 0.0) >= ENOUGH
