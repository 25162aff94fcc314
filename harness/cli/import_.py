"""harness import: bring another tool's results into the store."""

from typing import Annotated

import typer

from harness.cli import options as cli
from harness.errors import counted, unknown

WHAT = ("asv",)


def import_results(
    what: Annotated[str, typer.Argument(help="asv: the results of asv run.")],
    commit: Annotated[str | None, typer.Option(help="The commit; the newest with results.")] = None,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    store: cli.StoreUrl = None,
) -> None:
    """Bring asv's results into the store, so that harness compare reads them too."""
    if what not in WHAT:
        raise unknown("import", what, WHAT)
    from harness.asv.gate import existing_folder, import_asv
    from harness.git import resolve_commit
    from harness.records.asv_results import read_results
    from harness.store.store import Store

    folder = existing_folder(results)
    read_results(folder, machine, resolve_commit(commit))  # nothing is written for what cannot be read
    imported = import_asv(folder, Store(store), machine, commit)
    for run, records in imported:
        typer.echo(f"{run.id}: {counted(len(records), 'record')}; next: harness compare --by solver --run {run.id}")
    if not imported:
        typer.echo("nothing new: the store has these results already")
