"""The files, each written where it is missing, none changed that is there; ignore lines are added."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files as of_package
from pathlib import Path
from string import Template

from harness.config import FILE, PYPROJECT, TABLE, config
from harness.errors import UsageError
from harness.files.asv_settings import ASV, asv_settings
from harness.files.writing import write

IGNORE = ".gitignore"
IGNORED = ("benchmarks/harness.sqlite*", ".asv/")
EXAMPLE = "numpy_lstsq"
"""The solver where none of the project's own is known: it takes the place of one."""


@dataclass(frozen=True)
class Planned:
    """A file: its `content`, and why it is not written, where it is not (`kept`)."""

    path: Path
    content: str
    kept: str = ""

    @property
    def words(self) -> str:
        """What is done, in a line."""
        return f"kept {self.path}: {self.kept}" if self.kept else f"wrote {self.path}"

    def write(self) -> None:
        """Write it, its folder with it. Raises what `harness.files.writing.write` raises."""
        write(self.path, self.content, make_folder=True)


def planned(folder: Path, name: str, solvers: Sequence[str]) -> list[Planned]:
    """All files for a project of that name, in `folder`. Raises UsageError for a harness.toml that cannot be read."""
    said = config(folder)
    own = tuple(said.content.solvers or solvers or (EXAMPLE,))
    values = {"name": name, "solvers": ", ".join(f'"{one}"' for one in own), "branch": "main"}
    where = folder / (said.content.expectations or "benchmarks/expectations.toml")
    suites = folder / _benchmarks(folder)
    wanted = [
        (folder / FILE, "harness.toml"),
        (where, "expectations.toml"),
        (folder / "tests" / "test_least_squares.py", "test_least_squares.py"),
        (folder / ASV, "asv.conf.json"),
        (suites / "__init__.py", "suites.py"),
        (suites / "least_squares.py", "least_squares.py"),
        (folder / ".github" / "workflows" / "harness.yml", "harness.yml"),
    ]
    made = [_planned(path, _text(template, values)) for path, template in wanted]
    if said.source != FILE and not said.source.startswith(str(folder / FILE)):
        made[0] = Planned(folder / FILE, "", f"[{TABLE}] of {PYPROJECT} is there")
    return [*made, *_ignored(folder / IGNORE)]


def _planned(path: Path, content: str) -> Planned:
    return Planned(path, content, "it is there" if path.exists() or path.is_symlink() else "")


def _text(template: str, values: dict[str, str]) -> str:
    text = (of_package("harness.init") / "templates" / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _benchmarks(folder: Path) -> str:
    """Asv's folder of benchmarks, where the project has one of its own."""
    said = asv_settings(folder).get("benchmark_dir", "benchmarks")
    if not isinstance(said, str):
        raise UsageError(f"{folder / ASV}: benchmark_dir is no text")
    return said


def _ignored(path: Path) -> Iterator[Planned]:
    """The ignore file with the lines that it lacks at its end."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    missing = [line for line in IGNORED if line not in before.splitlines()]
    if not missing:
        yield Planned(path, before, "it has these lines")
        return
    gap = "" if not before or before.endswith("\n") else "\n"
    yield Planned(path, before + gap + "\n".join(missing) + "\n")
