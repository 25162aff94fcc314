"""Two versions' instruction counts: which cells do more work for the same answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import COULD_NOT_MEASURE
from harness.judge.verdict import Verdict
from harness.records.instructions import InstructionCell, InstructionCount

FLOOR = 0.005
"""Counts of one version in processes that differ as versions do differ by up to 0.2 % (means of seven layouts each), by
0.4 % where hashes have another seed too: results/instructions. Less than half a per cent is no change."""
SEEN = 0.01
"""The change that must be seen: where the layouts differ too much for it, nothing is said to be unchanged."""
CONFIDENCE = 0.99


@dataclass(frozen=True)
class InstructionLine:
    """One cell. `ratio`: head / base instructions of one call; `threshold`: the change that counts, as a fraction."""

    cell: InstructionCell
    ratio: float | None
    threshold: float | None
    verdict: Verdict
    why: str = ""


def judge_instructions(cells: Sequence[InstructionCell]) -> list[InstructionLine]:
    """Judge every cell; one that could not be counted fails closed."""
    return [_judge(cell) for cell in cells]


def instructions_exit_code(lines: Sequence[InstructionLine]) -> int:
    """1 for a regression; 3 if anything is undecided or there is nothing; else 0."""
    verdicts = {line.verdict for line in lines}
    if Verdict.REGRESSION in verdicts:
        return 1
    return COULD_NOT_MEASURE if Verdict.UNDECIDED in verdicts or not lines else 0


def _judge(cell: InstructionCell) -> InstructionLine:
    if not cell.base.layouts:
        why = f"the base was not counted: {cell.base.status}: {cell.base.message}"
        return InstructionLine(cell, None, None, Verdict.UNDECIDED, why)
    if not cell.head.layouts:
        why = f"the head was not counted: {cell.head.status}: {cell.head.message}"
        return InstructionLine(cell, None, None, Verdict.REGRESSION, why)
    if not _comparable(cell.base, cell.head):
        why = "the counts are no positive numbers, or not of the same two layouts or more"
        return InstructionLine(cell, None, None, Verdict.UNDECIDED, why)
    ratio, uncertain = _ratio(cell.base, cell.head)
    threshold = max(FLOOR, uncertain)
    if abs(math.log(ratio)) > threshold:
        worse = ratio > 1
        why = f"{ratio - 1:+.2%} instructions" if worse else ""
        return InstructionLine(cell, ratio, threshold, Verdict.REGRESSION if worse else Verdict.IMPROVEMENT, why)
    if threshold > SEEN:
        why = f"the memory layouts differ too much: a change of {SEEN:.0%} would not be seen"
        return InstructionLine(cell, ratio, threshold, Verdict.UNDECIDED, why)
    return InstructionLine(cell, ratio, threshold, Verdict.UNCHANGED)


def _comparable(base: InstructionCount, head: InstructionCount) -> bool:
    values = (*base.by_layout, *head.by_layout)
    same = len(base.by_layout) == len(head.by_layout) > 1
    return same and all(0 < value < math.inf for value in values)


def _ratio(base: InstructionCount, head: InstructionCount) -> tuple[float, float]:
    """The geometric mean over layouts of head / base, and half the width of its interval as a logarithm.

    The layouts are drawn from the same seeds, so that they are pairs: Student's t over the logarithms of their ratios.
    """
    from scipy import stats

    logs = [math.log(after / before) for before, after in zip(base.by_layout, head.by_layout, strict=True)]
    half = float(stats.sem(logs) * stats.t.ppf((1 + CONFIDENCE) / 2, len(logs) - 1))
    return math.exp(sum(logs) / len(logs)), half
