"""The sections of the page, in its order: one more is one module and one line.

The decision stands first and the run's environment last. Between them stands what is nearest to the decision first; a
section that the evidence has nothing for is not shown, and what would make it is said at the end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.judge.machine.doubts import doubtful
from harness.judge.training.convergence import summarise
from harness.report.figures.figure import Figure
from harness.report.html import accuracy, defects, environment, history, speed, training, tutorials, verdict
from harness.report.html import upgrade as upgrade_cases
from harness.report.html.decision.gate import gate
from harness.report.html.decision.night import night
from harness.report.html.decision.race import race
from harness.report.html.decision.sweep import sweep
from harness.report.html.decision.upgrade import upgrade
from harness.report.html.decision.watch import watch
from harness.report.html.evidence import Evidence
from harness.report.html.section import Decision, Note, Section, Table
from harness.report.html.upgrade import decided
from harness.report.purpose import Purpose
from harness.report.tables.column import Column
from harness.report.words.sentences import listed

MakeSection = Callable[[Evidence], Section]
BETWEEN: dict[Purpose, tuple[MakeSection, ...]] = {
    Purpose.UPGRADE: (
        *(upgrade_cases.section, verdict.section, defects.section, accuracy.section, speed.section),
        *(training.section, history.section, tutorials.section),
    ),
    Purpose.GATE: (
        *(verdict.section, accuracy.section, defects.section, speed.section),
        *(training.section, history.section, tutorials.section),
    ),
    Purpose.RACE: (
        *(accuracy.section, defects.section, speed.section, training.section),
        *(verdict.section, history.section, tutorials.section),
    ),
}
"""By what is to be decided: the evidence, the nearest first."""
ABSENT: tuple[Column[Section], ...] = (
    Column("title", "Section"),
    Column("missing", "What it would be of, and what makes it"),
)


def sections(evidence: Evidence) -> tuple[Section, ...]:
    """Every section of the page, made from the evidence."""
    between = [section(evidence) for section in BETWEEN[evidence.purpose]]
    last = environment.section(evidence)
    of_store = evidence.run is not None or evidence.sweep is not None
    wanting = [one for one in between if one.missing and of_store]
    if wanting:
        rows = [{"title": one.title, "missing": one.missing} for one in wanting]
        last = replace(last, parts=(*last.parts, Table("absent", "What is not on this page.", ABSENT, rows)))
    first = decision(evidence).section()
    against = doubtful(evidence.doubts)
    if against:
        words = f"The times are doubtful: {listed([one.name for one in against], len(against))}."
        first = replace(first, parts=(*first.parts, Note(words, to=last.id)))
    return (first, *(_unsaid(one, first) for one in between if one.parts), last)


def _unsaid(section: Section, first: Section) -> Section:
    """The section without what the decision has said already."""
    said = {part.text for part in first.parts if isinstance(part, Note)}
    parts = tuple(part for part in section.parts if not (isinstance(part, Note) and part.text in said))
    return replace(
        section, parts=parts, conclusion="" if section.conclusion == first.conclusion else section.conclusion
    )


def decision(evidence: Evidence) -> Decision:
    """What the page begins with: an upgrade, a night; a sweep or asv's results where that is all; else the run."""
    if evidence.upgrade is not None:
        return decided(evidence.upgrade)
    if evidence.night is not None:
        return night(evidence.night)
    if not evidence.records and evidence.cells:
        return sweep(summarise(evidence.cells))
    if evidence.run is None and evidence.watched is not None:
        return watch(evidence.watched.watch)
    return {Purpose.UPGRADE: upgrade, Purpose.GATE: gate, Purpose.RACE: race}[evidence.purpose](evidence)


def figures(made: Sequence[Section]) -> Iterator[Figure]:
    """Every figure of the sections."""
    for section in made:
        yield from (part for part in section.parts if isinstance(part, Figure))
