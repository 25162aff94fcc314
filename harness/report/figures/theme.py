"""The colours of the page and of its figures, for a light and a dark background; `harness plot` draws by the light one.

One place for both, so that a figure and the text around it agree. The series' colours are those of Okabe and Ito,
"Color Universal Design" (2008), which people with any kind of colour vision tell apart; their yellow and black, each
invisible on one of the backgrounds, are left out, and the blue and the green are lightened on the dark one. Text has a
contrast of at least 4.5 to its background (WCAG 2.2, 1.4.3), marks of at least 3 (1.4.11), but for the two lightest
series' colours on white, which is why a series is also told by its shape, its dashes or a label.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#ffffff",
        "raised": "#f6f7f9",
        "ink": "#1b1f24",
        "faint": "#59636e",
        "line": "#d5dae0",
        "link": "#0b5cad",
        "good": "#1a7346",
        "bad": "#b3261e",
        "doubt": "#8a5300",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#14171b",
        "raised": "#1e2228",
        "ink": "#e6e9ed",
        "faint": "#a3adb8",
        "line": "#3a424c",
        "link": "#7ab8f5",
        "good": "#6fcf97",
        "bad": "#ff8a80",
        "doubt": "#f2b84b",
    }
)
SERIES_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6F6F6F")
SERIES_DARK = ("#3D9BDC", "#E8743B", "#2FBF92", "#DD9CC0", "#E69F00", "#7CC7F0", "#9A9A9A")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def vega_config(*, dark: bool = False) -> dict[str, Any]:
    """The Vega-Lite `config` of every figure; a figure's own encoding goes before it."""
    colours, series = (DARK, SERIES_DARK) if dark else (LIGHT, SERIES_LIGHT)
    text = {"labelColor": colours["faint"], "titleColor": colours["ink"], "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "gridColor": colours["line"],
            "gridOpacity": 0.6,
            "domainColor": colours["line"],
            "tickColor": colours["line"],
            "labelLimit": 180,
        },
        "legend": {**text, "titleFontWeight": "normal", "symbolStrokeWidth": 2, "labelLimit": 220},
        "header": {**text, "titleFontWeight": "normal"},
        "title": {"color": colours["ink"], "fontSize": 13, "anchor": "start"},
        "text": {"color": colours["ink"], "fontSize": 11},
        "rule": {"color": colours["faint"]},
        "line": {"strokeWidth": 2},
        "point": {"filled": True, "size": 60},
        "range": {"category": list(series), "heatmap": {"scheme": "viridis"}, "ramp": {"scheme": "viridis"}},
    }


def css_variables() -> str:
    """Both sets of colours as CSS custom properties: the system's choice unless the reader has made another.

    Paper is light.
    """
    light, dark = (";".join(f"--{name}:{value}" for name, value in one.items()) for one in (LIGHT, DARK))
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}"
    )
