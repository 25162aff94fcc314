"""A finding: a defect of a released library, and whether it is here."""

from packaging.version import Version

from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import FindingLine
from harness.report.numbers import NONE
from harness.report.tables.column import Column, Kind, by_key, pick

COLUMNS = by_key(
    Column[FindingLine]("id", least=20),
    Column("library", spare=1, least=12),
    Column("kind"),
    Column("nature"),
    Column("bad", spare=2),
    Column("installed", text=lambda line: line.installed or NONE, spare=3),
    Column("present", "present here", Kind.STATUS),
    Column("outcome", "checked"),
)
TERMINAL = pick(COLUMNS, "id library bad installed present")
MARKDOWN = pick(COLUMNS, "id library kind nature bad installed present")

MEASURED: tuple[Column[tuple[str, str]], ...] = (
    Column("version", value=lambda row: row[0]),
    Column("measured", value=lambda row: row[1], least=20),
)
"""A version, and what was measured of it."""


def measurements(finding: Finding) -> list[tuple[str, str]]:
    """Version and what was measured of it, oldest first."""
    return [(name, finding.measured[name].text) for name in sorted(finding.measured, key=Version)]
