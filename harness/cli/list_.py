"""harness list: what there is, which options it takes, why something is unavailable here."""

from typing import Annotated

import typer

from harness.errors import unknown

WHAT = ("problems", "solvers", "devices")


def list_names(what: Annotated[str, typer.Argument(help="problems, solvers or devices.")]) -> None:
    """What there is: problems, solvers or devices."""
    if what not in WHAT:
        raise unknown("list", what, WHAT)
    from rich.table import Table

    from harness.report.console import out

    header, rows = {"problems": _problems, "solvers": _solvers, "devices": _devices}[what]()
    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    out().print(table)


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
    from harness.plan import text_of
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
