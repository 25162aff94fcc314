"""The gate over asv's cells: those of the harness's own suites, and those of anybody's, by rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.judge.gate.asv_cell import (
    bounded,
    compared,
    deleted,
    exceeds,
    finite,
    judge_number,
    lost,
    no_result,
    other_version,
)
from harness.judge.gate.asv_noise import Noise, Pair
from harness.judge.gate.gate import NotJudged
from harness.judge.gate.rules import LIMITS, Limit, Rule, limit_of
from harness.judge.verdict import Judgement, Verdict
from harness.records.asv_cells import AsvCell, Identity

WITHIN_NOISE = "beyond its limit, but no further than chance goes here: measure it again"
TOO_SHORT = "beyond its limit, but the store has too little history to tell that from chance: measure it again"
OTHER_VERSION = "not comparable: another version of the benchmark"
OTHER_PARAMETERS = "not comparable: the base has no number of this benchmark with these parameters"
NO_NUMBER_BEFORE = "not comparable: failed or skipped in the base"
AS_BEFORE = "failed or skipped, as in the base"
NO_DIRECTION = "no direction known: add a rule to [asv] in harness.toml"


def judge_cells(cells: Sequence[AsvCell]) -> list[Judgement]:
    """Every cell must be a finite, non-negative number, but for skips on a device that the machine may lack.

    asv writes NaN where a benchmark raises NotImplementedError, as where one returns NaN.
    """
    return [
        judge_number(cell) for cell in cells if not (cell.skipped and dict(cell.params).get("device", "cpu") != "cpu")
    ]


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
    """Of the harness's own suites: every gated cell of the base must still be there, and no worse than allowed."""
    now = {cell.identity: cell for cell in cells}
    return [
        _judge_own(then, now.get(then.identity)) for then in base if then.metric in LIMITS and then.number is not None
    ]


def _judge_own(then: AsvCell, now: AsvCell | None) -> Judgement:
    limit = LIMITS[then.metric]
    if now is None:
        return deleted(then, limit)
    if now.number is None:
        return lost(now, then, limit)
    return compared(now, then, limit, worse=exceeds(now, then, limit))


@dataclass
class AnySuite:
    """The gate over any suite's cells. `rules`: a person's; `base`: the cells to compare with, None without any.

    `listed`: the benchmarks that the suite has; empty where nobody knows. `noise`: judges the numbers that differ by
    chance as well. `rates`: how often that errs. `is_asked`: whether somebody named the base; where nobody did, a
    number that it has not counts as one that is there. `compared`: numbers that were compared with the base's.
    """

    rules: Sequence[Rule]
    base: Sequence[AsvCell] | None
    listed: frozenset[str]
    noise: Callable[[Sequence[Pair]], Noise]
    judgements: list[Judgement] = field(default_factory=list)
    not_judged: list[NotJudged] = field(default_factory=list)
    rates: str = ""
    is_asked: bool = True
    compared: int = 0

    def judge(self, cells: Sequence[AsvCell]) -> None:
        """Judge every cell, or say why it cannot be judged; nothing is left out."""
        before: Mapping[Identity, AsvCell] = {cell.identity: cell for cell in self.base or ()}
        noisy = []
        for cell in cells:
            limit = limit_of(cell.full_name, cell.name, cell.unit, cell.direction, self.rules)
            then = before.get(cell.identity)
            if cell.number is None:
                self._without_number(cell, then, limit)
            elif limit is None:
                self._leave(cell, NO_DIRECTION)
            elif (pair := self._alone(cell, then, limit)) is not None:
                noisy.append(pair)
        self._judge_noisy(noisy)
        self._missing(cells)

    def _leave(self, cell: AsvCell, reason: str) -> None:
        self.not_judged.append(NotJudged(cell.label, cell.metric, reason))

    def _without_number(self, cell: AsvCell, then: AsvCell | None, limit: Limit | None) -> None:
        what = "failed" if cell.value is None else "skipped" if cell.skipped else "infinite"
        if then is None or other_version(cell, then):
            self._leave(cell, f"{what}, and nothing to compare with")
        elif then.number is None:
            self._leave(cell, AS_BEFORE)
        else:
            self.judgements.append(lost(cell, then, limit))

    def _alone(self, cell: AsvCell, then: AsvCell | None, limit: Limit) -> Pair | None:
        """Judge what needs no other cell; else the pair."""
        limited = bounded(cell, limit)
        self.judgements += limited
        if not limit.compares:
            return None
        if self.base is None:
            self.judgements += [] if limited else [finite(cell)]
        elif then is None or then.number is None or other_version(cell, then):
            self._leave(cell, _why_not(then))
            self.judgements += [] if limited or self.is_asked else [finite(cell)]
        elif limit.is_noisy:
            self.compared += 1
            return Pair(cell, then, limit)
        else:
            self.compared += 1
            self.judgements.append(compared(cell, then, limit, worse=exceeds(cell, then, limit)))
        return None

    def _judge_noisy(self, pairs: Sequence[Pair]) -> None:
        found = self.noise(pairs)
        self.rates = found.rates
        for pair, worse, beyond in zip(pairs, found.worse, found.beyond, strict=True):
            if beyond and not worse:
                self._leave(pair.now, TOO_SHORT if found.is_short else WITHIN_NOISE)
            else:
                self.judgements.append(compared(pair.now, pair.then, pair.limit, worse=worse))

    def _missing(self, cells: Sequence[AsvCell]) -> None:
        """What the base has and these results have not, and benchmarks without any result."""
        here = {cell.identity for cell in cells}
        names = {cell.name for cell in cells}
        for then in self.base or ():
            if then.identity in here:
                continue
            if then.name in names:
                self._leave(then, "not comparable: the benchmark has other parameters now")
            elif self.listed and then.name not in self.listed:
                self._leave(then, "not comparable: the suite does not list the benchmark any more")
            elif then.number is not None:
                self.judgements.append(no_result(then))
        for name in sorted(self.listed - names - {then.name for then in self.base or ()}):
            self.not_judged.append(NotJudged(name, "presence", "the suite lists it, and it has no result"))


def _why_not(then: AsvCell | None) -> str:
    """Why a number is not compared with the base's."""
    if then is None:
        return OTHER_PARAMETERS
    return NO_NUMBER_BEFORE if then.number is None else OTHER_VERSION
