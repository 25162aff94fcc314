"""A comparison as JSON for other programs."""

import json
from collections.abc import Sequence

from harness.judge.comparison import Row


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
