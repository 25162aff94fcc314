"""harness init: what a repository needs so that the harness is about its project."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    solver: Annotated[
        list[str] | None, typer.Option(help="A solver of the project, as package.module:name; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")] = False,
) -> None:
    """Write what is missing in your repository: harness.toml, checks for pytest, asv's suite, a workflow.

    Nothing that is there is changed; .gitignore gets the lines that it lacks.
    """
    from harness.init.files import EXAMPLE, planned
    from harness.init.solvers import estimators, project_name
    from harness.report.terminal.console import err
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
        note = f"no estimator was found: {EXAMPLE} stands for yours in harness.toml"
        err().print(f"{note}; or harness init --solver package.module:name", markup=False, soft_wrap=True)
    if not (here / ".git").exists():
        err().print("no git repository is here: harness ab, bisect and history need one", markup=False, soft_wrap=True)
    if not dry_run:
        typer.echo("next: harness run, harness gate --update, harness ab main HEAD")
