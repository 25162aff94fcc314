"""The numbers of one benchmark in asv's result file: a cell for each combination of its parameters."""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from harness.errors import UsageError, counted
from harness.files.reading import is_visible

MOST_CELLS = 100_000
"""Of a file. Parameters are multiplied up: eight lists of ten are 700 bytes of a file, and a hundred million cells."""
LONGEST_VALUE = 10_000
"""Characters of one parameter: what asv writes by repr is parsed as Python, which recurses."""
NUMBERS = frozenset({float, int, bool, type(None)})
"""What asv writes for a number: a `track_` may return a bool; null is a failure, NaN a skip."""

METHOD = re.compile(r"[\w.]+")
"""How asv calls a benchmark: module.Class.method."""

Identity = tuple[str, tuple[str, ...]]
"""Benchmark and parameters as asv wrote them: what must be equal for two numbers to be of the same thing.

So must the version; but one that asv did not keep is any version, as asv itself takes it."""


@dataclass(frozen=True)
class AsvCell:
    """One number of one benchmark. `value` None: it failed; NaN: it was skipped.

    `name` is module.Class.method, `metric` the method, `params` its parameters as Python values, `texts` as asv
    wrote them. `interval`: asv's 99 % interval of the value; None where it kept none. `version`: of the benchmark;
    empty where asv kept none. `unit`: as benchmarks.json has it. `direction`: of a format that says which side is
    better.
    """

    name: str
    params: tuple[tuple[str, str | int | float], ...]
    value: float | None
    samples: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    interval: tuple[float, float] | None = None
    version: str = ""
    unit: str = ""
    direction: str = ""

    @property
    def identity(self) -> Identity:
        """What it is a number of."""
        return self.name, self.texts or tuple(repr(value) for _, value in self.params)

    @property
    def metric(self) -> str:
        """`time_fit`, `track_digits_lost`, ...; of what another tool called otherwise the unit."""
        return self.name.rpartition(".")[2] if METHOD.fullmatch(self.name) else self.unit or "value"

    @property
    def full_name(self) -> str:
        """The benchmark with its parameters: `module.Class.method(solver='svd', n=10)`."""
        texts = self.texts or tuple(repr(value) for _, value in self.params)
        said = ", ".join(f"{name}={text}" for (name, _), text in zip(self.params, texts, strict=True))
        return f"{self.name}({said})" if said else self.name

    @property
    def number(self) -> float | None:
        """The value where it is finite."""
        return self.value if self.value is not None and math.isfinite(self.value) else None

    @property
    def skipped(self) -> bool:
        """NaN: asv writes it for a skip."""
        return self.value is not None and math.isnan(self.value)

    @property
    def label(self) -> str:
        """Module, class and parameters, for a person; the metric stands beside it."""
        head = self.name.rpartition(".")[0] if METHOD.fullmatch(self.name) else self.name
        return " ".join([head or self.name, *(str(value) for _, value in self.params)])


@dataclass(frozen=True)
class AsvBenchmark:
    """All cells of one benchmark in one file, as lists of the same length, in the order of `texts`.

    `names`: of its parameters; `texts`: each parameter's values as asv wrote them. `values`: as of AsvCell.
    `lows`, `highs`, `samples`: a value or None for each cell.
    """

    name: str
    version: str
    names: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    values: Sequence[float | None]
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    samples: Sequence[Sequence[float | None] | None]
    unit: str = ""
    direction: str = ""

    @cached_property
    def combinations(self) -> list[tuple[str, ...]]:
        """The parameters of each cell, as asv wrote them."""
        return list(product(*self.texts))

    def cells(self) -> Iterator[AsvCell]:
        """One cell a combination."""
        parsed = [{text: _value(text) for text in one} for one in self.texts]
        for texts, value, low, high, taken in zip(
            self.combinations, self.values, self.lows, self.highs, self.samples, strict=True
        ):
            yield AsvCell(
                name=self.name,
                params=tuple((name, known[text]) for name, known, text in zip(self.names, parsed, texts, strict=True)),
                value=None if value is None else float(value),
                samples=tuple(float(one) for one in taken or () if one is not None),
                texts=texts,
                interval=None if low is None or high is None else (float(low), float(high)),
                version=self.version,
                unit=self.unit,
                direction=self.direction,
            )


