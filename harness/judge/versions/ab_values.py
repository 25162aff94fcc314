"""What benchmarks that are no times gave in both versions, by the gate's rules for any suite."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.judge.gate.asv_cell import FIND_BY_AB, FIND_IT
from harness.judge.gate.asv_gate import WITHIN_NOISE, AnySuite
from harness.judge.gate.asv_noise import Noise, Pair
from harness.judge.gate.rules import Rule
from harness.judge.medians import Floats
from harness.judge.verdict import Judgement, Verdict, number_text
from harness.records.ab import AbCell, Measured
from harness.records.asv_cells import AsvCell

MORE = "beyond its limit, but not in every launch, or in too few: a larger --budget"
ENOUGH = 5
"""Launches of numbers that differ: that all five of the head are worse than all five of the base has a probability of
1 in 252 where nothing changed (Wilcoxon's rank sum, exactly)."""
SAME = 2
"""Launches that gave one and the same number in each version: what repeats exactly needs no statistics."""


def enough(cell: AbCell) -> bool:
    """Whether more launches would say no more."""
    both = (cell.base.values, cell.head.values)
    return min(map(len, both)) >= (SAME if all(len(set(one)) == 1 for one in both) else ENOUGH)


def judge_values(cell: AbCell, rules: Sequence[Rule]) -> tuple[Judgement, ...]:
    """The head's value against the base's and against floors and ceilings; undecided where nobody knows the direction.

    A number that differs by chance is worse, or better, only if every launch says so.
    """
    base, head = _as_asv(cell, cell.base), _as_asv(cell, cell.head)
    found = _judged(head, base, rules, cell)
    back = _judged(base, head, rules, cell)
    better = any(one.verdict is Verdict.REGRESSION for one in back)
    return tuple(
        replace(one, verdict=Verdict.IMPROVEMENT) if better and one.verdict is Verdict.UNCHANGED else one
        for one in found
    )


def _judged(now: AsvCell, then: AsvCell, rules: Sequence[Rule], cell: AbCell) -> list[Judgement]:
    def noise(pairs: Sequence[Pair]) -> Noise:
        beyond = [bool(_bad(pair, now)[1] > _bad(pair, then)[2]) for pair in pairs]
        apart = [bool(_bad(pair, now)[0] > _bad(pair, then)[3]) and enough(cell) for pair in pairs]
        return Noise(tuple(one and two for one, two in zip(beyond, apart, strict=True)), tuple(beyond), "")

    suite = AnySuite(rules, [then], frozenset(), noise)
    suite.judge([now])
    texts = number_text(now.value), f"as {number_text(then.value)}"
    left = [
        Judgement(
            cell.case, one.quantity, *texts, Verdict.UNDECIDED, MORE if one.reason == WITHIN_NOISE else one.reason
        )
        for one in suite.not_judged
    ]
    advised = {FIND_IT: FIND_BY_AB}
    named = [replace(one, case=cell.case, advice=advised.get(one.advice, one.advice)) for one in suite.judgements]
    return named + left


def _bad(pair: Pair, cell: AsvCell) -> tuple[float, float, float, float]:
    """Of a side: the least badness, the middle one, what the middle and the worst allow."""
    samples: Floats = np.array(cell.samples, dtype=np.float64)
    bad, allowed = pair.limit.badness(samples), pair.limit.allowed(samples)
    return float(bad.min()), float(np.median(bad)), float(np.median(allowed)), float(allowed.max())


def _as_asv(cell: AbCell, side: Measured) -> AsvCell:
    return AsvCell(
        name=cell.problem,
        params=cell.params,
        value=float(np.median(side.values)),
        samples=tuple(side.values),
        texts=tuple(text for _, text in cell.params),
        unit=cell.unit,
    )
