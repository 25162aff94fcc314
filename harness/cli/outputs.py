"""What gate and ab write for a CI system: a file a format, the step's summary, annotations."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Self

from typer import Option

from harness.cli.groups import Group
from harness.files.writing import check_file, write
from harness.report.render.formats import FORMATS, Judged, markdown

SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class OutputsGroup(Group):
    """Which file each of FORMATS goes to, by its name; on GitHub summary and annotations come by themselves."""

    files: Mapping[str, Path]

    @classmethod
    def parameters(cls) -> list[Parameter]:
        """An option for each format."""
        kinds = {
            one.name: Annotated[Path | None, Option(f"--{one.name}", metavar="FILE", help=one.what)] for one in FORMATS
        }
        return [Parameter(n, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for n, kind in kinds.items()]

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> Self:
        """The files that were named."""
        return cls({one.name: path for one in FORMATS if (path := values.pop(one.name)) is not None})

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


def _append(path: Path, text: str) -> None:
    """A summary that cannot be written is said, and changes no exit code."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        sys.stderr.write(f"harness: ${SUMMARY} {path}: cannot be written: {error.strerror}\n")
