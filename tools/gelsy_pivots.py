"""The worst that torch's gelsy can answer: python -m tools.gelsy_pivots STORE; then harness gate --update there.

torch hands LAPACK pivots that it has not initialised (the finding torch_gelsy_uninitialised_pivots): a column whose
entry is not 0 is moved to the front. Which ones are is chance, so that a floor from one launch is no floor. scipy's
gelsy takes the pivots, so that every choice of columns can be tried, with torch's cut-off.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg.lapack import dgelsy, dgelsy_lwork, sgelsy, sgelsy_lwork

from harness.config import expectations_file
from harness.judge.gate.expectations import read_expectations
from harness.measure.one_case import measure
from harness.measure.run import new_run
from harness.problems.problem import Problem, design_matrix
from harness.records.record import Record
from harness.solvers.closed_forms.closed_form import ClosedFormPrepared
from harness.solvers.closed_forms.torch_lstsq import TorchLstsq
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options
from harness.store.store import Store
from harness.studies.accuracy import AccuracyRequest, plan_accuracy

MOST = 256
"""Choices of columns a case: all of up to 8 columns, else as many drawn ones, none and all among them."""

GELSY = {"float32": (sgelsy, sgelsy_lwork), "float64": (dgelsy, dgelsy_lwork)}


class Pivoted(TorchLstsq):
    """scipy's gelsy under torch's name, with `front`: for each column whether it is moved to the front."""

    def __init__(self, front: tuple[bool, ...]) -> None:
        super().__init__("gelsy")
        self.front = front

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Lay out the design and the targets as torch does; the work is LAPACK's call."""
        A = np.asarray(design_matrix(problem), options.dtype)
        y = np.asarray(problem.rows("train")[1], options.dtype)[:, None]
        gelsy, work_of = GELSY[str(options.dtype)]
        cutoff = np.finfo(A.dtype).eps * max(A.shape)
        padded = np.zeros((max(A.shape), 1), A.dtype)
        padded[: len(y)] = y

        def solve() -> Any:
            work, _ = work_of(*A.shape, 1, cutoff)
            pivots = np.array(self.front, np.int32)
            return gelsy(A, padded, pivots, cutoff, int(work), False, False)

        def read(answer: Any) -> Any:
            solution = answer[1][: A.shape[1], 0].astype(np.float64)
            return fit_from_design(solution, problem.intercept, rank=int(answer[3]))

        return ClosedFormPrepared(solve, read)


def fronts(columns: int, rng: random.Random) -> Iterator[tuple[bool, ...]]:
    """Choices of columns that may be moved to the front."""
    if 2**columns <= MOST:
        yield from (tuple(bool(choice >> i & 1) for i in range(columns)) for choice in range(2**columns))
        return
    yield from ((False,) * columns, (True,) * columns)
    yield from (tuple(rng.random() < share for _ in range(columns)) for share in np.linspace(0, 1, MOST - 2))


def main(words: list[str]) -> None:
    """NIST's sets, the ladder, the default problems: the worst record of each goes to the store, the rest is said."""
    (store,) = words
    rng = random.Random(2026)  # noqa: S311  # draws choices to try, nothing that is secret
    named = (*read_expectations(expectations_file()).default_problems, "diabetes", "everyday")
    cases, worst = [], []
    for asked in (AccuracyRequest(), AccuracyRequest(ladder=True), AccuracyRequest(problems=named)):
        request, planned = plan_accuracy(replace(asked, solvers=("torch_gelsy",)))
        for case in planned:
            columns = design_matrix(case.problem).shape[1]
            found = [measure(replace(case, solver=Pivoted(front))).record for front in fronts(columns, rng)]
            statuses = Counter(record.status for record in found)
            alike = [record for record in found if record.status is statuses.most_common(1)[0][0]]
            cases.append(case)
            worst.append(min(alike, key=_digits))
            digits = f"{min(map(_digits, alike)):.2f} to {max(map(_digits, alike)):.2f} digits"
            sys.stdout.write(f"{case.key}: {digits}; {', '.join(f'{s} {n}' for s, n in statuses.most_common())}\n")
    with closing(Store(store)) as opened:
        opened.keep(new_run(request, cases), worst)


def _digits(record: Record) -> float:
    return record.accuracy.digits or 0.0


if __name__ == "__main__":
    main(sys.argv[1:])
