"""Which of asv's results are asked for, and what --bench means: the same in every command that has it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from harness.errors import UsageError
from harness.records.asv_cells import Params, written
from harness.records.asv_results import AsvResults


@dataclass(frozen=True)
class AsvSelection:
    """Which results: `commit` None is the newest; `env` and `base_env` are parts of an environment's name.

    With `base_env` and no `base`, two environments of one commit are compared: a library's upgrade.
    `bench`, a regular expression, narrows everything to the benchmarks, and of each to the combinations of parameters,
    in which it is found as asv writes them: `module.Class.method('svd', 10)`.
    """

    machine: str | None = None
    commit: str | None = None
    base: str | None = None
    env: str | None = None
    base_env: str | None = None
    bench: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if `bench` is no regular expression."""
        try:
            re.compile(self.bench or "")
        except re.error as error:
            raise UsageError(f"--bench '{self.bench}' is no regular expression: {error}") from None

    @property
    def has_base(self) -> bool:
        """Whether something to compare with is named."""
        return self.base is not None or self.base_env is not None

    def wanted(self, name: str, texts: Params) -> tuple[int, ...]:
        """Of a benchmark with these values of its parameters: which of their combinations are asked for, in order."""
        return _wanted(self.bench or "", name, texts)

    def narrowed(self, results: AsvResults) -> AsvResults:
        """Only what is asked for of a file's results."""
        return results if self.bench is None else results.narrowed(self.wanted)


@lru_cache(maxsize=4096)
def _wanted(bench: str, name: str, texts: Params) -> tuple[int, ...]:
    """Known from file to file of a store: its thousands have the same benchmarks."""
    found = re.compile(bench).search
    return tuple(at for at, one in enumerate(product(*texts)) if found(written(name, one)))
