"""How soon each detector finds a planted step in recorded noise, all of them at the same rate of false alarms.

A detector is asked anew after each commit, with all commits so far, as a person who looks at a history is. Noise is
drawn from recorded launches in blocks (the moving-block bootstrap: Künsch, Annals of Statistics 17 (1989)), so that
what neighbouring launches share stays, and so do outliers.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from harness.errors import CannotMeasureError, counted
from harness.judge.medians import Floats
from tools.change_points.noise import Noise, residuals
from tools.change_points.rivals import RIVALS, Find, Rival

FALSE_ALARMS = 1.0
"""In 100 commits without a step: what every detector's threshold is set to."""
STEPS = (0.03, 0.05, 0.10)
WITHIN = (1, 3, 5, 10, 20)
"""Commits after a step; later than the last it counts as not found."""
FIRST_LOOK = 10
"""Commits before which nobody is asked."""
BEFORE = 30
"""Commits without a step before a planted one."""
NEAR = 5
"""A reported place so near to the step, or to an earlier report, is the same one."""
BLOCK = 6
"""Launches of a block: about the cube root of 120 to 240 (Hall, Horowitz and Jing, Biometrika 82 (1995))."""
HALVINGS = 7
"""Of the logarithm of the threshold's range: to 3 % of it."""


@dataclass(frozen=True)
class Effort:
    """Series drawn for each cell: without a step, of `commits` each, and with one, for each size of STEPS."""

    null_series: int = 16
    step_series: int = 50
    commits: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """Steps of one size: the share found within each of WITHIN commits, the median delay (inf: not found), of `series`.

    `within_by_cell`: the share within 10 commits, cell by cell.
    """

    step: float
    series: int
    within: tuple[float, ...]
    median_delay: float
    within_by_cell: dict[str, float]


