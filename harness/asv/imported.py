"""What a file of another tool's holds: its numbers, and what it says of where they are from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of time, as google benchmark and others write them."""


LOOSE = ConfigDict(extra="allow", frozen=True)
"""Of models: tools keep keys of their own."""


@dataclass(frozen=True)
class Number:
    """One number of a benchmark. None: it failed, as a time below 0 has; NaN: it was skipped.

    `direction`: lower, higher, or empty where only name and unit say. `version`: with another one it is not compared.
    """

    name: str
    value: float | None
    unit: str
    direction: str = ""
    samples: Sequence[float] = ()
    interval: tuple[float, float] | None = None
    version: str = "1"


@dataclass(frozen=True)
class Imported:
    """A file's numbers, with what it says of where they are from; None and empty where it says nothing."""

    numbers: tuple[Number, ...]
    commit: str | None = None
    date: datetime | None = None
    machine: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def is_time(seconds: float) -> bool:
    """Whether it can be one: finite and not below 0."""
    return math.isfinite(seconds) and seconds >= 0


def time_of(name: str, seconds: float, samples: Sequence[float]) -> Number:
    """A time with its samples; failed where it is none."""
    if not (is_time(seconds) and all(map(is_time, samples))):
        return Number(name, None, "seconds", "lower")
    return Number(name, seconds, "seconds", "lower", samples)


def extras(name: str, values: Mapping[str, Any]) -> list[Number]:
    """Numbers that were kept beside the time: rates; of others the name and rules say which side is better."""
    return [
        Number(f"{name}:{key}", float(value), "1/s" if key.endswith("_per_second") else "")
        for key, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]
