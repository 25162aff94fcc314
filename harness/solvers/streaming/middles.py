"""Where the middle of the rows is: the shift of a pass over them, guessed from a few."""

from typing import NamedTuple, Self

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.streaming.arrays import on_host
from harness.solvers.streaming.sources import SAMPLE_ROWS, Chunk

NEAR = 0.5
"""Of a column's standard deviation: a mean this small leaves 0.8 of the second moment, a tenth of a digit's loss."""
CENTRAL = 1.5
"""Of a column's standard deviation: a shift so far from the mean leaves 0.3 of the second moment, half a digit's loss.
That of a column of zeros and ones is up to 1 away."""


class Middles(NamedTuple):
    """Medians of a sample of the rows, since one wild row must not decide: x (p,) and y; near: whether all x are 0."""

    x: Floats
    y: float
    near: bool

    @classmethod
    def of(cls, sample: Chunk) -> Self:
        """Of rows, at most SAMPLE_ROWS of them; x is `near` 0 if each is within NEAR of it.

        The spread is 1.4826 times the median deviation (Rousseeuw & Croux 1993, JASA 88: the standard deviation of a
        normal column).
        """
        columns = _columns(sample)
        with np.errstate(all="ignore"):  # data that are not finite show in the sums
            *middle, y = _medians(columns)
            x = np.array(middle)
            spread = 1.4826 * _medians(np.abs(columns[:-1] - x[:, None]))
            return cls(x, float(y), bool((np.abs(x) <= NEAR * spread).all()))

    def hold(self, spread: Chunk) -> bool:
        """Whether they are in the middle of rows from all over the data, too: a trend takes the first far from it."""
        with np.errstate(all="ignore"):
            rows, at = np.ascontiguousarray(_columns(spread).T), np.append(self.x, self.y)
            return bool((np.abs(rows.mean(axis=0) - at) <= CENTRAL * rows.std(axis=0)).all())

    @property
    def shifts(self) -> tuple[Floats | None, float]:
        """That of X, none where every middle is NEAR 0, which saves a copy; and that of y."""
        return (None if self.near else self.x), self.y


def _columns(rows: Chunk) -> Floats:
    """X and y by column, (p + 1, m) float64."""
    X, y = (on_host(part[:SAMPLE_ROWS]) for part in rows)
    return np.ascontiguousarray(np.column_stack([X, y]).T, dtype=np.float64)


def _medians(columns: Floats) -> Floats:
    """Of each row of `columns` (c, m): what numpy.median gives of numbers, in a third of its time for so few."""
    ordered, half = np.sort(columns, axis=1), columns.shape[1] // 2
    if columns.shape[1] % 2:
        return np.asarray(ordered[:, half])
    return np.asarray((ordered[:, half - 1] + ordered[:, half]) / 2)