def benchmark_of(name: str, row: Mapping[str, Any], listed: Mapping[str, Any]) -> AsvBenchmark:
    """A benchmark out of its columns; `listed`: what benchmarks.json says of it (param_names, unit, direction).

    Parameters of another number than benchmarks.json lists are those of another version of it, and have no names.
    Raises UsageError, without the benchmark's name, for what cannot be read.
    """
    if not is_visible(name) or len(name) > LONGEST_VALUE:
        raise UsageError("its name is no visible text")
    texts = _params(row.get("params") or [])
    names = listed.get("param_names") or ()
    if len(texts) != len(names):
        names = [f"parameter {i}" for i in range(len(texts))]
    count = math.prod(map(len, texts))
    if count > MOST_CELLS:
        raise UsageError(f"{count:.3g} combinations of parameters, more than {MOST_CELLS}")
    values, lows, highs, samples = (
        _per_combination(row.get(column), count) for column in ("result", "stats_ci_99_a", "stats_ci_99_b", "samples")
    )
    for numbers in (values, lows, highs, *(taken for taken in samples if taken is not None)):
        _check_numbers(numbers)
    version = row.get("version")
    return AsvBenchmark(
        name=name,
        version="" if version is None else str(version),
        names=tuple(names),
        texts=texts,
        values=values,
        lows=lows,
        highs=highs,
        samples=samples,
        unit=listed.get("unit") or "",
        direction=listed.get("direction", ""),
    )


def columns_of(row: object, columns: Sequence[str]) -> dict[str, Any]:
    """A benchmark's row of format 2 by column; asv leaves empty ones at its end out.

    Raises UsageError if it is none.
    """
    if row is not None and not isinstance(row, list):
        raise UsageError("its row is no list")
    if len(row or ()) > len(columns):
        raise UsageError(f"{counted(len(row or ()), 'value')} in a row of {counted(len(columns), 'column')}")
    return dict(zip(columns, row or (), strict=False))


def columns_of_format_1(row: object, version: object) -> dict[str, Any]:
    """The same of format 1, where a row is a number, or has `result`, `params`, `stats` and `samples`.

    As asv reads it itself (asv.results.Results.update_to_2, asv 0.6). Raises UsageError for statistics that are none.
    """
    held: dict[str, Any] = dict(row) if isinstance(row, dict) else {"result": row}
    for column in ("result", "stats"):
        if column in held and not isinstance(held[column], list):
            held[column] = [held[column]]
    stats: Any = held.pop("stats", None)
    for end, column in enumerate(("stats_ci_99_a", "stats_ci_99_b")):
        held[column] = None if stats is None else [_interval_end(one, end) for one in stats]
    if held.get("samples") is not None and not held.get("params") and not _nested(held["samples"]):
        held["samples"] = [held["samples"]]
    return held | {"version": version}


def _nested(samples: object) -> bool:
    return isinstance(samples, list) and all(one is None or isinstance(one, list) for one in samples)


def _interval_end(stats: object, end: int) -> object:
    if stats is None:
        return None
    interval = stats.get("ci_99") if isinstance(stats, dict) else None
    if interval is not None and not (isinstance(interval, list) and len(interval) == 2):  # noqa: PLR2004  # two ends
        raise UsageError("its interval has not two ends")
    return None if interval is None else interval[end]


def _params(params: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(params, list) or not all(isinstance(one, list) for one in params):
        raise UsageError("its parameters are no lists of texts")
    for text in (text for one in params for text in one):
        if not isinstance(text, str) or len(text) > LONGEST_VALUE or (text and not is_visible(text)):
            raise UsageError(f"a parameter is no visible text of at most {LONGEST_VALUE} characters")
    return tuple(_told_apart(one) for one in params)


def _told_apart(texts: Sequence[str]) -> tuple[str, ...]:
    """Values that asv wrote alike, numbered: they are two cells."""
    seen: Counter[str] = Counter()
    found = []
    for text in texts:
        seen[text] += 1
        found.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return tuple(found)


def _per_combination(values: object, count: int) -> list[Any]:
    """A value a combination; null, for all of them, is as many nulls."""
    found = [None] * count if values is None else values
    if not isinstance(found, list) or len(found) != count:
        raise UsageError("it has other parameters than results: run the suite again")
    return found


def _check_numbers(values: object) -> None:
    if not isinstance(values, list):
        raise UsageError("its samples are no list of numbers")
    if not set(map(type, values)) <= NUMBERS:
        strange = next(value for value in values if type(value) not in NUMBERS)
        raise UsageError(f"'{str(strange)[:40]}' is no number")


def _value(text: str) -> str | int | float:
    """A parameter as asv writes it, by repr."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that literal_eval documents
        return text
    return value if isinstance(value, str | int | float) else text
