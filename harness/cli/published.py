"""harness published: the tutorials' printed figures, reproduced line by line."""

from typing import TYPE_CHECKING

import typer

from harness.cli.groups import argument
from harness.cli.printing import JsonGroup, working
from harness.errors import COULD_NOT_MEASURE

if TYPE_CHECKING:
    from harness.judge.studies.published import Line


def published(
    *,
    tutorial: list[str] | None = argument(help="A tutorial's name, as auto_mpg; all of them by default."),
    printed: JsonGroup,
) -> None:
    """Reproduce the tutorials' printed figures, on one thread; exit 1 if one that can be had is not, 3 if none ran."""
    from harness.judge.studies.published import summarize
    from harness.report.words import published as words

    summary = summarize(_reproduce(tutorial or []))
    printed.print(summary.model_dump_json, lambda: words.published(summary))
    if not summary.reproduced + summary.not_reproduced:
        raise typer.Exit(COULD_NOT_MEASURE)
    raise typer.Exit(1 if summary.not_reproduced else 0)


def _reproduce(tutorials: list[str]) -> "list[Line]":
    """The lines; the case in flight is shown meanwhile."""
    from harness.studies.published import reproduce

    with working("reading the published figures") as status:
        return reproduce(tutorials, on_case=lambda case: status.update(f"running {case}"))
