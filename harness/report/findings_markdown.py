"""The findings as GitHub-flavoured Markdown: the table, and each in full with its script."""

import re
from collections.abc import Sequence

from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import Ending, FindingLine
from harness.report.accuracy_markdown import plain, table
from harness.report.findings_table import conclusion, facts, measurements
from harness.report.numbers import NONE

_HEADS = ("id", "library", "kind", "bad", "installed", "present here")


def findings_markdown(chosen: Sequence[Finding], lines: Sequence[FindingLine]) -> str:
    """A table of all of them, then a section each."""
    checked = any(line.outcome is not Ending.NOT_CHECKED for line in lines)
    heads = (*_HEADS, "checked") if checked else _HEADS
    rows = [_row(line)[: len(heads)] for line in lines]
    parts = [table(heads, rows, left=range(len(heads))), plain(conclusion(lines))]
    parts += [_section(finding, line) for finding, line in zip(chosen, lines, strict=True)]
    return "\n\n".join(parts) + "\n"


def _row(line: FindingLine) -> list[str]:
    here = line.installed or NONE
    return [line.id, line.library, line.kind, line.bad, here, line.present.value, line.outcome.value]


def _section(finding: Finding, line: FindingLine) -> str:
    said = "\n".join(f"- {name}: {plain(text)}" for name, text in facts(finding, line))
    seen = table(("version", "measured"), measurements(finding), left=(0, 1))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", finding.script)), default=0))
    script = f"{fence}python\n{finding.script.strip()}\n{fence}"
    return f"### {plain(finding.id)}: {plain(finding.title)}\n\n{plain(finding.what)}\n\n{said}\n\n{seen}\n\n{script}"
