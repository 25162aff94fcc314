"""What gate and ab write for a CI system: Markdown, the step's summary, JUnit XML, annotations."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.checks import Check

Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the verdict as Markdown to FILE too.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML to FILE, a test a check.")]
SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class Outputs:
    """Where to write; on GitHub the step's summary and the annotations come by themselves."""

    markdown: Path | None = None
    junit: Path | None = None

    def __post_init__(self) -> None:
        """Raise UsageError before minutes of measuring, not after them, if a file cannot be made."""
        for option, path in (("--markdown", self.markdown), ("--junit", self.junit)):
            if path is not None and (path.is_dir() or not path.parent.is_dir()):
                raise UsageError(f"{option} {path}: cannot be written: it is a folder, or its folder does not exist")

    def write(self, text: str, checks: "Sequence[Check]", suite: str, file: str | None = None) -> None:
        """Write `text`, Markdown, and the checks of `suite`; `file` is where GitHub shows the annotations.

        Annotations go to standard error, which GitHub reads as well: standard output may be JSON.
        """
        from harness.files.writing import write
        from harness.report.annotations import annotations
        from harness.report.junit import junit

        if self.markdown is not None:
            write(self.markdown, text, what=f"--markdown {self.markdown}")
        if self.junit is not None:
            write(self.junit, junit(checks, suite), what=f"--junit {self.junit}")
        summary = os.environ.get(SUMMARY)
        if summary:
            _append(Path(summary), text)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in annotations(checks, file):
                sys.stderr.write(line + "\n")


def _append(path: Path, text: str) -> None:
    """A summary that cannot be written is said, and changes no exit code."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        sys.stderr.write(f"harness: ${SUMMARY} {path}: cannot be written: {error.strerror}\n")
