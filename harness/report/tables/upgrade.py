"""An upgrade: the packages, the numbers that carry the answer, the coefficients, and a row a case."""

from harness.judge.versions.upgrade.answer import CaseAnswer, Coefficient, Figure
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick

DECIMALS = {"R²": 4, "digits": 1, "rank": 0}
"""Of a figure, as people print it."""


def _figure(name: str, value: float | None) -> str:
    return show.seconds(value) if name == "time" else show.fixed(value, DECIMALS[name])


def figure_change(one: Figure) -> str:
    """A figure before and after: `13.3 → 0.0`, or the number that both are."""
    return show.change(_figure(one.name, one.before), _figure(one.name, one.after)).replace("→", " → ")


def _change(before: float | None, after: float | None, places: int) -> str:
    return show.change(show.fixed(before, places), show.fixed(after, places))


COEFFICIENTS = by_key(
    Column[Coefficient]("term", "term", least=12),
    Column("before", "before", Kind.NUMBER, text=".6g"),
    Column("after", "after", Kind.NUMBER, text=".6g"),
    Column("exact", "exact", Kind.NUMBER, "The coefficient of the exact least-squares solution.",
        text=".6g"),
    Column("effect_of_change", "moves predictions by", Kind.NUMBER,
        "The change of the coefficient times the standard deviation of its column, in the target's unit.",
        text=".3g", spare=1),
)  # fmt: skip
CASES = by_key(
    Column[CaseAnswer]("case", "case", help="Problem, solver, device and options."),
    Column("problem", "problem", least=12, spare=6),
    Column("solver", "solver", least=12),
    Column("decision", "answer", Kind.STATUS, "Whether the case speaks for the upgrade.",
        text=lambda one: one.decision.value.removesuffix(" on these data")),
    Column("digits", "digits", Kind.NUMBER, "Right digits of the worst coefficient, before and after.",
        value="digits_after", text=lambda one: _change(one.digits_before, one.digits_after, 1)),
    Column("r2", "R²", Kind.NUMBER, "Of the test rows, else of the training rows.", value="r2_after", head="R²",
        text=lambda one: _change(one.r2_before, one.r2_after, 4), spare=2),
    Column("rank", "rank", Kind.NUMBER, "That the solver found, before and after.", value="rank_after",
        text=lambda one: _change(one.rank_before, one.rank_after, 0), spare=3),
    Column("before_s", "before", Kind.SECONDS, "Seconds of one call.",
        text=lambda one: show.compact_seconds(one.before_s), spare=5),
    Column("after_s", "after", Kind.SECONDS, "Seconds of one call.",
        text=lambda one: show.compact_seconds(one.after_s), spare=4),
    Column("ratio", "time after / before", Kind.NUMBER, head="ratio", text=".3f"),
    Column("interval", "95 % interval of the ratio", Kind.NUMBER, head="95 %", value="high",
        text=lambda one: show.interval(one.low, one.high), spare=1),
    Column("why", "why"),
)  # fmt: skip
TERMINAL = pick(CASES, "problem solver digits r2 rank before_s after_s ratio interval decision")
PAGE = pick(CASES, "problem solver decision digits r2 rank before_s after_s ratio interval why")
