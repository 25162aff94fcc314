"""The speed lines as a table by shape, ratios beside the seconds, and the bars below."""

import json
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from benchmarks.closed_forms_bars import SpeedLine, SpeedVerdict, ratio
from harness.report import numbers as show
from harness.report.sections import Column, print_sections

COLUMNS = (
    Column("solver", 20, "left", least=14),
    Column("one call", 9),
    Column("over streaming", 14),
    Column("digits", 6, spare=1),
    Column("memory / X", 10, spare=2),
    Column("note", 33, "left", spare=3, least=12),
)


def print_speed(console: Console, lines: Sequence[SpeedLine], verdicts: Sequence[SpeedVerdict]) -> None:
    """Median CPU seconds of single calls, one thread, all of a shape's rows in turns; then the bars."""
    shapes = groupby(lines, key=lambda line: line.shape)
    print_sections(console, COLUMNS, ((shape, [_cells(lines, line) for line in group]) for shape, group in shapes))
    for verdict in verdicts:
        word = {True: "[green]held[/]", False: "[red]not held[/]", None: "[yellow]not run[/]"}[verdict.held]
        console.print(f"{word} {escape(verdict.text)}: {escape(verdict.measured)}")


def _cells(lines: Sequence[SpeedLine], line: SpeedLine) -> list[str]:
    over = ratio(lines, line.shape, line.name, "streaming")
    memory = None if line.extra_bytes is None else show.size(line.extra_bytes)
    share = memory or ("" if line.extra_memory is None else f"{line.extra_memory:.2f}")
    return [
        escape(line.name),
        show.seconds(line.median_s),
        "" if over is None else f"{over:.2f}",
        "" if line.digits is None else show.fixed(line.digits, 1),
        share,
        escape(line.note),
    ]


def speed_json(lines: Sequence[SpeedLine], verdicts: Sequence[SpeedVerdict], environment: dict[str, object]) -> str:
    """Raw samples, bars and the environment; what `results/speed` keeps."""
    return json.dumps(
        {
            "schema_version": 1,
            "environment": environment,
            "lines": [vars(line) for line in lines],
            "bars": [vars(verdict) for verdict in verdicts],
        },
        indent=1,
    )


def speed_markdown(lines: Sequence[SpeedLine]) -> str:
    """A GitHub table."""
    rows = ["| shape | solver | one call | over streaming | digits |", "|---|---|---|---|---|"]
    for line in lines:
        cells = _cells(lines, line)
        rows.append(f"| {line.shape} | {line.name} | {cells[1]} | {cells[2]} | {cells[3]} |")
    return "\n".join(rows)
