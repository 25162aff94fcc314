"""Under which conditions a run was measured: the readings before and after it, beside it in the store."""

from collections.abc import Sequence

from sqlalchemy import inspect, select, update

from harness.cores.quota import Quota
from harness.records.record import Kept
from harness.store import tables
from harness.store.rows import insert_body
from harness.store.store import Store
from harness.timing.conditions.readings import Cpu, Frequency, Interpreter, Readings, Stalls, Swap

__all__ = [
    "Conditions",
    "Cpu",
    "Frequency",
    "Interpreter",
    "Quota",
    "Readings",
    "Stalls",
    "Swap",
    "begin",
    "conditions_of",
    "end",
]  # what judges may see


class Conditions(Kept):
    """One stretch of measuring, by one process; a run that was cut off and resumed has several.

    `after` is None where the process was killed before it could look again. The readings are kept, not what they
    mean: harness.judge.machine.conditions says that of any run, older ones included. `machine`: the name of that of a
    cluster's worker; empty at home.
    """

    before: Readings
    after: Readings | None = None
    machine: str = ""

    @property
    def newest(self) -> Readings:
        """The last look at the machine."""
        return self.after or self.before


def begin(store: Store, run_id: str, conditions: Conditions) -> int:
    """Write a stretch that begins; its key for `end`. Raises UsageError if the store cannot be written."""
    with store.write() as connection:
        return insert_body(connection, tables.conditions, run=run_id, body=conditions.model_dump_json())


def end(store: Store, key: int, conditions: Conditions) -> None:
    """Write a stretch that has ended over its beginning. Raises UsageError if the store cannot be written."""
    with store.write() as connection:
        of_it = update(tables.conditions).where(tables.conditions.c.id == key)
        connection.execute(of_it.values(body=conditions.model_dump_json()))


def conditions_of(store: Store, run_id: str) -> Sequence[Conditions]:
    """The stretches of a run, oldest first; none of a run made before they were kept."""
    of_it = select(tables.conditions.c.body).where(tables.conditions.c.run == run_id).order_by(tables.conditions.c.id)
    with store.reading() as connection:
        if not inspect(connection).has_table(tables.conditions.name):
            return ()
        return tuple(Conditions.model_validate_json(body) for body in connection.execute(of_it).scalars())
