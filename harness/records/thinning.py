"""Which samples of an old record are kept: few, and the medians stay what they were."""

from collections.abc import Sequence

from harness.records.record import Record
from harness.timing.sampling import Samples

PAIRS = 4
"""Ranks kept below the middle of a record's samples, and as many above."""


def thinned(record: Record) -> Record:
    """The record with 9 of its samples by each clock, of an even number 10; of so few or fewer itself.

    In the order of their size: the least, the largest, the middle one or two, and between them evenly spaced ranks, as
    many below the middle as above. So each clock's median, least and largest are what they were, to the last bit; which
    wall time belonged to which CPU time is not kept. `thinned_from` says how many there were.
    """
    before = record.samples
    count = max(len(before.wall_s), len(before.cpu_s))
    if record.thinned_from is not None or count <= 2 * PAIRS + 2:
        return record
    samples = Samples(_kept(before.wall_s), _kept(before.cpu_s), before.error)
    return record.model_copy(update={"samples": samples, "thinned_from": count})


def _kept(values: Sequence[float]) -> tuple[float, ...]:
    count, ordered = len(values), sorted(values)
    if count <= 2 * PAIRS + 2:
        return tuple(ordered)
    middle = {(count - 1) // 2, count // 2}
    below = {round(step * min(middle) / PAIRS) for step in range(PAIRS)}
    return tuple(ordered[rank] for rank in sorted(middle | below | {count - 1 - rank for rank in below}))
