"""CUDA beside the CPU: the sizes of a series over n, and where the faster device changes."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from harness.judge.speed.crossover import Crossover
from harness.judge.speed.devices import Pair, Series, transfer_s
from harness.records.record import Record
from harness.report.render.objects import object_of, objects
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, attributes, by_key, pick

DTYPES = {"float32": "f32", "float64": "f64"}


class Placed(NamedTuple):
    """One size of a series over n."""

    series: Series
    pair: Pair


def placed(series: Sequence[Series]) -> list[Placed]:
    """Every size of every series."""
    return [Placed(one, pair) for one in series for pair in one.pairs]


def kind(device: str) -> str:
    """CUDA of cuda:1, as people write it."""
    return device.partition(":")[0].upper()


def title(one: Series) -> str:
    """The series' name, with the device where it is not the first CUDA one."""
    return one.name if one.device == "cuda" else f"{one.name} on {one.device}"


def _interval(row: Placed) -> str:
    found = row.pair.ratio
    if found is None or found.interval is None:
        return show.NONE
    return "-".join(show.ratio(end).removesuffix("x") for end in found.interval)


def _copies_s(row: Placed) -> float | None:
    return None if row.pair.cuda is None else transfer_s(row.pair.cuda)


def _seconds(key: str, title: str, what: str, path: str, spare: int) -> Column[Placed]:
    """A narrow column of seconds."""
    column = Column[Placed](key, title, Kind.SECONDS, what, path, spare=spare)
    return replace(column, text=lambda row: show.compact_seconds(column.of(row)))


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
    """The status that says most: a device that is missing, then the device's unless it is ok, then the CPU's."""
    cpu, cuda = row.pair.cpu, row.pair.cuda
    if cpu is None or cuda is None:
        return f"no {'cpu' if cpu is None else row.series.device.partition(':')[0]} case"
    return (cpu.status if cuda.status == "ok" else cuda.status).value


COLUMNS = by_key(
    Column[Placed]("series", "series", help="the problem but for n, the solver and its options", value="series.name"),
    Column("device", "against the CPU", help="what is beside the CPU", value="series.device"),
    Column("n", "n", Kind.WHOLE, "training rows", "pair.n"),
    Column("time_ratio", "device / CPU", Kind.RATIO, "the device's fit_s over the CPU's: below 1 it is faster",
        "pair.ratio.value", head="ratio"),
    Column("time_ratio_low", "from", Kind.RATIO, "lower end of its 95 % interval", "pair.ratio.low"),
    Column("time_ratio_high", "to", Kind.RATIO, "upper end of its 95 % interval", "pair.ratio.high"),
    Column("interval", "95 %", Kind.NUMBER, "the 95 % interval of the ratio", _interval, _interval, spare=1),
    Column("time_ratio_with_transfer", "with copies", Kind.RATIO, "the same with the copies in and out",
        "pair.ratio_with_transfer.value", head="+copy", spare=5),
    Column("digits_difference", "digits", Kind.NUMBER, "the device's digits less the CPU's",
        "pair.digits_difference", "+.1f", head="diff", spare=2),
    _seconds("cpu_fit_s", "CPU", "median wall seconds of a whole fit on the CPU", "pair.cpu.fit_s", spare=3),
    _seconds("cuda_fit_s", "device", "the same on the device", "pair.cuda.fit_s", spare=3),
    _seconds("transfer_in_s", "in", "seconds of the copy in", "pair.cuda.transfer_in_s", spare=8),
    _seconds("transfer_out_s", "out", "seconds of the copy out", "pair.cuda.transfer_out_s", spare=7),
    Column("transfer_s", "", Kind.SECONDS, "seconds of the copies in and out", _copies_s),
    Column("cpu_digits", "digits", Kind.DIGITS, "digits on the CPU", "pair.cpu.accuracy.digits", spare=6),
    Column("cuda_digits", "cuda", Kind.DIGITS, "digits on the device", "pair.cuda.accuracy.digits", spare=6),
    Column("arithmetic", "as", help="the arithmetic on the device", value=_arithmetic, spare=9),
    Column("status", "status", Kind.STATUS, "how the case ended, the device that did worse", _status, least=9),
    Column("faster_from_n", "", Kind.NUMBER, "of the series: n of the crossover; missing without one",
        "series.crossover.n"),
    Column("faster_from_n_with_transfer", "", Kind.NUMBER, "the same with the copies",
        "series.crossover_with_transfer.n"),
    Column("reason", "why there is no ratio", help="why there is no ratio", value="pair.reason"),
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


PAGE = (
    Column[Placed]("series", "series", value=lambda row: title(row.series)),
    *pick(
        COLUMNS,
        "device n cpu_fit_s cuda_fit_s time_ratio time_ratio_low time_ratio_high time_ratio_with_transfer "
        "digits_difference reason",
    ),
)


_SIDE: tuple[Column[Record], ...] = (
    *attributes("fit_s"),
    Column("calls", value=lambda record: len(record.samples.wall_s)),
    *attributes("prepare_s capture_s transfer_in_s transfer_out_s"),
    Column("transfer_s", value=transfer_s),
    *attributes("accuracy.digits accuracy.excess_loss options.dtype tf32 status message case"),
)
_PAIR: tuple[Column[Pair], ...] = (
    *attributes("n"),
    Column("cpu", value=lambda pair: object_of(_SIDE, pair.cpu)),
    Column("cuda", value=lambda pair: object_of(_SIDE, pair.cuda)),
    *attributes("reason ratio=ratio.value ratio_interval=ratio.interval"),
    *attributes(
        "ratio_with_transfer=ratio_with_transfer.value ratio_with_transfer_interval=ratio_with_transfer.interval"
    ),
    *attributes("digits_difference"),
)
JSON: tuple[Column[Series], ...] = (
    *attributes("series=name device threads"),
    Column("rows", value=lambda one: objects(_PAIR, one.pairs)),
    Column("crossover", value=lambda one: _crossover(one.crossover)),
    Column("crossover_with_transfer", value=lambda one: _crossover(one.crossover_with_transfer)),
)
"""An object a series: ratios are CUDA's time over the CPU's; an end of a crossover's interval may be null."""


def _crossover(found: Crossover | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**asdict(found), "cuda_is_faster": None if found.n is None else "above" if found.rising else "below"}
