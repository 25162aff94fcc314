"""What becomes of each planted fault, and what isolation costs a case: `python -m tools.fault_table`."""

import statistics
import sys
import time
from contextlib import closing

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.measure.isolation.isolated import Isolated
from harness.measure.place import InTurn
from harness.measure.plan import Case, single
from harness.measure.run import InProcess
from harness.problems.catalog import load
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.timing.sampling import Effort
from tests.faults import HEALTHY, MODULE, PLANTED, SHORT_S, limits

EFFORT = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=2, max_calls=2, budget_s=0)
PROBLEM = load("synthetic:n=50,p=2")
ROUNDS = 40
CASES = 10
FAST_ROWS = 1000
"""Up to which a fit takes so little that every round is affordable."""


def case_of(solver: Solver) -> Case:
    return single(PROBLEM, solver, Options())


def print_faults() -> bool:
    """One row a fault; whether each case after it was right."""
    table = Table("fault", "status", "after s", "next case", "after s", "message or warning", box=None)
    survived = 0
    with closing(Isolated(limits(), solvers=MODULE)) as place:
        place.fit(case_of(HEALTHY))
        place.time(EFFORT)
        for name, solver, status, _, _ in PLANTED:
            began = time.perf_counter()
            place.fit(case_of(solver))
            (record,) = place.time(EFFORT)
            ended = time.perf_counter()
            place.fit(case_of(HEALTHY))
            (healthy,) = place.time(EFFORT)
            after = time.perf_counter()
            survived += record.status is status and healthy.status == "ok" and not healthy.warnings
            said = record.message or "; ".join(record.warnings)
            row = (name, record.status, f"{ended - began:.2f}", healthy.status, f"{after - ended:.2f}", said)
            table.add_row(*map(escape, row))
    console = Console(width=200)
    console.print(table)
    console.print(f"{survived} of {len(PLANTED)} faults typed as planted, the case after each ok; limit {SHORT_S:g} s")
    return survived == len(PLANTED)


def seconds_of(place: InTurn, case: Case) -> float:
    """Of a case in a group of CASES, fitted and timed."""
    began = time.perf_counter()
    for _ in range(CASES):
        place.fit(case)
    place.time(EFFORT)
    return (time.perf_counter() - began) / CASES


def print_overhead() -> None:
    """Milliseconds a case in this process and in a worker, in turns, by the size of the problem."""
    for n in (1000, 100_000):
        case = single(load("synthetic", n=n), catalog.get("numpy_lstsq"), Options())
        with closing(Isolated()) as isolated:
            here, there = InProcess(), isolated
            seconds_of(here, case)
            seconds_of(there, case)
            rounds = ROUNDS if n <= FAST_ROWS else ROUNDS // 8
            pairs = [(seconds_of(here, case), seconds_of(there, case)) for _ in range(rounds)]
        own, isolated_s = (statistics.median(column) for column in zip(*pairs, strict=True))
        added = sorted(there_s - here_s for here_s, there_s in pairs)
        low, high = added[len(added) // 10], added[-1 - len(added) // 10]
        sys.stdout.write(
            f"n={n}: {1e3 * own:.2f} ms a case here, {1e3 * isolated_s:.2f} ms in a worker: "
            f"{1e3 * statistics.median(added):+.2f} ms (80 % of rounds {1e3 * low:+.2f} to {1e3 * high:+.2f})\n"
        )


def main() -> int:
    """Print both; 1 where a fault was not survived."""
    survived = print_faults()
    print_overhead()
    return not survived


if __name__ == "__main__":
    sys.exit(main())
