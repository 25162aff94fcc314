"""A sweep for a person: every cell, the best learning rates and what to conclude; on a console or as Markdown."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from harness.judge.training.convergence import summarise
from harness.judge.training.tuning import CENSORED, CONVERGED
from harness.records.sweep import Cell, Sweep
from harness.report import sweep_rows as rows
from harness.report import sweep_words as words
from harness.report.accuracy_markdown import plain, table
from harness.report.sections import Column, print_sections
from harness.report.sweep_rows import Group

STYLES = {CONVERGED: "green", CENSORED: "yellow", "unsupported": "dim"}
DISPENSABLE = ("one epoch", "lrs", "converge")
"""Columns of the best learning rates that go, in this order, where a line is full."""
SPARE = {
    "lost": 1,
    "to 1e-6": 2,
    "solved": 3,
    "time": 4,
    "to 1e-2": 5,
    "gap": 6,
    "lr/limit": 7,
    "theory": 8,
    "decades": 9,
    "within 2x": 10,
}
"""Columns that go where even the last version is too wide, the highest number first."""
TEXTS = ("lr", "optimizer", "status")
"""Columns that are flush left."""


def print_sweep(console: Console, sweep: Sweep, cells: Sequence[Cell]) -> None:
    """A section a task and optimizer, a row a learning rate; the best ones beside one another; conclusions."""
    summary = summarise(cells)
    every = (rows.every_cell(summary, told) for told in (rows.ALL, rows.DECIDING, rows.NONE))
    _print(console, _fitting(every, console.width))
    _notes(console, rows.cells_explained(summary))
    console.print()
    best = rows.best(summary)
    _print(console, _fitting((_without(best, DISPENSABLE[:k]) for k in range(len(DISPENSABLE) + 1)), console.width))
    _notes(console, rows.best_explained(summary))
    console.print()
    for line in rows.ended(sweep, summary):
        console.print(escape(line))
    for line in words.conclusions(summary):
        console.print(f"[bold]{escape(line)}[/]")


def sweep_markdown(sweep: Sweep, cells: Sequence[Cell]) -> str:
    """The same as GitHub-flavoured Markdown: what to conclude first, and every interval in its table."""
    summary = summarise(cells)
    parts = [_list(words.conclusions(summary))]
    for groups, notes in (
        (rows.best(summary), rows.best_explained(summary)),
        (rows.every_cell(summary), rows.cells_explained(summary)),
    ):
        for title, members in groups:
            left = [i for i, name in enumerate(members[0]) if name in TEXTS]
            parts.append(
                f"### {plain(title)}\n\n" + table(list(members[0]), [list(row.values()) for row in members], left)
            )
        parts += [_list(notes)] * bool(notes)
    return "\n\n".join([*parts, _list(rows.ended(sweep, summary))]) + "\n"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)


def _notes(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"[dim]{escape(line)}[/]")


def _print(console: Console, groups: Sequence[Group]) -> None:
    columns = [
        Column(name, width, "left" if name in TEXTS else "right", SPARE.get(name, 0))
        for name, width in _widths(groups).items()
    ]
    print_sections(console, columns, ((title, [_cells(row) for row in members]) for title, members in groups))


def _cells(row: rows.Row) -> list[str]:
    return [_status(text) if name == "status" else escape(text) for name, text in row.items()]


def _status(status: str) -> str:
    return f"[{STYLES.get(status, 'red')}]{status}[/]"


def _fitting(versions: Iterable[list[Group]], room: int) -> list[Group]:
    """The first version that fits a line of so many characters, else the last."""
    groups: list[Group] = []
    for groups in versions:
        widths = _widths(groups)
        if sum(widths.values()) + len(widths) - 1 <= room:
            break
    return groups


def _widths(groups: Sequence[Group]) -> dict[str, int]:
    """Characters of each column: its longest text or its name."""
    members = [row for _, found in groups for row in found]
    return {name: max(len(name), *(len(row[name]) for row in members)) for name in members[0]} if members else {}


def _without(groups: Sequence[Group], names: Sequence[str]) -> list[Group]:
    return [
        (title, [{name: text for name, text in row.items() if name not in names} for row in members])
        for title, members in groups
    ]
