"""The expectations file: floors, ceilings and bands per solver and problem, each with its source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from packaging.specifiers import SpecifierSet
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.errors import UsageError
from harness.files.names import Specifier
from harness.files.reading import NoSuchFileError, read_toml
from harness.judge.gate.rules import Rules
from harness.solvers.status import Status

Band = Annotated[tuple[float, float], Field(description="lowest and highest value")]


def _listed(value: object) -> object:
    """One name, or a list of them, as a list."""
    return (value,) if isinstance(value, str) else value


def band_of(wanted: float | tuple[float, float]) -> tuple[float, float]:
    """A number as the band that holds it alone."""
    return wanted if isinstance(wanted, tuple) else (wanted, wanted)


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Floor = float | dict[str, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Margins(_Strict):
    """What `--update` leaves between a measurement and its limit.

    digits: subtracted; excess_loss: a factor; r2: either side; mse: a fraction of it, either side.
    """

    digits: float = Field(gt=0)
    excess_loss: float = Field(gt=1)
    r2: float = Field(gt=0)
    mse: float = Field(gt=0)


class Classes(_Strict):
    """Names for sets of solvers and of problems."""

    solvers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    problems: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Expectation(_Strict):
    """What is expected of every record that matches; at least one must.

    `problem` and `solver` are names, or classes of them, one or a list. A floor on digits is one number, or
    one by problem: then those are the problems, unless `problem` says. `optional`: the library is an extra,
    so that `unsupported` and no record at all are accepted.

    Data of one's own are named by the file without its ending, by the end of its path ("2024/sales.csv") or as the run
    shows them; the first is a problem of the catalog where it has one of that name. `data` says which content is meant:
    the first characters of the hash of all rows and of their split, which an update writes. With it a file of that
    content and target by another path is meant, too.

    `parameters` (of a drawn problem: a number, or the lowest and the highest) and `options` narrow the match;
    a record without such a parameter or option matches, and one of any engine where `options` names none.
    `versions` maps a library to the versions that the entry is about (">=1.9"); an unknown version is one of
    them. `status` is what the case must end as, or a list of what it ends as by chance; another than ok
    needs `expected_failure`, the reason. `dependences`: "none" where the data must determine every coefficient.
    `pinned` limits come from elsewhere than a measurement: an update leaves them.
    """

    problem: Names = ()
    solver: Names
    data: Annotated[str, Field(pattern="^([0-9a-f]{8,64})?$")] = ""
    optional: bool = False
    versions: dict[str, Specifier] = Field(default_factory=dict)
    parameters: dict[str, float | Band] = Field(default_factory=dict)
    device: str | None = None
    options: dict[str, bool | str | int | float] = Field(default_factory=dict)
    pinned: bool = False
    status: Annotated[tuple[Status, ...], BeforeValidator(_listed)] = (Status.OK,)
    expected_failure: str = ""
    digits_min: Floor | None = None
    standard_error_digits_min: Floor | None = None
    excess_loss_max: float | None = None
    r2: dict[Literal["train", "val", "test"], Band] = Field(default_factory=dict)
    mse: dict[Literal["train", "val", "test"], Band] = Field(default_factory=dict)
    dependences: Literal["none"] | None = None
    source: str

    @model_validator(mode="after")
    def _failure_has_a_reason(self) -> Self:
        if (self.status != (Status.OK,)) != bool(self.expected_failure):
            raise ValueError("a status other than ok and expected_failure, its reason, go together")
        for band in (*self.r2.values(), *self.mse.values(), *map(band_of, self.parameters.values())):
            if band[0] > band[1]:
                raise ValueError(f"the band {list(band)} is upside down")
        return self

    @model_validator(mode="after")
    def _about_some_problem(self) -> Self:
        if not self.problem and not isinstance(self.digits_min, dict):
            raise ValueError("name the problem, or give digits_min by problem")
        for floors in (self.digits_min, self.standard_error_digits_min):
            strange = set(floors) - set(self.problem_names) if isinstance(floors, dict) else set()
            if strange:
                raise ValueError(f"a floor is given for '{min(strange)}', which the entry is not about")
        return self

    @property
    def problem_names(self) -> tuple[str, ...]:
        """The problems as the entry names them: by `problem`, else by the floors."""
        return self.problem or (tuple(self.digits_min) if isinstance(self.digits_min, dict) else ())

    @property
    def label(self) -> str:
        """Problem, solver and what narrows them, for a person."""
        names = ("|".join(self.problem_names), "|".join(self.solver))
        drawn = {name: "..".join(f"{end:g}" for end in sorted(set(band_of(v)))) for name, v in self.parameters.items()}
        return " ".join([*names, *(f"{name}={value}" for name, value in (drawn | self.narrows()).items())])

    def is_about(self, installed: Mapping[str, str]) -> bool:
        """Whether the installed versions are ones that this expectation is about."""
        return all(
            SpecifierSet(text).contains(installed[library], prereleases=True)
            for library, text in self.versions.items()
            if library in installed
        )

    def narrows(self) -> dict[str, object]:
        """The device and the options that this expectation is about."""
        own = {"device": self.device} | dict(self.options)
        return {name: value for name, value in own.items() if value is not None}


class Expectations(_Strict):
    """The whole file; `default_problems`: those of a run without --problem; `asv`: rules for asv's results."""

    schema_version: Literal[1]
    default_problems: tuple[str, ...]
    margins: Margins
    classes: Classes = Classes()
    expect: tuple[Expectation, ...] = ()
    asv: Rules = Rules()

    def solvers_of(self, entry: Expectation) -> tuple[str, ...]:
        """The solvers that an entry names, alone or by classes."""
        return tuple(name for given in entry.solver for name in self.classes.solvers.get(given, (given,)))

    def problems_of(self, entry: Expectation) -> tuple[str, ...]:
        """The problems that an entry names, alone or by classes."""
        return tuple(name for given in entry.problem_names for name in self.classes.problems.get(given, (given,)))


def read_expectations(path: Path) -> Expectations:
    """The file at `path`. Raises UsageError, one line, if it is missing or is not one."""
    try:
        return read_toml(Expectations, path)
    except NoSuchFileError:
        raise UsageError(f"no expectations at {path}: name the file with --expectations") from None
