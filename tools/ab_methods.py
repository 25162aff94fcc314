"""How often the methods of judging a ratio err: python -m tools.ab_methods prints the tables, in some minutes.

Seeded. Cells as in tests/ab_cells.py, but only the launches' log ratios are kept.
"""

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.judge.verdict import Verdict
from harness.judge.versions.ab_cell import MIN_LAUNCHES, Speed, student
from harness.judge.versions.ab_speed import ALPHA, EFFECT, LOOKS, decide
from tests.ab_cells import Noise

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]
LEVEL = 0.01
RESAMPLES = 999


def draw(rng: np.random.Generator, shape: tuple[int, int, int], noise: Noise) -> Floats:
    """(cells, launches, rounds): log ratios without an effect."""

    def side() -> Floats:
        calls = rng.normal(0, noise.call, shape)
        calls += np.where(rng.random(shape) < noise.delayed, rng.exponential(0.3, shape), 0)
        return calls

    return np.asarray(rng.normal(0, noise.launch, (*shape[:2], 1)) + side() - side())


def by_student(_rng: np.random.Generator, logs: Floats) -> Interval:
    found = stats.ttest_1samp(np.median(logs, axis=2), 0, axis=1).confidence_interval(1 - LEVEL)
    return np.asarray(found.low), np.asarray(found.high)


def by_bca(rng: np.random.Generator, logs: Floats) -> Interval:
    medians = np.median(logs, axis=2)
    found = stats.bootstrap(
        (medians,), np.mean, axis=1, n_resamples=RESAMPLES, confidence_level=1 - LEVEL, method="BCa", rng=rng
    ).confidence_interval
    return np.asarray(found.low), np.asarray(found.high)


def by_hierarchical(rng: np.random.Generator, logs: Floats) -> Interval:
    """Launches with replacement, in each its rounds with replacement; percentiles."""
    cells, launches, rounds = logs.shape
    means = np.empty((cells, RESAMPLES))
    for number, one in enumerate(logs):
        which = rng.integers(0, launches, (RESAMPLES, launches))[:, :, None]
        means[number] = np.median(one[which, rng.integers(0, rounds, (RESAMPLES, launches, rounds))], axis=2).mean(1)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=1)
    return low, high


def by_studentised(rng: np.random.Generator, logs: Floats) -> Interval:
    medians = np.median(logs, axis=2)
    launches = medians.shape[1]
    mean, error = medians.mean(1), medians.std(1, ddof=1) / math.sqrt(launches)
    again = np.take_along_axis(medians[:, None], rng.integers(0, launches, (len(medians), RESAMPLES, launches)), 2)
    spread = np.maximum(again.std(2, ddof=1), 1e-12) / math.sqrt(launches)
    low, high = np.quantile((again.mean(2) - mean[:, None]) / spread, [LEVEL / 2, 1 - LEVEL / 2], axis=1)
    return mean - high * error, mean - low * error


def by_wilcoxon(_rng: np.random.Generator, logs: Floats) -> Interval:
    """No interval: infinite where the exact test does not reject, else on the side of the mean."""
    medians = np.median(logs, axis=2)
    clear = stats.wilcoxon(medians, axis=1, method="exact").pvalue <= LEVEL
    mean = medians.mean(1)
    return np.where(clear & (mean > 0), 1e-9, -np.inf), np.where(clear & (mean < 0), -1e-9, np.inf)


METHODS: dict[str, Callable[[np.random.Generator, Floats], Interval]] = {
    "Student's t": by_student,
    "hierarchical": by_hierarchical,
    "BCa": by_bca,
    "studentised": by_studentised,
    "Wilcoxon": by_wilcoxon,
}


def intervals(cells: int = 1000) -> None:
    """False: |estimate| of the effect or more, and 0 outside the 99 % interval; seen: the same, upwards."""
    for noise, rounds in (
        (Noise(0.02, 0.01, 0), 20),
        (Noise(0.01, 0.02), 10),
        (Noise(0.02, 0.05), 10),
        (Noise(0.005, 0.05), 5),
    ):
        for launches in (4, 6, 8, 12):
            rng = np.random.default_rng(6)
            logs = draw(rng, (cells, launches, rounds), noise)
            for name, method in METHODS.items():
                outside, false, seen = 0.0, 0.0, []
                for effect in (0.0, math.log(1.05), math.log(1.10)):
                    low, high = method(rng, logs + effect)
                    mean = np.median(logs + effect, axis=2).mean(1)
                    if effect == 0:
                        outside = float(np.mean((low > 0) | (high < 0)))
                        false = float(np.mean(((low > 0) | (high < 0)) & (abs(mean) >= math.log1p(EFFECT))))
                    else:
                        seen.append(float(np.mean((low > 0) & (mean >= math.log1p(EFFECT)))))
                print_line(noise, launches, rounds, name, outside, false, *seen)


