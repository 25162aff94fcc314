"""Two versions side by side: which cells became slower or wronger.

Speed is decided by statistics (`ab_speed` has the rule, `ab_cell` the test). Accuracy needs none: an answer is what it
is (`ab_accuracy`), and the expectations' floors hold for the head as for a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import COULD_NOT_MEASURE
from harness.judge.gate.expectations import Expectations
from harness.judge.gate.rules import Rule
from harness.judge.verdict import WORST_FIRST, Judgement, Verdict
from harness.judge.versions.ab_accuracy import judge_accuracy
from harness.judge.versions.ab_cell import CPU, WALL, Speed, ran, speed
from harness.judge.versions.ab_expectations import judge_expected
from harness.judge.versions.ab_speed import EFFECT, SpeedVerdict, judge_speeds, looked
from harness.judge.versions.ab_values import enough, judge_values
from harness.judge.versions.calibration import Calibration
from harness.records.ab import AbCell


@dataclass(frozen=True)
class AbVerdict:
    """One cell. `found`: its speed, judged; `other`: by the other clock, shown only; `accuracy`: the status first."""

    cell: AbCell
    found: SpeedVerdict
    other: Speed
    accuracy: tuple[Judgement, ...]

    @property
    def speed(self) -> Speed:
        """By the clock that is judged."""
        return self.found.speed

    @property
    def verdict(self) -> Verdict:
        """A regression of anything; else undecided if anything is; else an improvement of anything; else unchanged."""
        found = {one.verdict for one in self.accuracy}
        if not self.cell.unit:  # else it is no time
            found.add(self.found.verdict)
        elif not (self.cell.base.values and self.cell.head.values):
            found.add(Verdict.UNDECIDED)
        return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.UNCHANGED)

    @property
    def decided_on(self) -> Verdict:
        """The verdict on its speed; of a benchmark that is no time on its value."""
        return self.verdict if self.cell.unit else self.found.verdict

    @property
    def could_not_measure(self) -> bool:
        """Neither version could run it, the base's libraries cannot be imported, or they were given other data."""
        if self.cell.left:
            return False
        return (
            self.cell.data_changed
            or self.cell.base.import_failed
            or not (ran(self.cell.base.status) or ran(self.cell.head.status))
        )

    @property
    def wrong(self) -> tuple[Judgement, ...]:
        """What of its accuracy is a regression."""
        return tuple(one for one in self.accuracy if one.verdict is Verdict.REGRESSION)

    @property
    def why(self) -> str:
        """Why it is a regression, or why nothing is decided; else empty."""
        parts = [f"{one.quantity}: {one.detail}" for one in self.wrong]
        if self.found.verdict is Verdict.REGRESSION:
            slower = "the head has no times" if self.speed.ratio is None else f"time {self.speed.ratio - 1:+.1%}"
            parts.insert(0, f"{self.speed.clock} {slower}")
        if parts or self.verdict is not Verdict.UNDECIDED:
            return "; ".join(parts)
        if self.cell.left:
            return self.cell.left
        open_ = [f"{one.quantity}: {one.detail}" for one in self.accuracy if one.verdict is Verdict.UNDECIDED]
        return "; ".join(open_) or self.speed.why_not or "more launches needed: a larger --budget"


@dataclass(frozen=True)
class AbReport:
    """Every cell's verdict, the smallest effect of interest, and this machine's error rates if they are known."""

    cells: tuple[AbVerdict, ...]
    effect: float
    calibration: Calibration | None = None

    def with_verdict(self, verdict: Verdict) -> tuple[AbVerdict, ...]:
        """The cells of one verdict."""
        return tuple(one for one in self.cells if one.verdict is verdict)

    @property
    def exit_code(self) -> int:
        """1 for a regression; 3 if a cell could not be measured or no cell's speed was decided; else 0."""
        if self.with_verdict(Verdict.REGRESSION):
            return 1
        nothing = all(one.decided_on is Verdict.UNDECIDED for one in self.cells)
        return COULD_NOT_MEASURE if nothing or any(one.could_not_measure for one in self.cells) else 0


def judge_ab(
    cells: Sequence[AbCell],
    *,
    effect: float = EFFECT,
    expectations: Expectations | None = None,
    calibration: Calibration | None = None,
    versions: Mapping[str, str] | None = None,
    rules: Sequence[Rule] = (),
) -> AbReport:
    """Judge every cell by all of its launches. `versions`: of the head's libraries, for the expectations.

    `rules`: for what benchmarks that are no times gave.
    """
    floors = judge_expected(cells, expectations, versions) if expectations is not None else {}
    judged = []
    for cell, found in zip(cells, judge_speeds(cells, effect), strict=True):
        accuracy = judge_accuracy(cell)
        if cell.data_changed:
            found = replace(found, verdict=Verdict.UNDECIDED)  # noqa: PLW2901  # times of other work
        else:
            accuracy += floors.get(cell.case, ())
        if cell.base.values and cell.head.values:
            accuracy += judge_values(cell, rules)
        other = speed(cell, WALL if found.speed.clock == CPU else CPU, effect)
        judged.append(AbVerdict(cell, found, other, accuracy))
    return AbReport(tuple(judged), effect, calibration)


def decided(cells: Sequence[AbCell], *, effect: float = EFFECT) -> set[str]:
    """The cases that need no more samples: a version could not run them, or their speed is decided at their last look.

    Only launches up to a look count, so that asking more often costs nothing.
    """
    done = {cell.case for cell in cells if not (ran(cell.base.status) and ran(cell.head.status))}
    done |= {cell.case for cell in cells if cell.base.values and cell.head.values and enough(cell)}
    seen = looked([cell for cell in cells if cell.case not in done])
    verdicts = zip(seen, judge_speeds(seen, effect), strict=True)
    return done | {cell.case for cell, found in verdicts if found.verdict is not Verdict.UNDECIDED}
