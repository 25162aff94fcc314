"""May these libraries be upgraded? The answer as a value: its reasons, and the numbers that carry it.

`harness.judge.versions.upgrade.decide` makes it; terminal, Markdown, JSON and page draw it.
"""

from dataclasses import dataclass
from enum import StrEnum

from harness.errors import COULD_NOT_MEASURE
from harness.judge.machine.doubts import Doubt
from harness.records.ab import Side

SLOWER = 0.10
"""Of a fit's time, as a fraction: what a person accepts who wants the upgrade; nothing was measured for it."""
NOTICED_S = 1e-3
"""Of a fit's time, in seconds: less is no reason against an upgrade, however large a fraction it is. A thousand fits
take a second longer."""
MOST_COEFFICIENTS = 20
"""Of those that are kept of the deciding case, the most changed first."""


class Decision(StrEnum):
    """What is answered; the words begin the sentence."""

    SAFE = "safe on these data"
    NO = "do not upgrade"
    UNDECIDED = "undecided"

    @property
    def exit_code(self) -> int:
        """Of the command."""
        return {Decision.SAFE: 0, Decision.NO: 1}.get(self, COULD_NOT_MEASURE)


@dataclass(frozen=True)
class Package:
    """One of the packages that change. Versions are empty where it is not installed; origins are URLs, or empty."""

    name: str
    before: str
    after: str
    origin_before: str = ""
    origin_after: str = ""


@dataclass(frozen=True)
class Figure:
    """A number that carries the answer: `before` and `after` the upgrade, `of`: the best that it can be.

    `name`: rank, R², digits or time (seconds of one call).
    """

    name: str
    before: float | None
    after: float | None
    of: float | None = None


@dataclass(frozen=True)
class Coefficient:
    """A term of the deciding case: its coefficient before and after the upgrade, and the exact one.

    `spread`: the standard deviation of its column, 0 of the intercept: times a change it is what the change does to a
    prediction.
    """

    term: str
    before: float | None
    after: float | None
    exact: float | None
    spread: float = 0.0

    @property
    def effect_of_change(self) -> float:
        """Standard deviation of what the upgrade changes in the predictions by this term; 0 where a number is missing.

        Of the intercept nothing: it follows from the others.
        """
        if self.before is None or self.after is None:
            return 0.0
        return abs(self.after - self.before) * self.spread


@dataclass(frozen=True)
class KnownFinding:
    """A finding that the upgrade brings: `shown`: whether a case here lost by it."""

    id: str
    title: str
    library: str
    bad: str
    workaround: str
    upstream: str
    shown: bool


@dataclass(frozen=True)
class CaseAnswer:
    """One case. `why`: what the upgrade does to it that speaks against it or leaves it open; empty where it is safe.

    `lost`: what it answers speaks against the upgrade, not only its time.
    """

    case: str
    problem: str
    solver: str
    decision: Decision
    why: str
    lost: bool
    status_before: str
    status_after: str
    digits_before: float | None
    digits_after: float | None
    r2_before: float | None
    r2_after: float | None
    rank_before: int | None
    rank_after: int | None
    rank_of_data: int | None
    before_s: float | None
    after_s: float | None
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Machine:
    """What both sides were fitted and timed on, and what that makes doubtful; checks that came out fine are among it.

    `cpu`: the processor's name; `cores`: that could be used; `memory_bytes`: all that there is.
    """

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class UpgradeAnswer:
    """The whole answer. `because`: sentences without a full stop, the strongest first.

    `asked`: the upgrade and the data in words; `problems`: labels; `case`: the one that decided, empty where all did;
    `figures`: at most three, of that case; `coefficients`: of that case, the most changed first; `known`: findings of
    the head that the base has not; `notes`: what else a person should know; `alike`: why both sides are the same, if
    they are; `slower`: the limit, as a fraction; `machine`: None where nothing was measured, and in older files.
    """

    decision: Decision
    asked: str
    packages: tuple[Package, ...]
    problems: tuple[str, ...]
    because: tuple[str, ...]
    workaround: str
    known: tuple[KnownFinding, ...]
    case: str
    figures: tuple[Figure, ...]
    coefficients: tuple[Coefficient, ...]
    cases: tuple[CaseAnswer, ...]
    base: Side
    head: Side
    slower: float = SLOWER
    alike: str = ""
    notes: tuple[str, ...] = ()
    machine: Machine | None = None

    @property
    def exit_code(self) -> int:
        """0 safe, 1 do not upgrade, 3 undecided."""
        return self.decision.exit_code

    @property
    def sentence(self) -> str:
        """The answer in one line, as a person reads it to another."""
        parts = [f"{self.decision.value.capitalize()}: {'; '.join(self.because)}."]
        if self.workaround:
            parts.append(f"Workaround: {self.workaround.rstrip('.')}.")
        shown = [one.id for one in self.known if one.shown]
        if shown:
            parts.append(f"Known: {'finding' if len(shown) == 1 else 'findings'} {', '.join(shown)}.")
        return " ".join(parts)
