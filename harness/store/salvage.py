"""Everything that can be read of a store, and what cannot: also of one that is damaged.

Each table is read in the order in which SQLite keeps its rows, from both ends if something on the way cannot be read
(fileformat2.html: a table is a tree of pages by row id, so that a lost page costs the rows on it, not those beyond).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Table, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import CannotMeasureError, counted, without_password
from harness.records.record import Record
from harness.records.run import Run
from harness.records.sweep import Cell, Sweep
from harness.store import tables
from harness.store.address import store_url
from harness.store.conditions import Conditions
from harness.store.database import open_engine
from harness.store.entries import CellEntry, ConditionsEntry, Entry, RecordEntry, RunEntry, SweepEntry
from harness.store.errors import STRANGE, said_of, store_errors
from harness.store.migrations import check_version, version_of
from harness.store.rows import RUN_COLUMNS, run_of, samples_of
from harness.store.sweep_store import sweep_of

UNREADABLE = (SQLAlchemyError, *STRANGE)
"""What the database, the models, and rows of other kinds than ours raise."""
QUESTIONS = ("PRAGMA integrity_check", "PRAGMA foreign_key_check")
MOST_LINES = 20
"""Of what SQLite's integrity check says."""
Row = dict[str, Any]
Model = TypeVar("Model", Cell, Conditions)
Stored = TypeVar("Stored", Run, Sweep)


