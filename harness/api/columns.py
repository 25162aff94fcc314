"""The columns of the frames: their names, dtypes and meanings, and how each is read off a record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import pandas as pd

from harness.judge.speed.comparison import Row
from harness.judge.speed.devices import Pair, Series, transfer_s
from harness.judge.verdict import Judgement
from harness.measure.plan import text_of
from harness.problems.problem import SPLITS
from harness.records.record import Record
from harness.verify.accuracy import tolerance_name
from harness.verify.excess_loss import TOLERANCES

Dtype = Literal["object", "float64", "Int64"]
TEXT: Dtype = "object"
FLOAT: Dtype = "float64"
WHOLE: Dtype = "Int64"
NAMES = tuple(map(tolerance_name, TOLERANCES))


class Column(NamedTuple):
    """A column: `of` reads its value; None is missing, NaN in a column of floats, <NA> in one of whole numbers."""

    name: str
    dtype: Dtype
    meaning: str
    of: Callable[[Any], object]


def _in(mapping: str, key: str) -> Callable[[Record], object]:
    """What a mapping of the record, an attribute of it by its path, has of this key."""
    found = attrgetter(mapping)
    return lambda record: found(record).get(key)


def _by_split(name: str, what: str) -> list[Column]:
    return [
        Column(f"{name}_{part}", FLOAT, f"{what} of the {part} rows", _in(f"accuracy.{name}", part)) for part in SPLITS
    ]


def _censored(what: str, dtype: Dtype, meaning: str, mapping: str) -> list[Column]:
    return [Column(f"{what}_to_{name}", dtype, meaning.format(name), _in(mapping, name)) for name in NAMES]


def _said(record: Record) -> str:
    return " ".join(f"{name}={text_of(value)}" for name, value in record.options.items())


RESULTS: Sequence[Column] = (
    Column("problem", TEXT, "the problem with its parameters; data in memory by a hash of theirs", lambda r: r.problem),
    Column("solver", TEXT, "the solver's name", lambda r: r.solver),
    Column("device", TEXT, "cpu or cuda", lambda r: r.device),
    Column("n", WHOLE, "training rows", lambda r: r.n),
    Column("p", WHOLE, "features, the intercept not counted", lambda r: r.p),
    Column("lr", FLOAT, "learning rate; missing for a closed form", _in("options", "lr")),
    Column("seed", WHOLE, "of initial weights and batch order", _in("options", "seed")),
    Column("status", TEXT, "how the case ended: ok, not_converged, wrong, ...", lambda r: r.status.value),
    Column("digits", FLOAT, "correct digits of the worst coefficient, at most 15", attrgetter("accuracy.digits")),
    Column("excess_loss", FLOAT, "relative excess training loss", attrgetter("accuracy.excess_loss")),
    Column("fit_s", FLOAT, "median wall seconds of a whole fit", lambda r: r.fit_s),
    Column("call_s", FLOAT, "median wall seconds of one timed call, a fit or an epoch", lambda r: r.call_s),
    Column("unit", TEXT, "what one call is: fit or epoch", lambda r: r.unit),
    *_by_split("r2", "coefficient of determination"),
    *_by_split("mse", "mean squared error, in the target's unit squared,"),
    *_censored("epochs", WHOLE, "epochs until the excess loss is {}; missing where censored", "accuracy.epochs_to"),
    *_censored("seconds", FLOAT, "wall seconds until it is {}, by the median epoch", "seconds_to"),
    Column("backward_error", FLOAT, "how far the design must move, relatively, for the answer to be exact",
        attrgetter("accuracy.backward_error")),
    Column("condition_number", FLOAT, "of the design", attrgetter("accuracy.condition_number")),
    Column("rank", WHOLE, "of the design, as the solver found it", attrgetter("accuracy.rank")),
    Column("exact_rank", WHOLE, "of the design, as it is", attrgetter("accuracy.exact_rank")),
    Column("standard_error_digits", FLOAT, "correct digits of the worst standard error",
        attrgetter("accuracy.standard_error_digits")),
    Column("prepare_s", FLOAT, "wall seconds of the preparation, which is not in fit_s", lambda r: r.prepare_s),
    Column("transfer_in_s", FLOAT, "median seconds of a copy of the training rows to the device",
        lambda r: r.transfer_in_s),
    Column("transfer_out_s", FLOAT, "median seconds of a copy of the result back", lambda r: r.transfer_out_s),
    Column("peak_bytes", WHOLE, "most memory of the host that the fit held", lambda r: r.peak_bytes),
    Column("device_peak_bytes", WHOLE, "most memory of the device that the fit held", lambda r: r.device_peak_bytes),
    Column("threads", WHOLE, "of BLAS, OpenMP and torch", lambda r: r.threads),
    Column("options", TEXT, "every other option that the solver ran with", _said),
    Column("message", TEXT, "what went wrong or why it is unsupported", lambda r: r.message or r.samples.error),
    Column("advice", TEXT, "what to do about the status", lambda r: r.advice),
    Column("case", TEXT, "the identity of the case over runs", lambda r: r.case),
)  # fmt: skip
"""Of `harness.run` and `harness.load`, one row a case; `run`, the run's id, comes last."""


