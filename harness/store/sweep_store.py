"""Sweeps and their cells in a store, beside its runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, inspect, select

from harness.errors import UsageError
from harness.files.strict_json import parsed_json
from harness.records.environment import Environment
from harness.records.run import now
from harness.records.sweep import Cell, Sweep
from harness.store import tables
from harness.store.rows import end, insert_with_environment, next_place
from harness.store.store import Store, named_or_newest

APART = {"environment", "finished_at"}
"""What a sweep's row holds outside its body."""
SWEEP_COLUMNS = (tables.sweeps.c.body, tables.sweeps.c.finished_at, tables.environments.c.body.label("environment"))
"""What `sweep_of` makes a sweep of."""


class SweepStore:
    """The sweeps of a store; cells are committed as they are added."""

    def __init__(self, store: Store) -> None:
        """Of an open store; one made before there were sweeps, and opened to be read, has none."""
        self.url, self.write, self._store = store.url, store.write, store
        with store.reading() as connection:
            self.made = inspect(connection).has_table(tables.sweeps.name)

    def start(self, sweep: Sweep) -> None:
        """Write a sweep that is about to begin."""
        self._store.started.add(sweep.id)
        with self.write() as connection:
            insert_sweep(connection, sweep)

    def add(self, sweep_id: str, cells: Sequence[Cell]) -> None:
        """Write cells, all or none of them; from then on this process measures the sweep.

        Raises UsageError if one is there already: another process goes on with the same sweep.
        """
        self._store.started.add(sweep_id)
        if cells:
            with self.write() as connection:
                insert_cells(connection, sweep_id, cells)

    def finish(self, sweep_id: str) -> None:
        """Mark a sweep as having gone through all its cells."""
        with self.write() as connection:
            end(connection, tables.sweeps, sweep_id, now(), place=next_place(tables.sweeps))

    def sweeps(self) -> list[Sweep]:
        """Every sweep, in the order of Store.runs."""
        if not self.made:
            return []
        joined = select(*SWEEP_COLUMNS).join(tables.environments).order_by(*self._store.order_of(tables.sweeps))
        with self._store.reading() as connection:
            return [sweep_of(row) for row in connection.execute(joined).mappings()]

    def sweep(self, sweep_id: str | None = None) -> Sweep:
        """The sweep of that id, or the newest.

        Raises CannotMeasureError without any, UsageError for an unknown id.
        """
        return named_or_newest(self.sweeps(), sweep_id, "sweep", self.url)

    def unfinished(self) -> Sweep:
        """The newest sweep that was cut off. Raises UsageError if there is none."""
        cut_off = [sweep for sweep in self.sweeps() if sweep.finished_at is None]
        if not cut_off:
            raise UsageError(f"--resume: no unfinished sweep in {self.url}: start one with 'harness sweep'")
        return cut_off[-1]

    def cells(self, sweep_id: str) -> list[Cell]:
        """The cells of a sweep, in the order they ended."""
        of_it = (
            select(tables.sweep_cells.c.body)
            .where(tables.sweep_cells.c.sweep == sweep_id)
            .order_by(tables.sweep_cells.c.id)
        )
        with self._store.reading() as connection:
            return [Cell.model_validate_json(body) for body in connection.execute(of_it).scalars()]


def sweep_of(row: Mapping[Any, Any]) -> Sweep:
    """The sweep of a row with its environment's body as `environment`."""
    environment = Environment.model_validate_json(row["environment"])
    body = parsed_json(row["body"], constants=True)
    return Sweep(**body, finished_at=row["finished_at"], environment=environment)


def insert_sweep(connection: Connection, sweep: Sweep, place: int | None = None) -> None:
    """Write a sweep as `insert_with_environment` does."""
    insert_with_environment(connection, tables.sweeps, sweep, place, body=sweep.model_dump_json(exclude=APART))


def insert_cells(connection: Connection, sweep_id: str, cells: Sequence[Cell]) -> None:
    """Write at least one cell of a sweep."""
    rows = [
        {
            "sweep": sweep_id,
            "problem": cell.problem,
            "optimizer": cell.optimizer,
            "lr": cell.lr,
            "status": cell.status.value,
            "body": cell.model_dump_json(),
        }
        for cell in cells
    ]
    connection.execute(insert(tables.sweep_cells), rows)
