"""Printed against reproduced: the published-figures files, and the comparison of one figure."""

import math
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, model_validator

from harness.errors import counted
from harness.files.reading import read_toml
from harness.records.record import Kept

# TOML has arrays only; everything inside them is as strict as the rest.
Reals = Annotated[tuple[float, ...], Field(strict=False, min_length=1)]
Integers = Annotated[tuple[NonNegativeInt, ...], Field(strict=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Tolerance(_Entry):
    """How near a reproduced value must come to the printed one: exactly one kind, and who says so.

    abs, rel: the largest difference, absolute or as a fraction of the printed value. decimals, digits:
    equal when both are rounded to so many decimal places or significant digits. band: lowest and
    highest value, where the printed one is a draw of something random. float32: the same float32.
    """

    abs: NonNegativeFloat | None = None
    rel: NonNegativeFloat | None = None
    decimals: NonNegativeInt | None = None
    digits: Annotated[int, Field(ge=1)] | None = None
    band: Annotated[tuple[float, float], Field(strict=False)] | None = None
    float32: Literal[True] | None = None
    source: str

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set - {"source"}) != 1:
            raise ValueError("a tolerance is one of abs, rel, decimals, digits, band and float32, and its source")
        if self.band and self.band[0] > self.band[1]:
            raise ValueError(f"the band {list(self.band)} is upside down")
        return self

    def holds(self, printed: float, value: float) -> bool:
        """Whether a reproduced value is near enough; never for one that is not finite."""
        if not math.isfinite(value):
            return False
        if self.band is not None:
            return self.band[0] <= value <= self.band[1]
        if self.abs is not None or self.rel is not None:
            return abs(value - printed) <= (self.abs or 0.0) + (self.rel or 0.0) * abs(printed)
        return self._rounded(value) == self._rounded(printed)

    def _rounded(self, value: float) -> float:
        if self.float32:
            with np.errstate(over="ignore"):
                return float(np.float32(value))
        if self.decimals is not None:
            return float(f"{value:.{self.decimals}f}")
        return float(f"{value:.{(self.digits or 1) - 1}e}")

    @property
    def text(self) -> str:
        """The kind and its size in at most 14 characters."""
        if self.band is not None:
            return f"{self.band[0]:g}..{self.band[1]:g}"
        if self.float32:
            return "same float32"
        if self.abs is not None or self.rel is not None:
            return f"abs {self.abs:g}" if self.abs is not None else f"rel {self.rel:g}"
        return counted(self.digits or 0, "digit") if self.decimals is None else counted(self.decimals, "decimal")


class CaseEntry(_Entry):
    """`[[case]]`: a problem, a solver and its options; with `seeds`, once for each of them."""

    id: str
    problem: str
    solver: str
    options: dict[str, str | int | float | Annotated[tuple[int | float, ...], Field(strict=False)]] = {}
    seeds: Integers = ()


class Figure(_Entry):
    """`[[figure]]`: what was printed, where to find it again and how near it must come.

    `quantity` is a dotted path into the case's outcome, `at` the epochs or rows of it (all of them
    by default), `best` which value of a case with several seeds counts. A figure that is not
    reproducible has a reason instead; on one that is, the reason is a note that is shown with it.
    """

    name: str
    printed: float | Reals
    case: str | None = None
    quantity: str | None = None
    at: Integers = ()
    best: Literal["max", "min"] | None = None
    tolerance: Tolerance | None = None
    reproducible: bool = True
    reason: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        """The printed values, one or many."""
        return self.printed if isinstance(self.printed, tuple) else (self.printed,)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = (self.case, self.quantity, self.tolerance)
        if needed.count(None) != (0 if self.reproducible else 3) or not (self.reproducible or self.reason):
            raise ValueError(
                f"'{self.name}' needs a case, quantity and tolerance, or else reproducible = false, reason"
            )
        if len(self.at) not in (0, len(self.values)) or (self.best and len(self.values) > 1):
            printed = counted(len(self.values), "printed value")
            raise ValueError(f"'{self.name}' has {printed}, not as many as at or best say")
        band = self.tolerance.band if self.tolerance else None
        if band and not all(band[0] <= value <= band[1] for value in self.values):
            raise ValueError(f"'{self.name}': the band {list(band)} leaves the printed value out")
        return self


class Tutorial(_Entry):
    """One file: what a tutorial printed."""

    schema_version: Literal[1]
    tutorial: str
    source: str
    cases: Annotated[tuple[CaseEntry, ...], Field(alias="case", strict=False)]
    figures: Annotated[tuple[Figure, ...], Field(alias="figure", strict=False, min_length=1)]

    @model_validator(mode="after")
    def _joined(self) -> Self:
        names = Counter([f"case {case.id}" for case in self.cases] + [f"figure {f.name}" for f in self.figures])
        if (twice := names.most_common(1)[0])[1] > 1:
            raise ValueError(f"{twice[0]} is there {twice[1]} times")
        seeds = {case.id: case.seeds for case in self.cases}
        for figure in self.figures:
            if figure.case is not None and figure.case not in seeds:
                raise ValueError(f"'{figure.name}' names the case '{figure.case}', which is not here")
            if bool(seeds.get(figure.case or "")) != bool(figure.best):
                raise ValueError(f"'{figure.name}': seeds of a case and best of a figure go together")
        return self


class Ending(StrEnum):
    """How a figure came out; `not_run` only where somebody asked for less than all."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not_reproduced"
    NOT_REPRODUCIBLE = "not_reproducible"
    NOT_RUN = "not_run"


class Line(Kept):
    """One figure, printed against reproduced.

    `reproduced` is None where there is nothing, else one value or as many as there are. `matched` of
    the `count` printed values are near enough; `deviation` is the worst difference, relative if the
    tolerance is.
    """

    tutorial: str
    figure: str
    printed: float | tuple[float, ...]
    reproduced: float | tuple[float, ...] | None
    count: int
    matched: int
    deviation: float | None
    tolerance_text: str
    outcome: Ending
    reason: str


class Summary(Kept):
    """Every line, and how many came out how."""

    reproduced: int
    not_reproduced: int
    not_reproducible: int
    not_run: int
    lines: tuple[Line, ...]


def summarize(lines: Sequence[Line]) -> Summary:
    """Count the lines by outcome."""
    counts = Counter(line.outcome.value for line in lines)
    return Summary(lines=tuple(lines), **{ending.value: counts[ending.value] for ending in Ending})


def read_tutorial(path: Path) -> Tutorial:
    """The file at `path`. Raises UsageError, one line, if it is missing or is not one."""
    return read_toml(Tutorial, path)


def compare(tutorial: str, figure: Figure, values: Sequence[float], missing: str = "") -> Line:
    """Judge the reproduced `values` (as many as were printed; none, with the reason `missing`, if there are none).

    Fails closed: a value that is missing, too many or not finite is not reproduced.
    """
    printed, found = figure.values, tuple(map(float, values))
    tolerance = figure.tolerance
    held = [tolerance is not None and tolerance.holds(p, v) for p, v in zip(printed, found, strict=False)]
    if tolerance is None:
        ending, reason = Ending.NOT_REPRODUCIBLE, figure.reason
    elif len(found) == len(printed) and all(held):
        ending, reason = Ending.REPRODUCED, figure.reason
    else:
        ending, reason = Ending.NOT_REPRODUCED, missing or _offence(figure, found, held)
    return Line(
        tutorial=tutorial,
        figure=figure.name,
        printed=figure.printed,
        reproduced=found[0] if len(found) == 1 else found or None,
        count=len(printed),
        matched=sum(held),
        deviation=_worst(printed, found, relative=tolerance is not None and tolerance.rel is not None),
        tolerance_text=tolerance.text if tolerance else "",
        outcome=ending,
        reason=reason,
    )


def not_run(tutorial: str, figure: Figure, reason: str) -> Line:
    """The line of a figure whose case was left out."""
    line = compare(tutorial, figure, ())
    return line.model_copy(update={"outcome": Ending.NOT_RUN, "reason": reason})


def _worst(printed: Sequence[float], found: Sequence[float], *, relative: bool) -> float | None:
    """The largest difference; NaN if any is; None where there is nothing to compare."""
    with np.errstate(all="ignore"):
        off = [abs(np.subtract(v, p) / (p if relative else 1.0)) for p, v in zip(printed, found, strict=False)]
    return float(np.max(off)) if off else None


def _offence(figure: Figure, found: Sequence[float], held: Sequence[bool]) -> str:
    """What is wrong, with the first entry that is."""
    if len(found) != len(figure.values):
        return f"{counted(len(figure.values), 'value')} printed, {len(found)} reproduced"
    first = held.index(False)
    places = figure.at or range(len(held))
    place = f"first at {places[first]}: " if len(held) > 1 else ""
    return f"{place}{found[first]:.10g} reproduced, {figure.values[first]:.10g} printed"
