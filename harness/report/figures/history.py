"""Figures of histories: one case over commits with its levels and steps, and cases over a library's versions."""

from collections.abc import Mapping, Sequence

from harness.errors import counted
from harness.judge.grouped import grouped
from harness.judge.history.changes import level_changes
from harness.judge.history.series import History, Quantity
from harness.records.record import Record
from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.figure import Figure
from harness.report.figures.history_rows import VERSION, axis_of, over_versions, point_rows
from harness.report.figures.panels import layered, panels_of
from harness.report.figures.rows import Row

HEIGHT = 320
MOST_STEPS = 2
"""In a picture's title."""
ROOM = 40
"""Pixels above the highest point, for what steps are called."""
DIGITS_AXIS = 17.0
"""The 15 digits that there are at most, and the same room."""
STEPS = {"regression": ("slower or worse", [6, 3]), "improvement": ("faster or better", [2, 2])}
"""By verdict what a step's line is called, and its dashes."""


def figures(histories: Sequence[History], records: Mapping[str, Record]) -> list[Figure]:
    """A figure a quantity, over commits and over versions apart, in the order of the worst histories."""
    groups = grouped(histories, lambda one: (one.quantity.name, axis_of(one)))
    return [
        _versions(_changed(held), records) if axis == VERSION else _in_order(held, records)
        for (_, axis), held in groups.items()
    ]


def history_picture(history: History) -> Figure:
    """One case over commits, versions or dates, for a file: in order, evenly spaced; a colour an environment."""
    rows = [{key: value for key, value in row.items() if key != "panel"} for row in point_rows([history], {})]
    environments = list(dict.fromkeys(row["series"] for row in sorted(rows, key=lambda row: row["at"], reverse=True)))
    newest = set(environments[: axes.MOST_CURVES])
    rows = [row for row in rows if row["series"] in newest]
    words = f"{history.quantity.words} by {axis_of(history)}: {_concluded(rows)}"
    if len(newest) < len(environments):
        words += f"; the newest {len(newest)} of {len(environments)} environments"
    spec = _versions([history], {}).spec if over_versions(history) else _over_points(rows, history)
    return Figure("history", f"{history.case}\n{words}", words, spec, rows)


def _concluded(rows: Sequence[Row]) -> str:
    """The first steps that are drawn."""
    steps = [f"{row['words']} ({STEPS[row['verdict']][0]})" for row in rows if row["kind"] == "step"]
    if not steps:
        return "no step"
    more = f" and {len(steps) - MOST_STEPS} more" if len(steps) > MOST_STEPS else ""
    return f"{', '.join(steps[:MOST_STEPS])}{more}"


def _changed(histories: Sequence[History]) -> Sequence[History]:
    """Those that changed; all where none did."""
    return ([history for history in histories if level_changes(history)] or histories)[: axes.MOST_CURVES]


def _quantity(quantity: Quantity) -> str:
    words = "time of one call" if quantity.name == "time" else quantity.words
    return words[0].upper() + words[1:]


def _y(quantity: Quantity) -> Spec:
    if quantity.name == "time":
        return axes.number("value", "one call (median over launches)", axes.seconds("y"), **axes.LOG, padding=ROOM)
    if quantity.name == "excess_loss":
        return axes.number("value", "relative excess loss", axes.powers("y"), **axes.LOG, padding=ROOM)
    scale = {"domain": [0, DIGITS_AXIS]} if quantity.name == "digits" else {"zero": False, "padding": ROOM}
    return axes.number("value", quantity.words, **scale, nice=False)


def _x(title: str) -> Spec:
    return {
        "field": "tick",
        "type": "ordinal",
        "sort": {"field": "at", "op": "min", "order": "ascending"},
        "scale": {"type": "point", "padding": 0.6},
        "axis": {"title": title, "labelAngle": -35, "labelOverlap": "greedy", "labelLimit": 160},
    }


def _in_order(histories: Sequence[History], records: Mapping[str, Record]) -> Figure:
    """One case of the list: a point a commit or a run, a line a level, a step at the first point of its new level."""
    by = histories[0].by
    words, rows = _quantity(histories[0].quantity), point_rows(histories, records)
    description = (
        f"{words} by {by}, {counted(len(histories), 'case')}, one at a time, the worst first: points are medians over"
        f" a {by}'s launches, lines levels, upright lines steps with the {by} of the first point of the new level."
    )
    spec = _over_points(rows, histories[0]) | axes.HALF
    return Figure(f"history-{histories[0].quantity.name}-{by}s", f"{words} over {by}s", description, spec, rows)