@dataclass
class Salvage:
    """What is in a store; `troubles` (what cannot be read, or is torn) grows while the entries are read."""

    connection: Connection
    url: str
    troubles: list[str] = field(default_factory=list)
    version: object = None
    unfinished: dict[str, int] = field(default_factory=dict)
    """Runs that were cut off, and how many of their cases are not there whole."""
    stretches: dict[str, list[int]] = field(default_factory=dict)
    """Where the conditions of each run and sweep are."""

    def entries(self) -> Iterator[Entry]:
        """Every run with its records, every sweep with its cells, as far as they can be read.

        Raises UsageError for a store of a newer version, which may hold what is not known here;
        CannotMeasureError where not even its list of tables can be read, or it is of PostgreSQL and empty.
        """
        if self.connection.dialect.name != "sqlite" and not inspect(self.connection).has_table(tables.meta.name):
            raise CannotMeasureError(f"{self.url}: nothing is stored there yet: 'harness run' fills it")
        try:
            self.version = version_of(self.connection)
            columns = {column["name"] for column in inspect(self.connection).get_columns(tables.records.name)}
            has_sweeps, has_conditions = (
                inspect(self.connection).has_table(table.name) for table in (tables.sweeps, tables.conditions)
            )
        except UNREADABLE as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise CannotMeasureError(f"store {self.url}: nothing of it can be read: {cause}") from None
        check_version(self.version, self.url)
        environments = {row["id"]: row["body"] for row in self._rows(tables.environments, *tables.environments.c)}
        if has_conditions:
            self.stretches = self._keys(tables.conditions.c.run)
        yield from self._runs(environments, with_rounds=tables.records.c.rounds.name in columns)
        if has_sweeps:
            yield from self._sweeps(environments)

    def integrity(self) -> None:
        """Ask the database itself: integrity_check and foreign_key_check (pragma.html); SQLite only."""
        if self.connection.dialect.name != "sqlite":
            return
        for question in QUESTIONS:
            pragma = question.removeprefix("PRAGMA ")
            try:
                rows = self.connection.exec_driver_sql(question).fetchmany(MOST_LINES)
            except SQLAlchemyError as error:
                self._say(pragma, error)
                continue
            lines = [" ".join(" ".join(map(str, row)).split()) for row in rows]
            self.troubles += [f"{pragma}: {line}" for line in lines if line != "ok"]

    def _keys(self, owner: Column[Any]) -> dict[str, list[int]]:
        """The keys of the rows of a table, by the run or sweep that they are of."""
        found: dict[str, list[int]] = {}
        for row in self._rows(owner.table, owner.table.c.id, owner):
            found.setdefault(row[owner.name], []).append(row["id"])
        return found

    def _owners(
        self, table: Table, columns: Iterable[Column[Any]], made: Callable[[Row], Stored], member: str, of: Column[Any]
    ) -> Iterator[tuple[Stored, list[int]]]:
        """The runs or sweeps that can be read, in order, with the keys of their records or cells."""
        keys = self._keys(of)
        for row in self._in_order(table, *columns):
            of_it = keys.pop(row["id"], [])
            try:
                owner = made(row)
            except UNREADABLE as error:
                self._say(f"{of.name} {row['id']} and its {counted(len(of_it), member)}", error)
                continue
            yield owner, sorted(of_it)
        for name, of_it in keys.items():
            are = counted(len(of_it), f"{member} is", f"{member}s are")
            self.troubles.append(f"{are} of {of.name} {name}, which cannot be read")

    def _runs(self, environments: dict[str, str], *, with_rounds: bool) -> Iterator[Entry]:
        def made(row: Row) -> Run:
            return run_of(row | {"body": environments[row["environment"]]})

        for run, keys in self._owners(tables.runs, RUN_COLUMNS, made, "record", tables.records.c.run):
            yield RunEntry(run=run)
            yield from self._conditions(run.id)
            whole = 0
            for key in keys:
                entry = self._record(key, run, with_rounds=with_rounds)
                if entry is not None:
                    whole += entry.whole
                    yield entry
            self._count(run, whole)

    def _count(self, run: Run, whole: int) -> None:
        missing = len(run.planned) - whole
        if run.finished_at is None:
            self.unfinished[run.id] = max(missing, 0)
        elif missing > 0 and run.command.startswith("harness "):
            lost = counted(missing, "record is lost", "records are lost")
            self.troubles.append(f"run {run.id} has finished, but {lost} of {len(run.planned)}")

    def _record(self, key: int, run: Run, *, with_rounds: bool) -> RecordEntry | None:
        """A record with its samples; None, and a trouble, if it cannot be read or is torn."""
        records, samples = tables.records.c, tables.samples.c
        named = (records.case, records.problem, records.solver, records.status)
        columns = [*named, records.body, records.sampling_error, *([records.rounds] if with_rounds else [])]
        in_order = select(samples.round, samples.wall_s, samples.cpu_s).order_by(samples.round)
        try:
            row = self.connection.execute(select(*columns).where(records.id == key)).mappings().one()
            timed = self.connection.execute(in_order.where(samples.record == key)).all()
            taken = samples_of([(wall, cpu) for _, wall, cpu in timed], row["sampling_error"])
            record = Record.model_validate_json(row["body"]).model_copy(update={"samples": taken})
            if [row[one.name] for one in named] != [record.case, record.problem, record.solver, record.status.value]:
                raise ValueError("its columns say what its body does not")
            has_ended = bool(timed or taken.error or run.finished_at)  # all that a store of version 1 shows
            rounds = row["rounds"] if with_rounds else len(timed) if has_ended else None
            torn = len(timed) != (rounds or 0) or any(number != i for i, (number, _, _) in enumerate(timed))
        except UNREADABLE as error:
            self._say(f"run {run.id}: record {key}", error)
            return None
        if torn:
            has = counted(len(timed), "sample")
            self.troubles.append(f"run {run.id}: record {key} is torn: it has {has} of {rounds or 0}")
            return None
        return RecordEntry(record=record, of=run.id, whole=rounds is not None)

    def _sweeps(self, environments: dict[str, str]) -> Iterator[Entry]:
        def made(row: Row) -> Sweep:
            return sweep_of(row | {"environment": environments[row["environment"]]})

        columns = [one for one in tables.sweeps.c if one.name != "place"]
        for sweep, keys in self._owners(tables.sweeps, columns, made, "cell", tables.sweep_cells.c.sweep):
            yield SweepEntry(sweep=sweep)
            yield from self._conditions(sweep.id)
            for cell in self._bodies(Cell, tables.sweep_cells, keys, f"sweep {sweep.id}: cell"):
                yield CellEntry(cell=cell, of=sweep.id)

    def _conditions(self, run_id: str) -> Iterator[Entry]:
        keys = self.stretches.pop(run_id, [])
        for found in self._bodies(Conditions, tables.conditions, keys, f"{run_id}: its conditions"):
            yield ConditionsEntry(conditions=found, of=run_id)

    def _bodies(self, model: type[Model], table: Table, keys: Sequence[int], what: str) -> Iterator[Model]:
        """The bodies of the rows with these keys, as far as they can be read."""
        for key in sorted(keys):
            try:
                body = self.connection.execute(select(table.c.body).where(table.c.id == key)).scalar_one()
                yield model.model_validate_json(body)
            except UNREADABLE as error:
                self._say(f"{what} {key}", error)

    def _in_order(self, table: Table, *columns: Column[Any]) -> list[Row]:
        """Runs or sweeps, as the store has them in order."""
        known = {column["name"] for column in inspect(self.connection).get_columns(table.name)}
        place = [table.c.place] if "place" in known else []
        rows = list(self._rows(table, *columns, *place))
        return sorted(rows, key=lambda row: found if isinstance(found := row.pop("place", None), int) else 0)

    def _rows(self, table: Table, *columns: Column[Any]) -> Iterator[Row]:
        """The rows of a table from its beginning; what lies beyond the first that cannot be read, from its end."""
        key = table.primary_key.columns.values()[0]
        forward = text("rowid") if self.connection.dialect.name == "sqlite" else key
        seen = set()
        for order in (forward, text("rowid DESC")):
            try:
                for row in self.connection.execute(select(key.label("_key"), *columns).order_by(order)).mappings():
                    if row["_key"] in seen:
                        if order is forward:  # pages that lead back to themselves
                            self.troubles.append(f"table {table.name}: the row {row['_key']!r:.50} comes twice")
                        return
                    seen.add(row["_key"])
                    yield dict(row)
            except SQLAlchemyError as error:
                if order is forward:
                    self._say(f"table {table.name}", error)
            else:
                return

    def _say(self, what: str, error: Exception) -> None:
        if isinstance(error, SQLAlchemyError) and self.connection.dialect.name != "sqlite":
            raise error  # PostgreSQL answers nothing more in this transaction, and has tools of its own
        self.troubles.append(f"{what}: {said_of(getattr(error, 'orig', None) or error)}")


@contextmanager
def salvaging(url: str | None) -> Iterator[Salvage]:
    """What can be read of a store, which is not written to.

    Raises CannotMeasureError if there is none, UsageError if it cannot be opened at all.
    """
    address = store_url(url)
    shown = without_password(address)
    with store_errors(shown):
        engine = open_engine(address, create=False, forgiving=True)
        try:
            with engine.connect() as connection:
                yield Salvage(connection, shown)
        finally:
            engine.dispose()
