"""The findings as a table, and one of them in full: on a console, as Markdown and as JSON."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from harness.errors import counted
from harness.judge.studies.finding import Finding, Nature
from harness.judge.studies.findings import Ending, FindingLine, Present
from harness.report.render.text import STYLES
from harness.report.tables import findings as table
from harness.report.tables.document import Code, Document, Heading, Line, Paragraph, Part, table_of

NATURES = {Nature.DEFECT: "against its documentation", Nature.LIMIT: "a limit that its documentation states"}
ENDINGS = (Ending.REPRODUCED, Ending.NOT_THERE, Ending.NOT_AS_SAID)
_LINES = TypeAdapter(list[dict[str, object]])
_OF_THE_FILE = {"what", "workaround", "upstream", "script"}
"""Of a line: what its file says, which is told in full or not at all."""


def overview(lines: Sequence[FindingLine]) -> Document:
    """The table; under each finding its title and, if it was checked, how that came out; then the counts."""
    return Document([table_of(table.TERMINAL, lines, below=_below)], [Line(natures(lines)), Line(conclusion(lines))])


def every_one(chosen: Sequence[Finding], lines: Sequence[FindingLine]) -> Document:
    """A table of all of them and the counts, then each in full."""
    checked = any(line.outcome is not Ending.NOT_CHECKED for line in lines)
    columns = (*table.MARKDOWN, *([table.COLUMNS["outcome"]] if checked else []))
    both = zip(chosen, lines, strict=True)
    return Document(
        [
            table_of(columns, lines),
            Paragraph(natures(lines)),
            Paragraph(conclusion(lines)),
            *(
                part
                for finding, line in both
                for part in (Heading(f"{finding.id}: {finding.title}"), *_body(finding, line))
            ),
        ]
    )


def in_full(finding: Finding, line: FindingLine) -> Document:
    """Everything that the file says, with the script as it can be copied, and how the check came out."""
    whose = Paragraph(f"{finding.library}: {finding.kind.value}, {NATURES[finding.nature]}")
    return Document([Heading(finding.title), whose, *_body(finding, line)], _outcome(line))


def conclusion(lines: Sequence[FindingLine]) -> str:
    """How many are here and, where they were checked, how many came out how."""
    here = sum(line.present is Present.YES for line in lines)
    found = f"{counted(len(lines), 'finding')}, {here} in what is installed here"
    checked: list[Ending] = [line.outcome for line in lines if line.outcome is not Ending.NOT_CHECKED]
    if not checked:
        return f"{found}; one in full: harness findings ID; reproduce: --check"
    left = [f"{len(lines) - len(checked)} {Ending.NOT_CHECKED.value}"] if len(checked) < len(lines) else []
    return f"{found}; " + ", ".join([*(f"{checked.count(ending)} {ending.value}" for ending in ENDINGS), *left])


def natures(lines: Sequence[FindingLine]) -> str:
    """How many contradict the documentation of their library, and how many are as it says."""
    limits = sum(line.nature == Nature.LIMIT for line in lines)
    return f"{counted(len(lines) - limits, 'defect')}, {counted(limits, 'documented limit')}"


def _body(finding: Finding, line: FindingLine) -> list[Part]:
    return [
        Paragraph(" ".join(finding.what.split())),
        *(Line(text, f"{name}:", "bold", unbroken=True) for name, text in _facts(finding, line)),
        table_of(table.MEASURED, table.measurements(finding)),
        Code(finding.script.strip()),
    ]


def _facts(finding: Finding, line: FindingLine) -> list[tuple[str, str]]:
    """Label and text of what is said in a line: versions, where the defect is here, case, proof, what to do."""
    here = f"{line.present.value} ({line.installed})" if line.installed else line.present.value
    facts = {
        "bad": finding.bad,
        "good": finding.good or "no version known",
        "here": here,
        "case": f"harness fit {finding.problem} {finding.solver}" if finding.solver else "",
        "proof": finding.shows.text,
        finding.nature.value: finding.documentation,
        "workaround": finding.workaround.strip(),
        "upstream": finding.upstream or "no report found",
    }
    return [(name, " ".join(text.split())) for name, text in facts.items() if text]


def _below(line: FindingLine) -> list[Line]:
    return [Line(line.title, f"{line.nature}:", style="dim"), *_outcome(line)]


def _outcome(line: FindingLine) -> list[Line]:
    """How the check came out, with what is not as the file says, or what the script printed."""
    if line.outcome is Ending.NOT_CHECKED:
        return []
    word = line.outcome.value
    return [Line(line.reason or line.script_says, f"{word}:", STYLES.get(word, "red"))]


def findings_json(chosen: Sequence[Finding], lines: Sequence[FindingLine], *, full: bool) -> str:
    """A list with an object a finding: its line here and, of one in `full`, everything that its file says."""
    files = [finding.model_dump(mode="json", exclude_none=True) if full else {} for finding in chosen]
    both = [file | line.model_dump(mode="json", exclude=_OF_THE_FILE) for file, line in zip(files, lines, strict=True)]
    return _LINES.dump_json(both).decode()
