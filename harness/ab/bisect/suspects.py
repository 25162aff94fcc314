"""What git knows of the commits between a good and a bad one; the working tree is never touched."""

from pathlib import Path

from harness.errors import UsageError
from harness.git import commit_of, git
from harness.records.bisection import SHORT, Commit


class Suspects:
    """The commits that `bad` has and `good` has not."""

    def __init__(self, good: str, bad: str, checkout: Path) -> None:
        """Raises UsageError for an unknown revision, and where the good one is no ancestor of the bad one."""
        self.checkout = checkout
        self.good, self.bad = (commit_of(name, checkout) for name in (good, bad))
        if self.good == self.bad:
            raise UsageError(f"{good} and {bad} are the same commit, {self.good[:SHORT]}: nothing lies between them")
        base = git(checkout, "merge-base", self.good, self.bad).stdout.strip()
        if base != self.good:
            hint = f"their merge base is {base[:SHORT]}: try --good {base[:SHORT]}" if base else "they share no commit"
            raise UsageError(f"{good} is no ancestor of {bad}: {hint}")

    def left(self, goods: set[str], bad: str) -> list[str]:
        """Those that may be the first bad commit, `bad` among them, the newest first."""
        return self._listed(goods, bad)

    def halving(self, goods: set[str], bad: str) -> list[str]:
        """The same without `bad`, those that halve the rest best first, as git bisect chooses."""
        return [one for one in self._listed(goods, bad, "--bisect-all") if one != bad]

    def commit(self, name: str) -> Commit:
        """Who made it, when, and what it changed."""
        words = ("show", "--no-patch", "--format=%H%x00%an%x00%aI%x00%s", name)
        whole, author, when, subject = git(self.checkout, *words).stdout.strip("\n").split("\0")
        files = git(self.checkout, "show", "--format=", "--name-only", "-z", name).stdout.split("\0")
        return Commit(whole, author, when, subject, tuple(filter(None, files)))

    def _listed(self, goods: set[str], bad: str, *how: str) -> list[str]:
        listed = git(self.checkout, "rev-list", *how, bad, *(f"^{good}" for good in sorted(goods)))
        return [line.split()[0] for line in listed.stdout.splitlines()]
