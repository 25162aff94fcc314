"""The worst of many fits of a case, its arrays elsewhere each time: python -m tests.layout_floors STORE [SOLVER ...].

A library's answer may depend on where its arrays lie (vector kernels peel to an aligned address and round in another
order) or on what memory held before (the finding torch_gelsy_uninitialised_pivots). One launch does not show it;
`harness gate --update --store STORE` sets the floors from this.
"""

import random
import sys
from collections import Counter, deque
from contextlib import closing
from dataclasses import dataclass, replace

from harness.accuracy import Asked, plan_accuracy
from harness.judge.expectations import read_expectations
from harness.measuring import measure
from harness.paths import expectations_file
from harness.plan import Case
from harness.records.record import Record
from harness.records.store import Store
from harness.running import new_run

FIRST_FITS = 100
FITS = 300
"""Of a case whose first fits differ; the others are not fitted again."""
HELD = 50
LARGEST_BYTES = 9000
"""Blocks of up to this many bytes, so many at a time, are held and let go between fits: small arrays are malloc's."""


@dataclass(frozen=True)
class Found:
    """The record with the fewest digits among those that ended as most did, and what else was seen."""

    worst: Record
    answers: int
    statuses: Counter[str]
    digits: tuple[float, float]


def worst_of(case: Case, rng: random.Random) -> Found:
    """Prepare, fit and verify the case so often, or a few times if all agree; the heap is moved in between."""
    held: deque[bytearray] = deque(maxlen=HELD)
    records: list[Record] = []
    while len(records) < FIRST_FITS or (len(records) < FITS and len(set(map(_answer, records[:FIRST_FITS]))) > 1):
        held.append(bytearray(rng.randrange(16, LARGEST_BYTES)))
        rng.shuffle(held)
        records.append(measure(case).record)
    statuses = Counter(str(record.status) for record in records)
    usual = statuses.most_common(1)[0][0]
    alike = [record for record in records if record.status == usual]
    digits = sorted(record.accuracy.digits or 0.0 for record in alike)
    worst = min(alike, key=lambda record: record.accuracy.digits or 0.0)
    return Found(worst, len({_answer(record) for record in records}), statuses, (digits[0], digits[-1]))


def _answer(record: Record) -> tuple[object, ...]:
    return record.status, record.solution and record.solution.computed


def main(words: list[str]) -> None:
    """The closed forms, or those chosen, on NIST's sets, the ladder and the default problems; prints what differs."""
    store, *chosen = words
    rng = random.Random(2026)  # noqa: S311  # moves the heap, decides nothing
    named = (*read_expectations(expectations_file()).default_problems, "diabetes", "everyday")
    cases, records = [], []
    for asked in (Asked(), Asked(ladder=True), Asked(problems=named)):
        request, planned = plan_accuracy(replace(asked, solvers=tuple(chosen)))
        cases += planned
    with closing(Store(store)) as opened:
        for case in cases:
            found = worst_of(case, rng)
            records.append(found.worst)
            if found.answers > 1:
                low, high = found.digits
                told = ", ".join(f"{status} {count}" for status, count in found.statuses.most_common())
                sys.stdout.write(f"{case.key}: {found.answers} answers, {low:.2f} to {high:.2f} digits; {told}\n")
                sys.stdout.flush()
        opened.keep(new_run(request, cases), records)


if __name__ == "__main__":
    main(sys.argv[1:])
