"""CUDA beside the CPU: a section a series with a row a size, then where the crossovers lie."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from harness.judge.speed.crossover import Crossover, Order
from harness.judge.speed.devices import Pair, Ratio, Series
from harness.records.record import Record
from harness.report import numbers as show
from harness.report.sections import Column, print_sections

COLUMNS = (
    Column("n", 8),
    Column("cpu", 6, spare=3),
    Column("cuda", 6, spare=3),
    Column("ratio", 6),
    Column("95 %", 11, spare=1),
    Column("in", 6, spare=8),
    Column("out", 6, spare=7),
    Column("+copy", 6, spare=5),
    Column("digits", 6, spare=6),
    Column("cuda", 4, spare=6),
    Column("diff", 5, spare=2),
    Column("as", 4, "left", spare=9),
    Column("status", 13, "left", least=9),
)
"""Within 100 characters, the space between them included."""
DTYPES = {"float32": "f32", "float64": "f64"}


def print_devices(console: Console, series: Sequence[Series]) -> None:
    """The rows, why some have no ratio, and the crossover of each series, without and with the transfer."""
    print_sections(console, COLUMNS, ((_title(one), [_cells(pair) for pair in one.pairs]) for one in series))
    console.print("ratio: CUDA's whole fit over the CPU's, with its bootstrap interval; below 1x CUDA is faster.")
    console.print("in, out: copying the training rows to the device and the result back; +copy: the ratio with both.")
    console.print("as: the arithmetic on CUDA; tf32: products of float32 rounded to 10 bits; f32?: not recorded.")
    for one in series:
        for reason in dict.fromkeys(pair.reason for pair in one.pairs if pair.reason):
            sizes = ", ".join(f"{pair.n:,}" for pair in one.pairs if pair.reason == reason)
            console.print(f"[dim]no ratio[/] {escape(_title(one))}, n = {sizes}: {escape(reason)}")
    for one in series:
        if one.crossover is not None:
            console.print(f"[bold]crossover[/] {escape(_title(one))}")
            console.print(f"without the transfer: {crossover_text(one.crossover)}")
            console.print(f"with the transfer: {_with_transfer(one)}")


def _with_transfer(one: Series) -> str:
    found = one.crossover_with_transfer
    return "it was not measured" if found is None else crossover_text(found)


def crossover_text(found: Crossover) -> str:
    """One sentence: what was measured, n* with its interval and how it was found, or why there is none."""
    once = found.order in (Order.FROM, Order.UP_TO)
    measured = _measured(found)
    if found.n is None:
        return f"{measured}; {found.reason}" if found.reason else measured
    how = [found.method]
    if found.method == "fit" and found.cpu is not None and found.cuda is not None:
        how.append(f"worst residual {max(found.cpu.worst, found.cuda.worst):.0%}")
    how += ["EXTRAPOLATED beyond the measured sizes"] * found.extrapolated + [found.reason] * bool(found.reason)
    side = "from" if found.rising else "up to"
    start = "" if once else f"{measured}; "
    return f"{start}CUDA is faster {side} n* = {_rows(found.n)}{_interval(found)}, by {', '.join(how)}"


def _measured(found: Crossover) -> str:
    first, last = f"{found.sizes[0]:,}", f"{found.sizes[-1]:,}"
    span = f"n = {first}" if len(found.sizes) == 1 else f"n = {first} to {last}"
    return {
        Order.ALWAYS: f"CUDA is faster at every measured size ({span})",
        Order.NEVER: f"CUDA is never faster up to n = {last}",
        Order.FROM: f"CUDA becomes faster within {span}",
        Order.UP_TO: f"CUDA ceases to be faster within {span}",
        Order.MIXED: f"the faster device changes more than once within {span}",
    }[found.order]


def _interval(found: Crossover) -> str:
    """(95 %: 11,800 to 12,900); an end that is not there is said in words."""
    if found.low is None and found.high is None:
        return " (no interval)"
    low = "no lower end" if found.low is None else _rows(found.low)
    high = "no upper end" if found.high is None else _rows(found.high)
    return f" (95 %: {low} to {high})"


def _rows(n: float) -> str:
    """An estimated n to three significant digits: 12,300."""
    return f"{float(f'{n:.3g}'):,.0f}"


def _title(one: Series) -> str:
    return one.name if one.device == "cuda" else f"{one.name} on {one.device}"


def _cells(pair: Pair) -> list[str]:
    cpu_s, _, _, cpu_digits = _measurements(pair.cpu)
    cuda_s, in_s, out_s, cuda_digits = _measurements(pair.cuda)
    return [
        str(pair.n),
        show.compact_seconds(cpu_s),
        show.compact_seconds(cuda_s),
        _ratio(pair.ratio),
        _ratio_interval(pair.ratio),
        show.compact_seconds(in_s),
        show.compact_seconds(out_s),
        _ratio(pair.ratio_with_transfer),
        show.fixed(cpu_digits, 1),
        show.fixed(cuda_digits, 1),
        show.NONE if pair.digits_difference is None else f"{pair.digits_difference:+.1f}",
        _arithmetic(pair.cuda),
        _status(pair.cpu, pair.cuda),
    ]


def _measurements(record: Record | None) -> tuple[float | None, float | None, float | None, float | None]:
    """Seconds of a whole fit, of the copies in and out, and digits; all None without a record."""
    if record is None:
        return None, None, None, None
    return record.fit_s, record.transfer_in_s, record.transfer_out_s, record.accuracy.digits


def _ratio(ratio: Ratio | None) -> str:
    return show.ratio(None if ratio is None else ratio.value)


def _ratio_interval(ratio: Ratio | None) -> str:
    if ratio is None or ratio.interval is None:
        return show.NONE
    return "-".join(show.ratio(end).removesuffix("x") for end in ratio.interval)


def _arithmetic(cuda: Record | None) -> str:
    """f64, f32 or tf32; f32? where an older store does not say; empty for what has no dtype."""
    if cuda is None or "dtype" not in cuda.options:
        return ""
    dtype = str(cuda.options["dtype"])
    if dtype == "float32" and cuda.tf32 is not False:
        return "tf32" if cuda.tf32 else "f32?"
    return DTYPES.get(dtype, dtype)


def _status(cpu: Record | None, cuda: Record | None) -> str:
    """The status that says most: a device that is missing, then CUDA's unless it is ok, then the CPU's."""
    if cpu is None or cuda is None:
        return f"[dim]no {'cpu' if cpu is None else 'cuda'} case[/]"
    return show.status_text(cpu.status if cuda.status == "ok" else cuda.status)
