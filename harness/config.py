"""What a repository says of itself: harness.toml, or [tool.harness] in its pyproject.toml, read strictly.

The nearest folder counts, from the working folder up to the one that has `.git`; outside of a checkout the working
folder alone. What names a file is relative to the folder of the file that says it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UsageError, unknown
from harness.files.names import Name
from harness.files.reading import Model, NoSuchFileError, checked, toml_of, within_limits
from harness.paths import EXPECTATIONS, STORE, results_folder

FILE = "harness.toml"
PYPROJECT = "pyproject.toml"
TABLE = "tool.harness"


class Content(BaseModel):
    """The keys of the file. A table belongs to the room that uses it, which reads it by `Config.table`.

    solvers, problems: what is run where the command names none; store, expectations: where they are; asv: rules for
    asv's results; nightly: of `harness nightly`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    solvers: tuple[Name, ...] = ()
    problems: tuple[Name, ...] = ()
    store: Name | None = None
    expectations: Name | None = None
    asv: dict[str, Any] = Field(default_factory=dict)
    nightly: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """What is said. `source` begins every error about it: the file, with the table's name in pyproject.toml."""

    content: Content = field(default_factory=Content)
    folder: Path = Path()
    source: str = FILE

    @property
    def store(self) -> str:
        """A SQLite file or a database's URL."""
        said = self.content.store
        return said if said and "://" in said else str(self.folder / (said or STORE))

    @property
    def expectations(self) -> Path | None:
        """The file that is named, whether it is there or not."""
        said = self.content.expectations
        return None if said is None else self.folder / said

    def table(self, name: str, model: type[Model]) -> Model:
        """A table as its owner's model, strictly. Raises UsageError, one line that names file, key and fault."""
        return checked(model, getattr(self.content, name), f"{self.source}: {name}")


def config(folder: Path = Path()) -> Config:
    """What the repository around `folder` says; the defaults where it says nothing.

    Raises UsageError, one line, for what cannot be read, an unknown key, a value of another kind, and for a folder
    that has both a harness.toml and a [tool.harness].
    """
    for candidate in _up_to_checkout(folder):
        own, tools = _read(candidate / FILE), (_read(candidate / PYPROJECT) or {}).get("tool")
        table = tools.get("harness") if isinstance(tools, dict) else None
        if own is not None and table is not None:
            raise UsageError(f"{candidate / FILE} and [{TABLE}] in {candidate / PYPROJECT}: keep one of them")
        if own is not None:
            return _checked(own, candidate, str(candidate / FILE))
        if table is not None:
            return _checked(table, candidate, f"{candidate / PYPROJECT}: {TABLE}")
    return Config()


def expectations_file() -> Path:
    """The file that the repository names; else that of the working folder; else the one that came with the package."""
    said = config().expectations
    if said is not None:
        return said
    return EXPECTATIONS if EXPECTATIONS.is_file() else results_folder() / EXPECTATIONS.name


def _up_to_checkout(folder: Path) -> tuple[Path, ...]:
    """The folder and those above it, up to the first that has .git; the folder alone where none has.

    As they are written: `Path()` is "", not the whole path, in what a person reads.
    """
    resolved = folder.resolve()
    above = (resolved, *resolved.parents)
    root = next((place for place, one in enumerate(above) if (one / ".git").exists()), 0)
    return (folder, *above[1 : root + 1])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return toml_of(path)
    except NoSuchFileError:
        return None


def _checked(table: object, folder: Path, source: str) -> Config:
    within_limits(table, source)
    for key in table if isinstance(table, dict) else ():
        if key not in Content.model_fields:
            raise UsageError(f"{source}: {unknown('key', key, Content.model_fields)}")
    return Config(checked(Content, table, source), folder, source)
