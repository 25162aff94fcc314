"""What a page begins with: the question, the answer, three numbers, what to do, and the coefficients behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.html.section import Fact, Facts, Note, Part, Section, Table

GOOD, BAD, DOUBT = "good", "bad", "doubt"
ID, TITLE = "decision", "Decision"
MOST_FACTS = 3


@dataclass(frozen=True)
class Decision:
    """`tone`: GOOD, BAD or DOUBT. `notes`: what to do, and which findings are known; `tables`: coefficients."""

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
        return Section(ID, TITLE, self.answer, parts, asked=self.asked, tone=self.tone)
