"""What gate and ab write for a CI system: a file a format, the step's summary, annotations."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.files.writing import check_file, write
from harness.report.render.formats import FORMATS, Judged, markdown

SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class Outputs:
    """Which file each format goes to, by its name; on GitHub the summary and the annotations come by themselves."""

    files: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise UsageError before minutes of measuring, not after them, if a file cannot be made."""
        for name, path in self.files.items():
            check_file(f"--{name} {path}", path)

    def write(self, judged: Judged) -> None:
        """Write what was judged.

        Annotations go to standard error, which GitHub reads as well: standard output may be JSON.
        """
        for one in FORMATS:
            if one.name in self.files:
                path = self.files[one.name]
                write(path, one.text(judged), what=f"--{one.name} {path}")
        summary = os.environ.get(SUMMARY)
        if summary:
            _append(Path(summary), markdown(judged))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from harness.report.render.annotations import annotations

            for line in annotations(judged.checks, judged.file):
                sys.stderr.write(line + "\n")


NOTHING = Outputs()
"""No file."""


def takes_outputs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each of FORMATS in the place of its parameter `written`, where it gets Outputs."""
    signature = inspect.signature(command)
    options = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[Path | None, typer.Option(f"--{one.name}", metavar="FILE", help=one.what)],
        )
        for one in FORMATS
    ]
    shown = [one for own in signature.parameters.values() for one in (options if own.name == "written" else [own])]

    @wraps(command)
    def taking(**given: Any) -> None:
        files = {one.name: path for one in FORMATS if (path := given.pop(one.name)) is not None}
        command(**given, written=Outputs(files))

    taking.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]  # what typer reads
    return taking


def _append(path: Path, text: str) -> None:
    """A summary that cannot be written is said, and changes no exit code."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        sys.stderr.write(f"harness: ${SUMMARY} {path}: cannot be written: {error.strerror}\n")
