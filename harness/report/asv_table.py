"""What asv measured of speed, commit against base: reported, not gated."""

from rich.console import Console
from rich.markup import escape

from harness.records.asv_results import AsvResults
from harness.report import numbers as show
from harness.report.sections import Column, print_rows

COLUMNS = (
    Column("benchmark", 0, "left", least=20),
    Column("base", spare=1),
    Column("now", spare=2),
    Column("ratio"),
)


def print_speed(console: Console, results: AsvResults, base: AsvResults) -> None:
    """A row a timed case: seconds of both and their ratio, the slowest ratio first."""
    before = {(cell.name, cell.params): cell.value for cell in base.cells}
    rows = []
    for cell in results.cells:
        then = before.get((cell.name, cell.params))
        if cell.metric.startswith("time_") and cell.value and then and cell.value == cell.value and then == then:  # noqa: PLR0124  # not NaN
            rows.append((cell.value / then, cell, then))
    if not rows:
        return
    cells = [
        (escape(cell.label), show.seconds(then), show.seconds(cell.value), show.ratio(ratio))
        for ratio, cell, then in sorted(rows, key=lambda row: -row[0])
    ]
    print_rows(console, COLUMNS, cells)
    console.print("speed is shown, not gated: asv takes the two commits' samples apart from each other", style="dim")
