"""What a command prints: documents and lines for people, JSON for programs, or nothing while all is well."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli.groups import Group, flag
from harness.cli.options import AsJson
from harness.errors import UsageError, without_password
from harness.report.tables.document import Document

if TYPE_CHECKING:
    from harness.report.terminal.working import Working
    from harness.store.store import Store


@dataclass(frozen=True)
class JsonGroup(Group):
    """For people, or for a program."""

    as_json: AsJson = False

    def print(self, json: Callable[[], str], *documents: Callable[[], Document]) -> None:
        """Print JSON or documents, whichever was asked for, on standard output; the other is not made."""
        if self.as_json:
            print_json(json())
        else:
            show(*(document() for document in documents))


@dataclass(frozen=True)
class PrintGroup(JsonGroup):
    """For people, for a program, or for nobody while all is well."""

    quiet: bool = flag("--quiet", "-q", help="No progress, and nothing at all unless the exit code is not 0.")

    def wants(self, code: int) -> bool:
        """Whether a command that ends with `code` prints its result."""
        return self.as_json or not self.quiet or code != 0

    @property
    def for_people(self) -> bool:
        """Whether more than the result itself is printed."""
        return not (self.as_json or self.quiet)


@dataclass(frozen=True)
class MarkdownGroup(PrintGroup):
    """And for GitHub. Raises UsageError for two formats at once."""

    markdown: bool = flag(help="Print GitHub tables.")

    def __post_init__(self) -> None:
        if self.as_json and self.markdown:
            raise UsageError("--json and --markdown both write to standard output: give one of them")

    @property
    def as_tables(self) -> bool:
        """Whether people read it on a console."""
        return not (self.as_json or self.markdown)

    def wants(self, code: int) -> bool:
        """As of every command; Markdown that was asked for is printed."""
        return self.markdown or super().wants(code)

    def print(self, json: Callable[[], str], *documents: Callable[[], Document]) -> None:
        """As of every command, or Markdown."""
        if self.markdown:
            for document in documents:
                print_markdown(document())
        else:
            super().print(json, *documents)


def show(*documents: Document) -> None:
    """Print for people, on standard output."""
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out

    for document in documents:
        print_document(out(), document)


def print_line(line: str) -> None:
    """Print a line on standard output as it is, with what people copy unbroken."""
    from harness.report.terminal.console import out

    out().print(line, markup=False, soft_wrap=True)


def note(said: str | Document) -> None:
    """Print on standard error what is no result: a line as it is, or a document."""
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import err

    if isinstance(said, str):
        err().print(said, markup=False, soft_wrap=True)
    else:
        print_document(err(), said)


def working(what: str, *, quiet: bool = False) -> "Working":
    """What a command is at while it takes long, on standard error; nothing if `quiet`."""
    from harness.report.terminal.console import err
    from harness.report.terminal.working import Working

    return Working(err(), what, quiet=quiet)


def print_json(text: str) -> None:
    """Print JSON, with escapes in the place of what a terminal would act upon: to a program it is the same."""
    from harness.report.render.text import CONTROLS

    typer.echo(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_markdown(document: Document) -> None:
    """Print Markdown on standard output, as it is."""
    from harness.report.render.markdown import markdown

    typer.echo(markdown(document))


def pasted(*words: str, store: "Store | None" = None, expectations: Path | None = None) -> str:
    """A command to be pasted: the words, and `--store` where it is not the one that is opened without.

    `expectations`: what was named, None where nothing was.
    """
    more = [] if expectations is None else ["--expectations", str(expectations)]
    if store is not None:
        from harness.store.address import store_url
        from harness.store.database import sqlite_file

        if store.url != without_password(store_url(None)):
            more += ["--store", str(sqlite_file(store.engine) or store.url)]
    return shlex.join(["harness", *words, *more])
