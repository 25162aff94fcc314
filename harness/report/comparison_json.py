"""A comparison as JSON for other programs."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from harness.judge.speed.comparison import Row
from harness.judge.speed.crossover import Crossover
from harness.judge.speed.devices import Pair, Ratio, Series, transfer_s
from harness.records.record import Record


def comparison_json(rows: Sequence[Row]) -> str:
    """A list of objects, one a row; numbers that are missing or censored are null."""
    return json.dumps(
        [
            {
                "group": row.group,
                "value": row.value,
                "baseline": row.baseline,
                "time_ratio": row.time_ratio,
                "digits_difference": row.digits_difference,
                "excess_ratio": row.excess_ratio,
                "fit_s": row.record.fit_s,
                "digits": row.record.accuracy.digits,
                "excess_loss": row.record.accuracy.excess_loss,
                "epochs_to": dict(row.record.accuracy.epochs_to),
                "seconds_to": dict(row.record.seconds_to),
                "status": row.record.status.value,
                "case": row.record.case,
            }
            for row in rows
        ]
    )


def devices_json(series: Sequence[Series]) -> str:
    """A list of objects, one a series: its rows by n, and its crossover without and with the transfer.

    Ratios are CUDA's time over the CPU's. Numbers that are missing or not finite are null; so is an end of a
    crossover's interval that is not there.
    """
    return json.dumps(
        [
            {
                "series": one.name,
                "device": one.device,
                "rows": [_pair(pair) for pair in one.pairs],
                "crossover": _crossover(one.crossover),
                "crossover_with_transfer": _crossover(one.crossover_with_transfer),
            }
            for one in series
        ],
        allow_nan=False,
    )


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "n": pair.n,
        "cpu": _side(pair.cpu),
        "cuda": _side(pair.cuda),
        "reason": pair.reason,
        **_ratio("ratio", pair.ratio),
        **_ratio("ratio_with_transfer", pair.ratio_with_transfer),
        "digits_difference": pair.digits_difference,
    }


def _side(record: Record | None) -> dict[str, object] | None:
    if record is None:
        return None
    return {
        "fit_s": _finite(record.fit_s),
        "calls": len(record.samples.wall_s),
        "prepare_s": _finite(record.prepare_s),
        "capture_s": _finite(record.capture_s),
        "transfer_in_s": _finite(record.transfer_in_s),
        "transfer_out_s": _finite(record.transfer_out_s),
        "transfer_s": transfer_s(record),
        "digits": _finite(record.accuracy.digits),
        "excess_loss": _finite(record.accuracy.excess_loss),
        "dtype": record.options.get("dtype"),
        "tf32": record.tf32,
        "status": record.status.value,
        "message": record.message,
        "case": record.case,
    }


def _ratio(name: str, ratio: Ratio | None) -> dict[str, object]:
    return {
        name: None if ratio is None else ratio.value,
        f"{name}_interval": None if ratio is None else ratio.interval,
    }


def _crossover(found: Crossover | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {**asdict(found), "cuda_is_faster": None if found.n is None else "above" if found.rising else "below"}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
