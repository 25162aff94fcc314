"""Excess loss by epoch over seeds: every learning rate of an optimizer, and optimizers at their best."""

from collections.abc import Mapping, Sequence

from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.bands import BAND
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered, panels_of
from harness.report.figures.rows import Row
from harness.report.figures.training_rows import START
from harness.report.words import sweep as words

HEIGHT = 400
LOW, MIDDLE, HIGH = (46, 107, 208), (124, 128, 144), (208, 108, 0)
"""sRGB of the lowest, a middle and the highest learning rate: blue, grey and orange, which every kind of colour vision
tells apart, with a contrast of at least 3 to a white and to a dark page (WCAG 2.2, 1.4.11)."""
ROTATING = 3
"""Learning rates beside one another differ by their dashes as well; after so many they begin again."""
SEEDS = f"median over seeds, band {100 * BAND[0]:.0f}-{100 * BAND[1]:.0f} %"
QUANTILES = f"{100 * BAND[0]:.0f}-50-{100 * BAND[1]:.0f} % of seeds"
SHAPES = {"theory": "diamond", "diverged": axes.SALTIRE}


def rates_figure(rows: Sequence[Row]) -> Figure:
    """Excess loss by epoch, a colour a learning rate, the best one thick; an optimizer is chosen from a list."""
    panels = panels_of(rows)
    what = (
        f"Relative excess loss by epochs done, {SEEDS}, a line a learning rate for {_some(panels, 'optimizer')}; the"
        f" best learning rate is thick; of more than {axes.MOST_CURVES} the ends of the grid and those nearest to it."
        " Crosses: most seeds diverged. Diamonds: where the recurrence of gradient descent or Adam says that a"
        " tolerance is reached. A click in the legend lights up one learning rate."
    )
    spec = layered(_layers(_rates(rows), "lr", rows), _encoding(rows), panels, HEIGHT, "optimizer")
    return Figure("training_rates", "Loss by epoch for each learning rate", what, spec, rows)


def rate_picture(title: str, rows: Sequence[Row], endings: Mapping[float, str]) -> Figure:
    """The same of one optimizer, whose legend says how each learning rate ended."""
    layers = _layers(_rates(rows, endings), "lr", rows)
    spec = layered(layers, _encoding(rows), (), HEIGHT)
    return Figure("curves", title, f"Relative excess loss by epochs done, {SEEDS}.", spec, rows)


def rivals_figure(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    """Excess loss by epoch, a line an optimizer at its best learning rate; a problem is chosen from a list."""
    panels = panels_of(rows)
    what = (
        f"Relative excess loss by epochs done, {SEEDS}, a line an optimizer at its best learning rate, on"
        f" {_some(panels, 'problem')}. Diamonds: where the recurrence of gradient descent or Adam says that a tolerance"
        " is reached."
    )
    layers = _layers(axes.dashed("optimizer", names), "optimizer", rows)
    spec = layered(layers, _encoding(rows), panels, HEIGHT)
    return Figure("training_rivals", "Loss by epoch, each optimizer at its best learning rate", what, spec, rows)


def _rates(rows: Sequence[Row], endings: Mapping[float, str] | None = None) -> dict[str, Spec]:
    """Colour and dashes by learning rate, from LOW to HIGH."""
    curves = [row for row in rows if row["what"] == "curve"]
    lrs = sorted({row["lr"] for row in curves})
    best = {row["lr"] for row in curves if row["best"]}
    label = "format(datum.value, '.4~g')"
    legend = axes.legend() | axes.LINES | {"title": "learning rate", "labelExpr": label}
    legend["columns"] = {"expr": f"max(2, floor({axes.ACROSS} / 90))"}
    if endings:
        texts = {lr: f"lr {words.rate(lr)}: {ending}" for lr, ending in endings.items()}
        legend = axes.legend() | axes.LINES | {"labelExpr": axes.labelled(texts)}
    dashes = [axes.DASHES[0 if endings and lr in best else i % ROTATING] for i, lr in enumerate(lrs)]
    ranges = {"color": ramp(len(lrs)), "strokeDash": dashes}
    shared = {"field": "lr", "type": "ordinal", "legend": legend}
    return {name: {**shared, "scale": {"domain": lrs, "range": of}} for name, of in ranges.items()}


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
    label = "datum.value < 1 ? '0' : format(datum.value, ',~r')"
    made = axes.number("at", "epochs done", label, **axes.LOG, domain=[START, max(most, 1.0)])
    made["axis"]["values"] = [START, *(10.0**k for k in range(10) if 10.0**k <= most)]
    return made


def _encoding(rows: Sequence[Row]) -> Spec:
    most = max((row["at"] for row in rows if row["what"] == "curve"), default=1.0)
    y = axes.number("median", f"relative excess loss ({QUANTILES})", axes.powers("y"), **axes.LOG)
    return {"x": epochs_axis(most), "y": y}


def _layers(series: dict[str, Spec], key: str, rows: Sequence[Row]) -> list[Spec]:
    color, lit = series["color"], axes.bright()
    # Of many learning rates the best one's band is drawn, or that of the one picked; of rivals each is its own best.
    chosen = [{"param": "picked", "empty": False, "value": 0.25}, {"test": "datum.best", "value": 0.15}]
    wide = {"condition": {"test": "datum.best", "value": 3}, "value": 1.5}
    edges = {"y": axes.number("low"), "y2": {"field": "high"}}
    curve, shown = axes.only("curve"), {"color": color, "opacity": lit}
    marks = [what for what in SHAPES if any(row["what"] == what for row in rows)]
    ends = {"domain": marks, "range": [SHAPES[what] for what in marks]}
    named = axes.legend() | {"labelExpr": axes.labelled({"theory": "theory"})}
    shape = axes.category("what", scale=ends, legend=named | {"symbolStrokeColor": axes.GREY, "symbolStrokeWidth": 1.5})
    text = {"x": {"value": 0}, "text": axes.category("ending")}
    return [
        axes.layer("rule", axes.ACROSS_PLOT, axes.only("level"), color=axes.GREY, strokeDash=[2, 3]),
        axes.layer("text", text, axes.only("level"), align="left", baseline="bottom", dx=4, dy=-1, color=axes.GREY),
        axes.layer("area", {**edges, "color": color, "opacity": {"condition": chosen, "value": 0}}, curve),
        axes.layer("line", {**series, "strokeWidth": wide, "opacity": lit}, curve),
        axes.layer("point", shown | {"tooltip": _tips()}, curve, filled=True, size=16) | axes.picked(key),
        *([axes.layer("point", shown | {"shape": shape}, axes.only(*marks), filled=False, size=80)] if marks else []),
    ]


def _tips() -> list[Spec]:
    low, high = (f"{100 * share:.0f} % of seeds below" for share in BAND)
    numbers = (("lr", "learning rate", ".4~g"), ("epoch", "epochs done", ",~r"), ("median", "excess loss", ".1e"))
    return axes.tips(
        ("optimizer", "optimizer"), *numbers, ("low", low, ".1e"), ("high", high, ".1e"), ("ending", "gets there in")
    )


def _some(panels: Sequence[str], what: str) -> str:
    """`momentum`, or `one of 4 optimizers`."""
    return panels[0] if len(panels) == 1 else f"one of {len(panels)} {what}s"
