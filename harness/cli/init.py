"""harness init: what a repository needs so that the harness is about its project."""

from pathlib import Path

import typer

from harness.cli.groups import flag, option
from harness.cli.printing import note


def init(
    *,
    solver: list[str] | None = option(help="A solver of the project, as package.module:name; repeatable."),
    dry_run: bool = flag(help="Show what would be written, and write nothing."),
) -> None:
    """Write what is missing in your repository: harness.toml, checks for pytest, asv's suite, a workflow.

    Nothing that is there is changed; .gitignore gets the lines that it lacks.
    """
    from harness.init.files import EXAMPLE, planned
    from harness.init.solvers import estimators, project_name
    from harness.solvers.brought.spec import is_spec, parse

    here = Path()
    for spec in filter(is_spec, solver or ()):
        parse(spec)
    found = list(solver or ()) or estimators(here)
    for one in planned(here, project_name(here), found):
        if not (dry_run or one.kept):
            one.write()
        typer.echo(one.words.replace("wrote", "would write", 1) if dry_run else one.words)
        for line in one.content.splitlines() if dry_run and not one.kept else ():
            typer.echo(f"    {line}".rstrip())
    if not found:
        found_none = f"no estimator was found: {EXAMPLE} stands for yours in harness.toml"
        note(f"{found_none}; or harness init --solver package.module:name")
    if not (here / ".git").exists():
        note("no git repository is here: harness ab, bisect and history need one")
    if not dry_run:
        typer.echo("next: harness run, harness gate --update, harness ab main HEAD")
