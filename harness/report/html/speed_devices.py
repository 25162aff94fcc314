"""CUDA beside the CPU: the ratio over n with its crossover, and the table; or what is missing and what makes it."""

from collections.abc import Sequence

from harness.errors import CannotMeasureError, counted
from harness.judge.speed.crossover import Crossover
from harness.judge.speed.devices import Series, compare_devices
from harness.records.record import Record
from harness.report.figures.rows import Row, row_of
from harness.report.figures.speed import devices_figure
from harness.report.html.section import Part, table_of
from harness.report.tables.column import Column
from harness.report.tables.devices import PAGE, Placed, kind, placed, title
from harness.report.words.devices import ONE_THREAD, cpu_threads, crossover_text


def _crossing_text(found: Crossover | None, device: str) -> str:
    return "the transfer was not measured" if found is None else crossover_text(found, device)


CROSSOVERS: tuple[Column[Series], ...] = (
    Column("series", "series", value=title),
    Column("without", "data there", value=lambda one: _crossing_text(one.crossover, one.device)),
    Column("with_copies", "with the copies", value=lambda one: _crossing_text(one.crossover_with_transfer, one.device)),
)
"""Of the series that have a crossover."""


HOW = (
    "CUDA against the CPU: {missing} To see from which n on CUDA is faster, on a machine with CUDA:"
    " harness run --device all --problem synthetic --n 1e3 --n 1e4 --n 1e5 --n 1e6"
)


def device_parts(records: Sequence[Record]) -> tuple[list[Part], str]:
    """Figure, table and a sentence a series; nothing without a case on both devices."""
    try:
        found = [one for one in compare_devices(records) if any(pair.cpu and pair.cuda for pair in one.pairs)]
    except CannotMeasureError:
        return [], ""
    caption = f"Each case on the CPU and beside it: whole fits, and the ratio with its interval. {cpu_threads(found)}"
    table = table_of("speed-device-ratios", caption, PAGE, placed(found), _named)
    ranks = {title(one): rank for rank, one in enumerate(found)}
    drawn = [{**row, "rank": ranks[row["series"]]} for row in table.rows if row["time_ratio"] is not None]
    parts: list[Part] = [*([devices_figure(drawn)] if drawn else []), table]
    crossed = [one for one in found if one.crossover is not None]
    if crossed:
        parts.append(table_of("speed-crossovers", "From which n on the device is faster", CROSSOVERS, crossed))
    return parts, _summary(found)


def device_words(records: Sequence[Record]) -> str:
    """Where no case is on both devices: how to get one."""
    devices = sorted({record.device for record in records})
    return HOW.format(missing=f"this run has no case on both ({', '.join(devices) or 'no device'}).")


def _summary(found: Sequence[Series]) -> str:
    """How many of the pairs CUDA wins, and the lowest crossover."""
    pairs = [pair for one in found for pair in one.pairs if pair.ratio is not None]
    if not pairs:
        return ""
    wins = sum(pair.ratio is not None and pair.ratio.value < 1 for pair in pairs)
    crossed = [(n, one) for one in found if (n := _crossed_at(one)) is not None]
    what = " and ".join(dict.fromkeys(kind(one.device) for one in found))
    words = f"{what} is faster than the CPU in {wins} of {counted(len(pairs), 'pair')}"
    against = f" {ONE_THREAD}" if {one.threads for one in found} == {1} else ""
    if not crossed:
        return f"{words}.{against}"
    n, first = min(crossed, key=lambda item: item[0])
    return f"{words}; the lowest crossover is {first.name} at n = {float(f'{n:.3g}'):,.0f}.{against}"


def _crossed_at(one: Series) -> float | None:
    """The size from which CUDA is faster, where it lies between sizes that were measured."""
    found = one.crossover
    return found.n if found is not None and found.rising and not found.extrapolated else None


def _named(one: Placed) -> Row:
    known = one.pair.cuda or one.pair.cpu
    assert known is not None  # noqa: S101  # a pair is made of one record at least
    return row_of(known, device=one.series.device)
