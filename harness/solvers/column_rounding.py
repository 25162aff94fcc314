"""How far the columns of a table are known: the size of half a unit in the last place of their entries.

Solvers that see dependences which exist only by rounding need it: a direction that moving every entry within its own
rounding removes is none. harness.verify.data_rank judges by the same definition with code of its own: judge and judged
stay apart.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.problems.problem import Floats

SINGLE_BITS, DOUBLE_BITS = 24, 53


@dataclass
class ColumnRounding:
    """Sums over some rows of the squared half units of each column: `squares` (p,) in units of 4^top.

    top (p,): the largest exponents; float32, integers, last_bit (p,): whether all entries are float32 values, all are
    whole, and one has float32's last bit.
    """

    top: NDArray[np.int64]
    squares: Floats
    float32: NDArray[np.bool_]
    integers: NDArray[np.bool_]
    last_bit: NDArray[np.bool_]

    @classmethod
    def of(cls, table: Any) -> Self:
        """Of table (m, p): finite numbers, float64 or float32, numpy or torch."""
        values = table if isinstance(table, np.ndarray) else table.cpu().numpy()
        mantissa, exponent = np.frexp(values.astype(np.float64, copy=False))
        used = mantissa != 0
        top = np.where(used, exponent, -(2**14)).max(axis=0).astype(np.int64)
        squares = np.where(used, np.ldexp(1.0, 2 * np.clip(exponent - top, -(2**9), 0)), 0.0).sum(axis=0)
        bits = np.ldexp(mantissa, SINGLE_BITS)
        return cls(
            top,
            squares,
            (bits == np.trunc(bits)).all(axis=0),
            (values == np.trunc(values)).all(axis=0),
            (bits % 2 == 1).any(axis=0),
        )

    def absorb(self, other: Self) -> None:
        """The sums over the rows of both."""
        top = np.maximum(self.top, other.top)
        own, others = (np.ldexp(1.0, 2 * np.maximum(one.top - top, -(2**9))) for one in (self, other))
        self.squares = self.squares * own + other.squares * others
        self.top = top
        self.float32 = self.float32 & other.float32
        self.integers = self.integers & other.integers
        self.last_bit = self.last_bit | other.last_bit

    @property
    def columns(self) -> int:
        """Of the table."""
        return len(self.top)

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which columns hold float32 values: all do, they are not all whole, and one needs float32's last bit."""
        return self.float32 & ~self.integers & self.last_bit

    def norms(self, single: NDArray[np.bool_] | None = None) -> Floats:
        """The 2-norm of each column's half units (columns,); of a column of zeros 0. `single`: known from elsewhere."""
        bits = np.where(self.single if single is None else single, SINGLE_BITS, DOUBLE_BITS)
        return np.asarray(np.sqrt(self.squares) * np.ldexp(1.0, np.maximum(self.top - bits - 1, -(2**10))))


def row_scales(X: Any, norms: Floats) -> Any:
    """A power of two (m,) for each row of X (m, p), after which its largest share of a column's rounding is alike.

    One wild row hides else that the others vary, for the rounding of its column is its own. Scaling rows by powers of
    two is exact: it changes no dependence.
    """
    values = X if isinstance(X, np.ndarray) else X.cpu().numpy()
    with np.errstate(divide="ignore"):
        share = (np.abs(values.astype(np.float64, copy=False)) / np.where(norms > 0, norms, np.inf)).max(axis=1)
    return np.ldexp(1.0, -np.frexp(np.where(share > 0, share, 1.0))[1])