def sequential(repeats: int = 100, many: int = 12) -> None:
    """The shipped rule, looks and all; `one`: of `many` cells only the first is slower by 5 %."""
    for noise in (Noise(0.005, 0.01), Noise(0.01, 0.02), Noise(0.015, 0.03), Noise(0.02, 0.05)):
        for last in (8, 12, 20):
            rng = np.random.default_rng(7)
            medians = np.median(draw(rng, (repeats * many, last, 10), noise), axis=2).reshape(repeats, many, last)
            one = np.zeros((1, many, 1))
            one[0, 0] = math.log(1.05)
            quiet, five, ten, single = (
                [ended(repeat) for repeat in medians + effect] for effect in (0.0, math.log(1.05), math.log(1.10), one)
            )
            false = share(quiet, Verdict.REGRESSION, Verdict.IMPROVEMENT)
            slower = [share(arm, Verdict.REGRESSION) for arm in (five, ten, [found[:1] for found in single])]
            print_line(noise, last, 10, "sequential", false, share(quiet, Verdict.UNDECIDED), *slower)


def alone(cells: int = 4000, last: int = 20) -> None:
    """False alarms of one cell by itself: as shipped, and with a look at every launch without a price."""
    for noise in (Noise(0.015, 0.03), Noise(0.02, 0.05), Noise(0.06, 0.05, 0.0)):
        rng = np.random.default_rng(8)
        medians = np.median(draw(rng, (cells, last, 10), noise), axis=2)
        shipped = share([ended(row[None]) for row in medians], Verdict.UNCHANGED, Verdict.UNDECIDED)
        greedy = sum(any(alarm(row[:count]) for count in range(MIN_LAUNCHES, last + 1)) for row in medians)
        print_line(noise, last, 10, "alone", 1 - shipped, greedy / cells)


def alarm(logs: Floats) -> bool:
    """Whether one look, without a price, would raise an alarm."""
    return abs(logs.mean()) >= math.log1p(EFFECT) and student(logs, EFFECT)[2].change <= ALPHA


def ended(logs: Floats) -> list[Verdict]:
    """Of (cells, launches): each cell stopped at the look that decides it, then all judged together."""
    launches = logs.shape[1]
    counts = np.full(len(logs), min(LOOKS[0], launches))
    for look in (*(look for look in LOOKS if look < launches), launches):
        going = [found is Verdict.UNDECIDED for found in verdicts(logs, counts)]
        counts = np.where(going, look, counts)
    return verdicts(logs, counts)


def verdicts(logs: Floats, counts: NDArray[np.int64]) -> list[Verdict]:
    rows = [row[:count] for row, count in zip(logs, counts, strict=True)]
    speeds = [Speed("CPU", ratio=math.exp(row.mean()), test=student(row, EFFECT)[2]) for row in rows]
    return [found.verdict for found in decide(speeds, EFFECT)]


def share(arms: list[list[Verdict]], *verdicts: Verdict) -> float:
    found = [one for arm in arms for one in arm]
    return sum(one in verdicts for one in found) / len(found)


def print_line(noise: Noise, launches: int, rounds: int, name: str, *shares: float) -> None:
    setting = f"{noise.launch:5.1%} {noise.call:3.0%} {noise.delayed:4.0%} {launches:3d} x {rounds:2d}  {name:12s}"
    sys.stdout.write(setting + " ".join(f"{share:7.1%}" for share in shares) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.write("launch call delayed launches x rounds: misses 99 %, false, +5 %, +10 % seen\n")
    intervals()
    sys.stdout.write(
        "the rule over 12 cells: false, undecided at 0; all +5 %, all +10 %, the one of 12 with +5 % seen\n"
    )
    sequential()
    sys.stdout.write("one cell by itself: false alarms of the rule, and of looking at every launch without a price\n")
    alone()
