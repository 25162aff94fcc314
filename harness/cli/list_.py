"""harness list: what there is, which options it takes, why something is unavailable here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from harness.errors import unknown

if TYPE_CHECKING:
    from harness.report.tables.document import Table
    from harness.solvers.solver import Solver
    from harness.timing.device import Device

WHAT = ("problems", "solvers", "devices")
NONE = "–"


class ProblemRow(NamedTuple):
    """A problem, or several that only a number tells apart."""

    problem: str
    size: str
    family: str
    parameters: str
    what: str


def list_names(what: Annotated[str, typer.Argument(help="problems, solvers or devices.")]) -> None:
    """What there is: problems, solvers or devices."""
    if what not in WHAT:
        raise unknown("list", what, WHAT)
    from harness.report.render.terminal import print_table
    from harness.report.terminal.console import out

    match what:
        case "problems":
            print_table(out(), _problems())
        case "solvers":
            print_table(out(), _solvers())
        case _:
            print_table(out(), _devices())


def _problems() -> "Table[ProblemRow]":
    from harness.problems import catalog
    from harness.report.tables.column import Column
    from harness.report.tables.document import table_of

    yours = ProblemRow("FILE.csv, FILE.parquet", "", "yours", "--target", "any table with numeric columns")
    rows = [*map(_problem_row, (*catalog.sidecars(), *catalog.GENERATORS)), *_rungs(), yours]
    columns: tuple[Column[ProblemRow], ...] = (
        Column("problem"),
        Column("size", head="n x p", spare=1),
        Column("family", spare=3),
        Column("parameters", spare=2, least=12),
        Column("what", head="what it is", least=20),
    )
    return table_of(columns, rows)


def _problem_row(name: str) -> ProblemRow:
    from harness.problems import catalog

    problem = catalog.load(name)
    takes = ", ".join(f"{key}={value:g}" for key, value in problem.parameters.items()) or NONE
    return ProblemRow(name, f"{problem.n} x {problem.p}", problem.family, takes, problem.title)


def _rungs() -> Iterator[ProblemRow]:
    """Rungs that only a number tells apart share a row, so that the list stays short enough to read."""
    from harness.problems import ladder

    for group in ladder.groups().values():
        prefix, names = group.prefix(), list(group.rungs)
        if not prefix:
            yield from map(_problem_row, names)
            continue
        suffixes = ", ".join(name.removeprefix(prefix) for name in names)
        yield _problem_row(names[0])._replace(problem=f"{prefix}...", what=f"{group.title}: {suffixes}")


def _solvers() -> "Table[Solver]":
    from harness.records.labels import text_of
    from harness.report.tables.column import Column
    from harness.report.tables.document import table_of
    from harness.solvers.catalog import ALL
    from harness.solvers.solver import missing_library

    def takes(solver: "Solver") -> str:
        each = (name if value is None else f"{name}={text_of(value)}" for name, value in solver.takes.items())
        return ", ".join(each) or NONE

    missing = {solver.name: missing_library(solver.requires) for solver in ALL}
    columns: tuple[Column[Solver], ...] = (
        Column("name", head="solver"),
        Column("title", head="what it is", least=20),
        Column(
            "devices",
            head="runs on",
            text=lambda solver: missing[solver.name] or ", ".join(solver.devices),
            style=lambda solver: "red" if missing[solver.name] else "",
            least=9,
        ),
        Column("takes", head="options and defaults", text=takes, spare=1, least=16),
    )
    return table_of(columns, ALL)


def _devices() -> "Table[Device]":
    from harness.report.tables.column import Column
    from harness.report.tables.document import table_of
    from harness.timing.device import devices

    columns: tuple[Column[Device], ...] = (
        Column("name", head="device"),
        Column("description", head="what it is", least=20),
        Column(
            "unavailable",
            head="state",
            text=lambda device: f"unavailable: {device.unavailable}" if device.unavailable else "here",
            style=lambda device: "red" if device.unavailable else "",
            least=16,
        ),
    )
    return table_of(columns, devices())
