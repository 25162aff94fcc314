"""Cases side by side along one axis: ratios to the baseline of the group, then the case's own numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from harness.judge.speed.comparison import Row
from harness.records.record import TOLERANCE_NAMES
from harness.report.tables import case
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick, within

SPARE = dict(zip(TOLERANCE_NAMES, (5, 3, 4), strict=True))
"""Which tolerance goes last where there is no room for all."""


def _of_record(keys: str) -> Iterator[Column[Row]]:
    for column in pick(case.COLUMNS, keys):
        yield within(column, attrgetter("record"))


def _reached(name: str) -> Callable[[Row], str]:
    """Epochs and seconds to a tolerance; a dash where censored, nothing where there are no epochs."""

    def text(row: Row) -> str:
        reached = row.record.accuracy.epochs_to
        if not reached:
            return ""
        epochs = reached.get(name)
        return show.NONE if epochs is None else f"{epochs} {show.compact_seconds(row.record.seconds_to[name])}"

    return text


COLUMNS = by_key(
    Column[Row]("group", help="what the compared cases share"),
    Column("value", help="where on the axis the case is", least=12),
    Column("baseline", help="the value that the ratios are to"),
    Column("time_ratio", "time", Kind.RATIO, "fit_s over the baseline's: below 1 is faster"),
    Column("digits_difference", "", Kind.NUMBER, "digits less the baseline's"),
    Column("excess_ratio", "", Kind.NUMBER, "excess loss over the baseline's"),
    Column("machine", help="of the cluster's worker that measured it; empty at home", value="record.machine"),
    *_of_record(
        f"fit_s digits excess_loss status problem solver device n p lr seed {case.TOLERANCES} epochs_to seconds_to case"
    ),
)
FRAME = pick(
    COLUMNS,
    "group value baseline time_ratio digits_difference excess_ratio fit_s digits excess_loss status problem solver "
    f"device n p lr seed {case.TOLERANCES} case machine",
)
"""Of `harness.compare`, one row a case."""
NOTEBOOK = FRAME[:10]
JSON = pick(
    COLUMNS,
    "group value baseline time_ratio digits_difference excess_ratio fit_s digits excess_loss epochs_to seconds_to "
    "status case machine",
)


def terminal(by: str, rows: Sequence[Row]) -> list[Column[Row]]:
    """On a console, by this axis; epochs and seconds to each tolerance where a case has them."""
    value, *others, excess, status = pick(COLUMNS, "value time_ratio fit_s digits excess_loss status")
    iterative = any(row.record.accuracy.epochs_to for row in rows)
    to = [Column(f"to_{name}", f"to {name}", Kind.NUMBER, text=_reached(name), spare=SPARE[name]) for name in SPARE]
    fit = [replace(one, head="fit", spare=1) if one.key == "fit_s" else one for one in others]
    return [replace(value, head=by), *fit, replace(excess, spare=2), *(to if iterative else []), status]
