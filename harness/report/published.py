"""Published figures, printed against reproduced: a table a tutorial, each reason under its line."""

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from harness.judge.studies.published import Ending, Line, Summary
from harness.report.numbers import NONE, power
from harness.report.sections import Column, heads_of, row_of

COLUMNS = (
    Column("figure", 30, "left", least=12),
    Column("printed", 13, spare=1),
    Column("reproduced", 23, spare=2),
    Column("tolerance", 14, "left", spare=3),
    Column("outcome", 16, "left"),
)
"""With a space between columns, 100."""
INDENT = 4

_STYLES = {
    Ending.REPRODUCED: "green",
    Ending.NOT_REPRODUCED: "bold red",
    Ending.NOT_REPRODUCIBLE: "yellow",
    Ending.NOT_RUN: "dim",
}


def print_published(console: Console, summary: Summary) -> None:
    """A table a tutorial, then one line with the counts."""
    console.print(heads_of(console, COLUMNS))
    for tutorial, lines in groupby(summary.lines, key=lambda line: line.tutorial):
        console.print(f"[bold cyan]{escape(tutorial)}[/]")
        _print_lines(console, lines)
    console.print(f"{NONE}: nothing to show; 'off' is the worst difference, relative if the tolerance is.")
    console.print(conclusion(summary))


def conclusion(summary: Summary) -> str:
    """How many figures came out how."""
    counts = f"{summary.reproduced} reproduced, {summary.not_reproduced} not reproduced"
    left = f", {summary.not_run} not run" if summary.not_run else ""
    return f"{counts}, {summary.not_reproducible} not reproducible (with reasons){left}"


def _print_lines(console: Console, lines: Iterable[Line]) -> None:
    for line in lines:
        console.print(row_of(console, COLUMNS, _cells(line)))
        if line.reason:
            console.print(Padding(f"[dim]{escape(line.reason)}[/]", (0, 0, 0, INDENT)))


def _cells(line: Line) -> list[str]:
    style = _STYLES[line.outcome]
    outcome = f"[{style}]{line.outcome.value.replace('_', ' ')}[/]"
    return [escape(line.figure), printed(line), reproduced(line), line.tolerance_text or NONE, outcome]


def printed(line: Line) -> str:
    """The value, or how many there are."""
    return f"{line.count} values" if isinstance(line.printed, tuple) else f"{line.printed:.8g}"


def reproduced(line: Line) -> str:
    """The value; of a list, how many are near enough and the worst difference."""
    if line.reproduced is None or line.deviation is None:
        return NONE
    if isinstance(line.printed, tuple):
        return f"{line.matched} of {line.count}, off {power(line.deviation)}"
    return f"{line.reproduced:.8g}" if isinstance(line.reproduced, float) else f"{len(line.reproduced)} values"
