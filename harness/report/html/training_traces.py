"""Training against validation loss by epoch, from the traces of a run's records."""

import math
from collections.abc import Sequence
from operator import itemgetter

from harness.errors import counted
from harness.records.record import Record, TraceRecord
from harness.report.figures import axes
from harness.report.figures.axes import Spec
from harness.report.figures.figure import Figure
from harness.report.figures.fits import LOG_SPAN
from harness.report.figures.loss_by_epoch import HEIGHT, epochs_axis
from harness.report.figures.panels import layered, panels_of
from harness.report.figures.rows import Row, row_of, short
from harness.report.figures.training_rows import START
from harness.report.html.section import Table, table_of
from harness.report.tables.column import Column, Kind

MOST_PANELS = 24
"""Trainings in the figure: with some 400 rows each they are a third of a megabyte."""
TRAINING = "training"
SPLITS = {"val": "validation", "test": "test"}


def _final(losses: Sequence[float] | None) -> float:
    return losses[-1] if losses else math.nan


def _least(record: Record) -> float:
    return min((value for value in _trace(record).val_loss or () if math.isfinite(value)), default=math.nan)


def _least_at(record: Record) -> int | None:
    losses, least = _trace(record).val_loss or (), _least(record)
    return _trace(record).epoch[losses.index(least)] + 1 if math.isfinite(least) else None


def _ratio(above: float, below: float) -> float | None:
    return short(above / below) if below > 0 else None


def _above(record: Record) -> float | None:
    """The final held-out loss over the least."""
    return _ratio(_final(_trace(record).val_loss), _least(record))


def _carried(record: Record) -> float | None:
    """The final held-out loss over the final training loss."""
    return _ratio(_final(_trace(record).val_loss), _final(_trace(record).train_loss))


COLUMNS: tuple[Column[Record], ...] = (
    Column("problem", "problem"),
    Column("solver", "solver"),
    Column("lr", "learning rate", Kind.SMALL),
    Column("epochs", "epochs", Kind.WHOLE, value="trace.epochs"),
    Column("train", "final training loss", Kind.SMALL, value=lambda one: _final(_trace(one).train_loss)),
    Column("held_out", "final held-out loss", Kind.SMALL, value=lambda one: _final(_trace(one).val_loss)),
    Column("ratio", "held-out / training", Kind.RATIO, "Far above 1: what was learned does not carry over.",
        _carried),
    Column("least", "least held-out loss", Kind.SMALL, value=_least),
    Column("least_at", "at epoch", Kind.WHOLE, value=_least_at),
    Column("above", "final / least", Kind.RATIO, "Above 1: it has turned up since; stopping was better.",
        _above),
    Column("status", "status", Kind.STATUS),
)  # fmt: skip


def held_out(records: Sequence[Record]) -> list[Record]:
    """The records of trainings with a held-out loss by epoch."""
    return [record for record in records if record.trace is not None and record.trace.val_loss]


def table(records: Sequence[Record]) -> Table:
    """A row a training with a held-out loss, the lowest final one first."""
    caption = "Trainings with held-out rows: what their losses ended at, in the units trained in."
    caption = " ".join(filter(None, (caption, sentence(records))))
    return table_of("training_held_out", caption, COLUMNS, records, row_of, "held_out")


def _trace(record: Record) -> TraceRecord:
    assert record.trace is not None  # noqa: S101  # `held_out` chose it for its trace
    return record.trace


def shown(records: Sequence[Record]) -> list[Record]:
    """Of each solver on each problem and device the training that ended lowest, at most MOST_PANELS."""
    best: dict[tuple[str, str, str], Record] = {}
    for record in records:
        key = record.problem, record.label, record.device
        if key not in best or _order(record) < _order(best[key]):
            best[key] = record
    return list(best.values())[:MOST_PANELS]


def _order(record: Record) -> float:
    last = _final(_trace(record).val_loss or ())
    return last if math.isfinite(last) else math.inf


def figure(records: Sequence[Record], of: int) -> Figure:
    """Both losses by epochs done; a training is chosen from a list. `of`: how many there are in all."""
    rows = [row for place, record in enumerate(records) for row in _losses(record, place)]
    positive = [row["loss"] for row in rows if row["loss"] is not None and row["loss"] > 0]
    log = bool(positive) and max(positive) > LOG_SPAN * min(positive)
    if log:
        rows = [row if row["loss"] is None or row["loss"] > 0 else {**row, "loss": None} for row in rows]
    scale, label = (axes.LOG, axes.powers("y")) if log else ({"zero": False}, "")
    y = axes.number("loss", "loss, in the units trained in", label, **scale)
    what = (
        "Training loss and held-out loss by epochs done. Epoch t's training loss is the one that it stepped from, its"
        " held-out loss the one after the step."
    )
    if of > len(records):
        what += f" Of {of} trainings the {len(records)} with the lowest held-out loss of their solver and problem."
    encoding = {"x": epochs_axis(max((row["at"] for row in rows), default=1.0)), "y": y}
    spec = layered(_layers(), encoding, panels_of(rows), HEIGHT, "training")
    return Figure("training_validation", "Training against held-out loss", what, spec, rows)


def _layers() -> list[Spec]:
    series = axes.dashed("split", [TRAINING, *SPLITS.values()])
    tips = axes.tips(("split", "rows"), ("epoch", "epochs done", ",~r"), ("loss", "loss", ".4~g"))
    points = {"color": series["color"], "tooltip": tips}
    return [axes.layer("line", series, strokeWidth=2), axes.layer("point", points, size=14)]


def _losses(record: Record, place: int) -> list[Row]:
    trace = _trace(record)
    rate = record.options.get("lr")
    named = [record.label, f"on {record.problem}", *([] if rate is None else [f"at lr {rate:.4g}"])]
    device = [] if record.device == "cpu" else [f"({record.device})"]
    shared = {**row_of(record), "panel": " ".join([*named, *device]), "place": place}
    part = SPLITS.get(trace.val_split or "val", trace.val_split)
    sides = ((TRAINING, 0, trace.train_loss), (part, 1, trace.val_loss or ()))
    return [
        {**shared, "split": split, "epoch": epoch + after, "at": max(epoch + after, START), "loss": short(loss)}
        for split, after, losses in sides
        for epoch, loss in zip(trace.epoch, losses, strict=False)
    ]


def sentence(records: Sequence[Record]) -> str:
    """How far above its least a held-out loss ends at worst, of the trainings that ended well."""
    turned = [(above, one) for one in records if not one.failed and (above := _above(one)) is not None]
    if not turned:
        return ""
    above, worst = max(turned, key=itemgetter(0))
    count = f"{counted(len(turned), 'training')} with held-out rows"
    if above <= 1:
        return f"Of {count} none has a held-out loss that ends above its least: no sign of overfitting."
    where = f"{worst.label} on {worst.problem}"
    return f"Of {count} the held-out loss ends at most {above:.3g} times above its least, with {where}."
