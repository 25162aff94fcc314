"""Which side of a tracked number is better, and how much worse is too much: rules of a person's, and those without."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.judge.medians import Floats


class Direction(StrEnum):
    """Which numbers are better: lower ones, higher ones, or those near a value; UNKNOWN: nobody said."""

    LOWER = "lower"
    HIGHER = "higher"
    NEAR = "near"
    UNKNOWN = ""


ASV_FACTOR = 1.1
"""Beyond which asv's own compare and continuous call a number worse (their --factor)."""
HALF_A_DIGIT = 0.5
DECADE = 10.0
"""Excess loss goes with the square of the coefficients' error: half a digit of them is a decade of it."""
THIRD_DECIMAL = 1e-3
"""Of a score: the last one that people print."""


class Rule(BaseModel):
    """One rule for the benchmarks in whose name and parameters the regular expression `match` is found.

    They are written as `module.Class.method(parameter='value', other=1)`. `direction`: "lower", "higher" or "near",
    with the value `near`. A number is worse below `floor` and above `ceiling`; and where it is further than the base's
    in the bad direction by more than `factor` (of the base's size) and `add` together. `digits`: by how many decades an
    error may grow (lower), or how many digits a number must share with the value (near).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    match: str
    direction: Direction = Direction.UNKNOWN
    near: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    factor: float | None = Field(default=None, ge=1)
    add: float | None = Field(default=None, ge=0)
    digits: float | None = Field(default=None, gt=0)

    @field_validator("match")
    @classmethod
    def _is_expression(cls, match: str) -> str:
        try:
            re.compile(match)
        except re.error as error:
            raise ValueError(f"'{match}' is no regular expression: {error}") from None
        return match

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.near is not None) != (self.direction is Direction.NEAR):
            raise ValueError('direction = "near" and near, the value, go together')
        if self.digits is not None and self.direction not in (Direction.LOWER, Direction.NEAR):
            raise ValueError('digits goes with direction = "lower" or "near"; of a number of digits use add')
        if self.direction is Direction.UNKNOWN and not (self.floor is None and self.ceiling is None) and self.compares:
            raise ValueError("factor and add need a direction")
        if self.direction is Direction.UNKNOWN and self.floor is None and self.ceiling is None:
            raise ValueError("give a direction, a floor or a ceiling")
        return self

    @property
    def compares(self) -> bool:
        """Whether it says by how much a number may be worse than the base's."""
        return not (self.factor is None and self.add is None and self.digits is None)


class Rules(BaseModel):
    """The table `asv` of harness.toml and of an expectations file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Limit:
    """How a number is judged. `why`: where that is from, for a person.

    The worst that is allowed is the base's and `factor` - 1 times its size and `add` more in the bad direction, but
    nothing that is better than `negligible` is worse. `is_noisy`: such a difference counts only beyond the noise.
    `fewest_digits`: that a number shares with `near`. `compares`: False where only floor, ceiling or digits count.
    """

    direction: Direction
    why: str
    factor: float = 1.0
    add: float = 0.0
    negligible: float = -math.inf
    near: float = 0.0
    floor: float = -math.inf
    ceiling: float = math.inf
    fewest_digits: float = 0.0
    is_noisy: bool = False
    is_time: bool = False
    compares: bool = True

    def ends(self, value: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Numbers with the ends of their intervals as numbers that are larger where they are worse.

        Themselves, their negatives, or their distances from `near`.
        """
        numbers, lows, highs = (np.asarray(one, dtype=np.float64) for one in (value, low, high))
        if self.direction is Direction.HIGHER:
            return -numbers, -highs, -lows
        if self.direction is Direction.NEAR:
            far = np.abs(numbers - self.near)
            return far, far, far
        return numbers, lows, highs

    def shared_digits(self, value: float) -> float:
        """Of a number with `near`: -log10 of the relative error, absolute where `near` is 0."""
        error = abs(value - self.near) / (abs(self.near) or 1.0)
        return math.inf if error == 0 else -math.log10(error)

    def badness(self, value: ArrayLike) -> Floats:
        """The same of numbers alone."""
        return self.ends(value, value, value)[0]

    def allowed(self, base: ArrayLike) -> Floats:
        """The largest badness that is allowed, the base's values being so."""
        bad = self.badness(base)
        return np.asarray(np.maximum(bad + np.abs(bad) * (self.factor - 1.0) + self.add, self.negligible))


