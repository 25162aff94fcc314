"""A commit marked good or bad by `harness ab`: the good one is the base, the commit is the head."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from harness.ab.building import Notify
from harness.ab.cells import CellSpec
from harness.ab.environments import Sides
from harness.ab.launch import Manner
from harness.ab.measure import Allowance, Decide, Measurement, nobody_decided
from harness.errors import CannotMeasureError
from harness.judge.versions.ab import decided
from harness.judge.versions.bisection import TIME, halfway, marked
from harness.records.ab import AbCell, Library
from harness.records.bisection import Mark, Marked

AGAIN = 2.0
"""What is left undecided gets so many times the budget, once, before it is skipped."""
ANSWER_S = 1e-3
"""A budget that is spent with the first launch, which has both answers: no more is needed where time is not asked."""

Built = Callable[[str], Sides]
Measured = Callable[[Sides, Allowance, Decide], AbCell]


@dataclass(frozen=True)
class BisectRequest:
    """What is bisected: which quantity of which cell, how long a comparison may take, what counts as slower."""

    spec: CellSpec
    quantity: str
    budget_s: float = 60.0
    effect: float = 0.03
    manner: Manner = Manner()  # noqa: RUF009  # frozen
    seed: int = 0


class Bench:
    """Compares any commit with the good one."""

    def __init__(self, asked: BisectRequest, built: Built, notify: Notify, measure: Measured | None = None) -> None:
        """`built` makes both sides ready for a commit; `measure` is replaced by tests."""
        self._asked, self._built, self._notify = asked, built, notify
        self._measure = measure or self._measured

    def compare_ends(self, bad: str) -> Marked:
        """The change from good to bad, after which commits are told apart at its middle.

        Raises CannotMeasureError where there is no regression between the two, or nobody can tell.
        """
        cell, held = self._cell(bad)
        found = replace(marked(cell, self._asked.quantity, self._asked.effect), libraries=held)
        if found.mark is not Mark.BAD:
            why = "there is no regression" if found.mark is Mark.GOOD else "nobody can tell; a larger --budget may"
            why = "no commit is to blame" if cell.data_changed else why
            raise CannotMeasureError(f"from good to bad {self._asked.quantity}: {found.seen}: {why}")
        self._asked = replace(self._asked, effect=halfway(cell, self._asked.effect))
        return found

    def mark(self, commit: str) -> Marked:
        """Good, bad, or skipped with the reason, as one that does not build."""
        try:
            cell, held = self._cell(commit)
            return replace(marked(cell, self._asked.quantity, self._asked.effect), libraries=held)
        except CannotMeasureError as error:
            return Marked(Mark.SKIPPED, str(error))

    def _cell(self, commit: str) -> tuple[AbCell, tuple[Library, ...]]:
        """The comparison, and the libraries that the commit was compared with."""
        sides = self._built(commit)
        asked = self._asked
        if asked.quantity != TIME:
            return self._measure(sides, Allowance(ANSWER_S, asked.seed), nobody_decided), sides.head.held
        decide = partial(decided, effect=asked.effect)
        cell = self._measure(sides, Allowance(asked.budget_s, asked.seed), decide)
        if marked(cell, TIME, asked.effect).mark is Mark.SKIPPED and cell.launches and not cell.data_changed:
            self._notify("undecided: once more, with twice the time")
            cell = self._measure(sides, Allowance(AGAIN * asked.budget_s, asked.seed + 1), decide)
        return cell, sides.head.held

    def _measured(self, sides: Sides, allowance: Allowance, decide: Decide) -> AbCell:
        versions = (sides.base, sides.head)
        measurement = Measurement(versions, [self._asked.spec], manner=self._asked.manner, notify=self._notify)
        (cell,) = measurement.run(allowance, decide)
        return cell
