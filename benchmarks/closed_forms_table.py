"""The speed lines as a table by shape, ratios beside the seconds, and the bars below."""

import json
from collections.abc import Sequence
from itertools import groupby

from benchmarks.closed_forms_bars import SpeedLine, SpeedVerdict, ratio
from harness.report.render import markdown
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key
from harness.report.tables.document import Document, Line, Table

HELD = {True: ("held", "green"), False: ("not held", "red"), None: ("not run", "yellow")}


def columns(lines: Sequence[SpeedLine]) -> dict[str, Column[SpeedLine]]:
    """Of a line among all of them."""

    def over_streaming(line: SpeedLine) -> str:
        over = ratio(lines, line.shape, line.name, "streaming")
        return "" if over is None else f"{over:.2f}"

    return by_key(
        Column("shape"),
        Column("name", head="solver", least=14),
        Column("median_s", kind=Kind.SECONDS, head="one call"),
        Column("over streaming", kind=Kind.NUMBER, text=over_streaming),
        Column("digits", kind=Kind.DIGITS, text=lambda one: "" if one.digits is None else f"{one.digits:.1f}", spare=1),
        Column("memory", kind=Kind.NUMBER, text=_memory, head="memory / X", spare=2),
        Column("note", spare=3, least=12),
    )


def _memory(line: SpeedLine) -> str:
    if line.extra_bytes is not None:
        return show.size(line.extra_bytes)
    return "" if line.extra_memory is None else f"{line.extra_memory:.2f}"


def speed(lines: Sequence[SpeedLine], verdicts: Sequence[SpeedVerdict]) -> Document:
    """Median seconds of single calls, all of a shape's rows in turns; then the bars."""
    shown = [column for key, column in columns(lines).items() if key != "shape"]
    shapes = [(shape, list(group)) for shape, group in groupby(lines, key=lambda line: line.shape)]
    bars = [Line(f"{one.text}: {one.measured}", *HELD[one.held]) for one in verdicts]
    return Document([Table(shown, shapes), *bars])


def speed_json(lines: Sequence[SpeedLine], verdicts: Sequence[SpeedVerdict], environment: dict[str, object]) -> str:
    """Raw samples, bars and the environment; what `results/speed` keeps."""
    return json.dumps(
        {
            "schema_version": 1,
            "environment": environment,
            "lines": [_flat(line) for line in lines],
            "bars": [vars(verdict) for verdict in verdicts],
        },
        indent=1,
    )


def _flat(line: SpeedLine) -> dict[str, object]:
    """The line with its seconds beside its other fields."""
    own = {name: value for name, value in vars(line).items() if name != "samples"}
    return own | {"cpu_s": line.samples.cpu_s, "wall_s": line.samples.wall_s}


def speed_markdown(lines: Sequence[SpeedLine]) -> str:
    """A GitHub table."""
    every = columns(lines)
    return markdown.table([every[key] for key in ("shape", "name", "median_s", "over streaming", "digits")], lines)
