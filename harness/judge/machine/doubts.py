"""What makes the times of a run doubtful: its conditions and its own samples, judged check by check.

The bar is one: wall time a tenth above CPU time (`WAITED`). Where a reading says how much of its time a task had to
wait, the check's limit follows from it; where waiting cannot be read off, what stops a process at all is doubtful.
More samples cure none of it: what lasts as long as the run shifts all of them alike, and only the level that varies can
be repeated to average it out (Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from harness.store.conditions import Conditions

WAITED = 1.1
"""Wall over CPU time above which a time is doubtful: one tenth, the project's own requirement. The median of single
calls varied by 8 % from process to process on a loaded machine (harness.timing.sampling): a tenth is above that."""
LOST = 1 - 1 / WAITED
"""The same as the share of the wall time that was spent waiting: 9.1 %."""


class State(StrEnum):
    """From good to bad. A note is worth knowing and changes no figure by itself; unknown is not fine."""

    FINE = "fine"
    UNKNOWN = "unknown"
    NOTE = "note"
    DOUBTFUL = "doubtful"


class CheckResult(NamedTuple):
    """How a check came out, and what was seen, with its unit, as a phrase that stands by itself."""

    state: State
    text: str


Look = Callable[[Conditions, int], CheckResult]
"""A check of the readings of one stretch, for so many threads."""


@dataclass(frozen=True)
class Meaning:
    """What a check is about. `why` it makes times doubtful and `advice` are a sentence; `source` is its limit's."""

    name: str
    why: str
    advice: str
    source: str


class Check(NamedTuple):
    """A check of the readings: what looks at them, and what it is about, as a Meaning has it."""

    look: Look
    name: str
    why: str
    advice: str
    source: str


@dataclass(frozen=True)
class Doubt:
    """One check as it came out, of a run or of the machine now; fine ones are among them."""

    name: str
    state: State
    seen: str
    why: str
    advice: str
    source: str


def doubt(meaning: Meaning | Check, seen: CheckResult) -> Doubt:
    """A check's meaning with what was seen."""
    return Doubt(meaning.name, seen.state, seen.text, meaning.why, meaning.advice, meaning.source)


def doubtful(doubts: Sequence[Doubt]) -> tuple[Doubt, ...]:
    """Those that make times doubtful."""
    return tuple(one for one in doubts if one.state is State.DOUBTFUL)


def worst(seen: Sequence[CheckResult]) -> CheckResult:
    """Of several stretches of one run the one that says most against it; unknown without any."""
    order = list(State)
    return max(seen, key=lambda one: order.index(one.state), default=unknown("no readings were kept"))


def fine(text: str) -> CheckResult:
    """Nothing against it."""
    return CheckResult(State.FINE, text)


def note(text: str) -> CheckResult:
    """Worth knowing."""
    return CheckResult(State.NOTE, text)


def unknown(text: str) -> CheckResult:
    """Could not be seen, and why."""
    return CheckResult(State.UNKNOWN, text)


def against(text: str, *, if_: bool) -> CheckResult:
    """Doubtful if so, else fine."""
    return CheckResult(State.DOUBTFUL if if_ else State.FINE, text)
