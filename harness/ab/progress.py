"""What is known of one cell while it is measured, and how long a launch stays with it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from harness.ab.cells import CellSpec
from harness.ab.process import Answer
from harness.judge.medians import measurable
from harness.records.ab import AbCell, Launch, Measured
from harness.solvers.status import Status, of_error
from harness.timing.sampling import Samples

SKIPPED = "skipped by the suite in both versions"
BASE, HEAD = "base", "head"
SIDES = (BASE, HEAD)
MAX_CALLS = 15
FILLED_S = 0.0025
"""A turn is one timed call, or up to 15 as long as they fit into 2.5 ms: the longer a turn, the more the machine has
drifted before the other version's (8 ms calls, in turns of 1, 3 and 15: 0.6, 0.6 and 4 % in one second)."""
FIRST_ROUNDS = 16
MIN_ROUNDS, MAX_ROUNDS = 12, 80
WITHIN = 0.01
"""The standard error that the rounds of one launch shall leave its log ratio: with five launches, the fewest that are
judged, that of their mean is 0.45 %, and 5 % is eleven of those. Stopping at 30 rounds and 1.5 % was tried: there are
more launches in the same time, and in noisy hours 5 % was seen in 11 of 24 cells instead of 19 (by t of each alone)."""
MEDIAN_PER_MEAN = math.sqrt(math.pi / 2)
"""The standard error of a median over that of a mean, of normal observations (Kendall and Stuart, volume 1, 10.11)."""
CLOCK_DIGITS = 10
"""Both clocks count nanoseconds, the median of two of them halves: more digits would be written, not measured."""


@dataclass
class Progress:
    """One cell so far; `calls` of its next turn; `lost` once a version could not run it; `left`: why nobody goes on."""

    spec: CellSpec
    launches: list[Launch] = field(default_factory=list)
    measured: dict[str, Measured] = field(default_factory=dict)
    calls: int = 1
    lost: bool = False
    left: str = ""

    def __post_init__(self) -> None:
        """Lose what neither version can measure."""
        for side, why in self.spec.benchmark.failed.items() if self.spec.benchmark else ():
            self.lose(side, of_error(why), why)

    def lose(self, side: str, status: Status, message: str) -> None:
        """A version could not run it: that is its result, and it is not tried again."""
        self.measured[side] = self.measured.get(side, Measured()).model_copy(
            update={"status": status, "message": message}
        )
        self.lost = True

    def leave(self, why: str) -> None:
        """Nobody looks at it again, though nothing is wrong with it."""
        self.left = why
        self.launches.clear()

    def found(self, side: str, value: float) -> None:
        """A launch's value of a benchmark that is no time."""
        so_far = self.measured.get(side, Measured())
        self.measured[side] = so_far.model_copy(update={"values": (*so_far.values, value)})

    def took(self, call_s: float) -> None:
        """One call takes so many seconds by the wall: the next turn has as many as fill it."""
        self.calls = min(MAX_CALLS, max(1, int(FILLED_S / call_s)))

    def append(self, answers: Mapping[str, Answer], of_calls: Callable[[Sequence[float]], float]) -> None:
        """A round of both versions joins the newest launch: one figure of each side's calls, by wall and by CPU."""
        kept = self.launches.pop()

        def longer(samples: Samples, calls: Answer) -> Samples:
            wall_s, cpu_s = (round(of_calls(calls[clock]), CLOCK_DIGITS) for clock in ("wall_s", "cpu_s"))
            return Samples((*samples.wall_s, wall_s), (*samples.cpu_s, cpu_s))

        base, head = (longer(getattr(kept, side), answers[side]) for side in SIDES)
        self.launches.append(Launch(base=base, head=head))

    @property
    def seen(self) -> bool:
        """Whether a launch has had something of it."""
        failed = self.spec.benchmark.failed if self.spec.benchmark else ()
        return bool(self.measured and not failed) or any(launch.base.wall_s for launch in self.launches)

    @property
    def cell(self) -> AbCell:
        """As it is kept."""
        spec, benchmark = self.spec, self.spec.benchmark
        both = [self.measured.get(side, Measured()).status for side in SIDES]
        left = SKIPPED if benchmark is not None and set(both) == {Status.UNSUPPORTED} else self.left
        return AbCell(
            case=spec.case,
            problem=spec.problem,
            solver=spec.solver,
            device=spec.device,
            threads=spec.threads,
            base=self.measured.get(BASE, Measured()),
            head=self.measured.get(HEAD, Measured()),
            launches=tuple(self.launches),
            params=() if benchmark is None else benchmark.params,
            unit="" if benchmark is None or benchmark.is_time else benchmark.unit,
            left=left,
            spreads=dict(spec.spreads),
        )


def rounds(launches: Sequence[Launch], device: str) -> int:
    """Rounds of the next launch: those after which the median of the log ratios has a standard error of 1 %.

    The spread is that of the rounds within their launches, by the median absolute deviation, which a few disturbed
    rounds do not move; between 12 and 80, and 16 where nothing has been measured.
    """
    logs = [one for launch in launches if len(one := _logs(launch, device)) > 1]
    if not logs:
        return FIRST_ROUNDS
    around = np.concatenate([one - np.median(one) for one in logs])
    spread = MEDIAN_PER_MEAN * float(stats.median_abs_deviation(around, scale="normal"))
    return min(MAX_ROUNDS, max(MIN_ROUNDS, math.ceil((spread / WITHIN) ** 2)))


def _logs(launch: Launch, device: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(rounds,) log(head / base) by the clock that is judged; empty where one of them is no measurable time."""
    clock = "cpu" if device == "cpu" else "wall"
    times = np.array([launch.base.by(clock), launch.head.by(clock)], dtype=np.float64)
    if times.size == 0 or not measurable(times):
        return np.empty(0)
    return np.asarray(np.log(times[1] / times[0]))
