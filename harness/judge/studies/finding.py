"""A defect of a released library as data: what is expected where it is, what was measured, what proves it."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from harness.errors import UsageError
from harness.files.reading import read_toml
from harness.records.record import Status

ERROR = "error: "
"""What the last line begins with where an exception ended the script."""
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\binf\b|\bnan\b")


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"'{text}' is no version specifier, as >=1.9,<2") from None
    return text


def _version(text: str) -> str:
    try:
        Version(text)
    except InvalidVersion:
        raise ValueError(f"'{text}' is no version, as 1.9.1") from None
    return text


Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]
Specifier = Annotated[str, AfterValidator(_specifier)]
VersionText = Annotated[str, AfterValidator(_version)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Kind(StrEnum):
    """What sort of defect it is."""

    REGRESSION = "regression between versions"
    SILENTLY_WRONG = "wrong answer without a warning"
    MISLEADING = "wrong answer with a misleading warning"
    STANDARD_ERRORS = "wrong standard errors"
    RAISES = "raises on a well-posed problem"
    NOT_REPRODUCIBLE = "not reproducible"
    IMPORT = "changes the process that imports it"
    ROUNDING = "rounds more than its dtype"
    IMPLEMENTATIONS = "implementations differ"


BY_SCRIPT = (Kind.IMPORT, Kind.ROUNDING, Kind.IMPLEMENTATIONS)
"""Kinds that no record of a case shows, but what the library prints by itself."""


class Nature(StrEnum):
    """Whether the library's own documentation says otherwise, or nothing (a defect), or says just that (a limit)."""

    DEFECT = "defect"
    LIMIT = "limit"


class Measurement(_Entry):
    """What a case's record said, or the script printed; None is not measured.

    `different`: how many different coefficient vectors the repeats gave. `warned`: whether the library
    issued a warning. `prints`: the script's last line.
    """

    status: Annotated[Status, Field(strict=False)] | None = None
    digits: float | None = None
    standard_error_digits: float | None = None
    rank: int | None = None
    different: int | None = None
    warned: bool | None = None
    message: str | None = None
    prints: str | None = None

    @property
    def text(self) -> str:
        """What was measured in one line: 'wrong, 0.0 digits, rank 2'."""
        counts = {"digits": self.digits, "digits of standard errors": self.standard_error_digits}
        parts = [self.status.value] if self.status else []
        parts += [f"{value:.1f} {name}" for name, value in counts.items() if value is not None]
        parts += [f"rank {self.rank}"] if self.rank is not None else []
        parts += [f"{self.different} different answers"] if self.different is not None else []
        parts += [] if self.warned is None else ["with a warning" if self.warned else "without a warning"]
        return ", ".join(parts + [text for text in (self.message, self.prints) if text])


class Expected(_Entry):
    """`[expect]`: what the record says where the defect is; each key that is given must hold."""

    status: Annotated[Status, Field(strict=False)] | None = None
    digits_max: float | None = None
    digits_min: float | None = None
    standard_error_digits_max: float | None = None
    rank: int | None = None
    different_min: int | None = None
    warned: bool | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one thing is expected of the record")
        return self

    def missed(self, seen: Measurement, *, partial: bool = False) -> list[str]:
        """What is not as expected, each in a few words; `partial` passes over what was not measured."""
        found = []
        for key, wanted in self.model_dump(exclude_none=True).items():
            name, _, bound = key.rpartition("_") if key.endswith(("_max", "_min")) else (key, "", "")
            value = getattr(seen, name)
            if value is None and partial:
                continue
            if value is None or not _holds(bound, value, wanted, within=name == "message"):
                found.append(f"{name.replace('_', ' ')} {value}, not {_BOUNDS[bound]}{wanted}")
        return found


_BOUNDS = {"": "", "max": "at most ", "min": "at least "}


def _holds(bound: str, value: object, wanted: object, *, within: bool) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, int | float) and bound:
        return value <= wanted if bound == "max" else value >= wanted
    return str(wanted) in str(value) if within else value == wanted


