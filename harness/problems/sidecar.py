"""The sidecar of a stored data set: source, licence, columns, units, hash, and what is known of its truth."""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UsageError, counted
from harness.files.names import FileName, Identifier, Name
from harness.files.reading import opened, read_toml
from harness.problems.columns import LARGEST_BYTES, Table
from harness.problems.problem import Floats, Problem, Truth
from harness.problems.problem import Split as RowSplit
from harness.problems.table import parsed
from harness.problems.used_columns import numbers, row_split, target_of

HIGHEST_DEGREE = 32
"""NIST's highest is 10; a degree is a factor on the columns, and should not be a factor on memory without end."""


class TruthEntry(BaseModel):
    """`[truth]`: the coefficients that generated the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    coef: tuple[float, ...]
    intercept: float
    origin: str


class Certified(BaseModel):
    """`[certified]`: the reference answer to the decimal data, as printed (intercept first where there is one)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    coef: tuple[str, ...]
    standard_errors: tuple[str, ...]
    residual_sd: str
    r_squared: str


class Sidecar(BaseModel):
    """The TOML file beside a data file; unknown keys are refused.

    With `degree` above 1 the design is each feature, then each feature's squares, and so on, as
    floats multiplied up: what a person who fits a polynomial hands to a solver.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    name: Identifier
    title: Name
    file: FileName
    sha256: str
    rows: int
    source: str
    licence: str
    made_by: str
    citation: str = ""
    target: Name
    features: tuple[Name, ...]
    degree: int = Field(default=1, ge=1, le=HIGHEST_DEGREE)
    intercept: bool = True
    relation: Literal["linear", "nonlinear"] = "linear"
    family: Name
    units: dict[Name, Name]
    truth: TruthEntry | None = None
    certified: Certified | None = None
    recipe: dict[str, float | int | str] = Field(default_factory=dict)


def read_sidecar(path: Path) -> Sidecar:
    """The sidecar at `path`. Raises UsageError, one line, if it is not one."""
    return read_toml(Sidecar, path)


def stored_table(sidecar_path: Path, sidecar: Sidecar) -> Table:
    """The data file that a sidecar names, which is in the same folder.

    Raises UsageError if it is missing, cannot be read, or if its sha256 is not the sidecar's.
    """
    path = sidecar_path.parent / sidecar.file
    with opened(path, LARGEST_BYTES) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sidecar.sha256:
            raise UsageError(f"{path}: its sha256 is not the one in {sidecar_path.name}: restore the file")
        file.seek(0)
        return parsed(file, path)


def load_stored(sidecar_path: Path) -> Problem:
    """The data set that a sidecar describes.

    Raises UsageError if the data file is missing or its sha256 is not the sidecar's.
    """
    sidecar = read_sidecar(sidecar_path)
    path = sidecar_path.parent / sidecar.file
    table = stored_table(sidecar_path, sidecar)
    missing = [name for name in (*sidecar.features, sidecar.target) if name not in table.names]
    if missing:
        raise UsageError(f"{path}: has no column '{missing[0]}', which {sidecar_path.name} names")
    if table.rows != sidecar.rows:
        raise UsageError(f"{path}: has {counted(table.rows, 'row')}, {sidecar_path.name} says {sidecar.rows}")
    split = row_split(table, str(path))
    truth = None if sidecar.truth is None else Truth(sidecar.truth.coef, sidecar.truth.intercept, sidecar.truth.origin)
    return Problem(
        name=sidecar.name,
        X=powers(numbers(table, sidecar.features, str(path)), sidecar.degree),
        y=target_of(table, sidecar.target, str(path)),
        features=power_names(sidecar.features, sidecar.degree),
        target=sidecar.target,
        split=split or RowSplit.all_train(table.rows),
        intercept=sidecar.intercept,
        relation=sidecar.relation,
        family=sidecar.family,
        title=sidecar.title,
        source=sidecar.source,
        units=sidecar.units,
        truth=truth,
        recipe=sidecar.recipe,
    )


def powers(X: Floats, degree: int) -> Floats:
    """X (n, p) and its elementwise powers up to `degree`, side by side: (n, p degree), each the last times X."""
    columns = [X]
    for _ in range(degree - 1):
        columns.append(columns[-1] * X)
    return np.ascontiguousarray(np.hstack(columns))


def power_names(features: tuple[str, ...], degree: int) -> tuple[str, ...]:
    """x, x^2, ... in the order of `powers`."""
    return tuple(name if k == 1 else f"{name}^{k}" for k in range(1, degree + 1) for name in features)
