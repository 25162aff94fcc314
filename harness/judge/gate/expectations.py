"""The expectations file: floors, ceilings and bands per solver and problem, each with its source."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from harness.errors import UsageError
from harness.files.reading import NoSuchFileError, read_toml
from harness.judge.gate.rules import Rules
from harness.records.labels import file_of, model_of, parameters_of
from harness.records.record import Record
from harness.records.run import Run
from harness.solvers.status import Status

DRAWN = "synthetic"
"""The one problem of a run for which sizes were asked for and no problem was named."""

Band = Annotated[tuple[float, float], Field(description="lowest and highest value")]


def _listed(value: object) -> object:
    """One name, or a list of them, as a list."""
    return (value,) if isinstance(value, str) else value


def _band(wanted: float | tuple[float, float]) -> tuple[float, float]:
    """A number as the band that holds it alone."""
    return wanted if isinstance(wanted, tuple) else (wanted, wanted)


def _number(text: str) -> float:
    """NaN, which is in no band, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


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
    the first characters of the hash of all rows and of their split, which an update writes.

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
    versions: dict[str, str] = Field(default_factory=dict)
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

    @field_validator("versions")
    @classmethod
    def _specifiers(cls, versions: dict[str, str]) -> dict[str, str]:
        for library, text in versions.items():
            try:
                SpecifierSet(text)
            except InvalidSpecifier:
                raise ValueError(f"{library}: '{text}' is no version specifier, as >=1.9") from None
        return versions

    @model_validator(mode="after")
    def _failure_has_a_reason(self) -> Self:
        if (self.status != (Status.OK,)) != bool(self.expected_failure):
            raise ValueError("a status other than ok and expected_failure, its reason, go together")
        for band in (*self.r2.values(), *self.mse.values(), *map(_band, self.parameters.values())):
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

    def floor(self, quantity: str, record: Record) -> float | None:
        """The entry's `digits_min` or `standard_error_digits_min` for a record; None: not limited there."""
        floors: Floor | None = getattr(self, quantity)
        if not isinstance(floors, dict):
            return floors
        return next((floor for name, floor in floors.items() if is_named(record, name)), None)

    @property
    def label(self) -> str:
        """Problem, solver and what narrows them, for a person."""
        names = ("|".join(self.problem_names), "|".join(self.solver))
        drawn = {name: "..".join(f"{end:g}" for end in sorted(set(_band(v)))) for name, v in self.parameters.items()}
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

    def draws(self, label: str) -> bool:
        """Whether the problem of this label has the parameters that the expectation is about, or no such ones."""
        given = parameters_of(label)[1]
        bands = ((_band(wanted), given[name]) for name, wanted in self.parameters.items() if name in given)
        return all(low <= _number(value) <= high for (low, high), value in bands)


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


def is_named(record: Record, name: str) -> bool:
    """Whether an entry that names this problem means the record's, whatever its data are."""
    if not record.is_own:
        return record.problem_name == name
    path, target = file_of(record.problem)
    named, wanted = file_of(name)
    near = path == named or ("." in named and (path.endswith(f"/{named}") or named.endswith(f"/{path}")))
    at = bool(target) and near and wanted in ("", target) and model_of(record.problem)[1] == model_of(name)[1]
    return at or name in (record.problem_name, record.problem)


def has_data(entry: Expectation, record: Record) -> bool:
    """Whether the record's data are those that the entry is about; it is about any unless it says which."""
    return (record.data_sha256 or record.problem_sha256).startswith(entry.data)


def matches(entry: Expectation, record: Record, problem: str, solver: str) -> bool:
    """Whether a record is one that the entry, for this problem and solver, is about, as far as names go.

    `has_data` says whether it is of the same data.
    """
    if record.solver != solver or not is_named(record, problem):
        return False
    if not entry.draws(record.problem) or entry.device not in (None, record.device):
        return False
    return all(record.options.get(name, value) == value for name, value in entry.options.items())


def in_scope(
    expectations: Expectations, entry: Expectation, run: Run, records: Sequence[Record], problem: str, solver: str
) -> bool:
    """Whether a run should hold a record for the entry; of data of one's own, where it holds any of the same data.

    Asking for another learning rate, size, device or number of epochs than the entry is about takes
    the entry out of scope; it does not make its case vanish.
    """
    selection = run.selection
    if selection.problems is not None:
        held = {spec.partition(":")[0] for spec in selection.problems}
    elif "n" in selection.asked:
        held = {DRAWN}
    else:
        held = set(expectations.default_problems)
    held = {name + selection.model for name in held}
    own = any(record.is_own and is_named(record, problem) and has_data(entry, record) for record in records)
    if not (problem in held or own) or (selection.solvers is not None and solver not in selection.solvers):
        return False
    drawn = [label for label in {case.partition(" ")[0] for case in run.planned} if label.startswith(f"{problem}:")]
    if drawn and not any(map(entry.draws, drawn)):
        return False
    narrows = entry.narrows()
    return all(narrows[name] in values for name, values in selection.asked.items() if name in narrows)
