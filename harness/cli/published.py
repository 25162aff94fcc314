"""harness published: the tutorials' printed figures, reproduced line by line."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.errors import COULD_NOT_MEASURE

if TYPE_CHECKING:
    from harness.judge.studies.published import Line


def published(
    tutorial: Annotated[
        list[str] | None, typer.Argument(help="A tutorial's name, as auto_mpg; all of them by default.")
    ] = None,
    as_json: cli.AsJson = False,
) -> None:
    """Reproduce the tutorials' printed figures, on one thread; exit 1 if one that can be had is not, 3 if none ran."""
    from harness.judge.studies.published import summarize

    summary = summarize(_reproduce(tutorial or []))
    if as_json:
        print_json(summary.model_dump_json())
    else:
        from harness.report.render.terminal import print_document
        from harness.report.terminal.console import out
        from harness.report.words.published import published as reproduced

        print_document(out(), reproduced(summary))
    if not summary.reproduced + summary.not_reproduced:
        raise typer.Exit(COULD_NOT_MEASURE)
    raise typer.Exit(1 if summary.not_reproduced else 0)


def _reproduce(tutorials: list[str]) -> "list[Line]":
    """The lines; the case in flight is shown meanwhile."""
    from harness.report.terminal.console import err
    from harness.report.terminal.working import Working
    from harness.studies.published import reproduce

    with Working(err(), "reading the published figures") as status:
        return reproduce(tutorials, on_case=lambda case: status.update(f"running {case}"))
