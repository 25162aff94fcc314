"""The findings as a table, and one of them in full."""

from collections.abc import Sequence

from packaging.version import Version
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import Ending, FindingLine, Present
from harness.report.numbers import NONE
from harness.report.sections import Column, heads_of, row_of

COLUMNS = (
    Column("id", 34, "left", least=16),
    Column("library", 20, "left", spare=1, least=12),
    Column("bad", 18, "left", spare=2),
    Column("installed", 10, "left", spare=3),
    Column("present here", 14, "left", least=12),
)
"""With a space between columns, 100."""
INDENT = 4
LABEL = 12

_PRESENT = {Present.YES: "bold red", Present.CURED: "green", Present.NO: "green", Present.ABSENT: "dim"}
_ENDING = {Ending.REPRODUCED: "green", Ending.NOT_THERE: "green", Ending.NOT_AS_SAID: "bold red"}


def print_findings(console: Console, lines: Sequence[FindingLine]) -> None:
    """The table; under each finding its title and, if it was checked, how that came out; then the counts."""
    console.print(heads_of(console, COLUMNS))
    for line in lines:
        console.print(row_of(console, COLUMNS, _cells(line)))
        console.print(Padding(f"[dim]{escape(line.title)}[/]", (0, 0, 0, INDENT)))
        if line.outcome is not Ending.NOT_CHECKED:
            console.print(Padding(_outcome(line), (0, 0, 0, INDENT)))
    console.print(conclusion(lines))


def conclusion(lines: Sequence[FindingLine]) -> str:
    """How many are here and, where they were checked, how many came out how."""
    count = sum(line.present is Present.YES for line in lines)
    said = f"{len(lines)} findings, {count} in what is installed here"
    checked: list[Ending] = [line.outcome for line in lines if line.outcome is not Ending.NOT_CHECKED]
    if not checked:
        return f"{said}; one in full: harness findings ID; reproduce: --check"
    return f"{said}; " + ", ".join(f"{checked.count(ending)} {ending.value}" for ending in _ENDING)


def print_finding(console: Console, finding: Finding, line: FindingLine) -> None:
    """Everything that the file says, with the script as it can be copied."""
    console.print(f"[bold]{escape(finding.title)}[/]")
    console.print(f"{escape(finding.library)}: {finding.kind.value}\n")
    console.print(escape(" ".join(finding.what.split())) + "\n")
    for name, text in facts(finding, line):
        console.print(f"[bold]{name:<{LABEL}}[/] {escape(text)}", soft_wrap=True)
    console.print("\n[bold]measured[/]")
    for version, text in measurements(finding):
        console.print(f"{'':<{INDENT}}{version:<{LABEL}} {escape(text)}", soft_wrap=True)
    console.print("\n[bold]script[/]")
    console.print(finding.script.strip(), markup=False, soft_wrap=True)
    if line.outcome is not Ending.NOT_CHECKED:
        console.print()
        console.print(_outcome(line))


def facts(finding: Finding, line: FindingLine) -> list[tuple[str, str]]:
    """Label and text of what is said in a line: versions, where the defect is here, case, proof, what to do."""
    here = f"{line.present.value} ({line.installed})" if line.installed else line.present.value
    case = f"harness fit {finding.problem} {finding.solver}" if finding.solver else ""
    said = {
        "bad": finding.bad,
        "good": finding.good or "no version known",
        "here": here,
        "case": case,
        "proof": finding.shows.text,
        "workaround": finding.workaround.strip(),
        "upstream": finding.upstream or "no report found",
    }
    return [(name, " ".join(text.split())) for name, text in said.items() if text]


def measurements(finding: Finding) -> list[tuple[str, str]]:
    """Version and what was measured of it, oldest first."""
    return [(name, finding.measured[name].text) for name in sorted(finding.measured, key=Version)]


def _cells(line: FindingLine) -> list[str]:
    present = f"[{_PRESENT[line.present]}]{line.present.value}[/]"
    return [escape(line.id), escape(line.library), escape(line.bad), escape(line.installed or NONE), present]


def _outcome(line: FindingLine) -> str:
    """How the check came out, with what is not as the file says, or what the script printed."""
    text = f"[{_ENDING[line.outcome]}]{line.outcome.value}[/]: "
    return text + escape(line.reason or line.script_says)
