"""A benchmark's row in asv's result file, formats 1 and 2, as an AsvBenchmark."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import UsageError, counted
from harness.files.names import is_visible
from harness.records.asv_cells import AsvBenchmark, Params

MOST_CELLS = 100_000
"""Of a file. Parameters are multiplied up: eight lists of ten are 700 bytes of a file, and a hundred million cells."""
LONGEST_VALUE = 10_000
"""Characters of one parameter: what asv writes by repr is parsed as Python, which recurses."""
NUMBERS = frozenset({float, int, bool, type(None)})
"""What asv writes for a number: a `track_` may return a bool; null is a failure, NaN a skip."""

AMOUNT = re.compile(r"(time|timeraw|mem|peakmem)_", re.IGNORECASE)
"""Names of benchmarks whose numbers asv measures itself, seconds or bytes: below 0 there are none."""


def benchmark_of(name: str, row: Mapping[str, Any], listed: Mapping[str, Any]) -> AsvBenchmark:
    """A benchmark out of its columns; `listed`: what benchmarks.json says of it (param_names, unit, direction).

    Parameters of another number than benchmarks.json lists are those of another version of it, and have no names.
    A time or a memory below 0 is none: the benchmark has failed.
    Raises UsageError, without the benchmark's name, for what cannot be read.
    """
    if not is_visible(name) or len(name) > LONGEST_VALUE:
        raise UsageError("its name is no visible text")
    texts = params_of(row.get("params") or [])
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
    if AMOUNT.match(name.rpartition(".")[2]):
        values = [None if value is not None and value < 0 else value for value in values]
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


def params_of(params: object) -> Params:
    """What asv wrote of parameters. Raises UsageError if it is no list of lists of visible texts."""
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
