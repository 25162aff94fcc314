"""A figure of the page as a file, without a browser: what `harness plot` writes."""

import re
from collections.abc import Sequence
from typing import Any

from harness.report.html.axes import panels_of
from harness.report.html.packing import finite
from harness.report.html.section import Figure, Row
from harness.report.html.theme import LIGHT, vega_config

WIDTH_PX = 720
"""Of a figure that takes the width of its place on the page, unless it says that it needs more."""
SCALE = 2.0
"""Pixels of a PNG for one of the page: sharp in print at 192 dots per inch."""
TALLEST_PX = 32_767
"""Of a PNG, which is made with fewer pixels where it would be higher: what cairo and X11 can show (16 bits, signed)."""
GAP_PX = 20
SIZE = tuple(re.compile(rf'<svg [^>]*\b{side}="([0-9.]+)"') for side in ("width", "height"))
INHERITED = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__"),
    }
)
"""What every object of JavaScript has (ECMA-262, 20.1.3): Vega counts by name in plain objects, and trips over them."""


def drawn(figure: Figure, suffix: str) -> bytes:
    """The figure with all of its rows and its title, in the light colours, as .svg, .png or .pdf.

    Of a figure that draws one panel, chosen from a list, every panel is there, one below the other.
    """
    import vl_convert

    svg, height = stacked([str(vl_convert.vegalite_to_svg(spec)) for spec in standalone(figure)])
    if suffix == ".svg":
        return svg.encode()
    if suffix == ".pdf":
        return bytes(vl_convert.svg_to_pdf(svg))
    return bytes(vl_convert.svg_to_png(svg, scale=min(SCALE, TALLEST_PX / height)))


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
            **({} if place else {"title": figure.title}),
            **spec,
            "config": config,
            "datasets": {**spec.get("datasets", {}), "rows": own_names(finite(rows))},
        }
        for place, rows in enumerate(panels or [figure.rows])
    ]


def stacked(svgs: Sequence[str]) -> tuple[str, float]:
    """Several SVGs of Vega's as one, one below the other, and its height in pixels; one alone stays as it is."""
    sizes = [tuple(float(found[1]) for side in SIZE if (found := side.search(svg))) for svg in svgs]
    width, height = max(wide for wide, _ in sizes), sum(high + GAP_PX for _, high in sizes) - GAP_PX
    if len(svgs) == 1:
        return svgs[0], height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}">'
    lines = [head, f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>']
    top = 0.0
    for svg, (_, high) in zip(svgs, sizes, strict=True):
        lines.append(svg.replace("<svg ", f'<svg y="{top:g}" ', 1))
        top += high + GAP_PX
    return "\n".join([*lines, "</svg>"]), height


def own_names(value: Any) -> Any:
    """The same JSON, with a space of no width behind each text that is in INHERITED; as the page's figures.js does."""
    if isinstance(value, dict):
        return {name: own_names(one) for name, one in value.items()}
    if isinstance(value, list):
        return [own_names(one) for one in value]
    return f"{value}\u200b" if isinstance(value, str) and value in INHERITED else value
