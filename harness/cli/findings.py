"""harness findings: the defects of released libraries that the harness has found, shown and reproduced."""

from contextlib import closing
from typing import TYPE_CHECKING

import typer

from harness.cli.groups import argument, flag, refuse
from harness.cli.isolation import HereGroup
from harness.cli.printing import JsonGroup, print_markdown, working
from harness.errors import COULD_NOT_MEASURE, UsageError

if TYPE_CHECKING:
    from harness.judge.studies.finding import Finding
    from harness.judge.studies.findings import FindingLine
    from harness.measure.session import Where


def findings(
    *,
    finding: str | None = argument(help="A finding's id: that one in full. All of them by default."),
    check: bool = flag(help="Run the case and the script of each."),
    place: HereGroup,
    printed: JsonGroup,
    markdown: bool = flag(help="Print Markdown: the table, and each in full."),
) -> None:
    """Show the defects found in released libraries; --check reproduces them: exit 1 if a file is no longer true."""
    if printed.as_json and markdown:
        raise UsageError("--json and --markdown are two formats: choose one")
    where = place.where()
    if not check:
        refuse(place.given(), "--timeout, --memory and --in-process go with --check, without which nothing is run")
    from harness.report.words.findings import every_one, findings_json, in_full, overview
    from harness.studies.findings import failed, measured, survey
    from harness.studies.findings import findings as read

    chosen, full = read(finding), finding is not None
    lines = _check(chosen, where) if check else survey(chosen)
    if markdown:
        print_markdown(every_one(chosen, lines))
    else:
        printed.print(
            lambda: findings_json(chosen, lines, full=full),
            lambda: in_full(chosen[0], lines[0]) if full else overview(lines),
        )
    if check and not measured(lines):
        raise typer.Exit(COULD_NOT_MEASURE)
    raise typer.Exit(1 if failed(lines) else 0)


def _check(chosen: "list[Finding]", where: "Where") -> "list[FindingLine]":
    """The lines; the finding in flight is shown meanwhile."""
    from harness.studies.findings import reproduce

    with closing(where.here()) as place, working("reading the findings") as status:
        return reproduce(chosen, lambda name: status.update(f"reproducing {name}"), place)
