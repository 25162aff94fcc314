"""Optimizers over all workloads of a sweep: a score each, and everybody against everybody."""

from harness.judge.training.scores import FARTHEST, Pair, Score
from harness.report.tables.column import Column, Kind, by_key


def _factor(value: float, *, at_least: bool) -> str:
    return "≥" * at_least + f"{value:.3g}"


SCORES = by_key(
    Column[Score]("rank", "rank", Kind.WHOLE),
    Column("optimizer", "optimizer"),
    Column("score", "score", Kind.NUMBER,
        f"The performance profile integrated from 1 to {FARTHEST:g} times the best, over that width.",
        text=".3f"),
    Column("interval", "95% interval", text=lambda one: f"[{one.interval.low:.2f},{one.interval.high:.2f}]"),
    Column("sure", "rank right", Kind.NUMBER, "How likely it is right, over draws of seeds and workloads.",
        text=".0%", spare=3),
    Column("first", "first", Kind.NUMBER, "The probability that it is the first.", text=".0%"),
    Column("times", "/ best", Kind.NUMBER, "Its cost over the best on each workload, as a geometric mean.",
        text=lambda one: _factor(one.times, at_least=one.at_least)),
    Column("times_interval", "95% interval", spare=2,
        text=lambda one: f"[{one.times_interval.low:.3g},{one.times_interval.high:.3g}]"),
    Column("solved", "solved", Kind.WHOLE, "Workloads whose target the median of the scored seeds reaches."),
)  # fmt: skip
SCORE = tuple(SCORES.values())
PAIR: tuple[Column[Pair], ...] = (
    Column("optimizer", "optimizer"),
    Column("other", "against"),
    Column("wins", "wins", Kind.NUMBER, "Workloads on which it costs less, of those that either solves.",
        text=lambda one: f"{one.wins} of {one.of}"),
    Column("times", "other / its", Kind.NUMBER, "The other's cost over its own, as a geometric mean over these.",
        text=lambda one: _factor(one.times, at_least=one.at_least)),
)  # fmt: skip
EXPLAINED = (
    f"score: the share of workloads within tau times the best cost, averaged over tau from 1 to {FARTHEST:g}.",
    "Rates are chosen on half of the seeds and scored on the other half.",
    "rank right, first: how often in draws of seeds and workloads. ≥: who did not get there counts all epochs it had.",
)
"""What the columns of SCORE are."""
