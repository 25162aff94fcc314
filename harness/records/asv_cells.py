"""The numbers of one benchmark in asv's result file: a cell for each combination of its parameters."""

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from harness.errors import UsageError, counted
from harness.files.reading import is_visible

MOST_CELLS = 100_000
"""Of a file. Parameters are multiplied up: eight lists of ten are 700 bytes of a file, and a hundred million cells."""
LONGEST_VALUE = 10_000
"""Characters of one parameter: what asv writes by repr is parsed as Python, which recurses."""


@dataclass(frozen=True)
class AsvCell:
    """One number of one benchmark. `value` None: it failed; NaN: it was skipped.

    `name` is module.Class.method, `metric` the method, `params` its parameters as Python values.
    """

    name: str
    params: tuple[tuple[str, str | int | float], ...]
    value: float | None
    samples: tuple[float, ...] = ()

    @property
    def metric(self) -> str:
        """`time_fit`, `track_digits_lost`, ..."""
        return self.name.rpartition(".")[2]

    @property
    def skipped(self) -> bool:
        """NaN: asv writes it for a skip."""
        return self.value is not None and math.isnan(self.value)

    @property
    def label(self) -> str:
        """Module, class and parameters, for a person; the metric stands beside it."""
        return " ".join([self.name.rpartition(".")[0], *(str(value) for _, value in self.params)])


def columns_of(where: str, row: Sequence[Any] | None, columns: Sequence[str]) -> dict[str, Any]:
    """A benchmark's row by column; asv leaves empty ones at its end out."""
    if len(row or ()) > len(columns):
        raise UsageError(f"{where}: {counted(len(row or ()), 'value')} in a row of {counted(len(columns), 'column')}")
    return dict(zip(columns, row or (), strict=False))


def cells_of(where: str, name: str, row: Mapping[str, Any], names: Mapping[str, list[str]]) -> list[AsvCell]:
    """One cell a combination; a benchmark that benchmarks.json no longer lists has parameters without names.

    Raises UsageError for results of a suite with other parameters than benchmarks.json's, and for what is no number.
    """
    params = _params(where, row.get("params") or [])
    named = names.get(name) or [f"parameter {i}" for i in range(len(params))]
    if len(params) != len(named):
        raise UsageError(f"{where} has other parameters than benchmarks.json says: run the suite again")
    count = math.prod(map(len, params))
    if count > MOST_CELLS:
        raise UsageError(f"{where} has {count:.3g} combinations of parameters, more than {MOST_CELLS}")
    values, samples = (_per_combination(where, row.get(column), count) for column in ("result", "samples"))
    return [
        AsvCell(
            name=name,
            params=tuple(zip(named, map(_value, combination), strict=True)),
            value=_number(where, value),
            samples=_samples(where, taken),
        )
        for combination, value, taken in zip(product(*params), values, samples, strict=True)
    ]


def _params(where: str, params: object) -> list[list[str]]:
    if not isinstance(params, list) or not all(isinstance(one, list) for one in params):
        raise UsageError(f"{where}: its parameters are no lists of texts")
    for text in (text for one in params for text in one):
        if not isinstance(text, str) or len(text) > LONGEST_VALUE or (text and not is_visible(text)):
            raise UsageError(f"{where}: a parameter is no visible text of at most {LONGEST_VALUE} characters")
    return params


def _per_combination(where: str, values: object, count: int) -> list[Any]:
    """A value a combination; null, for all of them, is as many nulls."""
    found = [None] * count if values is None else values
    if not isinstance(found, list) or len(found) != count:
        raise UsageError(f"{where} has other parameters than results: run the suite again")
    return found


def _samples(where: str, taken: object) -> tuple[float, ...]:
    if taken is not None and not isinstance(taken, list):
        raise UsageError(f"{where}: its samples are no list of numbers")
    found = [_number(where, value) for value in taken or ()]
    return tuple(value for value in found if value is not None)


def _value(text: str) -> str | int | float:
    """A parameter as asv writes it, by repr."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that literal_eval documents
        return text
    return value if isinstance(value, str | int | float) else text


def _number(where: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: '{str(value)[:40]}' is no number")
    return float(value)
