"""Training against validation loss by epoch, from the traces of a run's records."""

import math
from collections.abc import Sequence
from typing import Any

from harness.records.record import Record, TraceRecord
from harness.report.drawing import LOG_SPAN
from harness.report.html import axes
from harness.report.html.rows import row_of
from harness.report.html.section import Column, Figure, Kind, Row, Table
from harness.report.html.thinning import short
from harness.report.html.training_figures import HEIGHT, LINES, epochs_axis
from harness.report.html.training_rows import START

Spec = dict[str, Any]

MOST_PANELS = 24
"""Trainings in the figure: with some 400 rows each they are a third of a megabyte."""
TRAINING = "training"
SPLITS = {"val": "validation", "test": "test"}
COLUMNS = (
    Column("problem", "problem"),
    Column("solver", "solver"),
    Column("lr", "learning rate", Kind.SMALL),
    Column("epochs", "epochs", Kind.WHOLE),
    Column("train", "final training loss", Kind.SMALL),
    Column("held_out", "final held-out loss", Kind.SMALL),
    Column("ratio", "held-out / training", Kind.RATIO, "Far above 1: what was learned does not carry over."),
    Column("least", "least held-out loss", Kind.SMALL),
    Column("least_at", "at epoch", Kind.WHOLE),
    Column("above", "final / least", Kind.RATIO, "Above 1: it has turned up since; stopping was better."),
    Column("status", "status", Kind.STATUS),
)


def held_out(records: Sequence[Record]) -> list[Record]:
    """The records of trainings with a held-out loss by epoch."""
    return [record for record in records if record.trace is not None and record.trace.val_loss]


def table(records: Sequence[Record]) -> Table:
    """A row a training with a held-out loss, the lowest final one first."""
    caption = " ".join(
        filter(
            None,
            (
                "Trainings with held-out rows: what their losses ended at, in the units trained in.",
                sentence(records),
            ),
        )
    )
    return Table("training_held_out", caption, COLUMNS, [_row(record) for record in records], "held_out")


def _row(record: Record) -> Row:
    trace = _trace(record)
    losses = [value for value in trace.val_loss or () if math.isfinite(value)]
    least = min(losses, default=math.nan)
    train, last = _final(trace.train_loss), _final(trace.val_loss or ())
    return {
        **row_of(record),
        "epochs": trace.epochs,
        "train": short(train),
        "held_out": short(last),
        "ratio": short(last / train if train > 0 else math.nan),
        "least": short(least),
        "least_at": None if not losses else trace.epoch[(trace.val_loss or ()).index(least)] + 1,
        "above": short(last / least if least > 0 else math.nan),
        "status": record.status.value,
    }


def _trace(record: Record) -> TraceRecord:
    assert record.trace is not None  # noqa: S101  # `held_out` chose it for its trace
    return record.trace


def _final(losses: Sequence[float]) -> float:
    return losses[-1] if losses else math.nan


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
    axis = {"title": "loss, in the units trained in", "gridOpacity": 0.35}
    scale = {"type": "log", "nice": False} if log else {"zero": False}
    if log:
        axis["labelExpr"] = axes.powers("y")
    y = {"field": "loss", "type": "quantitative", "scale": scale, "axis": axis}
    what = (
        "Training loss and held-out loss by epochs done. Epoch t's training loss is the one that it stepped from, its"
        " held-out loss the one after the step."
    )
    if of > len(records):
        what += f" Of {of} trainings the {len(records)} with the lowest held-out loss of their solver and problem."
    encoding = {"x": epochs_axis(max((row["at"] for row in rows), default=1.0)), "y": y}
    spec = axes.layered(_layers(), encoding, axes.panels_of(rows), HEIGHT, "training")
    return Figure("training_validation", "Training against held-out loss", what, spec, rows)


def _layers() -> list[Spec]:
    names = [TRAINING, *SPLITS.values()]
    shared = {"field": "split", "type": "nominal", "legend": axes.legend() | LINES}
    series = {
        "color": {**shared, "scale": {"domain": names}},
        "strokeDash": {**shared, "scale": {"domain": names, "range": [[1, 0], [8, 3], [2, 2]]}},
    }
    tips = [
        {"field": "split", "title": "rows", "type": "nominal"},
        {"field": "epoch", "title": "epochs done", "type": "quantitative"},
        {"field": "loss", "title": "loss", "type": "quantitative", "format": ".4~g"},
    ]
    return [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": series},
        {"mark": {"type": "point", "size": 14}, "encoding": {"color": series["color"], "tooltip": tips}},
    ]


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
    rows = [_row(record) for record in records if not record.failed]
    turned = [row for row in rows if row["above"] is not None]
    if not turned:
        return ""
    worst = max(turned, key=lambda row: row["above"])
    count = f"{len(turned)} training{'s' * (len(turned) != 1)} with held-out rows"
    if worst["above"] <= 1:
        return f"Of {count} none has a held-out loss that ends above its least: no sign of overfitting."
    where = f"{worst['solver']} on {worst['problem']}"
    return f"Of {count} the held-out loss ends at most {worst['above']:.3g} times above its least, with {where}."
