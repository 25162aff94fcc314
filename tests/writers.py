"""Processes that write to one store at once: python -m tests.writers STORE [PROCESSES] [RECORDS]

Each is a fork that opens the store, which none has made yet, and writes a run of its own, record by record. What they
say goes to standard error; exit code 1 if one did not end well.
"""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.records.record import Record
    from harness.records.run import Run

PROCESSES, RECORDS = 8, 10


def record_of(case: str, *, rounds: int = 0) -> "Record":
    """A record that no solver had to make, with so many samples."""
    from harness.records.record import Record
    from harness.timing.sampling import Samples
    from tests.old_stores import BODY

    taken = tuple(float(i) for i in range(rounds))
    return Record.model_validate_json(BODY.replace("CASE", case)).model_copy(update={"samples": Samples(taken, taken)})


def run_of(run_id: str, planned: tuple[str, ...], started_at: str = "2026-01-01T00:00:00.000000+00:00") -> "Run":
    """A run that no one had to plan."""
    from harness.records.environment import Environment
    from harness.records.run import Run, Selection
    from tests.old_stores import ENVIRONMENT

    return Run(
        id=run_id,
        started_at=started_at,
        command="harness run",
        selection=Selection(),
        planned=planned,
        environment=Environment.model_validate_json(ENVIRONMENT),
    )


def cases_of(run_id: str, records: int) -> tuple[str, ...]:
    return tuple(f"{run_id}, case {i}" for i in range(records))


def write(name: str, run_id: str, records: int) -> None:
    """A run with so many records of three samples each."""
    from harness.store.store import Store

    store = Store(name)
    cases = cases_of(run_id, records)
    store.start(run_of(run_id, cases))
    for case in cases:
        record = record_of(case, rounds=3)
        store.add_samples(store.add(run_id, record), record.samples)
    store.finish(run_id)


def main(name: str, processes: int = PROCESSES, records: int = RECORDS) -> int:
    """0 if every process ended well."""
    import harness.store.store  # noqa: F401  # once, before the forks

    children = []
    for i in range(processes):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                write(name, f"run-{i}", records)
                code = 0
            except Exception as error:  # noqa: BLE001  # whatever reaches a person
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                sys.stderr.flush()
            finally:
                os._exit(code)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
