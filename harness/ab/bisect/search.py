"""The first bad commit, with as few comparisons as halving needs."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.records.bisection import Bisection, Mark, Marked, Step


class Graph(Protocol):
    """What a search asks of git."""

    good: str
    bad: str

    def left(self, goods: set[str], bad: str) -> list[str]:
        """Those that may be the first bad commit, `bad` among them."""

    def halving(self, goods: set[str], bad: str) -> list[str]:
        """The same without `bad`, those that halve the rest best first."""


MarkCommit = Callable[[str], Marked]
Progress = Callable[[int, int], None]


def search(graph: Graph, mark: MarkCommit, progress: Progress = lambda _left, _steps: None) -> Bisection:
    """Mark what halves the suspects best until one is left, or only commits that nobody can tell.

    `progress` hears how many suspects are left and about how many steps.
    """
    goods, bad, skipped = {graph.good}, graph.bad, set[str]()
    steps: list[Step] = []
    while True:
        left = graph.left(goods, bad)
        progress(len(left), math.ceil(math.log2(max(len(left), 1))))
        candidate = _next(graph.halving(goods, bad), skipped)
        if candidate is None:
            return Bisection(tuple(steps), tuple(one for one in left if one == bad or one in skipped))
        steps.append(Step(candidate, mark(candidate)))
        match steps[-1].marked.mark:
            case Mark.GOOD:
                goods.add(candidate)
            case Mark.BAD:
                bad = candidate
            case Mark.SKIPPED:
                skipped.add(candidate)


def _next(candidates: Sequence[str], skipped: set[str]) -> str | None:
    return next((one for one in candidates if one not in skipped), None)
