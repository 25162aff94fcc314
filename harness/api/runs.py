"""`harness.run` and `harness.load`: a run made, or read again, as a frame."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from os import PathLike
from typing import TYPE_CHECKING, Any

from harness.api.frames import Results
from harness.api.request import as_python, asked, command_of
from harness.errors import UsageError
from harness.measure.conditions import watched
from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.limits import Limits
from harness.measure.plan import plan
from harness.measure.run import InProcess, Observer, execute, new_run
from harness.problems.problem import Problem
from harness.store.store import Store

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    Data = str | PathLike[str] | Problem | tuple[ArrayLike, ArrayLike] | pd.DataFrame


def run(  # noqa: PLR0913  # what can be asked for is its arguments, all but two by keyword
    problems: "Data | Sequence[Data] | Mapping[str, Data]" = (),
    solvers: str | Sequence[str] = (),
    *,
    n: float | Sequence[float] = (),
    lr: float | Sequence[float] = (),
    seeds: int | Sequence[int] = (),
    device: str = "auto",
    target: str | None = None,
    store: str | PathLike[str] | None = None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    in_process: bool = False,
    progress: bool = False,
    **options: Any,
) -> Results:
    """Fit, verify against the exact truth, time and store the product of what is asked; one row a case.

    It is `harness run` for Python: what is not said has the same default, and every case ends as a row with a
    status. Nothing is printed; `progress` writes to standard error how far it is.

    Raises UsageError for what is unknown, unusable or refused; CannotMeasureError where nothing can be measured or
    stored. Ctrl-C raises KeyboardInterrupt, and `harness.load()` has the cases that had ended.

    Parameters
    ----------
    problems
        One or many: a name ('auto_mpg', 'synthetic:n=1000'), a .csv or .parquet file with `target`, a pandas frame
        with `target`, (X, y) of shapes (n, p) and (n,), or a Problem. A mapping names data in memory:
        {'cars': (X, y)}. An intercept is added: leave out a column of ones. The tutorials' unless said.
    solvers
        Names, as `harness list solvers` gives them. All that suit unless said.
    n, lr, seeds
        Rows of a drawn problem, learning rates, seeds of weights and batch order; one or many of each.
    device
        'auto' (CPU, and CUDA where there is one), 'cpu', 'cuda' or 'all'.
    target
        The column to fit, of a file or a frame.
    store
        A SQLite file or postgresql://USER@HOST/DATABASE; results/harness.sqlite unless said, as for the command, so
        that a run of hours is not lost with a notebook. 'sqlite://' is in memory, and gone when this returns.
    timeout_s, memory_bytes
        What a case may take, and what the worker process may hold; by the size of the case unless said.
    in_process
        Measure in this process, to debug a solver, which may then print: what hangs or crashes takes all along.
    options
        Of the solvers: epochs, batch, momentum, engine, dtype, threads, ... (harness.solvers.options.Options).
    """
    axes = {"n": n, "lr": lr, "seeds": seeds}
    request, own = asked(problems, solvers, axes=axes, device=device, target=target, options=options)
    limits = _limits(timeout_s, memory_bytes, in_process=in_process)
    with as_python():
        cases = plan(request, own)
    with closing(opened(store)) as kept, closing(InProcess() if in_process else Isolated(limits)) as place:
        made = new_run(request, cases, command_of(request, own))
        with _observer(len(cases), progress=progress) as observer, watched(kept, made.id):
            execute(made, cases, kept, observer, place=place)
        return Results(kept.run(made.id), kept.records(made.id))


def load(store: str | PathLike[str] | None = None, run: str | None = None) -> Results:
    """A run that is stored, the newest unless `run` is an id; from results/harness.sqlite unless said.

    Raises CannotMeasureError where nothing is stored, UsageError for an unknown id or what is no store.
    """
    with closing(opened(store, create=False)) as kept:
        made = kept.run(run)
        return Results(made, kept.records(made.id))


def opened(store: str | PathLike[str] | None, *, create: bool = True) -> Store:
    """The store of that name, to be closed."""
    return Store(None if store is None else str(store), create=create)


def _limits(timeout_s: float | None, memory_bytes: int | None, *, in_process: bool) -> Limits:
    """Raises UsageError for a limit that is none, or that nothing could enforce."""
    if in_process and (timeout_s is not None or memory_bytes is not None):
        raise UsageError("timeout_s and memory_bytes need a worker process: drop in_process, or them")
    for name, value in (("timeout_s", timeout_s), ("memory_bytes", memory_bytes)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} is a positive number, not {value:g}")
    return Limits(timeout_s, memory_bytes)


def _observer(total: int, *, progress: bool) -> AbstractContextManager[Observer | None]:
    if not progress:
        return nullcontext()
    from harness.report.console import err
    from harness.report.live import Live

    return Live(err(), total)
