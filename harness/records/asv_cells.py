"""The numbers of one benchmark in asv's result file: a cell for each combination of its parameters."""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

METHOD = re.compile(r"\w+(\.\w+)+")
"""How asv calls a benchmark: module.Class.method, or module.function."""

Params = tuple[tuple[str, ...], ...]
"""Of each parameter the values that it takes, as asv wrote them."""
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


def written(name: str, texts: Sequence[str]) -> str:
    """A benchmark with its parameters as asv prints it and its --bench searches it: `module.Class.method('svd', 10)`.

    asv/benchmarks.py, Benchmarks.__init__.
    """
    return f"{name}({', '.join(texts)})" if texts else name


@dataclass(frozen=True)
class AsvBenchmark:
    """All cells of one benchmark in one file, as lists of the same length, in the order of `texts`.

    `names`: of its parameters; `texts`: each parameter's values as asv wrote them. `values`: as of AsvCell.
    `lows`, `highs`, `samples`: a value or None for each cell. `kept`: which combinations it has; None: all.
    """

    name: str
    version: str
    names: tuple[str, ...]
    texts: Params
    values: Sequence[float | None]
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    samples: Sequence[Sequence[float | None] | None]
    unit: str = ""
    direction: str = ""
    kept: tuple[int, ...] | None = None

    @cached_property
    def combinations(self) -> list[tuple[str, ...]]:
        """The parameters of each cell, as asv wrote them."""
        every = list(product(*self.texts))
        return every if self.kept is None else [every[at] for at in self.kept]

    def narrowed(self, kept: tuple[int, ...]) -> "AsvBenchmark":
        """Only the cells of these combinations. Of a benchmark that has them all."""
        if len(kept) == len(self.values):
            return self
        columns = {name: [getattr(self, name)[at] for at in kept] for name in ("values", "lows", "highs", "samples")}
        return replace(self, **columns, kept=kept)  # type: ignore[arg-type]  # lists, as they were

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


def _value(text: str) -> str | int | float:
    """A parameter as asv writes it, by repr."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that literal_eval documents
        return text
    return value if isinstance(value, str | int | float) else text
