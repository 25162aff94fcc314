"""What `harness upgrade` says: the answer first, the numbers that carry it, the coefficients, then a row a case."""

from collections.abc import Iterator

from harness.errors import counted
from harness.judge.machine.doubts import doubtful
from harness.judge.versions.upgrade.answer import Decision, UpgradeAnswer
from harness.report.tables import upgrade as table
from harness.report.tables.document import Document, Line, Part, table_of
from harness.report.words.ab import holdings

STYLES = {Decision.SAFE: "green", Decision.NO: "red", Decision.UNDECIDED: "yellow"}
SHOWN_COEFFICIENTS = 6
"""On a console and in a comment; the page and the JSON have more."""


def upgrade(answer: UpgradeAnswer) -> Document:
    """All of it, as a console shows it and a file keeps it."""
    parts: list[Part] = [Line(answer.asked, "asked:"), *holdings((answer.base, answer.head), answer.alike)]
    if answer.cases:
        parts.append(table_of(table.TERMINAL, answer.cases, below=lambda one: [Line(one.why)] if one.why else []))
    if answer.decision is Decision.NO and answer.coefficients:
        shown = answer.coefficients[:SHOWN_COEFFICIENTS]
        parts.append(table_of(tuple(table.COEFFICIENTS.values()), shown, title=f"coefficients of {answer.case}"))
    parts += notes(answer)
    return Document(parts, [decision(answer)], answer.exit_code)


def decision(answer: UpgradeAnswer) -> Line:
    """The answer in one line."""
    word = f"{answer.decision.value.capitalize()}:"
    return Line(answer.sentence.removeprefix(word).strip(), word, STYLES[answer.decision], unbroken=False)


def to_know(answer: UpgradeAnswer) -> list[Line]:
    """What else a person should know, as what to do where a side cannot be imported."""
    return [Line(note, "note:") for note in answer.notes]


def notes(answer: UpgradeAnswer) -> Iterator[Line]:
    """Beside the answer: findings of the new version that these data do not show, and what else there is to know."""
    others = [one.id for one in answer.known if not one.shown]
    if others:
        which = f"{counted(len(others), 'finding')} of the new version, not seen here: {', '.join(others)}"
        yield Line(f"{which}; one in full: harness findings ID", "known:", "dim")
    yield from to_know(answer)
    if answer.machine is not None and (against := doubtful(answer.machine.doubts)):
        seen = "; ".join(one.seen for one in against)
        yield Line(f"{seen}. Both sides took turns, so that it meets both alike", "doubtful:", "yellow")
