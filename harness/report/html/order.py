"""The sections of the page, in its order: one more is one module and one line."""

from collections.abc import Callable, Iterator, Sequence

from harness.report.figures.figure import Figure
from harness.report.html import accuracy, defects, environment, history, speed, training, tutorials, verdict
from harness.report.html.evidence import Evidence
from harness.report.html.section import Section

SECTIONS: tuple[Callable[[Evidence], Section], ...] = (
    verdict.section,
    accuracy.section,
    speed.section,
    training.section,
    tutorials.section,
    history.section,
    defects.section,
    environment.section,
)


def sections(evidence: Evidence) -> tuple[Section, ...]:
    """Every section of the page, made from the evidence."""
    return tuple(section(evidence) for section in SECTIONS)


def figures(made: Sequence[Section]) -> Iterator[Figure]:
    """Every figure of the sections."""
    for section in made:
        yield from (part for part in section.parts if isinstance(part, Figure))
