"""harness import: bring another tool's results in."""

from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as cli
from harness.cli.groups import argument, option
from harness.cli.printing import pasted
from harness.errors import UsageError, counted, unknown

ASV = "asv"


def import_results(
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="asv, pytest-benchmark, google-benchmark, hyperfine, customBiggerIsBetter or customSmallerIsBetter.",
        ),
    ],
    file: Path | None = argument(help="The JSON file that the tool wrote; of asv none."),
    commit: str | None = option(help="Of asv: which, the newest by default. Of a file: what was measured."),
    of_asv: cli.AsvGroup,
    store: cli.StoreUrl = None,
) -> None:
    """Bring asv's results into the store, for harness compare; or a file of another tool among asv's results.

    There harness gate --asv judges it and harness history --asv --all watches it, by the same rules.
    """
    from harness.asv.formats import FORMATS
    from harness.asv.gate import DEFAULT_FOLDER
    from harness.asv.imports import import_format

    judge = pasted("gate", "--asv", *([] if of_asv.results is None else ["--results", str(of_asv.results)]))
    if what == ASV:
        if file is not None:
            raise UsageError("import asv takes no file: --results names asv's results_dir")
        _asv(of_asv, commit, store, judge)
        return
    if what not in FORMATS:
        raise unknown("format", what, (ASV, *FORMATS))
    if file is None:
        raise UsageError(f"import {what} takes a file: the JSON that the tool wrote")
    if store is not None:
        raise UsageError(f"--store goes with import asv: {what} is kept among asv's results, which --results names")
    path, numbers = import_format(what, file, of_asv.results or DEFAULT_FOLDER, commit, of_asv.machine)
    failed = [one.name for one in numbers if one.value is None]
    but = f", {len(failed)} of them failed, as {failed[0]}" if failed else ""
    typer.echo(f"{path}: {counted(len(numbers), 'number')}{but}; next: {judge}")


def _asv(of_asv: cli.AsvGroup, commit: str | None, store: str | None, judge: str) -> None:
    """The results of asv into the store, which is made when there is something for it."""
    from harness.asv.gate import import_asv
    from harness.store.store import Store

    opened = cache(lambda: Store(store))
    found = import_asv(of_asv.folder, opened, of_asv.machine, commit)
    for run, records in found:
        if records:
            next_ = pasted("compare", "--by", "solver", "--run", run.id, store=opened())
            typer.echo(f"{run.id}: {counted(len(records), 'record')}; next: {next_}")
        else:
            typer.echo(f"{run.id}: another project's suite, no case of the harness in it; next: {judge}")
    if not found:
        typer.echo("nothing new: the store has these results already")
