"""The floors under the times of a run: one product X'X and one pass over X, measured when the page is made."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from harness.judge.medians import Floats
from harness.judge.speed.floors import PRODUCT, SUM, Floor
from harness.judge.speed.ranking import sized, timed
from harness.records.differences import differences
from harness.records.environment import environment
from harness.records.record import Record
from harness.records.run import Run
from harness.timing.clock import SystemClock
from harness.timing.sampling import Effort, Work, sample_interleaved
from harness.timing.threads import limited, pools_of

EFFORT = Effort(warm_up_calls=1, calls_per_turn=1, min_calls=7, max_calls=15, budget_s=0.02)
"""Six calls are the fewest that a median has an interval of (harness.judge.speed.fit_times)."""
MOST_BYTES = 32 * 2**20
"""Of an X that is measured: beyond the caches of a core, where both floors grow with n alone; larger n are scaled."""
MOST_PRODUCTS = 1e8
"""n p² of a shape that is measured: 20 ms of a core that makes 5e9 multiplications and additions a second."""
MOST_SHAPES = 8
"""With the two above and EFFORT: a second in all."""
SAME = ("cpu", "cores")
"""What of an environment a floor is of; BLAS is not compared, since which ones a process has loaded differs."""


def floors(run: Run, records: Sequence[Record]) -> tuple[tuple[Floor, ...], str]:
    """Floors of the shapes that the run timed at several n on the CPU; or none, and why."""
    several = [case.record for cases in sized(timed(records)).values() for case in cases]
    shapes = frozenset((record.n, record.p) for record in several if record.device == "cpu")
    if not shapes:
        return (), "no problem was timed at several n on the CPU"
    changed = [found for found in differences(run.environment, environment()) if found.name in SAME]
    elsewhere = "; ".join(f"{found.name} {found.then}, here {found.here}" for found in changed)
    if elsewhere:
        return (), f"the run was made on another machine ({elsewhere})"
    return measured(shapes), ""


@cache
def measured(shapes: frozenset[tuple[int, int]]) -> tuple[Floor, ...]:
    """Both floors at each shape, larger ones at the largest n that is still quick; of many the MOST_SHAPES largest.

    One thread, float64, wall seconds, all in turns. A page that is made again and again in one process measures once.
    """
    chosen = sorted({quick(n, p) for n, p in shapes}, key=lambda shape: shape[0] * shape[1])[-MOST_SHAPES:]
    named = [(name, n, p) for n, p in chosen for name in (SUM, PRODUCT)]
    works = [work for n, p in chosen for work in _works(np.ones((n, p)))]
    with limited(1), pools_of(1):
        sampled = sample_interleaved(works, SystemClock(), EFFORT)
    return tuple(Floor(*which, samples.wall_s) for which, samples in zip(named, sampled, strict=True))


def quick(n: int, p: int) -> tuple[int, int]:
    """The shape itself, or the same with as many rows as are measured quickly; at least one."""
    width = max(p, 1)
    return max(1, min(n, MOST_BYTES // (8 * width), int(MOST_PRODUCTS / width**2))), p


def _works(X: Floats) -> tuple[Work, Work]:
    return Work(X.sum), Work(lambda: X.T @ X)
