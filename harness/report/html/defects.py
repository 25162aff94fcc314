"""Defects of released libraries that the run's cases show: what is wrong, what to do, and a line of it for a case."""

from collections import Counter
from collections.abc import Sequence

from harness.errors import counted
from harness.judge.studies.finding import Kind as Defect
from harness.judge.studies.findings import Ending, FindingLine, Present
from harness.records.record import Record
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Section, Table, table_of
from harness.report.tables.findings import CHECKED, PAGE, SCRIPTS, SIGNS

MISSING = "No case here shows a known defect of a released library: harness findings lists all that are known."
ID = "findings"


def known_notes(record: Record, evidence: Evidence) -> list[Note]:
    """What is known of the defect that a case shows, and what to do meanwhile; leads to its row."""
    lines = {line.id: line for line in evidence.findings}
    found = [lines[name] for name in evidence.shown.get(record.case, ()) if name in lines]
    return [Note(f"Known: {one.title} ({one.id}). Workaround: {one.workaround}", to=ID) for one in found]


def section(evidence: Evidence) -> Section:
    """A table of what is wrong where and what to do, one with the scripts; what is here first."""
    lines = sorted(evidence.findings, key=lambda line: ([*SIGNS].index(line.present), line.library, line.id))
    if not lines:
        return Section(ID, "Findings", "", missing=MISSING)
    checked = [line for line in lines if line.outcome is not Ending.NOT_CHECKED]
    columns = (*PAGE, *([CHECKED] if checked else []))
    proof = "Each script runs by itself, without this harness; harness findings ID --check runs it and judges it."
    rows = table_of("", "", (*PAGE, CHECKED, *SCRIPTS), lines).rows  # shared: the page has them once
    parts = (
        Table("findings", "Known defects, those that are installed here first.", columns, rows),
        Note(proof),
        Table("findings_scripts", "What is wrong, and a script of a few lines that shows it.", SCRIPTS, rows),
    )
    return Section(ID, "Findings", _conclusion(lines), parts)


def _conclusion(lines: Sequence[FindingLine]) -> str:
    """How many are here, in which libraries, and how many of them give a wrong answer that nobody is told of."""
    here = [line for line in lines if line.present is Present.YES]
    known = f"{counted(len(lines), 'known finding')}"
    if not here:
        return f"None of {known} is in what is installed here."
    counts = Counter(f"{line.library} {line.installed}" for line in here)
    where = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counts.most_common())
    silent = sum(line.kind == Defect.SILENTLY_WRONG.value for line in here)
    warned = f" {silent} of them give{'s' * (silent == 1)} a wrong answer without a warning." if silent else ""
    wrong = [line.id for line in lines if line.outcome is Ending.NOT_AS_SAID]
    stale = f" No longer as the file says: {', '.join(wrong)}." if wrong else ""
    if len(here) == len(lines):
        return f"These cases show {known}: {where}.{warned}{stale}"
    return (
        f"{len(here)} of {known} {'is' if len(here) == 1 else 'are'} in what is installed here: {where}.{warned}{stale}"
    )