def _over_points(rows: Sequence[Row], history: History) -> Spec:
    panels = panels_of(rows) if all("panel" in row for row in rows) else ()
    # A file's legend has every name in full, on the page a tooltip has it.
    legend = None if panels else axes.legend_of({str(row["series"]) for row in rows})
    shown = (("commit", "commit"), ("text", "value"), ("launches", "launches"), ("series", "environment"))
    points = {"color": axes.coloured(), "shape": axes.shaped(legend), "tooltip": axes.tips(*shown)}
    levels = {"color": axes.coloured(), "detail": axes.category("level")}
    layers = [
        axes.layer("line", levels, axes.keep("datum.kind === 'level'"), strokeWidth=2.5),
        *_steps(rows),
        *_missing(rows),
        *_upgrades(rows),
        axes.layer("point", points, axes.keep("datum.kind === 'point'"), filled=True, size=60, opacity=0.8),
    ]
    return layered(layers, {"x": _x(history.by), "y": _y(history.quantity)}, panels, HEIGHT, "case")


def _upgrades(rows: Sequence[Row]) -> list[Spec]:
    """By date: a thin line where another environment or other data begin, with what changed at its foot."""
    if all(row["kind"] != "upgrade" for row in rows):
        return []
    there = axes.keep("datum.kind === 'upgrade'")
    text = axes.inside("tick", 4) | {"dy": -6, "baseline": "bottom", "limit": 260}
    words = {"y": {"value": "height"}, "text": axes.category("words")}
    return [
        axes.layer("rule", axes.UPRIGHT, there, strokeWidth=1, color=axes.GREY, opacity=0.6),
        axes.layer("text", words, there, **text),
    ]


def _missing(rows: Sequence[Row]) -> list[Spec]:
    """A cross at the bottom for each commit without a number."""
    if all(row["kind"] != "point" or row["launches"] for row in rows):
        return []
    legend = axes.legend() | {"symbolType": axes.SALTIRE, "symbolStrokeWidth": 2}
    named = axes.category("missing", scale={"range": [axes.GREY]}, legend=legend)
    cross = {"y": {"value": "height"}, "stroke": named, "tooltip": axes.tips(("commit", "commit"), ("text", "why"))}
    there = axes.keep("datum.kind === 'point' && datum.launches === 0")
    style = {"shape": axes.SALTIRE, "filled": False, "size": 60, "strokeWidth": 2, "yOffset": -7}
    return [axes.layer("point", cross, there, {"calculate": "'no number'", "as": "missing"}, **style)]


def _steps(rows: Sequence[Row]) -> list[Spec]:
    """An upright line at the first commit of a new level: dashed where it is worse, dotted where better."""
    found = {row["verdict"] for row in rows if row["kind"] == "step"}
    known = [verdict for verdict in STEPS if verdict in found]
    if not known:
        return []
    texts = axes.labelled({verdict: words for verdict, (words, _) in STEPS.items()})
    legend = axes.legend() | axes.LINES | {"labelExpr": texts, "symbolStrokeColor": axes.GREY}
    scale = {"domain": known, "range": [STEPS[verdict][1] for verdict in known]}
    dashes = axes.UPRIGHT | {"strokeDash": axes.category("verdict", scale=scale, legend=legend)}
    step = axes.keep("datum.kind === 'step'")
    nth = {"window": [{"op": "row_number", "as": "nth"}], "sort": [{"field": "at"}]}
    down = {"calculate": "4 + 14 * ((datum.nth - 1) % 4)", "as": "down"}
    words = {"y": {"value": 0}, "text": axes.category("words")}
    text = axes.inside("tick", 5) | {"dy": {"expr": "datum.down"}, "baseline": "top", "limit": 240}
    return [
        axes.layer("rule", dashes, step, strokeWidth=1.5, color=axes.GREY),
        axes.layer("text", words, step, nth, down, **text),
    ]


def _versions(histories: Sequence[History], records: Mapping[str, Record]) -> Figure:
    """All cases at once: a line a case over the versions."""
    quantity = histories[0].quantity
    rows = [row for row in point_rows(histories, records) if row["kind"] == "point"]
    wide = {"columns": {"expr": f"max(1, floor({axes.ACROSS} / 270))"}, "labelLimit": 230}
    shown = {"color": axes.coloured(), "opacity": axes.bright(0.15)}
    tips = axes.tips(("series", "case"), ("tick", "version"), ("text", "value"))
    points = shown | {"shape": axes.shaped(wide), "tooltip": tips}
    layers = [
        axes.layer("line", shown, strokeWidth=2),
        axes.layer("point", points, filled=True, size=80) | axes.picked("series"),
    ]
    spec = layered(layers, {"x": _x("version"), "y": _y(quantity)}, [], HEIGHT) | axes.HALF
    whose = "that changed" if level_changes(histories[0]) else "of which none changed beyond doubt"
    words = _quantity(quantity)
    description = f"{words} over the versions of a library, a line a case: {counted(len(histories), 'case')} {whose}."
    return Figure(f"history-{quantity.name}-versions", f"{words} over versions", description, spec, rows)
