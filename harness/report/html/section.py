"""What a section of the page is made of: a sentence to conclude, figures and tables over rows.

Rows that have one of FILTERS (harness.report.figures.rows) are shown only where the reader's filters let them through,
in every section alike; a row that has none of them is always shown. The page keeps the rows, and draws figures and
tables anew from those that are left.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.judge.verdict import Judgement
from harness.report.figures.figure import Figure
from harness.report.figures.rows import CLOCK_PLACES, FILTERS, Row, short
from harness.report.render.ab_file import Answer
from harness.report.tables import column
from harness.report.tables.column import Kind

__all__ = ["Column", "Decision", "Fact", "Facts", "Figure", "Kind", "Note", "Part", "Section", "Table"]

GOOD, BAD, DOUBT = "good", "bad", "doubt"
DECISION = "decision"
"""The id of the section that a decision is."""
MOST_FACTS = 3

Column = column.Column[Row]
"""Of rows that are such mappings already."""


@dataclass(frozen=True)
class Table:
    """Rows under headings. `name` is unique on the page and in the CSV file's name; `caption` says what is counted."""

    name: str
    caption: str
    columns: Sequence[column.Column[Any]]
    rows: Sequence[Row]
    sort: str = ""
    """The key that it is sorted by at first, with `-` before it for descending; as given where empty."""


def table_of(  # a table, and of what it is
    name: str,
    caption: str,
    columns: Sequence[column.Column[Any]],
    things: Iterable[Any],
    named: Callable[[Any], Mapping[str, Any]] | None = None,
    sort: str = "",
) -> Table:
    """A table with a row a thing: the columns' values, to as many digits as anybody sees, and what `named` says of it.

    `named`: what a row is filtered by (FILTERS), and the case that it opens; then these columns are not the thing's.
    """
    own = [one for one in columns if named is None or one.key not in FILTERS]
    rows = [{**(named(thing) if named else {}), **{one.key: _seen(one.of(thing)) for one in own}} for thing in things]
    return Table(name, caption, columns, rows, sort)


def _seen(value: Any) -> Any:
    return short(value, CLOCK_PLACES) if isinstance(value, float) else value


@dataclass(frozen=True)
class Note:
    """A paragraph of plain text between figures; never markup. `to`: the id of a section that it leads to."""

    text: str
    to: str = ""


def to_do(judgements: Iterable[Judgement | Answer]) -> list[Note]:
    """Their advice, each once."""
    return [Note(f"What to do: {text}") for text in dict.fromkeys(one.advice for one in judgements if one.advice)]


@dataclass(frozen=True)
class Fact:
    """A number that carries an answer, as people read it: what it is of, the number, and what it is beside."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True)
class Facts:
    """The few numbers that carry an answer, side by side."""

    facts: Sequence[Fact]


Part = Figure | Table | Note | Facts


@dataclass(frozen=True)
class Section:
    """One section. `conclusion`: what to conclude, computed from the evidence, in a sentence or two of plain text.

    `asked`: the question that the conclusion answers; `tone`: whether that is good, bad or doubt. `missing`: what the
    evidence lacks for more of it, and the command that makes it; without parts the page does not show the section, and
    says that at its end.
    """

    id: str
    title: str
    conclusion: str
    parts: Sequence[Part] = field(default_factory=tuple)
    missing: str = ""
    asked: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Decision:
    """What a page begins with: the question, the answer, three numbers, what to do, the coefficients behind them.

    `tone`: GOOD, BAD or DOUBT. `notes`: what to do, and which findings are known; `tables`: coefficients.
    """

    asked: str
    answer: str
    tone: str
    facts: Sequence[Fact] = ()
    notes: Sequence[Note] = ()
    tables: Sequence[Table] = ()

    def section(self) -> Section:
        """As the page shows it."""
        facts: list[Part] = [Facts(self.facts[:MOST_FACTS])] if self.facts else []
        parts = (*facts, *self.notes, *self.tables)
        return Section(DECISION, "Decision", self.answer, parts, asked=self.asked, tone=self.tone)
