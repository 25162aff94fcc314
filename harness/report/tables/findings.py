"""A finding: a defect of a released library, and whether it is here."""

from packaging.version import Version

from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import FindingLine, Present
from harness.report.tables.column import Column, Kind, by_key, pick
from harness.report.tables.numbers import NONE

SIGNS = {Present.YES: "✗", Present.CURED: "✓", Present.NO: "✓", Present.ABSENT: "–"}
"""Of whether a defect is here, the worst first."""


def _what(line: FindingLine) -> str:
    reported = f" Reported: {line.upstream}." if line.upstream else ""
    without = f" Versions {line.good} are without it." if line.good else ""
    return f"{line.title}. {line.what}{without}{reported} {line.nature.capitalize()}, by {line.documentation}"


COLUMNS = by_key(
    Column[FindingLine]("id", "id", least=20),
    Column("library", spare=1, least=12),
    Column("kind", "kind"),
    Column("nature", "nature", help="defect: against the library's documentation; limit: as it says."),
    Column("bad", "versions with it", Kind.CODE, head="bad", spare=2),
    Column("installed", text=lambda line: line.installed or NONE, spare=3),
    Column("present", "present here", Kind.STATUS),
    Column("outcome", "checked"),
    Column("what", "what is wrong", value=_what),
    Column("script", "a script that shows it", Kind.CODE),
    Column("title", "defect"),
    Column("workaround", "what to do meanwhile"),
    Column("here", "defect here", help="By the installed version; harness findings --check runs the scripts.",
        value=lambda line: f"{SIGNS[line.present]} {line.present}"),
)  # fmt: skip
TERMINAL = pick(COLUMNS, "id library bad installed present")
MARKDOWN = pick(COLUMNS, "id library kind nature bad installed present")
PAGE: tuple[Column[FindingLine], ...] = (
    Column("installed", "library", value=lambda line: f"{line.library} {line.installed or ''}".strip()),
    *pick(COLUMNS, "here title kind nature bad workaround"),
)
CHECKED = Column[FindingLine](
    "outcome", "checked", value=lambda line: ": ".join(filter(None, (line.outcome, line.reason)))
)
SCRIPTS = pick(COLUMNS, "what script id")

MEASURED: tuple[Column[tuple[str, str]], ...] = (
    Column("version", value=lambda row: row[0]),
    Column("measured", value=lambda row: row[1], least=20),
)
"""A version, and what was measured of it."""


def measurements(finding: Finding) -> list[tuple[str, str]]:
    """Version and what was measured of it, oldest first."""
    return [(name, finding.measured[name].text) for name in sorted(finding.measured, key=Version)]
