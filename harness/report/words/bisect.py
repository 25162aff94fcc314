"""What `harness bisect` says: a line a commit, and the commit that did it."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape

from harness.records.bisection import Bisection, Commit, Marked
from harness.report.words.ab import library

SHOWN_FILES = 8


def step_line(commit: Commit, marked: Marked) -> str:
    """For example `bad     1a2b3c4d5e6f Rewrite the loop: CPU time x 1.21 [1.20, 1.23]`."""
    held = ", ".join(map(library, marked.libraries))
    return f"{marked.mark:7s} {commit}: {marked.seen}" + (f"; with {held}" if held else "")


def print_bisection(console: Console, quantity: str, suspects: Sequence[Commit]) -> None:
    """The first bad commit with its author, date and files; or the commits among which it is."""
    if len(suspects) == 1:
        (one,) = suspects
        console.print(f"[red]first bad commit of {escape(quantity)}:[/] {one.hash}")
        console.print(escape(f"{one.subject}\n{one.author}, {one.when}"))
        more = len(one.files) - SHOWN_FILES
        shown = [*one.files[:SHOWN_FILES], *([f"and {more} more"] if more > 0 else [])]
        console.print(escape("changed: " + ", ".join(shown) if shown else "it changed no file"), soft_wrap=True)
        return
    console.print(f"[yellow]one of these {len(suspects)} commits[/], which could not be told apart:")
    for one in suspects:
        console.print(escape(str(one)), soft_wrap=True)


def bisection_json(case: str, quantity: str, found: Bisection, suspects: Sequence[Commit]) -> str:
    """Case, quantity, every step with its mark, libraries and what was seen, the suspects; null unless one is left."""
    steps = [
        {
            "commit": one.commit,
            "mark": one.marked.mark,
            "seen": one.marked.seen,
            "libraries": [each.model_dump() for each in one.marked.libraries],
        }
        for one in found.steps
    ]
    every = [asdict(one) for one in suspects]
    page = {"case": case, "quantity": quantity, "steps": steps, "suspects": every}
    return json.dumps({**page, "first_bad": found.suspects[0] if len(found.suspects) == 1 else None}, indent=1)
