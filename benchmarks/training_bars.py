"""The training lines of one run, and the bars that the engines are held to: ratios of medians within the run."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from harness.judge.medians import CONFIDENCE, Floats
from harness.judge.speed.crossover import FEWEST_CALLS, RESAMPLES
from harness.timing.sampling import Samples

TEXTBOOK, LOOP, BATCHED, JAX, GRAPHED = "textbook loop", "loop", "batched", "jax", "graphed"
SUBJECTS = ("linear SGD", "linear Adam", "MLP SGD", "MLP Adam")
ORACLE = "oracle"
CUDA_ROWS = (398, 10_000)
"""On CUDA: the size of the CPU's lines, and the largest at which a step is still launches and little else."""


@dataclass(frozen=True)
class TrainingLine:
    """One way to train, in a group of lines that took turns: raw seconds of single calls.

    A call is `epochs` epochs of `models` trainings at once. prepare_s: wall seconds from the data to the end of
    the first call, compilation and capture among them; note: why it was not run, or what stopped it. What counts
    is CPU time on the CPU, where others' load is in the wall clock, and wall time on CUDA, where the host waits.
    """

    group: str
    name: str
    models: int = 1
    epochs: int = 1
    device: str = "cpu"
    samples: Samples = field(default_factory=Samples)
    prepare_s: float | None = None
    note: str = ""

    def timed(self, samples: Samples) -> "TrainingLine":
        """The line with its samples."""
        return replace(self, samples=samples, note=samples.error or self.note)

    @property
    def counted_s(self) -> tuple[float, ...]:
        """The samples that are judged."""
        return self.samples.by("cpu" if self.device == "cpu" else "wall")

    @property
    def call_s(self) -> float | None:
        """Median seconds of one call; None if it was not run."""
        return statistics.median(self.counted_s) if self.counted_s else None

    @property
    def epoch_s(self) -> float | None:
        """Median seconds of one epoch of all its trainings."""
        return None if self.call_s is None else self.call_s / self.epochs

    @property
    def model_epoch_s(self) -> float | None:
        """Median seconds of one epoch of one training."""
        return None if self.call_s is None else self.call_s / (self.epochs * self.models)

    @property
    def model_epoch_wall_s(self) -> float | None:
        """The same by the wall clock."""
        call_s = self.samples.median_wall_s
        return None if call_s is None else call_s / (self.epochs * self.models)


def cuda_group(subject: str, n: int) -> str:
    """What a group of lines on CUDA is called."""
    return f"{subject}, n = {n}, CUDA"


def loop_group(subject: str) -> str:
    """What the group is called in which the textbook loop and the engine `loop` take turns, call by call."""
    return f"{subject}, call by call"


class Ruling(StrEnum):
    """What a bar comes to; undecided: the ratio's interval holds the bar."""

    HELD = "held"
    BROKEN = "not held"
    UNDECIDED = "undecided"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class TrainingVerdict:
    """A bar with what was measured, or why nothing was."""

    text: str
    measured: str
    ruling: Ruling


LOOP_MOST = 1.02
"""Of the textbook loop's time: what the engine `loop` may add to the loop that all figures are relative to is less
than what the fastest step differs by from run to run."""
SPEED_UPS = (
    *((subject, 256, 150.0) for subject in SUBJECTS[:2]),
    *((subject, 64, 120.0) for subject in SUBJECTS[:2]),
    *((subject, models, 8.0) for subject in SUBJECTS[2:] for models in (16, 64)),
)
"""(group, K, the least speed-up of `batched`): below what products written by hand gave when the engine was planned
(K = 256: 199 and 298; K = 64: 168 and 181; networks: 10), by the noise of two busy cores."""
ORACLE_MOST_S = {"SGD": 0.3, "Adam": 2.0}
"""Of a map of 9 learning rates, 64 seeds and 10,000 epochs: short enough to be drawn while a person waits."""
GRAPHED_LEAST = {subject: 5.0 if subject.startswith("linear") else 3.0 for subject in SUBJECTS}
"""Estimated, to be measured: a launch costs 10 µs and a step has tens of them, a replayed graph is one launch; a
network's kernels take longer than their launches sooner."""
FLAT_MOST = 2.0
"""Estimated, to be measured: a device that one small model leaves idle has room for 256 of them."""


