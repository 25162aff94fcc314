"""harness list: what there is, which options it takes, why something is unavailable here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from harness.cli.printing import show
from harness.errors import UsageError, unknown
from harness.report.tables.column import Column
from harness.report.tables.document import Document, Table, table_of

if TYPE_CHECKING:
    from harness.solvers.solver import Solver
    from harness.timing.device import Device

NONE = "–"


class ProblemRow(NamedTuple):
    """A problem, or several that only a number tells apart."""

    problem: str
    size: str
    family: str
    parameters: str
    what: str
    origin: str = ""


class SolverRow(NamedTuple):
    """A solver; `origin`: the package and version that it comes from, empty for the harness's own."""

    name: str
    what: str
    runs_on: str
    takes: str
    origin: str
    missing: bool


class OptimizerRow(NamedTuple):
    """An optimizer; `origin` as of a solver."""

    name: str
    what: str
    settings: str
    engines: str
    origin: str = ""
    missing: bool = False


def _problems() -> Iterator[Table[ProblemRow]]:
    from harness.problems import catalog

    yours = ProblemRow("FILE.csv, FILE.parquet", "", "yours", "--target", "any table with numeric columns")
    own = map(_problem_row, (*catalog.sidecars(), *catalog.GENERATORS))
    rows = [*own, *_rungs(), *_packaged_problems(), yours]
    columns: tuple[Column[ProblemRow], ...] = (
        Column("problem"),
        Column("size", head="n x p", spare=1),
        Column("family", spare=3),
        Column("parameters", spare=2, least=12),
        Column("what", head="what it is", least=20),
        *_from_package(rows),
    )
    yield table_of(columns, rows)


def _suites() -> Iterator[Table[Any]]:
    from harness.problems import suites
    from harness.report.tables import suite as columns

    for name in suites.files():
        made = suites.get(name)
        yield table_of(columns.COLUMNS, columns.rows(made.model_dump()))


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


def _solvers() -> Iterator[Table[SolverRow]]:
    from harness import plugins
    from harness.solvers import catalog
    from harness.solvers.brought.missing import Missing

    rows = [_solver_row(solver, "") for solver in catalog.ALL]
    for one in plugins.plugins(plugins.SOLVERS):
        taken = f"{one.name} is taken by a solver of the harness" if one.name in catalog.SOLVERS else ""
        reason = taken or _reason(partial(plugins.plugin, plugins.SOLVERS, one.name))
        solver: Solver = Missing(one.name, one.value, reason) if reason else catalog.of_plugin(one)
        rows.append(_solver_row(solver, one.origin))
    columns: tuple[Column[SolverRow], ...] = (
        Column("name", head="solver"),
        Column("what", head="what it is", least=20),
        Column("runs_on", head="runs on", style=lambda row: "red" if row.missing else "", least=9),
        Column("takes", head="options and defaults", spare=1, least=16),
        *_from_package(rows),
    )
    yield table_of(columns, rows)


def _solver_row(solver: "Solver", origin: str) -> SolverRow:
    from harness.records.labels import text_of
    from harness.solvers.brought.missing import Missing
    from harness.solvers.solver import missing_library

    missing = solver.reason if isinstance(solver, Missing) else missing_library(solver.requires) or ""
    each = (name if value is None else f"{name}={text_of(value)}" for name, value in solver.takes.items())
    takes = NONE if missing and origin else ", ".join(each) or NONE
    return SolverRow(solver.name, solver.title, missing or ", ".join(solver.devices), takes, origin, bool(missing))


def _optimizers() -> Iterator[Table[OptimizerRow]]:
    from harness import plugins
    from harness.solvers.training import optimizers

    rows = [
        OptimizerRow(one.name, f"torch.optim.{one.torch_class}", ", ".join(one.settings), ", ".join(one.runs_by))
        for one in optimizers.OPTIMIZERS.values()
    ]
    for one in plugins.plugins(plugins.OPTIMIZERS):
        taken = f"{one.name} is taken by an optimizer of the harness" if one.name in optimizers.OPTIMIZERS else ""
        reason = taken or _reason(partial(optimizers.get, one.name))
        rows.append(OptimizerRow(one.name, reason or one.value, "its own", "loop", one.origin, bool(reason)))
    columns: tuple[Column[OptimizerRow], ...] = (
        Column("name", head="optimizer"),
        Column("what", head="what it is", style=lambda row: "red" if row.missing else "", least=20),
        Column("settings", spare=1, least=12),
        Column("engines", spare=2, least=12),
        *_from_package(rows),
    )
    yield table_of(columns, rows)


def _packaged_problems() -> Iterator[ProblemRow]:
    """The problems of installed packages; one that cannot be had has its reason in the place of what it is."""
    from harness import plugins
    from harness.problems import catalog

    known = catalog.names()
    for one in plugins.plugins(plugins.PROBLEMS):
        if one.name in known:
            yield ProblemRow(one.name, "", "", NONE, f"{one.name} is taken by a problem of the harness", one.origin)
            continue
        try:
            yield _problem_row(one.name)._replace(what=one.value, origin=one.origin)
        except UsageError as error:
            yield ProblemRow(one.name, "", "", NONE, str(error), one.origin)


def _from_package(rows: Sequence[Any]) -> tuple[Column[Any], ...]:
    """The column of the packages, where any row is of one."""
    return (Column("origin", head="from", least=8),) if any(row.origin for row in rows) else ()


def _reason(get: Callable[[], object]) -> str:
    """Why something cannot be had; empty where it can."""
    try:
        get()
    except UsageError as error:
        return str(error)
    return ""


def _devices() -> "Iterator[Table[Device]]":
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
    yield table_of(columns, devices())


TABLES: Mapping[str, Callable[[], Iterator[Table[Any]]]] = {
    "problems": _problems,
    "suites": _suites,
    "solvers": _solvers,
    "optimizers": _optimizers,
    "devices": _devices,
}


def list_names(what: Annotated[str, typer.Argument(help="problems, suites, solvers, optimizers or devices.")]) -> None:
    """What there is: problems, suites, solvers, optimizers, devices; of installed packages too, with their versions."""
    if what not in TABLES:
        raise unknown("list", what, TABLES)
    for table in TABLES[what]():
        show(Document([table]))
