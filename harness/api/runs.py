"""`harness.run` and `harness.load`: a run made, or read again, as a frame."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from harness.api.frames import Results
from harness.api.request import as_python, asked, command_of, names_of
from harness.measure.plan import Case, plan, with_defaults
from harness.measure.session import Where, run_request
from harness.problems.problem import Problem
from harness.problems.table_options import TableOptions
from harness.records.observer import Observer
from harness.records.run import Run
from harness.store.store import Store

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    Data = str | PathLike[str] | Problem | tuple[ArrayLike, ArrayLike] | pd.DataFrame


def run(  # noqa: PLR0913  # what can be asked for is its arguments, all but two by keyword
    problems: "Data | Sequence[Data] | Mapping[str, Data]" = (),
    solvers: object = (),
    *,
    optimizers: object = (),
    scheduler: object = None,
    network: object = None,
    n: float | Sequence[float] = (),
    lr: float | Sequence[float] = (),
    seeds: int | Sequence[int] = (),
    device: str = "auto",
    target: object = None,
    weights: "str | ArrayLike | None" = None,
    intercept: bool = True,
    features: object = (),
    drop: object = (),
    missing: str | None = None,
    header: bool = True,
    delimiter: str | None = None,
    decimal: str | None = None,
    store: str | PathLike[str] | None = None,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    in_process: bool = False,
    progress: bool = False,
    **options: Any,
) -> Results:
    """Fit each problem with each solver, verify against the exact answer, time, store; one row a case.

    It is `harness run` for Python: what is not said has the same default, and every case ends as a row with a
    status. Nothing is printed; `progress` writes to standard error how far it is.

    Raises UsageError for what is unknown, unusable or refused; CannotMeasureError where nothing can be measured or
    stored. Ctrl-C raises KeyboardInterrupt, and `harness.load()` has the cases that had ended.

    Parameters
    ----------
    problems
        One or many: a name ('auto_mpg', 'synthetic:n=1000'), a .csv or .parquet file with `target`, a pandas frame
        with `target`, (X, y) of shapes (n, p) and (n,), or a Problem. A mapping names data in memory:
        {'cars': (X, y)}. An intercept is added: leave out a column of ones. What
        harness.toml names by default, else the tutorials'.
    solvers
        One or many: a name, as `harness list solvers` gives them; 'package.module:name' or 'path/file.py:name'; an
        estimator with fit(X, y), a function f(X, y) that returns coefficients, a class of statistical models, or an
        object with the Solver contract. A mapping names them: {'mine': MyEstimator()}. What
        harness.toml names by default, else all that suit.
    optimizers
        One or many: names of the table of optimizers, 'package.module:Class:betas=0.9,0.99', torch's kind of class, or
        a factory f(params, lr). Each trains the linear model and the MLP.
    scheduler, network
        Of trainings: f(optimizer), as torch's classes of schedulers, stepped after each epoch; f(p), or f(), an
        nn.Module that stands for the MLP. A place, as 'file.py:f', or the function itself.
    n, lr, seeds
        Rows of a drawn problem, learning rates, seeds of weights and batch order; one or many of each.
    device
        'auto' (CPU, and a GPU where there is one), 'cpu', 'cuda', 'xpu', 'mps' or 'all'.
    target
        The column to fit, of a file or a frame.
    weights
        Of the rows, at least 0: a column's name, or an array (n,) for the one problem: sum w r² is minimised. Rows of
        weight 0 are left out.
    intercept
        False: fit through the origin, by every solver that can; R² is then about 0, not about the mean.
    features, drop
        Columns of a file or a frame to fit on, and no others; columns to leave out.
    missing
        'drop': leave out each row with a missing value in a column that is used; otherwise it is refused.
    header, delimiter, decimal
        Of a .csv file: False where its first line holds values; what separates its fields, as ';'; ',' as in 3,14.
    store
        A SQLite file or postgresql://USER@HOST/DATABASE; by default what harness.toml names, else
        results/harness.sqlite, as for the command, so
        that a run of hours is not lost with a notebook. 'sqlite://' is in memory, and gone when this returns.
    timeout_s, memory_bytes
        What a case may take, and what the worker process may hold; by default the size of the case decides.
    in_process
        Measure in this process, to debug a solver, which may then print: what hangs or crashes takes all along.
    options
        Of the solvers: epochs, batch, momentum, engine, dtype, threads, ... (harness.solvers.options.Options).
    """
    axes = {"n": n, "lr": lr, "seeds": seeds}
    with as_python():
        table = TableOptions(names_of(features), names_of(drop), missing, header, delimiter, decimal)
    request, own, brought = asked(
        problems,
        solvers,
        optimizers=optimizers,
        parts={"scheduler": scheduler, "network": network},
        axes=axes,
        device=device,
        target=target,
        weights=weights,
        intercept=intercept,
        table=table,
        options=options,
    )
    with as_python():
        request = with_defaults(request)
        where = Where(timeout_s, memory_bytes, in_process)
        where.check_threads(request.options.threads)
        cases = plan(request, own, brought)
    with closing(opened(store)) as kept:
        around = partial(_watching, progress=progress)
        return Results(*run_request(request, cases, kept, where, around, command=command_of(request, own, brought)))


def load(store: str | PathLike[str] | None = None, run: str | None = None) -> Results:
    """A run that is stored, the newest unless `run` is an id; from results/harness.sqlite by default.

    Raises CannotMeasureError where nothing is stored, UsageError for an unknown id or what is no store.
    """
    with closing(opened(store, create=False)) as kept:
        made = kept.run(run)
        return Results(made, kept.records(made.id))


def opened(store: str | PathLike[str] | None, *, create: bool = True) -> Store:
    """The store of that name, to be closed."""
    return Store(None if store is None else str(store), create=create)


def _watching(_: Run, cases: Sequence[Case], *, progress: bool) -> AbstractContextManager[Observer | None]:
    if not progress:
        return nullcontext()
    from harness.report.terminal.console import err
    from harness.report.terminal.live import Live

    return Live(err(), len(cases))
