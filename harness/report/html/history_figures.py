"""The figures of section 6: one case over commits with its levels and steps; cases over a library's versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.judge.history.changes import level_changes
from harness.judge.history.series import History, Quantity
from harness.records.record import Record
from harness.report.html import axes
from harness.report.html.history_rows import over_versions, point_rows
from harness.report.html.section import Figure
from harness.report.words.sentences import counted

HEIGHT = 320
MOST_LINES = 14
"""Cases of a figure over versions: two of each colour."""

ROOM = 40
"""Pixels above the highest point, for what steps are called."""
DIGITS_AXIS = 17.0
"""The 15 digits that there are at most, and the same room."""

HALF = {"usermeta": {"half": True}}
"""Two beside each other where the page is wide."""

Spec = dict[str, Any]


def figures(histories: Sequence[History], records: Mapping[str, Record]) -> list[Figure]:
    """A figure a quantity, over commits and over versions apart, in the order of the worst histories."""
    groups: dict[tuple[str, bool], list[History]] = {}
    for history in histories:
        groups.setdefault((history.quantity.name, over_versions(history)), []).append(history)
    return [
        _versions(_changed(held), records) if by_version else _commits(held, records)
        for (_, by_version), held in groups.items()
    ]


def _changed(histories: Sequence[History]) -> Sequence[History]:
    """Those that changed; all where none did."""
    return ([history for history in histories if level_changes(history)] or histories)[:MOST_LINES]


def _named(quantity: Quantity) -> str:
    words = "time of one call" if quantity.name == "time" else quantity.words
    return words[0].upper() + words[1:]


def _y(quantity: Quantity) -> Spec:
    base: Spec = {"field": "value", "type": "quantitative"}
    if quantity.name == "time":
        axis = axes.seconds_axis("y", "one call (median over launches)")
        return base | {"scale": {"type": "log", "nice": False, "padding": ROOM}, "axis": axis}
    if quantity.name == "excess_loss":
        axis = {"title": "relative excess loss", "labelExpr": axes.powers("y"), **axes.QUIET}
        return base | {"scale": {"type": "log", "nice": False, "padding": ROOM}, "axis": axis}
    scale = {"domain": [0, DIGITS_AXIS]} if quantity.name == "digits" else {"zero": False, "padding": ROOM}
    return base | {"scale": scale | {"nice": False}, "axis": {"title": quantity.words, **axes.QUIET}}


def _x(title: str) -> Spec:
    return {
        "field": "tick",
        "type": "ordinal",
        "sort": {"field": "at", "op": "min", "order": "ascending"},
        "scale": {"type": "point", "padding": 0.6},
        "axis": {"title": title, "labelAngle": -35, "labelOverlap": "greedy", "labelLimit": 160},
    }


def _commits(histories: Sequence[History], records: Mapping[str, Record]) -> Figure:
    """One case of the list: a point a commit, a line a level, a step at the first commit of its new level."""
    quantity = histories[0].quantity
    rows = point_rows(histories, records)
    layers = [_levels(), *_steps(), _points()]
    spec = axes.layered(layers, {"x": _x("commit"), "y": _y(quantity)}, axes.panels_of(rows), HEIGHT, "case") | HALF
    description = (
        f"{_named(quantity)} by commit, {counted(len(histories), 'case')}, one at a time, the worst first: points are"
        " medians over a commit's launches, lines levels, upright lines steps with the commit that made them."
    )
    return Figure(f"history-{quantity.name}-commits", f"{_named(quantity)} over commits", description, spec, rows)


def _points() -> Spec:
    tips = (("commit", "commit"), ("said", "value"), ("launches", "launches"), ("series", "environment"))
    return {
        "transform": [{"filter": "datum.kind === 'point'"}],
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.8},
        "encoding": {"color": axes.coloured(), "shape": axes.shaped(), "tooltip": _tips(tips)},
    }


def _tips(named: Sequence[tuple[str, str]]) -> list[Spec]:
    return [{"field": field, "title": said, "type": "nominal"} for field, said in named]


def _levels() -> Spec:
    return {
        "transform": [{"filter": "datum.kind === 'level'"}],
        "mark": {"type": "line", "strokeWidth": 2.5},
        "encoding": {"color": axes.coloured(), "detail": {"field": "level", "type": "nominal"}},
    }


def _steps() -> list[Spec]:
    """An upright line at the first commit of a new level: dashed where it is worse, dotted where better."""
    keep = [{"filter": "datum.kind === 'step'"}]
    dash = {"condition": {"test": "datum.verdict === 'regression'", "value": [6, 3]}, "value": [2, 2]}
    late = "scale('x', datum.tick) > 0.6 * width"
    text = {
        "type": "text",
        "align": {"expr": f"{late} ? 'right' : 'left'"},
        "dx": {"expr": f"{late} ? -5 : 5"},
        "baseline": "top",
        "limit": 240,
    }
    rank = [{"window": [{"op": "row_number", "as": "nth"}], "sort": [{"field": "at"}]}]
    height = {"calculate": "4 + 14 * ((datum.nth - 1) % 4)", "as": "down"}
    return [
        {
            "transform": keep,
            "mark": {"type": "rule", "strokeWidth": 1.5, "color": axes.GREY},
            "encoding": {"y": {"value": 0}, "y2": {"value": "height"}, "strokeDash": dash},
        },
        {
            "transform": [*keep, *rank, height],
            "mark": text | {"dy": {"expr": "datum.down"}},
            "encoding": {"y": {"value": 0}, "text": {"field": "words", "type": "nominal"}},
        },
    ]


def _versions(histories: Sequence[History], records: Mapping[str, Record]) -> Figure:
    """All cases at once: a line a case over the versions."""
    quantity = histories[0].quantity
    rows = [row for row in point_rows(histories, records) if row["kind"] == "point"]
    wide = {"columns": {"expr": f"max(1, floor({axes.ACROSS} / 270))"}, "labelLimit": 230}
    colour, shape = axes.coloured(), axes.shaped(wide)
    tips = (("series", "case"), ("tick", "version"), ("said", "value"))
    bright = {"condition": {"param": "picked", "value": 1}, "value": 0.15}
    layers: list[Spec] = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"color": colour, "opacity": bright}},
        {
            "params": [{"name": "picked", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}],
            "mark": {"type": "point", "filled": True, "size": 80},
            "encoding": {"color": colour, "shape": shape, "opacity": bright, "tooltip": _tips(tips)},
        },
    ]
    spec = axes.layered(layers, {"x": _x("version"), "y": _y(quantity)}, [], HEIGHT) | HALF
    whose = "that changed" if level_changes(histories[0]) else "of which none changed beyond doubt"
    description = (
        f"{_named(quantity)} over the versions of a library, a line a case: {counted(len(histories), 'case')} {whose}."
    )
    return Figure(f"history-{quantity.name}-versions", f"{_named(quantity)} over versions", description, spec, rows)
