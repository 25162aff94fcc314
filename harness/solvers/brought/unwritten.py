"""The arrays that somebody's solver is given, looked at again after it was called."""

import zlib

import numpy as np

from harness.problems.problem import Floats


class WroteToItsDataError(ValueError):
    """Somebody's solver changed the rows that it was given."""


class Unwritten:
    """X and y by their checksums: every call must find what the first one found."""

    def __init__(self, name: str, X: Floats, y: Floats) -> None:
        """`name`: of the solver."""
        self._name, self._arrays = name, (X, y)
        self._sums = self._summed()

    def check(self) -> None:
        """Raises WroteToItsDataError where one has been written to."""
        for letter, was, now in zip("Xy", self._sums, self._summed(), strict=True):
            if was != now:
                raise WroteToItsDataError(
                    f"{self._name} wrote to the {letter} that it was given: a second call fits other data"
                )

    def _summed(self) -> tuple[int, ...]:
        return tuple(zlib.crc32(np.ravel(array, order="K").view(np.uint8).data) for array in self._arrays)
