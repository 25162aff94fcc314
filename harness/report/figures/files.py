"""Figures as files, without a browser: SVG, PNG or PDF by vl-convert."""

import json
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files.strict_json import finite
from harness.files.writing import check_file
from harness.report.figures.axes import ACROSS
from harness.report.figures.figure import Figure
from harness.report.figures.panels import panels_of
from harness.report.figures.rows import Row
from harness.report.figures.size import FORMATS, POINTS, Measures, Size
from harness.report.figures.theme import LIGHT, vega_config

WIDTH_PX = 720
"""Of a figure that takes the width of its place on the page, unless it says that it needs more."""
TALLEST_PX = 32_767
"""Of a PNG, which is made with fewer pixels where it would be higher: what cairo and X11 can show (16 bits, signed)."""
GAP_PX = 20
TITLE_CHARACTERS, AXIS_CHARACTERS = 72, 44
"""Of a line of a screen's picture that fits: the title, and the vertical axis's; a narrow one has less by its width."""
SIZE = tuple(re.compile(rf'<svg [^>]*\b{side}="([0-9.]+)"') for side in ("width", "height"))
REFERENCES = re.compile(rb"(?: +/\w+ \d+ 0 R\n)+")
"""What a PDF's page refers to, in an order that is another each time and means nothing: sorted, it is one."""
INHERITED = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__"),
    }
)
"""What every object of JavaScript has (ECMA-262, 20.1.3): Vega counts by name in plain objects, and trips over them."""


def check_path(path: Path) -> None:
    """Raise UsageError if no picture can be written there: another suffix, no such folder, a folder."""
    check_suffix(path.suffix, f"{path}: ")
    check_file(path, path)


def check_suffix(suffix: str, where: str = "") -> None:
    """Raise UsageError for a suffix that is none of FORMATS."""
    if suffix.lower() not in FORMATS:
        raise UsageError(f"{where}a picture's suffix is .png, .svg or .pdf, not '{suffix}'")


def drawn(figure: Figure, suffix: str, size: Size = Size.SCREEN) -> bytes:
    """A figure of the page with all of its rows, its title and what it shows, in the light colours.

    `suffix`: .svg, .png or .pdf. Of a figure that draws one panel, chosen from a list, every panel is there, one below
    the other.
    """
    made = standalone(figure)
    if size is not Size.SCREEN:
        made = [_on_paper(spec, size.measures) for spec in made]
    return _file(*_joined([_svg(spec) for spec in made]), suffix, size.measures)


def picture(figures: Sequence[Figure], suffix: str, size: Size = Size.SCREEN) -> bytes:
    """Figures of one panel each beside one another, each with its title, as .svg, .png or .pdf.

    A PNG of one for a screen is 1200 x 800 pixels, of two 2000 x 800. The same figures make the same bytes.
    """
    of = size.measures
    beside = of.beside and len(figures) > 1
    width = of.narrow if beside else of.width
    return _file(*_joined([_svg(_sized(figure, width, of)) for figure in figures], beside=beside), suffix, of)


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def _file(svg: str, height: float, suffix: str, of: Measures) -> bytes:
    import vl_convert

    if suffix == ".svg":
        return svg.encode()
    if suffix == ".pdf":
        made = vl_convert.svg_to_pdf(_scaled(svg, of.scale))
        return REFERENCES.sub(lambda found: b"".join(sorted(found[0].splitlines(keepends=True))), made)
    return bytes(vl_convert.svg_to_png(svg, scale=min(of.png, TALLEST_PX / height * POINTS / of.dots), ppi=of.dots))


def _scaled(svg: str, scale: float) -> str:
    """The SVG with another width and height: what is in it keeps its own measures, by its view box."""
    if scale == 1:
        return svg
    head, end, rest = svg.partition(">")
    for side in SIZE:
        found = side.search(head + end)
        if found is not None:
            head = f"{head[: found.start(1)]}{float(found[1]) * scale:g}{head[found.end(1) :]}"
    return head + end + rest


def _on_paper(spec: dict[str, Any], of: Measures) -> dict[str, Any]:
    """A figure of the page as wide as a column or a page, with letters of that size."""
    made: dict[str, Any] = json.loads(json.dumps(spec).replace(ACROSS, str(of.width)))
    high = made.get("height")
    least = {"height": min(high, of.height)} if isinstance(high, int | float) else {}
    title = made.get("title", [])
    texts = title if isinstance(title, list) else title["text"]
    lines = [line for text in texts for line in _lines(text, of)]
    below = [] if isinstance(title, list) else _lines(" ".join(title["subtitle"]), of)
    made |= {"width": of.width, **least, "autosize": {"type": "fit-x", "contains": "padding"}, "padding": 4}
    made["title"] = {"text": lines, "subtitle": below, **_letters(of)}
    return made | {"config": _with_letters(made["config"], of)}


def _lines(text: str, of: Measures) -> list[str]:
    return wrapped(text, int(TITLE_CHARACTERS * _shrink(of.width, of))) if text else []


def _letters(of: Measures) -> dict[str, Any]:
    return {"fontSize": of.title, "lineHeight": of.title * 1.3, "subtitleFontSize": of.letters}


