"""A defect of a released library as data: where it is, how it shows, and what to do meanwhile."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from harness.errors import UsageError
from harness.files.names import Specifier
from harness.files.reading import read_toml
from harness.judge.studies.symptom import Entry, Expected, Line, Measurement, Shows


def _version(text: str) -> str:
    try:
        Version(text)
    except InvalidVersion:
        raise ValueError(f"'{text}' is no version, as 1.9.1") from None
    return text


VersionText = Annotated[str, AfterValidator(_version)]


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


class Parts(Entry):
    """`[[parts]]`: implementations of an optimizer that part from torch's plain loop by this defect, in one dtype."""

    optimizer: Line
    dtype: Line
    implementations: Annotated[tuple[Line, ...], Field(strict=False, min_length=1)]

    def says(self, optimizer: str, dtype: str, implementation: str) -> bool:
        """Whether it is about this one."""
        return (self.optimizer, self.dtype) == (optimizer, dtype) and implementation in self.implementations


class Finding(Entry):
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
