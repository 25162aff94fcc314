"""A figure of the page as a file, without a browser: what `harness plot` writes."""

from typing import Any

from harness.report.page.packing import finite
from harness.report.page.section import Figure
from harness.report.page.theme import LIGHT, vega_config

WIDTH_PX = 720
"""Of a figure that takes the width of its place on the page, unless it says that it needs more."""
SCALE = 2.0
"""Pixels of a PNG for one of the page: sharp in print at 192 dots per inch."""
INHERITED = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__"),
    }
)
"""What every object of JavaScript has (ECMA-262, 20.1.3): Vega counts by name in plain objects, and trips over them."""


def drawn(figure: Figure, suffix: str) -> bytes:
    """The figure with all of its rows and its title, in the light colours, as .svg, .png or .pdf."""
    import vl_convert

    spec = standalone(figure)
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    if suffix == ".pdf":
        return bytes(vl_convert.vegalite_to_pdf(spec))
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def standalone(figure: Figure) -> dict[str, Any]:
    """The specification with its rows, a width of its own and a background."""
    spec = own_names(finite(figure.spec))
    asked = spec.get("usermeta")
    least = asked.get("minWidth", 0) if isinstance(asked, dict) else 0
    if spec.get("width") == "container":
        spec["width"] = max(WIDTH_PX, least)
    config = vega_config() | {"background": LIGHT["paper"], "font": "sans-serif"}
    return {
        "title": figure.title,
        **spec,
        "config": config | dict(spec.get("config", {})),
        "datasets": {**spec.get("datasets", {}), "rows": own_names(finite(figure.rows))},
    }


def own_names(value: Any) -> Any:
    """The same JSON, with a space of no width behind each text that is in INHERITED; as the page's figures.js does."""
    if isinstance(value, dict):
        return {name: own_names(one) for name, one in value.items()}
    if isinstance(value, list):
        return [own_names(one) for one in value]
    return f"{value}\u200b" if isinstance(value, str) and value in INHERITED else value