def _with_letters(config: dict[str, Any], of: Measures) -> dict[str, Any]:
    """The configuration with every text of that size."""
    both = {"labelFontSize": of.letters, "titleFontSize": of.letters}
    parts = {name: {**config.get(name, {}), **both} for name in ("axis", "legend", "header")}
    return config | parts | {"text": {**config.get("text", {}), "fontSize": of.letters * 0.95}}


def _shrink(width: int, of: Measures) -> float:
    """By what a line of text has fewer letters than one of a screen's picture."""
    screen = Size.SCREEN.measures
    return width / screen.width * screen.title / of.title


def _sized(figure: Figure, width: int, of: Measures) -> dict[str, Any]:
    """The specification of a whole picture so wide; texts that are too long for it have several lines."""
    (one,) = standalone(figure)
    # Else a legend has other columns once the plot has made room for its axis, and what it is laid out by is cut off.
    spec: dict[str, Any] = json.loads(json.dumps(one).replace(ACROSS, str(width)))
    spec |= {"width": width, "height": of.height, "autosize": {"type": "fit", "contains": "padding"}, "padding": 12}
    shrink = _shrink(width, of)
    lines = [line for one in figure.title.splitlines() for line in wrapped(one, int(TITLE_CHARACTERS * shrink))]
    style = {"fontSize": of.title, "lineHeight": of.title + 4, "anchor": "middle", "offset": 12}
    # One font: a PDF has several of them in an order that is another each time.
    spec["title"] = {"text": own_names(lines), "fontWeight": "normal", **style}
    if of != Size.SCREEN.measures:
        spec["config"] = _with_letters(spec["config"], of)
    screen = Size.SCREEN.measures
    letters = screen.letters / of.letters
    across, up = width / screen.width * letters, of.height / screen.height * letters
    for channel, most in (("x", TITLE_CHARACTERS * across), ("y", AXIS_CHARACTERS * up)):
        axis = spec["encoding"][channel].get("axis")
        if axis and axis.get("title"):
            axis["title"] = wrapped(axis["title"], int(most))
    return spec


def wrapped(text: str, width: int) -> list[str]:
    """The text in as few lines of at most `width` characters as it takes, of about equal length."""
    count = len(textwrap.wrap(text, width))
    if count > 1:
        shortest = max(len(text) // count, *map(len, text.split()))
        width = next((w for w in range(shortest, width) if len(textwrap.wrap(text, w)) == count), width)
    return textwrap.wrap(text, width)


def standalone(figure: Figure) -> list[dict[str, Any]]:
    """A specification a panel, with the panel's rows, a width of its own and a background; the first has the title."""
    names = panels_of(figure.rows) if figure.rows and all("panel" in row for row in figure.rows) else []
    panels: list[Sequence[Row]] = [[row for row in figure.rows if row["panel"] == name] for name in names]
    spec = own_names(finite(figure.spec))
    asked = spec.get("usermeta")
    least = asked.get("minWidth", 0) if isinstance(asked, dict) else 0
    if spec.get("width") == "container":
        spec["width"] = max(WIDTH_PX, least)
    config = vega_config() | {"background": LIGHT["paper"], "font": "sans-serif"} | dict(spec.get("config", {}))
    return [
        {
            **({} if place else {"title": _title(figure, spec["width"])}),
            **spec,
            "config": config,
            "datasets": {**spec.get("datasets", {}), "rows": own_names(finite(rows))},
        }
        for place, rows in enumerate(panels or [figure.rows])
    ]


def _title(figure: Figure, width: int | dict[str, Any]) -> list[str] | dict[str, Any]:
    """The title; with what the figure shows below it, where that is said."""
    if not figure.conclusion:
        return figure.title.splitlines()
    characters = int(TITLE_CHARACTERS * (width if isinstance(width, int) else WIDTH_PX) / Size.SCREEN.measures.width)
    return {
        "text": figure.title.splitlines(),
        "subtitle": [own for line in figure.conclusion.splitlines() for own in wrapped(line, characters)],
        "subtitlePadding": 4,
        "offset": 10,
    }


def _joined(svgs: Sequence[str], *, beside: bool = False) -> tuple[str, float]:
    """Several SVGs of Vega's as one, below or beside one another, and its height in pixels; one stays as it is."""
    sizes = [tuple(float(found[1]) for side in SIZE if (found := side.search(svg))) for svg in svgs]
    if len(svgs) == 1:
        return svgs[0], sizes[0][1]
    along, gap = (0, 0) if beside else (1, GAP_PX)
    starts = [sum(size[along] + gap for size in sizes[:i]) for i in range(len(sizes) + 1)]
    total = [max(size[0] for size in sizes), max(size[1] for size in sizes)]
    total[along] = starts[-1] - gap
    wide, high = (f"{side:g}" for side in total)
    box = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    lines = [head, f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>']
    placed = zip(svgs, starts, strict=False)
    lines += [svg.replace("<svg ", f'<svg {"xy"[along]}="{start:g}" ', 1) for svg, start in placed]
    return "\n".join([*lines, "</svg>"]), total[1]


def own_names(value: Any) -> Any:
    """The same JSON, with a space of no width behind each text that is in INHERITED; as the page's figures.js does."""
    if isinstance(value, dict):
        return {name: own_names(one) for name, one in value.items()}
    if isinstance(value, list):
        return [own_names(one) for one in value]
    return f"{value}\u200b" if isinstance(value, str) and value in INHERITED else value
