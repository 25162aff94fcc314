"""The ladder: drawn designs with a name each, one line a rung in datasets/ladder.toml."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, StrictFloat, StrictInt, model_validator

from harness.files.names import Identifier, Name
from harness.files.reading import read_toml
from harness.paths import datasets_folder

FILE = "ladder.toml"
FAMILY = "ladder"


class Rung(BaseModel):
    """One line: the generator, the title, and what is asked of the generator (any other key of the line)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    generator: str
    title: Name
    parameters: dict[str, StrictFloat | StrictInt] = {}

    @model_validator(mode="before")
    @classmethod
    def _other_keys_are_parameters(cls, line: object) -> object:
        if not isinstance(line, dict):
            return line
        own = {key: line[key] for key in ("generator", "title") if key in line}
        return own | {"parameters": {key: value for key, value in line.items() if key not in own}}


class Group(BaseModel):
    """Rungs of one kind, from easy to hard; a table of the ladder is one group."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    rungs: dict[Identifier, Rung]

    def prefix(self) -> str:
        """What every rung's name begins with, up to its last underscore: `condition_`; empty if they differ."""
        found = {name.rpartition("_")[0] + "_" for name in self.rungs}
        return found.pop() if len(found) == 1 else ""


class Ladder(BaseModel):
    """The file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1]
    groups: dict[str, Group]

    @model_validator(mode="after")
    def _names_are_one_rung_s(self) -> "Ladder":
        names = [name for group in self.groups.values() for name in group.rungs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' names two rungs")
        return self


def read_ladder(path: Path) -> Ladder:
    """The ladder at `path`. Raises UsageError, one line, if it is not one."""
    return read_toml(Ladder, path)


@cache
def groups() -> Mapping[str, Group]:
    """The groups of datasets/ladder.toml by name, in the file's order."""
    return read_ladder(datasets_folder() / FILE).groups


def rungs() -> dict[str, Rung]:
    """Every rung by name, in the file's order."""
    return {name: rung for group in groups().values() for name, rung in group.rungs.items()}
