"""Named, versioned sets of problems that optimizers are compared on: one file each in datasets/suites."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import unknown
from harness.files.names import Name
from harness.files.reading import read_toml
from harness.paths import datasets_folder


class Workload(BaseModel):
    """A problem as the catalog names it, what it is for, where it is from, and the relative excess loss to be reached.

    `hidden`: the network that is trained on it; the linear model without.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    problem: Name
    kind: Name
    source: Name
    target: float = Field(gt=0, lt=1)
    hidden: tuple[int, ...] | None = None


class Suite(BaseModel):
    """The file. `targets`: how the targets were set; `epochs`: most that a training may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    name: Name
    version: int = Field(ge=1)
    title: Name
    epochs: int = Field(ge=1)
    targets: str
    workloads: tuple[Workload, ...] = Field(min_length=1)

    @property
    def label(self) -> str:
        """`linear-8 version 1`: results of another version are not comparable."""
        return f"{self.name} version {self.version}"


def files() -> dict[str, Path]:
    """Name -> file of every suite."""
    return {path.stem: path for path in sorted((datasets_folder() / "suites").glob("*.toml"))}


def get(name: str) -> Suite:
    """The suite of that name. Raises UsageError with the nearest name if there is none, or if its file is none."""
    found = files()
    if name not in found:
        raise unknown("suite", name, found)
    return read_toml(Suite, found[name])
