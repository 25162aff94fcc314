"""A case of the harness in a worker, timed and verified by its version: loaded by worker.py from beside it.

It needs the standard library, and of the version the SuiteCase, whose names stay from commit to commit.
"""

import gc
import math
import statistics
import time
from contextlib import ExitStack
from importlib import import_module
from typing import Any

WARM_UP_CALLS = 2
REWARM_BELOW_S = 0.005
"""As in harness.timing.sampling: cold caches are microseconds, so that a longer call needs no untimed one before it."""
PLANTING_CALLS = 7

Answer = dict[str, Any]


class Case:
    """One cell, prepared and called twice, untimed."""

    def __init__(self, order: Answer, suite: Any) -> None:
        """`suite` is the version's module harness.suite; `slow` of the order the factor of a planted slowdown."""
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in order.get("options", {}).items()}
        self._case = suite.SuiteCase(order["problem"], order["solver"], device=order["device"], **options)
        self._limits = ExitStack()  # until the process ends
        if options.get("threads", 1) != 1:  # versions before threads were an option here hold it to one
            self._limits.enter_context(import_module("harness.timing.threads").limited(options["threads"]))
        for _ in range(WARM_UP_CALLS):
            self._case.run()
        self._slow, self._last_s, self._planting_s = order.get("slow", 1.0), 0.0, 0.0
        if self._slow > 1.0:
            self._planting_s = statistics.median(self._cost_of_planting() for _ in range(PLANTING_CALLS))

    def times(self, calls: int) -> Answer:
        """`calls` single calls after an untimed one: seconds of wall and of this process's CPU time, in order."""
        call, slow = self._case.run, self._slow
        wall_s, cpu_s = [], []
        gc.disable()
        try:
            if self._last_s < REWARM_BELOW_S:
                call()
            for _ in range(calls):
                wall, cpu = time.perf_counter(), time.process_time()
                call()
                cpu_after = time.process_time()
                if slow > 1.0:
                    cpu_after = _planted((slow - 1.0) * (cpu_after - cpu) - self._planting_s)
                wall_s.append(time.perf_counter() - wall)
                cpu_s.append(cpu_after - cpu)
        finally:
            gc.enable()
        self._last_s = wall_s[-1]
        return {"wall_s": wall_s, "cpu_s": cpu_s}

    def accuracy(self) -> Answer:
        """Fitted in full and verified by the version itself: its status, digits and excess loss."""
        try:
            record = self._case.record
        except RuntimeError as error:
            # SuiteCase has no record of a case that failed: its error is "case: status: message".
            status, _, message = str(error).removeprefix(f"{self._case.case.key}: ").partition(": ")
            return {"status": status if status.isidentifier() else "error", "message": message or str(error)}
        found = record.accuracy
        return {
            "status": str(record.status),
            "message": record.message,
            "digits": _number(found.digits),
            "excess_loss": _number(found.excess_loss),
            "problem_sha256": getattr(record, "problem_sha256", ""),  # no version must have it
            "rank": getattr(found, "rank", None),
            "rank_of_data": getattr(found, "rank_of_data", None),
            "r2": {part: _number(value) for part, value in getattr(found, "r2", {}).items()},
            "solution": _solution(getattr(record, "solution", None)),
        }

    def _cost_of_planting(self) -> float:
        """CPU seconds that planting costs by itself just after a call, where its caches are cold."""
        self._case.run()
        before = time.process_time()
        return _planted(0.0) - before


def _planted(wait_s: float) -> float:
    """Wait, busy, for so many seconds; the CPU clock afterwards. On the wall clock, which is read ten times faster."""
    until = time.perf_counter() + wait_s
    while time.perf_counter() < until:
        pass
    return time.process_time()


def _solution(found: Any) -> Answer | None:
    """Terms, computed and exact coefficients of a record's solution."""
    if found is None or not getattr(found, "computed", ()):
        return None
    exact = getattr(found, "exact", None)
    return {
        "terms": list(found.terms),
        "computed": [_number(value) for value in found.computed],
        "exact": None if exact is None else [_number(value) for value in exact],
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no number that is not finite: such a one is its text."""
    return value if value is None or math.isfinite(value) else str(value)
