"""harness findings: the defects of released libraries that the harness has found, shown and reproduced."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.errors import COULD_NOT_MEASURE, UsageError

if TYPE_CHECKING:
    from harness.judge.studies.finding import Finding
    from harness.judge.studies.findings import FindingLine
    from harness.measure.session import Where


def findings(
    finding: Annotated[
        str | None, typer.Argument(help="A finding's id: that one in full. All of them by default.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Run the case and the script of each.")] = False,
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    as_json: cli.AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown: the table, and each in full.")] = False,
) -> None:
    """Show the defects found in released libraries; --check reproduces them: exit 1 if a file is no longer true."""
    if as_json and markdown:
        raise UsageError("--json and --markdown are two formats: choose one")
    where = isolation.where(timeout, memory, in_process)
    if not check and (timeout is not None or memory is not None or in_process):
        raise UsageError("--timeout, --memory and --in-process go with --check: without it nothing is run")
    from harness.studies.findings import failed, measured, survey
    from harness.studies.findings import findings as read

    chosen = read(finding)
    lines = _check(chosen, where) if check else survey(chosen)
    _show(chosen, lines, full=finding is not None, as_json=as_json, markdown=markdown)
    if check and not measured(lines):
        raise typer.Exit(COULD_NOT_MEASURE)
    raise typer.Exit(1 if failed(lines) else 0)


def _check(chosen: "list[Finding]", where: "Where") -> "list[FindingLine]":
    """The lines; the finding in flight is shown meanwhile."""
    from harness.report.terminal.console import err
    from harness.report.terminal.working import Working
    from harness.studies.findings import reproduce

    with closing(where.here()) as place, Working(err(), "reading the findings") as status:
        return reproduce(chosen, lambda name: status.update(f"reproducing {name}"), place)


def _show(chosen: "list[Finding]", lines: "list[FindingLine]", *, full: bool, as_json: bool, markdown: bool) -> None:
    """Print in the format that was asked for."""
    if as_json:
        from harness.report.words.findings import findings_json

        print_json(findings_json(chosen, lines, full=full))
    elif markdown:
        from harness.report.render import markdown as render
        from harness.report.words.findings import every_one

        typer.echo(render.markdown(every_one(chosen, lines)))
    else:
        from harness.report.render.terminal import print_document
        from harness.report.terminal.console import out
        from harness.report.words.findings import in_full, overview

        print_document(out(), in_full(chosen[0], lines[0]) if full else overview(lines))
