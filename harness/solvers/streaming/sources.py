"""Where the rows come from: arrays and memory maps, Parquet files, any iterable of chunks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from harness.errors import UsageError
from harness.problems.columns import Cell, first_rounded
from harness.problems.problem import Floats

SAMPLE_ROWS = 128
"""Rows from which the shift is taken: the median of so many is about sd / 9 from a normal column's."""
BLOCK_BYTES = 32 * 2**20
"""A memory map is read in blocks of this size, so that no more than one is touched at a time."""

Chunk = tuple[Any, Any]
"""X (m, p) and y (m,): numpy arrays, or torch tensors on a device."""


@runtime_checkable
class Source(Protocol):
    """Rows that can be iterated; `rereadable` says whether more than once."""

    @property
    def rereadable(self) -> bool:
        """Whether `chunks` may be called again."""

    @property
    def size_bytes(self) -> int | None:
        """Bytes of X, where they are known before it is read."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows in order, as many at a time as the source likes."""

    def sample(self) -> Chunk | None:
        """A few rows from all over the data, where that costs little; None: take the first chunk's."""


@dataclass(frozen=True)
class Arrays:
    """X (n, p) and y (n,): numpy arrays, memory maps, or torch tensors on one device.

    `names`: of the columns of X, and of y, where they have any; `rounded`: by column, the first whole number that is
    none of the data that these were made of, since it is no float64.
    """

    X: Any
    y: Any
    names: tuple[str, ...] = ()
    rounded: dict[str, Cell] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises UsageError for what is no array or tensor, and for shapes that do not fit together."""
        strange = next((part for part in (self.X, self.y) if not hasattr(part, "nbytes")), None)
        if strange is not None:
            raise UsageError(
                f"X and y are arrays or tensors, not a {type(strange).__name__}: use .to_numpy(), or Chunks"
            )
        if self.X.ndim != 2 or self.y.ndim != 1 or len(self.X) != len(self.y):  # noqa: PLR2004
            raise UsageError(f"X is (n, p) and y is (n,), not {tuple(self.X.shape)} and {tuple(self.y.shape)}")

    @property
    def rereadable(self) -> bool:
        """Always."""
        return True

    @property
    def size_bytes(self) -> int:
        """Of X."""
        return int(self.X.nbytes)

    @property
    def _mapped(self) -> bool:
        return isinstance(self.X, np.memmap)

    def chunks(self) -> Iterator[Chunk]:
        """All rows at once; of a memory map, a block at a time."""
        rows = len(self.X)
        step = max(1, BLOCK_BYTES // max(1, self.X[:1].nbytes)) if self._mapped else max(1, rows)
        for start in range(0, rows, step):
            yield self.X[start : start + step], self.y[start : start + step]

    def not_finite(self) -> str:
        """In which column and row numpy arrays first hold NaN or infinite values; empty where nowhere, or not known."""
        if not isinstance(self.X, np.ndarray) or not isinstance(self.y, np.ndarray):
            return ""
        for j, column in enumerate([*self.X.T, self.y]):
            rows = np.flatnonzero(~np.isfinite(column))
            if len(rows):
                place = "y" if j == self.X.shape[1] else f"column {j} of X"
                more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
                what = f"column '{self.names[j]}'" if self.names else place
                return f"{what} holds NaN or infinite values, in row {rows[0]}{more}"
        return ""

    def sample(self) -> Chunk | None:
        """Evenly spaced rows; of a memory map none, each would cost a page."""
        if self._mapped:
            return None
        step = -(-len(self.X) // SAMPLE_ROWS) or 1
        return self.X[::step], self.y[::step]


@dataclass(frozen=True)
class Parquet:
    """A Parquet file: `target` is y, `features` (every other column unless said) X. Needs pyarrow.

    `rounded`: by column, the first whole number of what was read that is no float64.
    """

    path: Path
    target: str
    features: tuple[str, ...] = ()
    batch_rows: int = 65_536

    rereadable: bool = field(default=True, init=False)
    size_bytes: int | None = field(default=None, init=False)
    rounded: dict[str, Cell] = field(default_factory=dict, init=False, repr=False, compare=False)

    def chunks(self) -> Iterator[Chunk]:
        """One record batch at a time.

        Raises UsageError for no Parquet file, and for a column that is missing, there twice, not numeric or has gaps.
        """
        rows = 0
        for batch in self._batches():
            named = zip(batch.columns, batch.schema.names, strict=True)
            *features, target = (self._numbers(column, name, rows) for column, name in named)
            rows += len(target)
            yield np.column_stack(features), target

    def _batches(self) -> Iterator[Any]:
        """Record batches of the target and the features."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(self.path)
        if path.exists() and not path.is_file():  # a FIFO would be waited for
            raise UsageError(f"{path}: cannot be read: it is no file")
        try:
            file = pq.ParquetFile(path)
            names = self._features(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=self.batch_rows, columns=[*names, self.target]):
                yield batch.select([*names, self.target])
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"{path}: cannot be read: {error}") from None

    def _features(self, there: Sequence[str]) -> tuple[str, ...]:
        names = self.features or tuple(name for name in there if name != self.target)
        for name in (*names, self.target):
            if there.count(name) != 1:
                what = "has no column" if name not in there else "has more than one column"
                raise UsageError(f"{self.path}: {what} '{name}'")
        if not names:
            raise UsageError(f"{self.path}: there are no columns to fit beside '{self.target}'")
        return names

    def _numbers(self, column: Any, name: str, before: int) -> Floats:
        """A column of a batch that has so many rows before it."""
        from pyarrow import types

        kinds = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
        if not any(is_one(column.type) for is_one in kinds):
            raise UsageError(f"{self.path}: column '{name}' is not numeric but {column.type}")
        if column.null_count:
            raise UsageError(f"{self.path}: column '{name}' has missing values: drop or fill them")
        found = np.asarray(column.to_numpy(zero_copy_only=False))
        values = found.astype(np.float64)
        cell = first_rounded(found, values, before)
        if cell is not None:
            self.rounded.setdefault(name, cell)
        return values

    def sample(self) -> Chunk | None:
        """None: the first batch's rows will do."""
        return None


@dataclass(frozen=True)
class Chunks:
    """Any iterable of (X, y) chunks; read twice only if it is a list or a tuple, not an iterator."""

    iterable: Iterable[Chunk]
    size_bytes: int | None = field(default=None, init=False)

    @property
    def rereadable(self) -> bool:
        """Whether it starts again from the beginning."""
        return not isinstance(self.iterable, Iterator)

    def chunks(self) -> Iterator[Chunk]:
        """As they come."""
        return iter(self.iterable)

    def sample(self) -> Chunk | None:
        """None: the first chunk's rows will do."""
        return None
