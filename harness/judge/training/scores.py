"""How good each optimizer is over all workloads: one score each, with its interval, its rank and how sure that is."""

from dataclasses import dataclass

import numpy as np

from harness.judge.medians import Floats, order_statistic
from harness.judge.training.censored import CONFIDENCE, RANDOM_STATE, TAILS, Interval
from harness.judge.training.profile import ratios
from harness.judge.training.trials import RESAMPLES, Trials

FARTHEST = 4.0
"""Times the best cost: what is slower on a workload scores nothing there (Dahl et al. 2023, sec. 4.4, r_max = 4)."""


@dataclass(frozen=True)
class Pair:
    """One optimizer against another: on how many workloads it costs less, of how many that either solves.

    `times`: how many times as much the other costs on these, as a geometric mean; `at_least` where one of them did not
    get there and counts the most that it could have been seen to cost.
    """

    optimizer: str
    other: str
    wins: int
    of: int
    times: float
    at_least: bool


@dataclass(frozen=True)
class Score:
    """An optimizer by one measure. `score`: its performance profile integrated from 1 to FARTHEST, over that width.

    `times`: its cost over the best on each workload, as a geometric mean; what did not get there counts the most that
    it could have been seen to cost, so that it is `at_least` so much. `solved`: workloads whose target it reaches.
    `sure`: the probability that the rank is right; `first`: that it is the first.
    """

    optimizer: str
    rank: int
    score: float
    interval: Interval
    times: float
    times_interval: Interval
    at_least: bool
    solved: int
    sure: float
    first: float


@dataclass(frozen=True)
class Scores:
    """By one measure, the highest score first; probabilities are over draws of seeds and workloads (bootstrap)."""

    measure: str
    workloads: tuple[str, ...]
    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    open: dict[str, tuple[str, ...]]

    @property
    def winner(self) -> Score | None:
        """Who is first for sure, where nobody's better rate may lie outside a grid; None where that is undecided."""
        best = self.scores[0]
        return best if best.first >= CONFIDENCE and not self.open else None


def integrated(costs: Floats) -> Floats:
    """Profiles of costs (..., T, O) integrated from 1 to FARTHEST, over its width: (..., O), between 0 and 1.

    rho(tau) is the share of workloads within tau times the best, so that a ratio r adds FARTHEST - r (Dolan and Moré
    2002, eq. 2). Where nobody gets there nobody gains.
    """
    gained = np.clip(FARTHEST - ratios(costs), 0.0, None) / (FARTHEST - 1)
    return np.asarray(gained.mean(axis=-2))


def scores(trials: Trials) -> Scores:
    """Of all tries that there are, chosen on half of the seeds and scored on the other half."""
    plain = trials.studies(None, RESAMPLES, resample=False)
    drawn = _workloads_drawn(trials.studies(None, RESAMPLES, resample=True))
    middle = order_statistic(plain, axis=0)  # (T, O): the median over the halvings
    found, draws = integrated(middle), integrated(drawn[0])
    factors = _times(middle, trials.most)
    factor_draws = _times(drawn[0], trials.most[drawn[1]])
    order = np.argsort(-found, kind="stable")
    ranks = np.argsort(np.argsort(-draws, axis=1, kind="stable"), axis=1)
    lost = np.asarray(np.isinf(middle).any(axis=0))
    made = tuple(
        Score(
            optimizer=trials.optimizers[o],
            rank=rank + 1,
            score=float(found[o]),
            interval=_interval(draws[:, o]),
            times=float(factors[o]),
            times_interval=_interval(factor_draws[:, o]),
            at_least=bool(lost[o]),
            solved=int(np.isfinite(middle[:, o]).sum()),
            sure=float(np.mean(ranks[:, o] == rank)),
            first=float(np.mean(ranks[:, o] == 0)),
        )
        for rank, o in enumerate(order)
    )
    return Scores(trials.measure, trials.tasks, made, _pairs(trials, middle, order.tolist()), trials.open)


def _workloads_drawn(costs: Floats) -> tuple[Floats, np.typing.NDArray[np.int64]]:
    """Each draw (count, T, O) with its workloads drawn with replacement, and which they are (count, T)."""
    count, tasks, _ = costs.shape
    which = np.random.default_rng(RANDOM_STATE).integers(0, tasks, (count, tasks))
    return costs[np.arange(count)[:, None], which], which


def _times(costs: Floats, most: Floats) -> Floats:
    """Geometric means (..., O) of costs (..., T, O) over the best; over what somebody reaches, the rest `most`."""
    seen = np.where(np.isinf(costs), most, costs)
    best = costs.min(axis=-1, keepdims=True)
    reached = np.isfinite(best)
    logs = np.where(reached, np.log(seen) - np.log(np.where(reached, best, 1.0)), 0.0)
    return np.asarray(np.exp(logs.sum(axis=-2) / np.maximum(reached.sum(axis=-2), 1)))


def _interval(draws: Floats) -> Interval:
    return Interval(*np.quantile(draws, TAILS).tolist())


def _pairs(trials: Trials, costs: Floats, order: list[int]) -> tuple[Pair, ...]:
    """Everybody against everybody who is below."""
    found = []
    seen = np.where(np.isinf(costs), trials.most, costs)
    for place, a in enumerate(order):
        for b in order[place + 1 :]:
            either = np.isfinite(costs[:, a]) | np.isfinite(costs[:, b])
            of = int(either.sum())
            times = float(np.exp(np.mean(np.log(seen[either, b] / seen[either, a])))) if of else 1.0
            lost = bool((np.isinf(costs[:, [a, b]]).any(axis=1) & either).any())
            wins = int((costs[either, a] < costs[either, b]).sum())
            found.append(Pair(trials.optimizers[a], trials.optimizers[b], wins, of, times, lost))
    return tuple(found)
