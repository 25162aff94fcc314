"""CUDA beside the CPU: the sizes of a series over n, and where the faster device changes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

from harness.judge.medians import Estimate
from harness.judge.speed.crossover import Crossover
from harness.judge.speed.devices import Pair, Series, transfer_s
from harness.records.record import Record
from harness.report import numbers as show
from harness.report.figures.rows import CLOCK_PLACES, short
from harness.report.render.objects import objects
from harness.report.tables import case
from harness.report.tables.column import Column, Kind, by_key, pick

DTYPES = {"float32": "f32", "float64": "f64"}


class Placed(NamedTuple):
    """One size of a series over n."""

    series: Series
    pair: Pair


def placed(series: Sequence[Series]) -> list[Placed]:
    """Every size of every series."""
    return [Placed(one, pair) for one in series for pair in one.pairs]


def title(one: Series) -> str:
    """The series' name, with the device where it is not the first CUDA one."""
    return one.name if one.device == "cuda" else f"{one.name} on {one.device}"


def _ratio(name: str, end: int | None = None) -> Callable[[Placed], float | None]:
    """The value of a ratio of the pair, or an end of its interval."""

    def of(row: Placed) -> float | None:
        found: Estimate | None = getattr(row.pair, name)
        if found is None or end is None:
            return None if found is None else found.value
        return None if found.interval is None else found.interval[end]

    return of


def _interval(row: Placed) -> str:
    found = row.pair.ratio
    if found is None or found.interval is None:
        return show.NONE
    return "-".join(show.ratio(end).removesuffix("x") for end in found.interval)


def _crossing(name: str) -> Callable[[Placed], float | None]:
    return lambda row: None if (found := getattr(row.series, name)) is None else found.n


def _on(device: str, key: str) -> Callable[[Placed], Any]:
    """What the record on the device, `cpu` or `cuda`, has in this column of a case; None without a record."""

    def value(row: Placed) -> Any:
        record: Record | None = getattr(row.pair, device)
        return None if record is None else case.COLUMNS[key].of(record)

    return value


def _copies_s(row: Placed) -> float | None:
    return None if row.pair.cuda is None else transfer_s(row.pair.cuda)


def _seconds(key: str, what: str, value: Callable[[Placed], Any], head: str = "", spare: int = 0) -> Column[Placed]:
    """A narrow column of seconds."""
    return Column(
        key, head, Kind.SECONDS, what, value, lambda row: show.compact_seconds(value(row)), head=head, spare=spare
    )


def _arithmetic(row: Placed) -> str:
    """f64, f32 or tf32; f32? where an older store does not say; empty for what has no dtype."""
    cuda = row.pair.cuda
    if cuda is None or "dtype" not in cuda.options:
        return ""
    dtype = str(cuda.options["dtype"])
    if dtype == "float32" and cuda.tf32 is not False:
        return "tf32" if cuda.tf32 else "f32?"
    return DTYPES.get(dtype, dtype)


def _status(row: Placed) -> str:
    """The status that says most: a device that is missing, then CUDA's unless it is ok, then the CPU's."""
    cpu, cuda = row.pair.cpu, row.pair.cuda
    if cpu is None or cuda is None:
        return f"no {'cpu' if cpu is None else 'cuda'} case"
    return (cpu.status if cuda.status == "ok" else cuda.status).value


def _difference(row: Placed) -> str:
    found = row.pair.digits_difference
    return show.NONE if found is None else f"{found:+.1f}"


COLUMNS = by_key(
    Column[Placed]("series", help="the problem but for n, the solver and its options", value="series.name"),
    Column("device", help="what is beside the CPU", value="series.device"),
    Column("n", "n", Kind.WHOLE, "training rows", "pair.n"),
    Column("time_ratio", "ratio", Kind.RATIO, "CUDA's fit_s over the CPU's: below 1 CUDA is faster", _ratio("ratio")),
    Column("time_ratio_low", "", Kind.RATIO, "lower end of its 95 % interval", _ratio("ratio", 0)),
    Column("time_ratio_high", "", Kind.RATIO, "upper end of its 95 % interval", _ratio("ratio", 1)),
    Column("interval", "95 %", Kind.NUMBER, "the 95 % interval of the ratio", _interval, _interval, spare=1),
    Column("time_ratio_with_transfer", "+copy", Kind.RATIO, "the same with the copies in and out",
        _ratio("ratio_with_transfer"), spare=5),
    Column("digits_difference", "diff", Kind.NUMBER, "CUDA's digits less the CPU's",
        "pair.digits_difference", _difference, spare=2),
    _seconds("cpu_fit_s", "median wall seconds of a whole fit on the CPU", _on("cpu", "fit_s"), "cpu", 3),
    _seconds("cuda_fit_s", "the same on the CUDA device", _on("cuda", "fit_s"), "cuda", 3),
    _seconds("transfer_in_s", "seconds of the copy in", _on("cuda", "transfer_in_s"), "in", 8),
    _seconds("transfer_out_s", "seconds of the copy out", _on("cuda", "transfer_out_s"), "out", 7),
    _seconds("transfer_s", "seconds of the copies in and out", _copies_s),
    Column("cpu_digits", "digits", Kind.DIGITS, "digits on the CPU", _on("cpu", "digits"), spare=6),
    Column("cuda_digits", "cuda", Kind.DIGITS, "digits on CUDA", _on("cuda", "digits"), spare=6),
    Column("arithmetic", "as", help="the arithmetic on CUDA", value=_arithmetic, spare=9),
    Column("status", "status", Kind.STATUS, "how the case ended, the device that did worse", _status, least=9),
    Column("faster_from_n", "", Kind.NUMBER, "of the series: n of the crossover; missing without one",
        _crossing("crossover")),
    Column("faster_from_n_with_transfer", "", Kind.NUMBER, "the same with the copies",
        _crossing("crossover_with_transfer")),
    Column("reason", help="why there is no ratio", value="pair.reason"),
)  # fmt: skip
FRAME = pick(
    COLUMNS,
    "series device n time_ratio time_ratio_low time_ratio_high time_ratio_with_transfer digits_difference cpu_fit_s "
    "cuda_fit_s transfer_s faster_from_n faster_from_n_with_transfer reason",
)
"""Of `harness.compare` by device, one row a size of a series."""
TERMINAL = pick(
    COLUMNS,
    "n cpu_fit_s cuda_fit_s time_ratio interval transfer_in_s transfer_out_s time_ratio_with_transfer cpu_digits "
    "cuda_digits digits_difference arithmetic status",
)