@dataclass(frozen=True)
class Result:
    """One detector's. `false_alarms`: in 100 commits, on series that its threshold was not chosen by.

    `shipped_false_alarms`: with its own default threshold; None without one. `look_ms`: CPU time of one look.
    """

    name: str
    what: str
    version: str
    threshold: float
    false_alarms: float
    shipped_false_alarms: float | None
    look_ms: float
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Trial:
    """All detectors on commits of so many launches each, the soonest first; `absent`: those not installed."""

    launches: int
    results: tuple[Result, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class _Series:
    """A cell's name and positive values (m,), about 1."""

    cell: str
    values: Floats


def compare(noise: Noise, launches: int, effort: Effort, told: Callable[[str], None]) -> Trial:
    """Every detector that is installed, on commits measured by the median of so many launches.

    Raises CannotMeasureError if none of the noise's cells can be drawn from.
    """
    pools = {f"{cell.solver} {cell.problem}": residuals(cell.medians()) for cell in noise.cells}
    if not pools:
        raise CannotMeasureError("the recorded noise holds no cell")
    drawn = _drawn(pools, launches, effort)
    here = [rival for rival in RIVALS if rival.version]
    results = []
    for rival in here:
        told(f"{rival.name}, {counted(launches, 'launch', 'launches')} a commit")
        results.append(_try(rival, drawn))
    results.sort(key=_soonest)
    absent = tuple(f"{rival.name}: pip install --no-deps {rival.package}" for rival in RIVALS if not rival.version)
    return Trial(launches, tuple(results), absent)


def _soonest(result: Result) -> tuple[float, ...]:
    """Most found within 10 commits, over all sizes, first; then within 5, and 3."""
    places = [WITHIN.index(commits) for commits in (10, 5, 3)]
    return tuple(-sum(found.within[place] for found in result.found) for place in places)


@dataclass(frozen=True)
class _Drawn:
    tuning: list[_Series]
    checking: list[_Series]
    stepped: dict[float, list[_Series]]


def _drawn(pools: dict[str, Floats], launches: int, effort: Effort) -> _Drawn:
    rng = np.random.default_rng(effort.seed)

    def draw(count: int, commits: int, step: float = 0.0) -> list[_Series]:
        return [
            _Series(cell, _planted(draw_series(pool, commits, launches, rng), step))
            for cell, pool in pools.items()
            for _ in range(count)
        ]

    tuning, checking = draw(effort.null_series, effort.commits), draw(effort.null_series, effort.commits)
    return _Drawn(tuning, checking, {step: draw(effort.step_series, BEFORE + WITHIN[-1], step) for step in STEPS})


def draw_series(pool: Floats, commits: int, launches: int, rng: np.random.Generator) -> Floats:
    """(commits,) positive values about 1 out of residuals (m,): blocks, each commit the median of its launches."""
    needed = commits * launches
    starts = rng.integers(0, len(pool), -(-needed // BLOCK))
    places = (starts[:, None] + np.arange(BLOCK)).ravel()[:needed] % len(pool)
    return np.asarray(np.exp(np.median(pool[places].reshape(commits, launches), axis=1)))


def _planted(values: Floats, step: float) -> Floats:
    return np.concatenate([values[:BEFORE], values[BEFORE:] * (1 + step)])


def _try(rival: Rival, drawn: _Drawn) -> Result:
    before = time.process_time()
    threshold = tune(rival, [one.values for one in drawn.tuning])
    rate, looks = _rate(rival.find, threshold, drawn.checking)
    spent_s = time.process_time() - before
    shipped = None if rival.shipped is None else _rate(rival.find, rival.shipped, drawn.checking)[0]
    found = tuple(_found(rival.find, threshold, step, series) for step, series in drawn.stepped.items())
    look_ms = 1e3 * spent_s / (looks * (HALVINGS + 1))
    return Result(rival.name, rival.what, rival.version or "", threshold, rate, shipped, look_ms, found)


def tune(rival: Rival, series: Sequence[Floats]) -> float:
    """The least threshold of its range, by halving, with at most FALSE_ALARMS in 100 looks at series without a step."""
    low, high = math.log(rival.low), math.log(rival.high)
    looks = sum(len(values) - FIRST_LOOK + 1 for values in series)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        count = sum(false_alarms(rival.find, math.exp(middle), values) for values in series)
        low, high = (middle, high) if 100 * count > FALSE_ALARMS * looks else (low, middle)
    return math.exp(high)


def false_alarms(find: Find, threshold: float, values: Floats) -> int:
    """Places reported in a series without a step, asked after each commit; one that was reported before counts once."""
    seen: list[int] = []
    for commits in range(FIRST_LOOK, len(values) + 1):
        for place in find(values[:commits], threshold):
            if all(abs(place - earlier) > NEAR for earlier in seen):
                seen.append(place)
    return len(seen)


def delay(find: Find, threshold: float, values: Floats) -> float | None:
    """Commits after the step at BEFORE until a place near it is reported; inf: not within the last of WITHIN.

    None if one had been reported there before there was a step.
    """

    def near(commits: int) -> bool:
        return any(abs(place - BEFORE) <= NEAR for place in find(values[:commits], threshold))

    if near(BEFORE):
        return None
    return next((float(after) for after in range(1, WITHIN[-1] + 1) if near(BEFORE + after)), math.inf)


def _rate(find: Find, threshold: float, series: Sequence[_Series]) -> tuple[float, int]:
    """False alarms in 100 looks, and the looks."""
    looks = sum(len(one.values) - FIRST_LOOK + 1 for one in series)
    return 100 * sum(false_alarms(find, threshold, one.values) for one in series) / looks, looks


def _found(find: Find, threshold: float, step: float, series: Sequence[_Series]) -> Found:
    delays = [(one.cell, found) for one in series if (found := delay(find, threshold, one.values)) is not None]
    every = np.array([found for _, found in delays]) if delays else np.array([math.inf])
    cells = {cell: [found for name, found in delays if name == cell] for cell, _ in delays}
    return Found(
        step=step,
        series=len(delays),
        within=tuple(float(np.mean(every <= commits)) for commits in WITHIN),
        median_delay=float(np.median(every)),
        within_by_cell={cell: float(np.mean(np.array(found) <= 10)) for cell, found in cells.items()},  # noqa: PLR2004
    )


def trial_json(trial: Trial) -> dict[str, object]:
    """Plain values; a median delay that is infinite, not found, is null."""
    kept = asdict(trial)
    for result in kept["results"]:
        for found in result["found"]:
            found["median_delay"] = found["median_delay"] if math.isfinite(found["median_delay"]) else None
    return kept
