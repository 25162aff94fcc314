"""CUDA beside the CPU: the ratio over n with its crossover, and the table; or what is missing and what makes it."""

from collections.abc import Sequence
from typing import Any

from harness.errors import CannotMeasureError
from harness.judge.medians import Estimate
from harness.judge.speed.devices import Pair, Series, compare_devices
from harness.records.record import Record
from harness.report.html import axes
from harness.report.html.rows import row_of
from harness.report.html.section import Column, Figure, Kind, Note, Part, Row, Table
from harness.report.html.speed_rows import finite
from harness.report.tables.devices import title as _title
from harness.report.words.devices import crossover_text

COLUMNS = (
    Column("series", "series"),
    Column("device", "against the CPU"),
    Column("n", "n", Kind.WHOLE),
    Column("cpu_s", "CPU", Kind.SECONDS),
    Column("cuda_s", "CUDA", Kind.SECONDS),
    Column("ratio", "CUDA / CPU", Kind.RATIO, "Medians of whole fits; below 1 CUDA is faster."),
    Column("ratio_low", "from", Kind.RATIO, "Percentile bootstrap over the calls, 95 %."),
    Column("ratio_high", "to", Kind.RATIO),
    Column("with_transfer", "with copies", Kind.RATIO, "The same with the rows copied in and the result out."),
    Column("digits_difference", "digits", Kind.NUMBER, "CUDA's less the CPU's."),
    Column("reason", "why there is no ratio"),
)
CROSSOVERS = (Column("series", "series"), Column("without", "data there"), Column("with_copies", "with the copies"))
HOW = (
    "CUDA against the CPU: {missing} To see from which n on CUDA is faster, on a machine with CUDA:"
    " harness run --device all --problem synthetic --n 1e3 --n 1e4 --n 1e5 --n 1e6"
)


def device_parts(records: Sequence[Record]) -> tuple[list[Part], str]:
    """Figure, table and a sentence a series; without a case on both devices a note that says how to get one."""
    devices = sorted({record.device for record in records})
    try:
        found = [one for one in compare_devices(records) if any(pair.cpu and pair.cuda for pair in one.pairs)]
    except CannotMeasureError:
        return [Note(HOW.format(missing=f"this run has no case on both ({', '.join(devices) or 'no device'})."))], ""
    rows = [_row(one, pair) | {"rank": rank} for rank, one in enumerate(found) for pair in one.pairs]
    drawn = [row | {"ratio_below": row["ratio"] < 1} for row in rows if row["ratio"] is not None]
    parts: list[Part] = [_figure(drawn)] if drawn else []
    caption = "Each case on the CPU and on CUDA: whole fits, and the ratio with its interval"
    parts.append(Table("speed-device-ratios", caption, COLUMNS, rows))
    crossovers = [row for one in found if (row := _crossover(one))]
    if crossovers:
        parts.append(Table("speed-crossovers", "From which n on CUDA is faster", CROSSOVERS, crossovers))
    return parts, _summary(found)


def _crossover(one: Series) -> Row:
    """A row of CROSSOVERS; none without a crossover to speak of."""
    if one.crossover is None:
        return {}
    copies = one.crossover_with_transfer
    return {
        "series": _title(one),
        "without": crossover_text(one.crossover),
        "with_copies": "the transfer was not measured" if copies is None else crossover_text(copies),
    }


def _summary(found: Sequence[Series]) -> str:
    """How many of the pairs CUDA wins, and the lowest crossover."""
    pairs = [pair for one in found for pair in one.pairs if pair.ratio is not None]
    if not pairs:
        return ""
    wins = sum(pair.ratio is not None and pair.ratio.value < 1 for pair in pairs)
    crossed = [(n, one) for one in found if (n := _crossed_at(one)) is not None]
    words = f"CUDA is faster than the CPU in {wins} of {len(pairs)} pairs"
    if not crossed:
        return f"{words}."
    n, first = min(crossed, key=lambda item: item[0])
    return f"{words}; the lowest crossover is {first.name} at n = {float(f'{n:.3g}'):,.0f}."


def _crossed_at(one: Series) -> float | None:
    """The size from which CUDA is faster, where it lies between sizes that were measured."""
    found = one.crossover
    return found.n if found is not None and found.rising and not found.extrapolated else None


def _row(one: Series, pair: Pair) -> dict[str, Any]:
    known = pair.cuda or pair.cpu
    assert known is not None  # noqa: S101  # a pair is made of one record at least
    return {
        **row_of(known, device=one.device),
        "series": _title(one),
        "cpu_s": _seconds(pair.cpu),
        "cuda_s": _seconds(pair.cuda),
        **_ratio(pair.ratio),
        "with_transfer": None if pair.ratio_with_transfer is None else finite(pair.ratio_with_transfer.value),
        "digits_difference": finite(pair.digits_difference),
        "reason": pair.reason,
    }


def _seconds(record: Record | None) -> float | None:
    return None if record is None else finite(record.fit_s)


def _ratio(found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {"ratio": None, "ratio_low": None, "ratio_high": None}
    low, high = found.interval or (None, None)
    return {"ratio": finite(found.value), "ratio_low": finite(low), "ratio_high": finite(high)}


def _figure(rows: Sequence[Row]) -> Figure:
    y = {"field": "ratio", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 16}}
    x = {"field": "n", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 24}}
    wide = {"columns": 1, "labelLimit": {"expr": "width"}}
    colour, shape = axes.coloured(), axes.shaped(wide)
    ratio_axis = {"title": "CUDA's time over the CPU's", "labelExpr": axes.multiples("y"), **axes.QUIET}
    layers: list[axes.Spec] = [
        {
            "mark": {"type": "rule", "color": axes.GREY, "strokeWidth": 1.5},
            "encoding": {"x": {"value": 0}, "x2": {"value": "width"}, "y": {"datum": 1}},
        },
        {
            "mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 2},
            "encoding": {"y": y | {"field": "ratio_low"}, "y2": {"field": "ratio_high"}, "color": colour},
        },
        {
            "mark": {"type": "line"},
            "encoding": {"color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {"color": colour, "shape": shape},
        },
    ]
    spec = axes.layered(
        layers,
        {"x": x | {"axis": axes.rows_axis("x", "n (training rows)")}, "y": y | {"axis": ratio_axis}},
        [],
        320,
    )
    description = "CUDA's time of a whole fit over the CPU's against n; below the line at 1 CUDA is faster."
    return Figure("speed-devices", "CUDA against the CPU", description, spec, rows)
