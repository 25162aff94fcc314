"""Which cells' speeds changed: the decision over all cells.

The rule. A cell's speed is a regression if

- the estimate of head / base is at least 1 + effect (0.03 by default), and
- Student's t over launches (`ab_cell`) rejects "no change" at 1 % for the cell by itself and at a false
  discovery rate of 5 % among all cells (Benjamini and Hochberg 1995), its p-value multiplied by LOOKS_PRICE;

an improvement likewise at or below 1 / (1 + effect); unchanged if two one-sided tests at 5 %, paid and corrected in the
same way, hold the ratio inside the band; undecided else. A slowdown that is real but smaller than the effect is
therefore no regression, and one of exactly the effect is one in half of the cases.

Sampling is sequential: whoever samples asks after each launch, and a cell that is decided stops. `looked` only counts
launches up to 5, 9 or 16, and the end is the last look: four looks at most. Pocock (Biometrika 64, 1977; Jennison and
Turnbull 2000, table 2.1) has the level of each of four looks for 1 % over all: 0.0033, a price of 3. That is of normal
means; Student's t from few launches agrees less from look to look, and simulated (60 000 cells, launches' standard
deviation 10 %, where the effect's size protects from nothing) a price of 3 gives 1.05 % of false alarms, 3.5 0.89 %.
Where launches differ by 2 %, calls by 5 % and a tenth of them is delayed, one cell by itself has a false alarm in 0.5
% of 4000, and in 2.6 % if every launch from the fourth to the 20th is a look without a price (tests/ab_methods.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from harness.judge.medians import Floats
from harness.judge.verdict import Verdict
from harness.judge.versions.ab_cell import Speed, judged_clock, speeds
from harness.records.ab import AbCell

EFFECT = 0.03
"""The smallest effect of interest, as a fraction: below what must be seen, 5 %, and above what a launch's noise is."""
ALPHA = 0.01
"""False alarms among unchanged cells."""
DISCOVERY_RATE = 0.05
"""False alarms among alarms, and false ones among those called unchanged; the usual 5 %."""
LOOKS = (5, 9, 16)
LOOKS_PRICE = 3.5


@dataclass(frozen=True)
class SpeedVerdict:
    """A cell's speed by the clock that is judged.

    p_change, p_same: paid for the looks and corrected for the number of cells; None where nothing was tested.
    """

    speed: Speed
    verdict: Verdict
    p_change: float | None = None
    p_same: float | None = None


def judge_speeds(cells: Sequence[AbCell], effect: float) -> list[SpeedVerdict]:
    """Each cell by all of its launches; without a test undecided, or a regression where only the base has times."""
    found = decide(speeds(cells, [judged_clock(cell) for cell in cells], effect), effect)
    return [
        replace(one, verdict=Verdict.REGRESSION) if one.speed.test is None and _gone(cell) else one
        for one, cell in zip(found, cells, strict=True)
    ]


def decide(compared: Sequence[Speed], effect: float) -> list[SpeedVerdict]:
    """The rule, over all speeds that are compared in one report; what was not tested is undecided."""
    tests = [one.test for one in compared if one.test is not None]
    if not tests:
        return [SpeedVerdict(one, Verdict.UNDECIDED) for one in compared]
    alone, same = _paid([test.change for test in tests]), _paid([test.same for test in tests])
    corrected = zip(alone, stats.false_discovery_control(alone), stats.false_discovery_control(same), strict=True)
    found = []
    for one in compared:
        if one.test is None:
            found.append(SpeedVerdict(one, Verdict.UNDECIDED))
            continue
        by_itself, among, inside = map(float, next(corrected))
        clear = by_itself <= ALPHA and among <= DISCOVERY_RATE
        found.append(SpeedVerdict(one, _verdict(one, effect, clear=clear, inside=inside), among, inside))
    return found


def looked(cells: Sequence[AbCell]) -> list[AbCell]:
    """The cells that have had a look, with their launches up to it."""
    last = [max((look for look in LOOKS if look <= len(cell.launches)), default=0) for cell in cells]
    return [
        cell.model_copy(update={"launches": cell.launches[:look]})
        for cell, look in zip(cells, last, strict=True)
        if look
    ]


def _verdict(found: Speed, effect: float, *, clear: bool, inside: float) -> Verdict:
    ratio = 1.0 if found.ratio is None else found.ratio
    if clear and ratio >= 1 + effect:
        return Verdict.REGRESSION
    if clear and ratio <= 1 / (1 + effect):
        return Verdict.IMPROVEMENT
    return Verdict.UNCHANGED if inside <= DISCOVERY_RATE else Verdict.UNDECIDED


def _gone(cell: AbCell) -> bool:
    launches = cell.launches
    return bool(launches) and all(launch.base.wall_s and not launch.head.wall_s for launch in launches)


def _paid(p_values: Sequence[float]) -> Floats:
    return np.minimum(1.0, LOOKS_PRICE * np.asarray(p_values, dtype=np.float64))
