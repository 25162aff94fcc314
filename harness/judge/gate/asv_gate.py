"""The gate over asv's cells: those of the harness's own suites, and those of anybody's, by rules."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.judge.gate.asv_noise import Noise, Pair
from harness.judge.gate.gate import NotJudged
from harness.judge.gate.rules import LIMITS, Direction, Limit, Rule, limit_of
from harness.judge.verdict import Judgement, Verdict
from harness.records.asv_cells import AsvCell, Identity

FIND_IT = "Find what changed between the two: the commit by harness bisect, the release in its changelog."
RUN_IT = "Run it with 'asv run --show-stderr --bench NAME' and read what it says."
WITHIN_NOISE = "beyond its limit, but no further than chance goes here: measure it again"
OTHER_VERSION = "not comparable: another version of the benchmark"
OTHER_PARAMETERS = "not comparable: the base has no number of this benchmark with these parameters"
AS_BEFORE = "failed or skipped, as in the base"
NO_DIRECTION = "no direction known: add a rule to [asv] in harness.toml"


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
    """Of the harness's own suites: every gated cell of the base must still be there, and no worse than allowed."""
    now = {cell.identity: cell for cell in cells}
    return [
        _judge_own(then, now.get(then.identity)) for then in base if then.metric in LIMITS and then.number is not None
    ]


def _optional(cell: AsvCell) -> bool:
    return dict(cell.params).get("device", "cpu") != "cpu"


def _judge_number(cell: AsvCell) -> Judgement:
    good = cell.number is not None and cell.number >= 0
    return Judgement(
        case=cell.label,
        quantity=cell.metric,
        measured=_text(cell),
        expected="a finite number",
        verdict=Verdict.UNCHANGED if good else Verdict.REGRESSION,
        detail="" if good else "the benchmark failed" if cell.value is None else "not a number to judge",
        advice="" if good else RUN_IT,
    )


def _judge_own(then: AsvCell, now: AsvCell | None) -> Judgement:
    limit = LIMITS[then.metric]
    if now is None:
        expected, detail = _expected(limit, then.number or 0.0), "the benchmark or its parameters were deleted"
        return _judgement(then, "no result", limit, Verdict.REGRESSION, detail, expected)
    return (
        _lost(now, then, limit) if now.number is None else _compared(now, then, limit, worse=_exceeds(now, then, limit))
    )


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
        if then is None or _other_version(cell, then):
            self._leave(cell, f"{what}, and nothing to compare with")
        elif then.number is None:
            self._leave(cell, AS_BEFORE)
        else:
            self.judgements.append(_lost(cell, then, limit))

    def _alone(self, cell: AsvCell, then: AsvCell | None, limit: Limit) -> Pair | None:
        """Judge what needs no other cell; else the pair."""
        bounded = _bounded(cell, limit)
        self.judgements += bounded
        if not limit.compares:
            return None
        if self.base is None:
            self.judgements += [] if bounded else [_finite(cell)]
        elif then is None or then.number is None or _other_version(cell, then):
            other = then is not None and then.number is not None
            self._leave(cell, OTHER_VERSION if other else OTHER_PARAMETERS)
            self.judgements += [] if bounded or self.is_asked else [_finite(cell)]
        elif limit.is_noisy:
            self.compared += 1
            return Pair(cell, then, limit)
        else:
            self.compared += 1
            self.judgements.append(_compared(cell, then, limit, worse=_exceeds(cell, then, limit)))
        return None

    def _judge_noisy(self, pairs: Sequence[Pair]) -> None:
        found = self.noise(pairs)
        self.rates = found.rates
        for pair, worse, beyond in zip(pairs, found.worse, found.beyond, strict=True):
            if beyond and not worse:
                self._leave(pair.now, WITHIN_NOISE)
            else:
                self.judgements.append(_compared(pair.now, pair.then, pair.limit, worse=worse))

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
                self.judgements.append(_no_result(then))
        for name in sorted(self.listed - names - {then.name for then in self.base or ()}):
            self.not_judged.append(NotJudged(name, "presence", "the suite lists it, and it has no result"))


def _other_version(cell: AsvCell, then: AsvCell) -> bool:
    """A version that asv did not keep is any, as asv takes it."""
    return bool(cell.version and then.version) and cell.version != then.version


def _exceeds(now: AsvCell, then: AsvCell, limit: Limit) -> bool:
    return bool(limit.badness(now.number or 0.0) > limit.allowed(then.number or 0.0))


def _text(cell: AsvCell) -> str:
    return "failed" if cell.value is None else f"{cell.value:.4g}"


def _judgement(
    cell: AsvCell, measured: str, limit: Limit | None, verdict: Verdict, detail: str, expected: str
) -> Judgement:
    return Judgement(
        case=cell.label,
        quantity=cell.metric,
        measured=measured,
        expected=expected,
        verdict=verdict,
        detail=detail,
        advice=FIND_IT if verdict is Verdict.REGRESSION else "",
        reason="" if limit is None else limit.why,
    )


def _expected(limit: Limit, base: float) -> str:
    """What the number may be, by the base's."""
    allowed = float(limit.allowed(base))
    if limit.direction is Direction.NEAR:
        return f"within {allowed:.4g} of {limit.near:g}"
    return f">= {-allowed:.4g}" if limit.direction is Direction.HIGHER else f"<= {allowed:.4g}"


def _compared(now: AsvCell, then: AsvCell, limit: Limit, *, worse: bool) -> Judgement:
    old, new = then.number or 0.0, now.number or 0.0
    detail = ""
    if worse:
        by = float(limit.badness(new) - limit.badness(old))
        how = f"{new / old:.3g} times" if limit.is_time and old > 0 else f"{by:.2g} worse than"
        detail = f"{how} the base's {old:.4g}"
    verdict = Verdict.REGRESSION if worse else Verdict.UNCHANGED
    return _judgement(now, _text(now), limit, verdict, detail, _expected(limit, old))


def _lost(now: AsvCell, then: AsvCell, limit: Limit | None) -> Judgement:
    expected = _expected(limit, then.number or 0.0) if limit and limit.compares else "a number"
    return _judgement(now, _text(now), limit, Verdict.REGRESSION, "the base had a number", expected)


def _no_result(then: AsvCell) -> Judgement:
    return Judgement(
        case=then.label,
        quantity=then.metric,
        measured="no result",
        expected="a result",
        verdict=Verdict.UNDECIDED,
        detail="the base has a number: nothing is compared",
        advice="Run the whole suite, or name what is to be judged with --bench.",
    )


def _finite(cell: AsvCell) -> Judgement:
    return Judgement(cell.label, cell.metric, _text(cell), "a finite number", Verdict.UNCHANGED)


def _bounded(cell: AsvCell, limit: Limit) -> list[Judgement]:
    """By the floor, the ceiling and the digits of a rule, without a base."""
    value = cell.number or 0.0
    limits = (
        (limit.floor > -math.inf, value >= limit.floor, f">= {limit.floor:g}"),
        (limit.ceiling < math.inf, value <= limit.ceiling, f"<= {limit.ceiling:g}"),
        (
            limit.fewest_digits > 0,
            limit.shared_digits(value) >= limit.fewest_digits,
            f"{limit.near:g} to {limit.fewest_digits:g} digits",
        ),
    )
    verdicts = {True: (Verdict.UNCHANGED, ""), False: (Verdict.REGRESSION, "outside of its limit")}
    return [
        _judgement(cell, _text(cell), limit, *verdicts[holds], expected) for asked, holds, expected in limits if asked
    ]
