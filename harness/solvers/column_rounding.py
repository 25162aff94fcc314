"""How far the columns of a table are known: the size of half a unit in the last place of their entries.

Solvers that see dependences which exist only by rounding need it: a direction that moving every entry within its own
rounding removes is none. harness.verify.data_rank judges by the same definition with code of its own: judge and judged
stay apart.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats

SINGLE_BITS, DOUBLE_BITS = 24, 53


class ColumnRounding:
    """Sums over rows, block by block, of the squared half units of each of `columns` columns; numpy or torch."""

    def __init__(self, columns: int) -> None:
        """Nothing has been added yet."""
        self.columns = columns
        self._top = np.full(columns, -(2**14))  # the largest exponent so far: sums are in units of 4^top
        self._squares = np.zeros(columns)
        self._single = np.ones(columns, dtype=bool)
        self._integers = np.ones(columns, dtype=bool)
        self._last_bit = np.zeros(columns, dtype=bool)

    def add(self, table: Any) -> None:
        """Add the rows of table (m, columns): finite numbers, float64 or float32."""
        values = table if isinstance(table, np.ndarray) else table.cpu().numpy()
        mantissa, exponent = np.frexp(values.astype(np.float64, copy=False))
        used = mantissa != 0
        top = np.maximum(self._top, np.where(used, exponent, -(2**14)).max(axis=0))
        self._squares = self._squares * np.ldexp(1.0, 2 * np.maximum(self._top - top, -(2**9)))
        self._squares += np.where(used, np.ldexp(1.0, 2 * np.clip(exponent - top, -(2**9), 0)), 0.0).sum(axis=0)
        self._top = top
        bits = np.ldexp(mantissa, SINGLE_BITS)
        self._single &= (bits == np.trunc(bits)).all(axis=0)
        self._last_bit |= (bits % 2 == 1).any(axis=0)
        self._integers &= (values == np.trunc(values)).all(axis=0)

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which columns hold float32 values: all do, they are not all whole, and one needs float32's last bit."""
        return self._single & ~self._integers & self._last_bit

    def norms(self, single: NDArray[np.bool_] | None = None) -> Floats:
        """The 2-norm of each column's half units (columns,); of a column of zeros 0. `single`: known from elsewhere."""
        bits = np.where(self.single if single is None else single, SINGLE_BITS, DOUBLE_BITS)
        return np.asarray(np.sqrt(self._squares) * np.ldexp(1.0, np.maximum(self._top - bits - 1, -(2**10))))


def row_scales(X: Any, norms: Floats) -> Any:
    """A power of two (m,) for each row of X (m, p), after which its largest share of a column's rounding is alike.

    One wild row hides else that the others vary, for the rounding of its column is its own. Scaling rows by powers of
    two is exact: it changes no dependence.
    """
    values = X if isinstance(X, np.ndarray) else X.cpu().numpy()
    with np.errstate(divide="ignore"):
        share = (np.abs(values.astype(np.float64, copy=False)) / np.where(norms > 0, norms, np.inf)).max(axis=1)
    return np.ldexp(1.0, -np.frexp(np.where(share > 0, share, 1.0))[1])
