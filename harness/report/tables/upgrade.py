"""An upgrade: the packages, the numbers that carry the answer, the coefficients, and a row a case."""

from harness.judge.versions.upgrade.answer import CaseAnswer, Coefficient, Figure, Package
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick

DECIMALS = {"R²": 4, "digits": 1, "rank": 0}
"""Of a figure, as people print it."""


def _figure(name: str, value: float | None) -> str:
    return show.seconds(value) if name == "time" else show.fixed(value, DECIMALS[name])


def figure_change(one: Figure) -> str:
    """A figure before and after: `13.3 → 0.0`, or the number that both are."""
    texts = _figure(one.name, one.before), _figure(one.name, one.after)
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)


def _number(value: float | None) -> str:
    return show.NONE if value is None else f"{value:.6g}"


def _change(before: float | None, after: float | None, places: int) -> str:
    texts = show.fixed(before, places), show.fixed(after, places)
    return texts[0] if texts[0] == texts[1] else "→".join(texts)


def _interval(one: CaseAnswer) -> str:
    return show.NONE if one.low is None or one.high is None else f"{one.low:.3f}–{one.high:.3f}"


PACKAGES = by_key(
    Column[Package]("name", "package", least=12),
    Column("before", "before", text=lambda one: one.before or "not installed"),
    Column("after", "after", text=lambda one: one.after or "not installed"),
    Column("origin_before", "before, from", text=lambda one: one.origin_before or "installed here", spare=2),
    Column("origin_after", "after, from", text=lambda one: one.origin_after or "installed here", spare=1),
)  # fmt: skip
FIGURES = by_key(
    Column[Figure]("name", "number", help="Of the case that decided."),
    Column("before", "before", Kind.NUMBER, text=lambda one: _figure(one.name, one.before)),
    Column("after", "after", Kind.NUMBER, text=lambda one: _figure(one.name, one.after)),
    Column("of", "at best", Kind.NUMBER, "The rank that the data have, the most digits there are.",
        text=lambda one: show.NONE if one.of is None else f"{one.of:g}"),
)  # fmt: skip
COEFFICIENTS = by_key(
    Column[Coefficient]("term", "term", least=12),
    Column("before", "before", Kind.NUMBER, text=lambda one: _number(one.before)),
    Column("after", "after", Kind.NUMBER, text=lambda one: _number(one.after)),
    Column("exact", "exact", Kind.NUMBER, "The coefficient of the exact least-squares solution.",
        text=lambda one: _number(one.exact)),
    Column("effect_of_change", "moves predictions by", Kind.NUMBER,
        "The change of the coefficient times the standard deviation of its column, in the target's unit.",
        text=lambda one: f"{one.effect_of_change:.3g}", spare=1),
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
    Column("interval", "95 % interval of the ratio", Kind.NUMBER, head="95 %", value="high", text=_interval, spare=1),
    Column("why", "why"),
)  # fmt: skip
TERMINAL = pick(CASES, "problem solver digits r2 rank before_s after_s ratio interval decision")
PAGE = pick(CASES, "problem solver decision digits r2 rank before_s after_s ratio interval why")
