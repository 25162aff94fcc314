"""The figures of section 4 by epoch: every learning rate of an optimizer, and the optimizers at their best."""

from collections.abc import Sequence
from typing import Any

from harness.report.html import axes
from harness.report.html.section import Figure, Row
from harness.report.html.training_rows import START
from harness.report.sweep_bands import BAND

Spec = dict[str, Any]

HEIGHT = 400
LOW, MIDDLE, HIGH = (46, 107, 208), (124, 128, 144), (208, 108, 0)
"""sRGB of the lowest, a middle and the highest learning rate: blue, grey and orange, which every kind of colour vision
tells apart, with a contrast of at least 3 to a white and to a dark page (WCAG 2.2, 1.4.11)."""
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [14, 4])
ROTATING = 3
"""Learning rates beside one another differ by their dashes as well; after so many they begin again."""
LINES = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5, "symbolSize": 250}
"""Of a legend: its symbols are lines, as strong as any."""
SEEDS = f"median over seeds, band {100 * BAND[0]:.0f}-{100 * BAND[1]:.0f} %"


def rates_figure(rows: Sequence[Row]) -> Figure:
    """Excess loss by epoch, a colour a learning rate, the best one thick; an optimizer is chosen from a list."""
    lrs = sorted({row["lr"] for row in rows if row["what"] == "curve"})
    scale = {"domain": lrs, "range": ramp(len(lrs))}
    dashes = {"domain": lrs, "range": [list(DASHES[i % ROTATING]) for i in range(len(lrs))]}
    legend = axes.legend() | {"title": "learning rate", "columns": {"expr": f"max(2, floor({axes.ACROSS} / 90))"}}
    legend |= LINES | {"labelExpr": "format(datum.value, '.4~g')"}
    shared = {"field": "lr", "type": "ordinal"}
    series = {
        "color": {**shared, "scale": scale, "legend": legend},
        "strokeDash": {**shared, "scale": dashes, "legend": legend},
    }
    panels = axes.panels_of(rows)
    what = (
        f"Relative excess loss by epochs done, {SEEDS}, a line a learning rate for {_some(panels, 'optimizer')}; the"
        " best learning rate is thick. Crosses: most seeds diverged. Diamonds: where the closed form of gradient"
        " descent says that a tolerance is reached. A click in the legend lights up one learning rate."
    )
    spec = axes.layered(_layers(series, "lr"), _encoding(rows), panels, HEIGHT, "optimizer")
    return Figure("training_rates", "Loss by epoch for each learning rate", what, spec, rows)


def rivals_figure(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    """Excess loss by epoch, a line an optimizer at its best learning rate; a problem is chosen from a list."""
    panels = axes.panels_of(rows)
    what = (
        f"Relative excess loss by epochs done, {SEEDS}, a line an optimizer at its best learning rate, on"
        f" {_some(panels, 'problem')}. Diamonds: where the closed form of gradient descent says that a tolerance is"
        " reached."
    )
    spec = axes.layered(_layers(optimizers(names), "optimizer"), _encoding(rows), panels, HEIGHT)
    return Figure("training_rivals", "Loss by epoch, each optimizer at its best learning rate", what, spec, rows)


def optimizers(names: Sequence[str]) -> dict[str, Spec]:
    """Colour and dashes by optimizer; the page's own colours, light or dark."""
    shared = {"field": "optimizer", "type": "nominal", "legend": axes.legend() | LINES}
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(names))]
    return {
        "color": {**shared, "scale": {"domain": list(names)}},
        "strokeDash": {**shared, "scale": {"domain": list(names), "range": dashes}},
    }


def ramp(count: int) -> list[str]:
    """So many colours from LOW over MIDDLE to HIGH."""
    found = []
    for i in range(count):
        share = 2 * i / max(count - 1, 1)
        ends = (LOW, MIDDLE) if share <= 1 else (MIDDLE, HIGH)
        mixed = (round(a + (b - a) * (share - (share > 1))) for a, b in zip(*ends, strict=True))
        found.append("#" + "".join(f"{one:02x}" for one in mixed))
    return found


