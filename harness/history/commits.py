"""What git knows of commits, asked in the working folder: their order, their dates, how many lie between two."""

from collections.abc import Iterable
from pathlib import Path

from harness.git import HASH, printed


class Commits:
    """The checkout that the working folder is in, or none: then nothing is known, and nothing is raised.

    Hashes come from stores and result files: only what looks like one is handed to git.
    """

    def __init__(self, measured: Iterable[str]) -> None:
        """`measured`: the hashes that will be asked about; those that git has are put in topological order."""
        wanted = sorted({commit for commit in measured if HASH.fullmatch(commit)})
        listed = printed(Path(), "cat-file", "--batch-check=%(objectname) %(objecttype)", text="\n".join(wanted) + "\n")
        # One line out for each line in: a hash may be shortened, and a missing one is said to be missing.
        lines = listed.splitlines() if listed else []
        self._full = {
            short: line.split()[0] for short, line in zip(wanted, lines, strict=False) if line.endswith(" commit")
        }
        in_order = ("log", "--topo-order", "--reverse", "--format=%H %ct")
        log = printed(Path(), *in_order, *self._full.values()) if self._full else None
        rows = [line.split() for line in (log or "").splitlines()]
        self._order = {commit: (place, float(date)) for place, (commit, date) in enumerate(rows)}

    def knows(self, commit: str) -> bool:
        """Whether git has it."""
        return self._full.get(commit) in self._order

    def place(self, commit: str) -> int:
        """Its place in the topological order of all commits; of one that git has."""
        return self._order[self._full[commit]][0]

    def date_s(self, commit: str) -> float:
        """Unix seconds at which it was committed; of one that git has."""
        return self._order[self._full[commit]][1]

    def untested(self, old: str, new: str) -> int | None:
        """How many commits that `new` has and `old` has not lie before `new`; None where git cannot say."""
        if not (self.knows(old) and self.knows(new)):
            return None
        count = printed(Path(), "rev-list", "--count", f"{self._full[old]}..{self._full[new]}")
        return None if count is None else max(0, int(count) - 1)