def judge_training(lines: Sequence[TrainingLine]) -> Iterator[TrainingVerdict]:
    """Every bar, measured or not."""
    found = {(line.group, line.name, line.models): line for line in lines}

    def line(group: str, name: str, models: int = 1) -> TrainingLine:
        return found.get((group, name, models), TrainingLine(group, name, models, note="not in this run"))

    for subject in SUBJECTS:
        group = loop_group(subject)
        yield _loop(subject, line(group, LOOP), line(group, TEXTBOOK))
    for subject, models, least in SPEED_UPS:
        text = f"{subject}: {BATCHED} at K = {models} is at least {least:g} times as fast as the textbook loop"
        yield _fast(text, line(subject, BATCHED, models), line(subject, TEXTBOOK), least)
    for name, most_s in ORACLE_MOST_S.items():
        of_oracle = [each for each in lines if (each.group, each.name) == (ORACLE, name)] or [line(ORACLE, name)]
        yield _under(f"{ORACLE}: the whole map of {name} in under {most_s:g} s", of_oracle[0], most_s)
    for subject, least in GRAPHED_LEAST.items():
        group = cuda_group(subject, CUDA_ROWS[0])
        text = f"{group}: {GRAPHED} is at least {least:g} times as fast as the textbook loop"
        yield _fast(text, line(group, GRAPHED), line(group, TEXTBOOK), least)
    for subject in SUBJECTS[:2]:
        group = cuda_group(subject, CUDA_ROWS[0])
        yield _flat(group, line(group, BATCHED, 256), line(group, BATCHED))


def speed_up(line: TrainingLine, textbook: TrainingLine) -> float | None:
    """The textbook loop's seconds an epoch over the line's a model-epoch; None if either was not run."""
    above, below = textbook.model_epoch_s, line.model_epoch_s
    return None if above is None or not below else above / below


def jax_over_batched(lines: Sequence[TrainingLine]) -> Iterator[tuple[TrainingLine, float]]:
    """Each of jax's lines, and how many times as fast as `batched` with as many models it is."""
    batched = {(line.group, line.models): line.model_epoch_s for line in lines if line.name == BATCHED}
    for line in lines:
        other = batched.get((line.group, line.models))
        if line.name == JAX and line.model_epoch_s and other is not None:
            yield line, other / line.model_epoch_s


def interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % percentile bootstrap interval of a ratio of medians; None where there are too few pairs of calls.

    Calls that followed each other are resampled as a pair (paired=True): what slows both is no noise of the ratio.
    """
    from scipy.stats import bootstrap

    pairs = min(len(above), len(below))
    if pairs < FEWEST_CALLS:
        return None

    def of_medians(above: Floats, below: Floats, axis: int = -1) -> Floats:
        return np.asarray(np.median(above, axis=axis) / np.median(below, axis=axis))

    found = bootstrap(
        (np.array(above[:pairs]), np.array(below[:pairs])),
        of_medians,
        n_resamples=RESAMPLES,
        paired=True,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _loop(subject: str, loop: TrainingLine, textbook: TrainingLine) -> TrainingVerdict:
    """A few per cent are less than the noise of few calls: the interval decides whether anything is decided."""
    text = f"{subject}: the engine {LOOP} costs at most {LOOP_MOST - 1:.0%} more than the textbook loop"
    if loop.epoch_s is None or not textbook.epoch_s:
        return _unmeasured(text, loop, textbook)
    between = interval(loop.counted_s, textbook.counted_s)
    ratio = loop.epoch_s / textbook.epoch_s
    if between is None:
        return TrainingVerdict(text, f"{ratio:.4f}, too few calls for an interval", Ruling.UNDECIDED)
    low, high = between
    measured = f"{ratio:.4f} ({CONFIDENCE:.0%} interval {low:.4f} to {high:.4f})"
    straddles = low <= LOOP_MOST < high
    return TrainingVerdict(text, measured, Ruling.UNDECIDED if straddles else _ruling(holds=ratio <= LOOP_MOST))


def _fast(text: str, line: TrainingLine, textbook: TrainingLine, least: float) -> TrainingVerdict:
    ratio = speed_up(line, textbook)
    if ratio is None:
        return _unmeasured(text, line, textbook)
    return TrainingVerdict(text, f"{ratio:.3g}", _ruling(holds=ratio >= least))


def _under(text: str, line: TrainingLine, most_s: float) -> TrainingVerdict:
    if line.call_s is None:
        return _unmeasured(text, line)
    return TrainingVerdict(text, f"{line.call_s:.3g} s", _ruling(holds=line.call_s < most_s))


def _flat(group: str, many: TrainingLine, one: TrainingLine) -> TrainingVerdict:
    text = f"{group}: an epoch of 256 models takes at most {FLAT_MOST:g} times that of one"
    if many.epoch_s is None or not one.epoch_s:
        return _unmeasured(text, many, one)
    ratio = many.epoch_s / one.epoch_s
    return TrainingVerdict(text, f"{ratio:.3g}", _ruling(holds=ratio <= FLAT_MOST))


def _unmeasured(text: str, *sides: TrainingLine) -> TrainingVerdict:
    reason = next((side.note for side in sides if side.call_s is None and side.note), "no time was measured")
    return TrainingVerdict(text, reason, Ruling.UNMEASURED)


def _ruling(*, holds: bool) -> Ruling:
    return Ruling.HELD if holds else Ruling.BROKEN
