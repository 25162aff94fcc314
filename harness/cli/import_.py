"""harness import: bring another tool's results in."""

from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as cli
from harness.cli.pasting import pasted
from harness.errors import UsageError, counted

ASV = "asv"


def import_results(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="asv, pytest-benchmark, google-benchmark, hyperfine, customBiggerIsBetter or customSmallerIsBetter.",
        ),
    ],
    file: Annotated[Path | None, typer.Argument(help="The JSON file that the tool wrote; of asv none.")] = None,
    commit: Annotated[
        str | None, typer.Option(help="Of asv: which, the newest by default. Of a file: what was measured.")
    ] = None,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    store: cli.StoreUrl = None,
) -> None:
    """Bring asv's results into the store, for harness compare; or a file of another tool among asv's results.

    There harness gate --asv judges it and harness history --asv --all watches it, by the same rules.
    """
    if what != ASV:
        _file(what, file, commit, machine, results, store)
        return
    if file is not None:
        raise UsageError("import asv takes no file: --results names asv's results_dir")
    from harness.asv.gate import existing_folder, import_asv
    from harness.store.store import Store

    folder = existing_folder(results)
    opened = cache(lambda: Store(store))
    found = import_asv(folder, opened, machine, commit)
    judge = _judging(results)
    for run, records in found:
        if records:
            next_ = pasted("compare", "--by", "solver", "--run", run.id, store=opened())
            typer.echo(f"{run.id}: {counted(len(records), 'record')}; next: {next_}")
        else:
            typer.echo(f"{run.id}: another project's suite, no case of the harness in it; next: {judge}")
    if not found:
        typer.echo("nothing new: the store has these results already")


def _file(
    what: str, file: Path | None, commit: str | None, machine: str | None, results: Path | None, store: str | None
) -> None:
    from harness.asv.formats import FORMATS
    from harness.asv.gate import DEFAULT_FOLDER
    from harness.asv.imports import import_format
    from harness.errors import unknown

    if what not in FORMATS:
        raise unknown("format", what, (ASV, *FORMATS))
    if file is None:
        raise UsageError(f"import {what} takes a file: the JSON that the tool wrote")
    if store is not None:
        raise UsageError(f"--store goes with import asv: {what} is kept among asv's results, which --results names")
    folder = results or DEFAULT_FOLDER
    path, count = import_format(what, file, folder, commit, machine)
    typer.echo(f"{path}: {counted(count, 'number')}; next: {_judging(results)}")


def _judging(results: Path | None) -> str:
    """The command that judges asv's results."""
    return pasted("gate", "--asv", *([] if results is None else ["--results", str(results)]))
