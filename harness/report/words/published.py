"""Published figures, printed against reproduced: a table a tutorial, each reason under its line."""

from itertools import groupby

from harness.judge.studies.published import Line as Figure
from harness.judge.studies.published import Summary
from harness.report.tables.document import Document, Line, Table
from harness.report.tables.numbers import NONE
from harness.report.tables.published import TERMINAL


def published(summary: Summary) -> Document:
    """A section a tutorial, then the counts."""
    tutorials = [(name, list(lines)) for name, lines in groupby(summary.lines, key=lambda line: line.tutorial)]
    explained = f"{NONE}: nothing to show; 'off' is the worst difference, relative if the tolerance is."
    return Document([Table(TERMINAL, tutorials, below=_below), Line(explained)], [Line(conclusion(summary))])


def _below(line: Figure) -> list[Line]:
    return [Line(line.reason, style="dim")] if line.reason else []


def conclusion(summary: Summary) -> str:
    """How many figures came out how."""
    counts = f"{summary.reproduced} reproduced, {summary.not_reproduced} not reproduced"
    left = f", {summary.not_run} not run" if summary.not_run else ""
    return f"{counts}, {summary.not_reproducible} not reproducible (with reasons){left}"
