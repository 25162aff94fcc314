"""CUDA beside the CPU in words: why there is no ratio, and where the crossovers lie."""

from collections.abc import Iterator, Sequence

from harness.judge.speed.crossover import Crossover, Order
from harness.judge.speed.devices import Series
from harness.report.tables.devices import TERMINAL, Placed, kind, title
from harness.report.tables.document import Document, Line, Table

EXPLAINED = (
    "ratio: the device's whole fit over the CPU's, with its bootstrap interval; below 1x the device is faster.",
    "in, out: copying the training rows to the device and the result back; +copy: the ratio with both.",
    "as: the arithmetic on the device; tf32: products of float32 rounded to 10 bits; f32?: not recorded.",
)
ONE_THREAD = "The CPU has one thread in every ratio."
MORE_THREADS = (
    "For the ratio to all its cores: 'harness run --device cpu --threads N', then this comparison with --run for both."
)


def devices(series: Sequence[Series]) -> Document:
    """A section a series with a row a size, why some have no ratio, and the crossovers, without and with the copies."""
    table = Table(TERMINAL, [(title(one), [Placed(one, pair) for pair in one.pairs]) for one in series])
    return Document([table, *map(Line, (*EXPLAINED, cpu_threads(series))), *_reasons(series), *_crossovers(series)])


def cpu_threads(series: Sequence[Series]) -> str:
    """With how many threads of the CPU a device is compared, and how to compare it with more."""
    found = sorted({one.threads for one in series})
    if found == [1]:
        return f"{ONE_THREAD} {MORE_THREADS}"
    most = ", ".join(map(str, found))
    return f"Threads of the CPU: {most}; a series with more than one says so (threads=N)."


def _reasons(series: Sequence[Series]) -> Iterator[Line]:
    for one in series:
        for reason in dict.fromkeys(pair.reason for pair in one.pairs if pair.reason):
            sizes = ", ".join(f"{pair.n:,}" for pair in one.pairs if pair.reason == reason)
            yield Line(f"{title(one)}, n = {sizes}: {reason}", "no ratio", "dim")


def _crossovers(series: Sequence[Series]) -> Iterator[Line]:
    for one in series:
        if one.crossover is not None:
            yield Line(title(one), "crossover", "bold")
            yield Line(f"without the transfer: {crossover_text(one.crossover, one.device)}")
            copied = one.crossover_with_transfer
            said = "it was not measured" if copied is None else crossover_text(copied, one.device)
            yield Line(f"with the transfer: {said}")


def crossover_text(found: Crossover, device: str = "cuda") -> str:
    """One sentence: what was measured, n* with its interval and how it was found, or why there is none."""
    once, what = found.order in (Order.FROM, Order.UP_TO), kind(device)
    measured = _measured(found, what)
    if found.n is None:
        return f"{measured}; {found.reason}" if found.reason else measured
    how = [found.method]
    if found.method == "fit" and found.cpu is not None and found.cuda is not None:
        how.append(f"worst residual {max(found.cpu.worst, found.cuda.worst):.0%}")
    how += ["EXTRAPOLATED beyond the measured sizes"] * found.extrapolated + [found.reason] * bool(found.reason)
    side = "from" if found.rising else "up to"
    start = "" if once else f"{measured}; "
    return f"{start}{what} is faster {side} n* = {_rows(found.n)}{_interval(found)}, by {', '.join(how)}"


def _measured(found: Crossover, what: str) -> str:
    first, last = f"{found.sizes[0]:,}", f"{found.sizes[-1]:,}"
    span = f"n = {first}" if len(found.sizes) == 1 else f"n = {first} to {last}"
    return {
        Order.ALWAYS: f"{what} is faster at every measured size ({span})",
        Order.NEVER: f"{what} is never faster up to n = {last}",
        Order.FROM: f"{what} becomes faster within {span}",
        Order.UP_TO: f"{what} ceases to be faster within {span}",
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