def _of_record(column: Column) -> Column:
    return column._replace(of=lambda row: column.of(row.record))


_BY_NAME: Mapping[str, Column] = {column.name: column for column in RESULTS}
COMPARISON: Sequence[Column] = (
    Column("group", TEXT, "what the compared cases share", lambda row: row.group),
    Column("value", TEXT, "where on the axis the case is", lambda row: row.value),
    Column("baseline", TEXT, "the value that the ratios are to", lambda row: row.baseline),
    Column("time_ratio", FLOAT, "fit_s over the baseline's: below 1 is faster", lambda row: row.time_ratio),
    Column("digits_difference", FLOAT, "digits less the baseline's", lambda row: row.digits_difference),
    Column("excess_ratio", FLOAT, "excess loss over the baseline's", lambda row: row.excess_ratio),
    *(
        _of_record(_BY_NAME[name])
        for name in ("fit_s", "digits", "excess_loss", "status", "problem", "solver", "device", "n", "p", "lr", "seed")
    ),
    *(_of_record(_BY_NAME[f"{what}_to_{name}"]) for what in ("epochs", "seconds") for name in NAMES),
    _of_record(_BY_NAME["case"]),
)
"""Of `harness.compare`, one row a case."""


class Placed(NamedTuple):
    """One size of a series over n."""

    series: Series
    pair: Pair


def _ratio(name: str, end: int | None = None) -> Callable[[Placed], object]:
    def of(row: Placed) -> object:
        found = getattr(row.pair, name)
        if found is None or end is None:
            return None if found is None else found.value
        return None if found.interval is None else found.interval[end]

    return of


def _crossing(name: str) -> Callable[[Placed], object]:
    return lambda row: None if (found := getattr(row.series, name)) is None else found.n


DEVICES: Sequence[Column] = (
    Column("series", TEXT, "the problem but for n, the solver and its options", lambda row: row.series.name),
    Column("device", TEXT, "what is beside the CPU", lambda row: row.series.device),
    Column("n", WHOLE, "training rows", lambda row: row.pair.n),
    Column("time_ratio", FLOAT, "CUDA's fit_s over the CPU's: below 1 CUDA is faster", _ratio("ratio")),
    Column("time_ratio_low", FLOAT, "lower end of its 95 % interval", _ratio("ratio", 0)),
    Column("time_ratio_high", FLOAT, "upper end of its 95 % interval", _ratio("ratio", 1)),
    Column("time_ratio_with_transfer", FLOAT, "the same with the copies in and out", _ratio("ratio_with_transfer")),
    Column("digits_difference", FLOAT, "CUDA's digits less the CPU's", lambda row: row.pair.digits_difference),
    Column("cpu_fit_s", FLOAT, "median wall seconds of a whole fit on the CPU", lambda row: _fit_s(row.pair.cpu)),
    Column("cuda_fit_s", FLOAT, "the same on the CUDA device", lambda row: _fit_s(row.pair.cuda)),
    Column("transfer_s", FLOAT, "seconds of the copies in and out",
        lambda row: None if row.pair.cuda is None else transfer_s(row.pair.cuda)),
    Column("faster_from_n", FLOAT, "of the series: n of the crossover; missing without one", _crossing("crossover")),
    Column("faster_from_n_with_transfer", FLOAT, "the same with the copies", _crossing("crossover_with_transfer")),
    Column("reason", TEXT, "why there is no ratio", lambda row: row.pair.reason),
)  # fmt: skip
"""Of `harness.compare` by device, one row a size of a series."""

VERDICTS: Sequence[Column] = (
    Column("case", TEXT, "the identity of the case over runs", lambda one: one.case),
    Column("quantity", TEXT, "what was judged: status, digits, excess loss, ...", lambda one: one.quantity),
    Column("measured", TEXT, "what it is", lambda one: str(one.measured)),
    Column("expected", TEXT, "what it may be", lambda one: one.expected),
    Column("verdict", TEXT, "unchanged holds; regression and improvement fail", lambda one: one.verdict.value),
    Column("detail", TEXT, "by how much", lambda one: one.detail),
    Column("advice", TEXT, "what to do", lambda one: one.advice),
    Column("reason", TEXT, "where the expectation comes from", lambda one: one.reason),
)
"""Of `harness.gate`, one row a judgement."""


def _fit_s(record: Record | None) -> float | None:
    return None if record is None else record.fit_s


def columns_of(
    columns: Iterable[Column], rows: Sequence[Record | Row | Placed | Judgement]
) -> dict[str, "pd.Series[Any]"]:
    """Each column's values (len(rows),) by name, of its dtype whatever is missing."""
    return {column.name: pd.Series([column.of(row) for row in rows], dtype=column.dtype) for column in columns}