def epochs_axis(most: float) -> Spec:
    """Epochs done on an axis of logarithms that begins with 0."""
    powers = [10.0**k for k in range(10) if 10.0**k <= most]
    return {
        "field": "at",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [START, max(most, 1.0)], "nice": False},
        "axis": {
            "title": "epochs done",
            "values": [START, *powers],
            "labelExpr": "datum.value < 1 ? '0' : format(datum.value, ',~r')",
            "gridOpacity": 0.35,
        },
    }


def only(*kinds: str) -> list[Spec]:
    """A transform: the rows whose `what` is one of these."""
    return [{"filter": {"field": "what", "oneOf": list(kinds)}}]


def levels(y: str) -> list[Spec]:
    """Layers: a line across the plot at each row of `level`, with its name at the left."""
    across = {"x": {"value": 0}, "x2": {"value": "width"}, "y": {"field": y, "type": "quantitative"}}
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -1, "color": axes.GREY}
    return [
        {
            "transform": only("level"),
            "mark": {"type": "rule", "color": axes.GREY, "strokeDash": [2, 3]},
            "encoding": across,
        },
        {
            "transform": only("level"),
            "mark": text,
            "encoding": {"x": {"value": 0}, "text": {"field": "ending", "type": "nominal"}},
        },
    ]


def _encoding(rows: Sequence[Row]) -> Spec:
    most = max((row["at"] for row in rows if row["what"] == "curve"), default=1.0)
    axis = {"title": "relative excess loss", "labelExpr": axes.powers("y"), "gridOpacity": 0.35}
    y = {"field": "median", "type": "quantitative", "scale": {"type": "log", "nice": False}, "axis": axis}
    return {"x": epochs_axis(most), "y": y}


def _layers(series: dict[str, Spec], key: str) -> list[Spec]:
    color = series["color"]
    lit = {"condition": {"param": "picked", "empty": True, "value": 1}, "value": 0.12}
    # Of many learning rates the best one's band is drawn, or that of the one picked; of rivals each is its own best.
    chosen = [{"param": "picked", "empty": False, "value": 0.25}, {"test": "datum.best", "value": 0.15}]
    faint = {"condition": chosen, "value": 0}
    wide = {"condition": {"test": "datum.best", "value": 3}, "value": 1.5}
    edges = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
    band = {"type": "area"}
    hollow = {"type": "point", "shape": "diamond", "filled": False, "size": 70}
    cross = {"type": "point", "shape": "cross", "angle": 45, "size": 110}
    return [
        *levels("median"),
        {"transform": only("curve"), "mark": band, "encoding": {**edges, "color": color, "opacity": faint}},
        {
            "transform": only("curve"),
            "mark": {"type": "line"},
            "encoding": {**series, "strokeWidth": wide, "opacity": lit},
        },
        {
            "transform": only("curve"),
            "params": [{"name": "picked", "select": {"type": "point", "fields": [key]}, "bind": "legend"}],
            "mark": {"type": "point", "filled": True, "size": 16},
            "encoding": {"color": color, "opacity": lit, "tooltip": _tips()},
        },
        {"transform": only("theory"), "mark": hollow, "encoding": {"color": color, "opacity": lit}},
        {"transform": only("diverged"), "mark": cross, "encoding": {"color": color, "opacity": lit}},
    ]


def _tips() -> list[Spec]:
    numbers = (("lr", "learning rate", ".4~g"), ("epoch", "epochs done", ",~r"), ("median", "excess loss", ".1e"))
    band = (("low", f"{100 * BAND[0]:.0f} % of seeds below", ".1e"), ("high", f"{100 * BAND[1]:.0f} %", ".1e"))
    return [
        {"field": "optimizer", "title": "optimizer", "type": "nominal"},
        *(
            {"field": field, "title": title, "type": "quantitative", "format": form}
            for field, title, form in (*numbers, *band)
        ),
        {"field": "ending", "title": "gets there in", "type": "nominal"},
    ]


def _some(panels: Sequence[str], what: str) -> str:
    """`momentum`, or `one of 4 optimizers`."""
    return panels[0] if len(panels) == 1 else f"one of {len(panels)} {what}s"
