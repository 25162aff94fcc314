"""What a launch measured of a quantity, or why it has no number."""

import math

from harness.judge.history.series import Quantity
from harness.judge.medians import measurable
from harness.records.record import Record, Status

TOLERANCE = "1e-4"
"""Of epochs_to: the one that asv's suites track."""


def value_of(record: Record, quantity: Quantity) -> tuple[float | None, str]:
    """A launch's number, or None and why there is none.

    The time of a case that ended wrong is no measurement of its work; its digits are.
    """
    if record.failed if quantity.noisy else record.status.failed and record.status is not Status.WRONG:
        value = None
    else:
        accuracy = record.accuracy
        epochs = accuracy.epochs_to.get(TOLERANCE)
        value = {
            "time": record.call_s,
            "digits": accuracy.digits,
            "excess_loss": accuracy.excess_loss,
            "epochs_to": None if epochs is None else float(epochs),
        }[quantity.name]
    if quantity.name == "time" and not measurable(record.samples.wall_s or record.samples.cpu_s):
        value = None
    if value is not None and math.isfinite(value) and (value > 0 or not quantity.relative):
        return value, ""
    message = f"{record.status}: {record.message}" if record.message else str(record.status)
    return None, f"no {quantity.words}" if record.status is Status.OK else message