def _clocked(of: Callable[[Placed], float | None]) -> Callable[[Placed], float | None]:
    return lambda row: short(of(row), CLOCK_PLACES)


def _end(at: int) -> Callable[[Placed], float | None]:
    """An end of the ratio's interval."""
    return _clocked(lambda row: row.pair.ratio.interval[at] if row.pair.ratio and row.pair.ratio.interval else None)


def _fit_s(record: Record | None) -> float | None:
    return None if record is None else record.fit_s


def _with_transfer(row: Placed) -> float | None:
    return None if row.pair.ratio_with_transfer is None else row.pair.ratio_with_transfer.value


PAGE: tuple[Column[Placed], ...] = (
    Column("series", "series", value=lambda row: title(row.series)),
    Column("device", "against the CPU"),
    Column("n", "n", Kind.WHOLE),
    Column("cpu_s", "CPU", Kind.SECONDS, value=_clocked(lambda row: _fit_s(row.pair.cpu))),
    Column("cuda_s", "CUDA", Kind.SECONDS, value=_clocked(lambda row: _fit_s(row.pair.cuda))),
    Column("ratio", "CUDA / CPU", Kind.RATIO, "Medians of whole fits; below 1 CUDA is faster.",
        _clocked(lambda row: None if row.pair.ratio is None else row.pair.ratio.value)),
    Column("ratio_low", "from", Kind.RATIO, "95 %, put together from the two medians' own.", _end(0)),
    Column("ratio_high", "to", Kind.RATIO, value=_end(1)),
    Column("with_transfer", "with copies", Kind.RATIO, "The same with the rows copied in and the result out.",
        _clocked(_with_transfer)),
    Column("digits_difference", "digits", Kind.NUMBER, "CUDA's less the CPU's.",
        _clocked(lambda row: row.pair.digits_difference)),
    Column("reason", "why there is no ratio", value="pair.reason"),
)  # fmt: skip


def _ratio_objects(name: str) -> tuple[Column[Pair], Column[Pair]]:
    """A ratio and its interval, both null where there is none."""

    def part(pair: Pair, of: str) -> Any:
        ratio: Estimate | None = getattr(pair, name)
        return None if ratio is None else getattr(ratio, of)

    return Column(name, value=partial(part, of="value")), Column(f"{name}_interval", value=partial(part, of="interval"))


_SIDE: tuple[Column[Record], ...] = (
    *pick(case.COLUMNS, "fit_s"),
    Column("calls", kind=Kind.WHOLE, value=lambda record: len(record.samples.wall_s)),
    *pick(case.COLUMNS, "prepare_s"),
    Column("capture_s", kind=Kind.SECONDS),
    *pick(case.COLUMNS, "transfer_in_s transfer_out_s"),
    Column("transfer_s", kind=Kind.SECONDS, value=transfer_s),
    *pick(case.COLUMNS, "digits excess_loss"),
    Column("dtype", value=lambda record: record.options.get("dtype")),
    Column("tf32"),
    *pick(case.COLUMNS, "status"),
    Column("message"),
    *pick(case.COLUMNS, "case"),
)
_PAIR: tuple[Column[Pair], ...] = (
    Column("n"),
    Column("cpu", value=lambda pair: _side(pair.cpu)),
    Column("cuda", value=lambda pair: _side(pair.cuda)),
    Column("reason"),
    *_ratio_objects("ratio"),
    *_ratio_objects("ratio_with_transfer"),
    Column("digits_difference"),
)
JSON: tuple[Column[Series], ...] = (
    Column("series", value="name"),
    Column("device"),
    Column("rows", value=lambda one: objects(_PAIR, one.pairs)),
    Column("crossover", value=lambda one: _crossover(one.crossover)),
    Column("crossover_with_transfer", value=lambda one: _crossover(one.crossover_with_transfer)),
)
"""An object a series: ratios are CUDA's time over the CPU's; an end of a crossover's interval may be null."""


def _side(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else objects(_SIDE, [record])[0]


def _crossover(found: Crossover | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**asdict(found), "cuda_is_faster": None if found.n is None else "above" if found.rising else "below"}