HIGHER = ("score", "scores", "r2", "accuracy", "digits")
LOWER = ("error", "errors", "loss", "losses", "mse", "rmse", "mae", "lost")
"""Words of a benchmark's name or unit that say which side is better; of several the last, as in `digits_lost`."""
OF_IT = ("time", "times", "seconds", "duration", "std", "sd", "variance", "count", "size", "memory", "bytes")
"""Words after which a name is no score's or error's any more, but says how long it took or how it scattered."""
TIMES = re.compile(r"seconds?|secs?|s|milliseconds?|ms|microseconds?|us|µs|nanoseconds?|ns|minutes?", re.IGNORECASE)
MEMORY = re.compile(r"bytes?|b|[kmg]i?b", re.IGNORECASE)
RATES = re.compile(r".+?(/| per )(s|secs?|seconds?|min|minutes?|iter)", re.IGNORECASE)
"""Units of work in a time: higher is better."""
LIMITS = {
    "track_digits_lost": Limit(Direction.LOWER, "half a digit", add=HALF_A_DIGIT),
    "track_excess_loss": Limit(
        Direction.LOWER,
        "a decade, above 1e-10, where float32 trainings end in rounding",
        factor=DECADE,
        negligible=1e-10,
    ),
    "track_unexplained_variance": Limit(
        Direction.LOWER, "0.001, the third decimal of R² that people print", add=THIRD_DECIMAL
    ),
    "track_epochs_to_tolerance": Limit(
        Direction.LOWER, "a tenth and two epochs: another summation order moves one", factor=1.1, add=2.0
    ),
    "track_wrong": Limit(Direction.LOWER, "a right answer does not become wrong"),
}
"""Of the harness's own suites, and of who calls benchmarks so."""


def limit_of(label: str, name: str, unit: str, direction: str, rules: Sequence[Rule]) -> Limit | None:
    """How the cell of that label, benchmark and unit is judged; None where nobody knows which side is better.

    The first rule that matches counts; without one the benchmark's name and unit, and `direction` of a format that says
    it.
    """
    found = next((rule for rule in rules if re.search(rule.match, label)), None)
    known = _by_name(name, unit, direction)
    return known if found is None else _by_rule(found, known)


def _by_rule(rule: Rule, known: Limit | None) -> Limit:
    """As the rule says; what it leaves out as the name and the unit say, where these agree with it."""
    ends = {name: value for name in ("floor", "ceiling", "near") if (value := getattr(rule, name)) is not None}
    why = f"the rule '{rule.match}'"
    if rule.direction is Direction.UNKNOWN:
        return Limit(rule.direction, why, compares=False, **ends)
    agrees = known if known is not None and known.direction is rule.direction else None
    if not rule.compares:
        usual = agrees or Limit(rule.direction, why, ASV_FACTOR, is_noisy=True)
        return replace(usual, why=f"{why}; {usual.why}" if agrees else f"{why}, by asv's factor", **ends)
    decades = DECADE ** (rule.digits or 0.0) if rule.direction is Direction.LOWER else 1.0
    shared = (rule.digits or 0.0) if rule.direction is Direction.NEAR else 0.0
    return Limit(
        rule.direction,
        why,
        (rule.factor or 1.0) * decades,
        rule.add or 0.0,
        fewest_digits=shared,
        is_noisy=agrees is not None and agrees.is_time,
        is_time=agrees is not None and agrees.is_time,
        compares=not shared or rule.factor is not None or rule.add is not None,
        **ends,
    )


@lru_cache(maxsize=4096)
def _by_name(name: str, unit: str, direction: str) -> Limit | None:
    metric = re.split(r"[.:/]", name)[-1]
    if metric in LIMITS:
        return LIMITS[metric]
    if direction:
        is_time = bool(TIMES.fullmatch(unit))
        return Limit(Direction(direction), "asv's factor", ASV_FACTOR, is_noisy=True, is_time=is_time)
    prefix = re.match("(time|timeraw|mem|peakmem)_", metric, re.IGNORECASE)
    if prefix:
        is_time = prefix[1].lower().startswith("time")
        return Limit(Direction.LOWER, "asv's factor", ASV_FACTOR, is_noisy=True, is_time=is_time)
    by_word, by_unit = _by_word(_plain_word(metric) or _plain_word(unit)), _by_unit(unit)
    if by_word is not None and by_unit is not None and by_word.direction is not by_unit.direction:
        return None  # a score in seconds: one of the two is not what it seems
    return by_word or by_unit


def _plain_word(text: str) -> str:
    """The last word of a name or a unit that says which side is better; empty without any, and where it is of it."""
    found = re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*", text.replace("²", "2"))
    known = [word for word in map(str.lower, found) if word in (*HIGHER, *LOWER, *OF_IT)]
    return known[-1] if known and known[-1] not in OF_IT else ""


def _by_word(word: str) -> Limit | None:
    if word == "digits":
        return Limit(Direction.HIGHER, "half a digit; higher is better of digits", add=HALF_A_DIGIT, is_noisy=True)
    if word in HIGHER:
        why = f"0.001, the third decimal that people print; higher is better of what is called {word}"
        return Limit(Direction.HIGHER, why, add=THIRD_DECIMAL, is_noisy=True)
    if word in LOWER:
        why = f"asv's factor; lower is better of what is called {word}"
        return Limit(Direction.LOWER, why, ASV_FACTOR, is_noisy=True)
    return None


def _by_unit(unit: str) -> Limit | None:
    is_time = bool(TIMES.fullmatch(unit))
    lower = is_time or MEMORY.fullmatch(unit)
    if not lower and not RATES.fullmatch(unit):
        return None
    direction = Direction.LOWER if lower else Direction.HIGHER
    why = f"asv's factor; {direction} is better of {unit}"
    return Limit(direction, why, ASV_FACTOR, is_noisy=True, is_time=is_time)