class Shows(_Entry):
    """`[shows]`: what proves the defect in the script's output; exactly one kind.

    says: a text in the last line printed. most, least: bounds on the last number of that line, or
    both. raises: a text in the last lines of the error that ends the script.
    """

    says: Line | None = None
    raises: Line | None = None
    most: float | None = None
    least: float | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum((self.says is not None, self.raises is not None, (self.most, self.least) != (None, None))) != 1:
            raise ValueError("shows is one of says, raises, and most or least")
        return self

    @property
    def text(self) -> str:
        """What the script does where the defect is."""
        if self.raises is not None:
            return f"the script raises '{self.raises}'"
        if self.says is not None:
            return f"the script prints '{self.says}'"
        return f"the last number that the script prints is {_between(self.least, self.most)}"

    def missed(self, printed: str) -> str:
        """Why the last line that was printed (ERROR and the exception) does not prove it; empty if it does."""
        if (self.raises is not None) is not printed.startswith(ERROR):
            return f"it raises nothing: '{printed}'" if self.raises else printed
        text = self.says or self.raises
        if text is not None:
            return "" if text in printed else f"'{text}' is not in '{printed}'"
        numbers = NUMBER.findall(printed)
        value = float(numbers[-1]) if numbers else float("nan")
        low, high = self.least if self.least is not None else -float("inf"), self.most
        if low <= value and (high is None or value <= high):
            return ""
        return f"the last number of '{printed}' is not {_between(self.least, high)}"


def _between(least: float | None, most: float | None) -> str:
    parts = [f"at least {least:g}"] if least is not None else []
    return " and ".join(parts + ([f"at most {most:g}"] if most is not None else []))


class Parts(_Entry):
    """`[[parts]]`: implementations of an optimizer that part from torch's plain loop by this defect, in one dtype."""

    optimizer: Line
    dtype: Line
    implementations: Annotated[tuple[Line, ...], Field(strict=False, min_length=1)]

    def says(self, optimizer: str, dtype: str, implementation: str) -> bool:
        """Whether it is about this one."""
        return (self.optimizer, self.dtype) == (optimizer, dtype) and implementation in self.implementations


class Finding(_Entry):
    """One file: a defect, where it is, how to see it with the library alone, and what to do meanwhile.

    `documentation`: the sentence of the library's documentation by which its `nature` is decided.
    `weighted`: it is about rows with weights only. `parts`: what `harness sweep --implementations` sees of it.
    """

    schema_version: Literal[1]
    id: Annotated[str, Field(pattern=r"^[a-z0-9_]{3,40}$")]
    title: Line
    library: Line
    kind: Annotated[Kind, Field(strict=False)]
    nature: Annotated[Nature, Field(strict=False)]
    documentation: Line
    what: str
    bad: Annotated[Specifier, Field(min_length=1)]
    good: Specifier
    upstream: Annotated[str, Field(pattern=r"^(https://\S+)?$")]
    workaround: str
    problem: Line | None = None
    solver: Line | None = None
    weighted: bool = False
    parts: Annotated[tuple[Parts, ...], Field(strict=False)] = ()
    repeats: Annotated[NonNegativeInt, Field(ge=1)] = 1
    expect: Expected | None = None
    measured: dict[VersionText, Measurement]
    script: Annotated[str, Field(min_length=1)]
    shows: Shows

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = [self.problem is not None, self.solver is not None, self.expect is not None]
        if len(set(given)) > 1 or given[0] is (self.kind in BY_SCRIPT):
            kinds = " or ".join(f"'{kind.value}'" for kind in BY_SCRIPT)
            raise ValueError(f"problem, solver and expect go together, except of kind {kinds}")
        if not any(self.is_bad(version) for version in self.measured):
            raise ValueError(f"no version in {self.bad} was measured")
        for version, seen in self.measured.items():
            self._check(version, seen)
        return self

    def _check(self, version: str, seen: Measurement) -> None:
        """A measured version must be on the side of the line on which its measurement is."""
        if self.is_bad(version) and self.is_good(version):
            raise ValueError(f"{version} is in bad and in good")
        missed = self.expect.missed(seen, partial=True) if self.expect else []
        if seen.prints is not None and (why := self.shows.missed(seen.prints)):
            missed = [*missed, why]
        if seen == Measurement():
            raise ValueError(f"nothing was measured of {version}")
        if self.is_bad(version) and missed:
            raise ValueError(f"{version} is in bad, but {missed[0]}")
        if self.is_good(version) and not missed:
            raise ValueError(f"{version} is in good, but shows the defect")

    def is_bad(self, version: str) -> bool:
        """Whether the defect is in that version."""
        return SpecifierSet(self.bad).contains(version, prereleases=True)

    def is_good(self, version: str) -> bool:
        """Whether that version is known to be without it; never, where `good` is empty."""
        return bool(self.good) and SpecifierSet(self.good).contains(version, prereleases=True)

    def is_cured(self, version: str) -> bool:
        """Whether that version is known to be without it, and newer than one that had it."""
        had = [Version(name) for name in self.measured if self.is_bad(name)]
        return self.is_good(version) and any(name < Version(version) for name in had)


def read_finding(path: Path) -> Finding:
    """The file at `path`. Raises UsageError, one line, if it is missing or is not one."""
    found = read_toml(Finding, path)
    if found.id != path.stem:
        raise UsageError(f"{path}: id: '{found.id}' is not the file's name")
    return found
