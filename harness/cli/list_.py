"""harness list: what there is, which options it takes, why something is unavailable here."""

from typing import Annotated

import typer

from harness.errors import unknown

WHAT = ("problems", "solvers", "devices")
ROOM = {
    "n x p": (1, 0),
    "family": (3, 0),
    "parameters": (2, 12),
    "what it is": (0, 20),
    "state": (0, 16),
    "runs on": (0, 9),
    "options and defaults": (1, 16),
}
"""Of columns: which go first on a narrow console, and how narrow they may be. A name is never cut."""


def list_names(what: Annotated[str, typer.Argument(help="problems, solvers or devices.")]) -> None:
    """What there is: problems, solvers or devices."""
    if what not in WHAT:
        raise unknown("list", what, WHAT)
    from harness.report.console import out
    from harness.report.sections import Column, print_rows

    header, rows = {"problems": _problems, "solvers": _solvers, "devices": _devices}[what]()
    columns = [Column(name, 0, "left", *ROOM.get(name, (0, 0))) for name in header]
    print_rows(out(), columns, rows)


def _problems() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from harness.problems import catalog

    rows = [_problem_row(name) for name in (*catalog.sidecars(), *catalog.GENERATORS)]
    rows += _rung_rows()
    rows.append(("FILE.csv, FILE.parquet", "", "yours", "--target", "any table with numeric columns"))
    return ("problem", "n x p", "family", "parameters", "what it is"), rows


def _problem_row(name: str) -> tuple[str, ...]:
    from rich.markup import escape

    from harness.problems import catalog

    problem = catalog.load(name)
    takes = ", ".join(f"{key}={value:g}" for key, value in problem.parameters.items()) or "–"
    return (name, f"{problem.n} x {problem.p}", escape(problem.family), takes, escape(problem.title))


def _rung_rows() -> list[tuple[str, ...]]:
    """Rungs that only a number tells apart share a row, so that the list stays short enough to read."""
    from rich.markup import escape

    from harness.problems import ladder

    rows: list[tuple[str, ...]] = []
    for group in ladder.groups().values():
        prefix, names = group.prefix(), list(group.rungs)
        if not prefix:
            rows.extend(map(_problem_row, names))
            continue
        _, size, family, takes, _ = _problem_row(names[0])
        suffixes = ", ".join(name.removeprefix(prefix) for name in names)
        rows.append((f"{prefix}...", size, family, takes, escape(f"{group.title}: {suffixes}")))
    return rows


def _solvers() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from harness.records.labels import text_of
    from harness.solvers.catalog import ALL
    from harness.solvers.solver import missing_library

    rows: list[tuple[str, ...]] = []
    for solver in ALL:
        takes = ", ".join(
            name if default is None else f"{name}={text_of(default)}" for name, default in solver.takes.items()
        )
        unavailable = missing_library(solver.requires)
        state = f"[red]{unavailable}[/]" if unavailable else ", ".join(solver.devices)
        rows.append((solver.name, solver.title, state, takes or "–"))
    return ("solver", "what it is", "runs on", "options and defaults"), rows


def _devices() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    from harness.timing.device import devices

    rows: list[tuple[str, ...]] = [
        (d.name, d.description, f"[red]unavailable: {d.unavailable}[/]" if d.unavailable else "here") for d in devices()
    ]
    return ("device", "what it is", "state"), rows
