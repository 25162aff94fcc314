"""harness store: look after the store: check it, and hand around what it holds."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.printing import note, print_line
from harness.errors import without_password

if TYPE_CHECKING:
    from collections.abc import Sequence

DAMAGED = 1
app = typer.Typer(
    help="Check the store, and hand around what it holds.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="Named .jsonl (JSON Lines) or .parquet.")]
Other = Annotated[
    str, typer.Argument(metavar="OTHER", help="The other store: a SQLite file, or postgresql://USER@HOST/DATABASE.")
]


@app.command()
def check(store: cli.StoreUrl = None) -> None:
    """Whether the store is sound: what is damaged, torn or lost, and what can be saved. Exit code 1 if it is not."""
    from harness.report.words.store import count, health
    from harness.store.salvage import salvaging

    with salvaging(store) as found:
        held = count(found.entries())
        found.integrity()
        where = "" if store is None else f" --store {shlex.quote(without_password(store))}"
        print_line(health(found, held, where))
        raise typer.Exit(DAMAGED if found.troubles else 0)


@app.command("export")
def export_file(file: File, store: cli.StoreUrl = None) -> None:
    """Write all that can be read of the store to FILE. Exit code 1 if something cannot be read."""
    from harness.report.words.store import Held, tallied
    from harness.store.exchange_files import write_entries
    from harness.store.salvage import salvaging

    with salvaging(store) as found:
        held = Held()
        write_entries(file, tallied(found.entries(), held))
        typer.echo(f"{file}: {held}")
        _say_lost(found.troubles)
        raise typer.Exit(DAMAGED if found.troubles else 0)


@app.command("import")
def import_file(file: File, store: cli.StoreUrl = None) -> None:
    """Take what FILE holds, as export wrote it, into the store: nothing twice, nothing overwritten."""
    from harness.report.words.store import taken_words
    from harness.store.exchange import take
    from harness.store.exchange_files import read_entries
    from harness.store.store import Store

    for _ in read_entries(file):
        pass  # a store is not made for a file that is refused
    opened = Store(store)
    typer.echo(f"{opened.url}: {taken_words(take(opened, lambda: read_entries(file), str(file)))}")


@app.command()
def merge(other: Other, store: cli.StoreUrl = None) -> None:
    """Take what OTHER store holds into the store, by the runs' ids. Exit code 1 if something of it cannot be read."""
    from harness.report.words.store import taken_words
    from harness.store.exchange import take
    from harness.store.salvage import salvaging
    from harness.store.store import Store

    with salvaging(other) as found:
        opened = Store(store)
        taken = take(opened, found.entries, found.url)
        typer.echo(f"{opened.url}: {taken_words(taken)}")
        troubles = list(dict.fromkeys(found.troubles))  # all was read twice
        _say_lost(troubles)
        raise typer.Exit(DAMAGED if troubles else 0)


def _say_lost(troubles: "Sequence[str]") -> None:
    """Each thing that could not be read, on standard error."""
    for trouble in troubles:
        note(f"lost: {trouble}")
