"""What asv measured of speed, commit against base: reported, not gated."""

from typing import NamedTuple

from harness.records.asv_results import AsvResults
from harness.report.tables.column import Column, Kind
from harness.report.tables.document import Document, Line, table_of

SHOWN = "speed is shown, not gated: asv takes the two commits' samples apart from each other"


class Timed(NamedTuple):
    """Seconds of a case at both commits, and their ratio."""

    label: str
    base_s: float
    now_s: float
    ratio: float


COLUMNS: tuple[Column[Timed], ...] = (
    Column("label", head="benchmark", least=20),
    Column("base_s", kind=Kind.SECONDS, head="base", spare=1),
    Column("now_s", kind=Kind.SECONDS, head="now", spare=2),
    Column("ratio", kind=Kind.RATIO),
)


def speed(results: AsvResults, base: AsvResults) -> Document:
    """A row a timed case, the slowest ratio first; nothing where no case was timed at both."""
    before = {(cell.name, cell.params): cell.value for cell in base.cells}
    rows = []
    for cell in results.cells:
        then, now = before.get((cell.name, cell.params)), cell.value
        if cell.metric.startswith("time_") and now and then and now == now and then == then:  # noqa: PLR0124  # not NaN
            rows.append(Timed(cell.label, then, now, now / then))
    if not rows:
        return Document([])
    return Document([table_of(COLUMNS, sorted(rows, key=lambda row: -row.ratio)), Line(SHOWN, style="dim")])
