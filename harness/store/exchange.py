"""What another store or a file holds, taken into a store: by id, nothing twice, nothing overwritten."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, delete, insert, select, update

from harness.errors import UsageError
from harness.records.record import Record
from harness.records.run import Run
from harness.records.sweep import Cell, Sweep
from harness.store import tables
from harness.store.conditions import Conditions
from harness.store.entries import CellEntry, ConditionsEntry, Entry, RecordEntry, RunEntry, SweepEntry
from harness.store.owner import alive
from harness.store.rows import (
    RUN_COLUMNS,
    end,
    insert_record,
    insert_run,
    insert_samples,
    latest_of,
    place_by_date,
    read_record,
    run_of,
)
from harness.store.store import Store
from harness.store.sweep_store import SWEEP_COLUMNS, insert_cells, insert_sweep, sweep_of
from harness.store.thinning import thinned

Entries = Callable[[], Iterable[Entry]]
"""Read anew at each call: what is taken is read twice, and never held."""


@dataclass
class Taken:
    """How many were taken, and how many were there already."""

    runs: int = 0
    records: int = 0
    sweeps: int = 0
    cells: int = 0
    conditions: int = 0
    known: int = 0


def take(store: Store, entries: Entries, source: str) -> Taken:
    """Take all entries that the store does not have; each run, and each sweep, comes whole or not at all.

    A run that is there may get records that it lacks (it was resumed elsewhere). Raises UsageError, before
    anything is written, if an id is there with other contents.
    """
    with store.reading() as connection:
        looking = _Taking(connection, source, writes=False)
        for entry in entries():
            looking.take(entry)
    total = Taken()
    with store.reading() as connection:
        latest = {table.name: latest_of(connection, table) for table in (tables.runs, tables.sweeps)}
    with ExitStack() as stack:
        taking = None
        for entry in entries():
            if taking is None or isinstance(entry, RunEntry | SweepEntry):
                stack.close()  # commits
                taking = _Taking(stack.enter_context(store.write()), source, total, latest)
            taking.take(entry)
    return total


@dataclass
class _Taking:
    """One pass over entries: a look that raises what there is to raise, or the taking itself.

    `latest`: the latest dates of runs and sweeps before it. What is later is put behind them, in the order in which it
    comes; what is not was measured before some of them, and is put where its date says.
    """

    connection: Connection
    source: str
    total: Taken | None = None
    latest: Mapping[str, str] = field(default_factory=dict)
    writes: bool = True

    def _place(self, table: Table, started_at: str) -> int | None:
        return place_by_date(self.connection, table, started_at, self.latest[table.name])

    def take(self, entry: Entry) -> None:
        match entry:
            case RunEntry(run=run):
                self._run(run)
            case RecordEntry(record=record, of=run_id, whole=whole):
                self._record(record, run_id, whole=whole)
            case SweepEntry(sweep=sweep):
                self._sweep(sweep)
            case CellEntry(cell=cell, of=sweep_id):
                self._cell(cell, sweep_id)
            case ConditionsEntry(conditions=conditions, of=run_id):
                self._conditions(conditions, run_id)

    def _count(self, what: str, *, new: bool) -> bool:
        """Whether something new is to be written now."""
        if self.total is not None:
            name = what if new else "known"
            setattr(self.total, name, getattr(self.total, name) + 1)
        return new and self.writes

    def _run(self, run: Run) -> None:
        joined = select(*RUN_COLUMNS, tables.environments.c.body, tables.runs.c.worker).join_from(
            tables.runs, tables.environments
        )
        row = self.connection.execute(joined.where(tables.runs.c.id == run.id)).mappings().first()
        if self._is_new(tables.runs, f"run {run.id}", None if row is None else run_of(row), run):
            insert_run(self.connection, run, self._place(tables.runs, run.started_at))
        if row is not None and row["finished_at"] is None and (pid := alive(row["worker"])) is not None:
            raise UsageError(f"run {run.id} is still going, in process {pid}: wait for it")

    def _is_new(self, table: Table, name: str, ours: Run | Sweep | None, theirs: Run | Sweep) -> bool:
        """Whether a run or a sweep is to be written now; one that was cut off here may have ended there."""
        if ours is not None:
            self._same_or_refused(name, ours, theirs)
            if ours.finished_at is None and theirs.finished_at is not None and self.writes:
                end(self.connection, table, theirs.id, theirs.finished_at)
        return self._count(table.name, new=ours is None)

    def _same_or_refused(self, name: str, ours: Run | Sweep, theirs: Run | Sweep) -> None:
        """One that was cut off may have gone on elsewhere: when it ended is no part of what it is."""
        both_ended = ours.finished_at is not None and theirs.finished_at is not None
        unfinished = {"finished_at": None}
        if ours.model_copy(update=unfinished) != theirs.model_copy(update=unfinished) or (
            both_ended and ours != theirs
        ):
            raise UsageError(f"{self.source}: {name} is in the store with other contents: nothing of it was taken")

    def _record(self, record: Record, run_id: str, *, whole: bool) -> None:
        ours = self._ours(run_id, record.case)
        if any(_alike(one, record) for _, is_whole, one in ours if is_whole or not whole) or (ours and not whole):
            self._count("records", new=False)
            return
        waiting = [key for key, is_whole, _ in ours if not is_whole]
        planned = self.connection.execute(select(tables.runs.c.planned).where(tables.runs.c.id == run_id)).scalar()
        room = max(1, (planned or "").split("\n").count(record.case))
        if len(ours) - len(waiting) >= room:
            raise UsageError(
                f"{self.source}: run {run_id} is in the store with another record of '{record.case}': "
                "nothing of it was taken"
            )
        if self._count("records", new=True):
            for key in waiting[:1]:
                self.connection.execute(delete(tables.records).where(tables.records.c.id == key))
            key = insert_record(self.connection, run_id, record)
            if whole:
                insert_samples(self.connection, key, record.samples)

    def _ours(self, run_id: str, case: str) -> list[tuple[int, bool, Record]]:
        """The store's records of a case: key, whether it is whole, and itself."""
        records = tables.records.c
        mine = select(records.id, records.rounds).where((records.run == run_id) & (records.case == case))
        rows = self.connection.execute(mine).all()
        return [(key, rounds is not None, read_record(self.connection, key)) for key, rounds in rows]

    def _sweep(self, sweep: Sweep) -> None:
        joined = select(*SWEEP_COLUMNS).join_from(tables.sweeps, tables.environments)
        row = self.connection.execute(joined.where(tables.sweeps.c.id == sweep.id)).mappings().first()
        if self._is_new(tables.sweeps, f"sweep {sweep.id}", None if row is None else sweep_of(row), sweep):
            insert_sweep(self.connection, sweep, self._place(tables.sweeps, sweep.started_at))

    def _cell(self, cell: Cell, sweep_id: str) -> None:
        cells = tables.sweep_cells.c
        same = (cells.sweep == sweep_id) & (cells.problem == cell.problem)
        same &= (cells.optimizer == cell.optimizer) & (cells.lr == cell.lr)
        body = self.connection.execute(select(cells.body).where(same)).scalar()
        if body is not None and Cell.model_validate_json(body).model_dump_json() != cell.model_dump_json():
            raise UsageError(
                f"{self.source}: sweep {sweep_id} is in the store with another cell of {cell.problem}, "
                f"{cell.optimizer}, lr {cell.lr:g}: nothing of it was taken"
            )
        if self._count("cells", new=body is None):
            insert_cells(self.connection, sweep_id, [cell])

    def _conditions(self, stretch: Conditions, run_id: str) -> None:
        """A stretch whose end one store knows and the other does not is one stretch."""
        kept = tables.conditions
        bodies = select(kept.c.id, kept.c.body).where(kept.c.run == run_id)
        ours = {key: Conditions.model_validate_json(body) for key, body in self.connection.execute(bodies).all()}
        same = next((key for key, one in ours.items() if one.before == stretch.before), None)
        body = stretch.model_dump_json()
        if self._count("conditions", new=same is None):
            self.connection.execute(insert(kept).values(run=run_id, body=body))
        elif same is not None and ours[same].after is None and self.writes:
            self.connection.execute(update(kept).where(kept.c.id == same).values(body=body))


def _alike(ours: Record, theirs: Record) -> bool:
    """Whether both are one record; the samples of one of them may have been thinned since."""
    if ours.thinned_from != theirs.thinned_from:
        ours, theirs = thinned(ours), thinned(theirs)
    return ours.model_dump_json() == theirs.model_dump_json()
