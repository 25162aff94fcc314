"""Kill -9 workers of a Dask cluster at random moments: `python -m tools.kill_workers 20 --seed 1`.

Every other kill falls under a run that is measured `--on` the cluster, the others under `least_squares` of a Dask
array. After each: is every planned record there once, whole and as at home, or `crashed` and saying so? Is the answer
that of one machine, to the last bit? Exit code 1 if anything is not so.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.measure.cluster.address import RESOURCE
from harness.measure.cluster.place import Cluster
from harness.measure.isolation.limits import Limits
from harness.measure.plan import Request, plan
from harness.measure.run import execute, new_run
from harness.records.record import Record
from harness.solvers.status import Status
from harness.solvers.streaming import Answer, least_squares
from harness.store.store import Store

PROBLEMS = ("four_points", "noiseless_line", "synthetic:n=60,p=2", "nist_longley")
SOLVERS = ("numpy_lstsq", "scipy_gelsd", "normal_equations", "mean")
ROWS, COLUMNS, PARTITIONS = 4_000_000, 5, 80
CONNECT_S = 120.0


@dataclass
class Tally:
    """What happened: all from `wrong` on should be 0 or empty; `late` kills came when the work had ended."""

    seed: int
    kills: int = 0
    late: int = 0
    records: int = 0
    crashed: int = 0
    answers: int = 0
    wrong: int = 0
    lost: int = 0
    troubles: list[str] = field(default_factory=list)


class Killer:
    """Kills a random worker at a random moment of what is done inside."""

    def __init__(self, client: Any, random_: random.Random, within_s: float) -> None:
        self._client, self._random, self._within_s = client, random_, within_s
        self._done = threading.Event()
        self.killed = False
        self._thread = threading.Thread(target=self._kill)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _kill(self) -> None:
        pids = self._client.run(os.getpid)
        victim = self._random.choice(sorted(pids.values()))
        if not self._done.wait(self._random.uniform(0, self._within_s)):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(victim, signal.SIGKILL)
                self.killed = True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    from distributed import Client, LocalCluster

    tally = Tally(asked.seed)
    made = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        resources={RESOURCE: 1},
        dashboard_address=":0",
        memory_limit=0,
        silence_logs=50,
    )
    with tempfile.TemporaryDirectory() as folder, made, Client(made) as client:
        os.environ["HARNESS_CACHE_DIR"] = folder
        works = [_runs(folder, made.scheduler_address, tally), _answers(tally)]
        took = [_timed(work) for work in works]
        random_ = random.Random(asked.seed)  # noqa: S311  # moments, not secrets
        while tally.kills < asked.kills:
            number = (tally.kills + tally.late) % 2
            client.wait_for_workers(2)
            with Killer(client, random_, took[number]) as killer:
                try:
                    works[number]()
                except Exception as error:  # noqa: BLE001  # it is what is looked for
                    tally.troubles.append(f"{type(error).__name__}: {error}")
            tally.kills += killer.killed
            tally.late += not killer.killed
            print(json.dumps(asdict(tally)), flush=True)
    return int(bool(tally.wrong or tally.lost or tally.troubles))


def _timed(work: Callable[[], None]) -> float:
    before = time.monotonic()
    work()
    return time.monotonic() - before


def _runs(folder: str, address: str, tally: Tally) -> Callable[[], None]:
    request = Request(problems=PROBLEMS, solvers=SOLVERS)
    cases = plan(request)
    home = [_seen(record) for record in execute(new_run(request, cases), cases, Store("sqlite://"))]
    store = Store(str(Path(folder) / "store.sqlite"))

    def work() -> None:
        run = new_run(request, cases)
        with closing(Cluster(address, CONNECT_S, Limits())) as place:
            execute(run, cases, store, place=place)
        found = store.records(run.id)
        tally.records += len(found)
        tally.lost += sorted(store.done(run.id).elements()) != sorted(run.planned)
        for record, known in zip(found, home, strict=True):
            if record.status is Status.CRASHED and "the workers were lost" in record.message:
                tally.crashed += 1
            else:
                wrong = [name for name, value in _seen(record).items() if value != known[name]]
                tally.wrong += bool(wrong)
                tally.troubles += [f"{record.case}: another {name}" for name in wrong]

    return work


def _seen(record: Record) -> dict[str, object]:
    return record.model_dump(include={"case", "status", "accuracy", "solution"}) | {"message": record.message}


def _answers(tally: Tally) -> Callable[[], None]:
    import dask.array as da

    drawn = da.random.default_rng(tally.seed)
    X = drawn.standard_normal((ROWS, COLUMNS), chunks=(ROWS // PARTITIONS, -1))
    y = X @ np.arange(1.0, COLUMNS + 1) + drawn.standard_normal(ROWS, chunks=ROWS // PARTITIONS)
    known = _bits(least_squares(X.compute(), y.compute()))

    def work() -> None:
        tally.answers += 1
        tally.wrong += _bits(least_squares(X, y)) != known

    return work


def _bits(answer: Answer) -> list[object]:
    return [part.tobytes() if isinstance(part, np.ndarray) else repr(part) for part in vars(answer).values()]


if __name__ == "__main__":
    sys.exit(main())
