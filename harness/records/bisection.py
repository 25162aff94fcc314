"""A bisection: the commits that were marked, and the suspects that are left."""

from dataclasses import dataclass
from enum import StrEnum

from harness.records.ab import Library

SHORT = 12
"""Letters of a commit's hash that a person sees."""


class Mark(StrEnum):
    """As git bisect has them."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Marked:
    """A commit's mark, what was seen of it in words, and the libraries that were installed for it."""

    mark: Mark
    seen: str
    libraries: tuple[Library, ...] = ()


@dataclass(frozen=True)
class Commit:
    """As a person reads it; `when` ISO 8601, `files` that it changed."""

    hash: str
    author: str
    when: str
    subject: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Short hash and subject."""
        return f"{self.hash[:SHORT]} {self.subject}"


@dataclass(frozen=True)
class Step:
    """One commit that was compared with the good one."""

    commit: str
    marked: Marked


@dataclass(frozen=True)
class Bisection:
    """`suspects`: the first bad commit alone, or with the commits before it that could not be told."""

    steps: tuple[Step, ...]
    suspects: tuple[str, ...]
