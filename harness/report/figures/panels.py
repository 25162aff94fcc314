"""A figure's specification: layers over the rows of one panel, which is chosen from a list where there are several."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.figures import axes
from harness.report.figures.rows import Row


def panels_of(rows: Sequence[Row]) -> list[str]:
    """The panels' names in the order of their places."""
    found = {str(row["panel"]): row["place"] for row in rows}
    return sorted(found, key=lambda name: found[name])


def layered(
    layers: Sequence[axes.Spec],
    encoding: Mapping[str, Any],
    panels: Sequence[str],
    height: int | axes.Spec,
    label: str = "problem",
) -> axes.Spec:
    """Layers over the rows of one panel, which is named, and chosen from a list where there are several.

    Without `panels` the layers are over all rows. Altair checks all of it by Vega-Lite's schema; jsonschema's
    ValidationError is raised where that is broken, which is a mistake of ours.
    """
    import altair as alt

    several = len(panels) > 1
    spec = {
        "$schema": alt.SCHEMA_URL,
        "data": {"name": "rows"},
        "width": "container",
        # resized, since another panel's legend is of another height
        "autosize": {"type": "fit-x", "contains": "padding", "resize": True},
        "height": height,
        "params": [_chooser(panels, label)] if several else [],
        "transform": _chosen_panel() if several else [],
        "encoding": dict(encoding),
        "layer": [*layers, *([_panel_name()] if panels else [])],
    }
    alt.LayerChart.validate(spec)  # an eighth of what from_dict takes, which asks anew at each level
    return spec


def _chooser(names: Sequence[str], label: str) -> axes.Spec:
    return {
        "name": "panel",
        "value": names[0],
        "bind": {"input": "select", "options": list(names), "name": f"{label} "},
    }


def _chosen_panel() -> list[axes.Spec]:
    """The chosen panel's rows, or, where the reader's filters took them all, those of the first that is left.

    Rows have `panel`, its name, and `place`, its number.
    """
    found = [{"op": "max", "field": "is_chosen", "as": "any_chosen"}, {"op": "min", "field": "place", "as": "first"}]
    return [
        {"calculate": "datum.panel === panel ? 1 : 0", "as": "is_chosen"},
        {"joinaggregate": found},
        {"filter": "datum.any_chosen ? datum.is_chosen : datum.place === datum.first"},
    ]


def _panel_name() -> axes.Spec:
    """The panel that is drawn, above the plot: a picture has no drop-down list."""
    place = {"x": {"value": 0}, "y": {"value": -6}, "text": axes.category("panel")}
    first = ({"window": [{"op": "row_number", "as": "row"}]}, axes.keep("datum.row === 1"))
    return axes.layer("text", place, *first, align="left", baseline="bottom", fontWeight="bold", color=axes.GREY)
