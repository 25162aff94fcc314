"""Closed forms side by side at sizes where speed matters, with the physical floor beside them.

One process, one thread, turns in shuffled rounds: what is judged are ratios within one run.
"""

import shutil
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.closed_forms_bars import ONEDAL, STREAMING, SpeedLine, on
from harness.errors import CannotMeasureError, UsageError
from harness.judge.speed.floors import PRODUCT, SUM
from harness.measure.plan import single
from harness.problems import catalog as problems
from harness.problems.problem import Floats, Problem
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver, why_unsupported
from harness.solvers.streaming import Arrays, least_squares
from harness.timing.clock import SystemClock
from harness.timing.memory import peak_memory
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.threads import limited, pools_of
from harness.verify.accuracy import assess
from harness.verify.reference import reference

DEFAULT_SHAPES = ("1e5x10", "1e6x10", "1e6x50", "1e5x500")
DEFAULT_SOLVERS = ("streaming", "onedal", "sklearn", "numpy_lstsq", "statsmodels_pinv")
DEFAULT_MEMMAP = "1e7x10"
EFFORT = Effort(warm_up_calls=1, calls_per_turn=1, min_calls=5, max_calls=15, budget_s=1.0)
POWERS_FROM = 100_000
SPARE = 2
"""A memory map is made only where the disk has twice its size left."""

Told = Callable[[str], None]


@dataclass(frozen=True)
class Shape:
    """n rows and p columns, as `1e6x10` says it."""

    n: int
    p: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """Raises UsageError for anything but ROWSxCOLUMNS."""
        try:
            n, p = (float(part) for part in text.lower().split("x"))
        except ValueError:
            n = p = 0.5
        if not (n.is_integer() and p.is_integer() and n > p >= 1):
            raise UsageError(f"a shape is ROWSxCOLUMNS with more rows than columns, as 1e6x10, not '{text}'")
        return cls(int(n), int(p))

    def __str__(self) -> str:
        """In the shortest form, as the bars name it: 1e6x10."""
        power = f"{self.n:.0e}".replace("e+0", "e")
        return f"{power if float(power) == self.n >= POWERS_FROM else self.n}x{self.p}"


def in_memory(shape: Shape, names: Sequence[str], told: Told) -> Iterator[SpeedLine]:
    """A line a solver and a floor at one shape. Raises UsageError for a solver that is not a closed form."""
    chosen = [solvers.get(name) for name in names]
    strange = [solver.name for solver in chosen if solver.kind is not Kind.CLOSED_FORM]
    if strange:
        raise UsageError(f"{strange[0]} is not a closed form: 'harness list solvers' says which are")
    problem = problems.load(f"synthetic:n={shape.n},p={shape.p}")
    X = problem.X
    works: dict[str, Work] = {SUM: Work(X.sum), PRODUCT: Work(lambda: X.T @ X)}
    made: dict[str, SpeedLine] = {}
    with limited(1), pools_of(1):
        for solver in chosen:
            told(f"{shape}: {solver.name}, first call")
            made[solver.name] = _first_call(solver, problem, str(shape), works)
        told(f"{shape}: in turns")
        sampled = dict(zip(works, sample_interleaved(list(works.values()), SystemClock(), EFFORT), strict=True))
    for name in (*made, PRODUCT, SUM):
        line = made.get(name, SpeedLine(str(shape), name))
        yield _timed(line, sampled.get(name))


def by_threads(shape: Shape, threads: Sequence[int], told: Told) -> Iterator[SpeedLine]:
    """`streaming` and oneDAL with each number of threads at one shape, in turns, by the wall clock."""
    problem = problems.load(f"synthetic:n={shape.n},p={shape.p}")
    works: dict[str, Work] = {}
    made: list[SpeedLine] = []
    with limited(1), pools_of(1):
        for name, k in product((STREAMING, ONEDAL), threads):
            told(f"{shape}: {on(name, k)}, first call")
            made.append(_first_call(solvers.get(name), problem, str(shape), works, k))
        told(f"{shape}: in turns")
        sampled = dict(zip(works, sample_interleaved(list(works.values()), SystemClock(), EFFORT), strict=True))
    for line in made:
        yield _timed(replace(line, by_wall=True), sampled.get(line.name))


def _first_call(solver: Solver, problem: Problem, shape: str, works: dict[str, Work], threads: int = 1) -> SpeedLine:
    """Fit once: extra memory and digits; the solver's work joins `works` if it can be timed."""
    case, name = single(problem, solver, Options(threads=threads)), on(solver.name, threads)
    reason = why_unsupported(solver, problem, case.options)
    if reason:
        return SpeedLine(shape, name, note=reason)
    try:
        prepared = solver.prepare(problem, case.options)
        for module in solver.requires:
            import_module(module)
        with peak_memory("cpu") as peak:
            prepared.run()
        fit = prepared.fit()
    except (MemoryError, ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        return SpeedLine(shape, name, note=f"{type(error).__name__}: {error}")
    works[name] = Work(prepared.run)
    digits = assess(problem, fit, reference(problem)).digits
    share = None if peak.host_bytes is None else peak.host_bytes / problem.X.nbytes
    return SpeedLine(shape, name, digits=digits, extra_memory=share, note=fit.message)


def _timed(line: SpeedLine, samples: Samples | None) -> SpeedLine:
    if samples is None:
        return line
    return line.timed(samples)


def on_disk(shape: Shape, told: Told) -> list[SpeedLine]:
    """One pass of `streaming` over a memory map beside summing it, with its extra memory.

    The map lies in the temporary folder and is warm in the page cache, so that both read at the same
    speed. Raises CannotMeasureError if there is no room for it.
    """
    name = f"{shape} memory map"
    with tempfile.TemporaryDirectory() as folder:
        told(f"{name}: writing {8 * shape.n * (shape.p + 1) / 2**20:.0f} MiB")
        X, y = _mapped(Path(folder), shape)
        source = Arrays(X, y)
        works = {"streaming": Work(partial(least_squares, source, threads=1)), SUM: Work(partial(_sum, X))}
        with limited(1):
            told(f"{name}: in turns")
            sampled = sample_interleaved(list(works.values()), SystemClock(), EFFORT)
            tracemalloc.start()  # numpy reports its arrays to it; the map's own pages are the system's
            answer = least_squares(source, threads=1)
            extra_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        lines = [SpeedLine(name, "streaming", extra_bytes=extra_bytes, note=answer.path), SpeedLine(name, SUM)]
        return [line.timed(s) for line, s in zip(lines, sampled, strict=True)]


def _mapped(folder: Path, shape: Shape) -> tuple[Floats, Floats]:
    needed = 8 * shape.n * (shape.p + 1)
    if shutil.disk_usage(folder).free < SPARE * needed:
        raise CannotMeasureError(f"{folder}: no room for a memory map of {needed / 2**20:.0f} MiB: --memmap none")
    X = np.memmap(folder / "X", dtype=np.float64, mode="w+", shape=(shape.n, shape.p))
    y = np.memmap(folder / "y", dtype=np.float64, mode="w+", shape=(shape.n,))
    rng = np.random.default_rng(0)
    for start in range(0, shape.n, 100_000):
        rows = rng.standard_normal((min(100_000, shape.n - start), shape.p))
        X[start : start + len(rows)] = rows
        y[start : start + len(rows)] = 3.0 + rows.sum(axis=1) + rng.standard_normal(len(rows))
    return X, y


def _sum(X: Floats) -> float:
    return float(X.sum())
