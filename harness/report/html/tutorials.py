"""Section 5: the tutorials, re-made: their pictures, and what they print against what comes out here."""

import re
from collections.abc import Sequence

from harness.errors import counted
from harness.judge.studies.published import Ending, Line, summarize
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, Table, table_of
from harness.report.html.training import NETWORK_FIGURES
from harness.report.tables.published import PAGE
from harness.report.words.published import conclusion

MISSING = (
    "The tutorials were not re-made, which takes their fits: harness report without --quick does it, and"
    " harness published prints the figures alone."
)


def section(evidence: Evidence) -> Section:
    """Tutorial by tutorial its pictures and its table."""
    if not evidence.published and not evidence.pictures:
        return Section("tutorials", "Tutorials", "", missing=MISSING)
    names = dict.fromkeys([*(line.tutorial for line in evidence.published), *evidence.pictures])
    parts = [part for name in names for part in _parts(name, evidence)]
    return Section("tutorials", "Tutorials", _conclusion(evidence.published), tuple(parts))


def _conclusion(lines: Sequence[Line]) -> str:
    """How many came out, and which did not."""
    if not lines:
        return ""
    sentence = f"Of {counted(len(lines), 'figure')} that the tutorials print: {conclusion(summarize(lines))}."
    missed = [f"{line.figure} ({line.tutorial})" for line in lines if line.outcome is Ending.NOT_REPRODUCED]
    return f"{sentence} Not reproduced: {', '.join(missed)}." if missed else sentence


def _parts(name: str, evidence: Evidence) -> list[Part]:
    lines = [line for line in evidence.published if line.tutorial == name]
    figures = evidence.pictures.get(name, ())
    here = [figure for figure in figures if figure.name not in NETWORK_FIGURES]
    elsewhere = " The network's fit and loss are in the section Training." if len(here) < len(figures) else ""
    parts: list[Part] = [Note(f"{name}: {_counted(lines)}.{elsewhere}"), *here]
    return [*parts, _table(name, lines)] if lines else parts


def _counted(lines: Sequence[Line]) -> str:
    """`19 of 19 printed figures reproduced`; those that nobody can reproduce are said apart."""
    if not lines:
        return "no printed figures"
    counts = summarize(lines)
    able = counts.reproduced + counts.not_reproduced
    left = f"; {counts.not_reproducible} not reproducible, with reasons" if counts.not_reproducible else ""
    left += f"; {counts.not_run} not run" if counts.not_run else ""
    return f"{counts.reproduced} of {able} printed figures reproduced{left}"


def _table(name: str, lines: Sequence[Line]) -> Table:
    called = re.sub(r"\W+", "_", name)
    caption = f"{name}: printed against reproduced."
    # A tutorial is called as its problem is, by which the reader filters.
    return table_of(f"published_{called}", caption, PAGE, lines, lambda line: {"problem": line.tutorial})
