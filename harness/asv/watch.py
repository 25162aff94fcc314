"""A whole store of asv's, searched for steps."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.asv.selection import AsvSelection
from harness.errors import CannotMeasureError, UsageError
from harness.files.reading import text_of
from harness.judge.gate.rules import Rule
from harness.judge.history.watch import Watch, watch
from harness.records.asv_history import table_of_store
from harness.records.asv_results import AsvResults, every_commit

CONFIGURATION = Path("asv.conf.json")
LARGEST_CONFIGURATION = 2**20
SHOWN_COMMIT = re.compile(r'^\s*"show_commit_url"\s*:\s*"([^"\\]*)"', re.MULTILINE)
"""asv's configuration is JSON with comments: this key of it, on a line that is none."""


def watched(folder: Path, asked: AsvSelection, rules: Sequence[Rule], effect: float | None = None) -> Watch:
    """Every series of the machines and benchmarks that are asked for. Files are read one at a time.

    Raises what every_commit raises, UsageError for an effect that is not finite and positive, CannotMeasureError where
    no benchmark is asked for.
    """
    if effect is not None and not (math.isfinite(effect) and effect > 0):
        raise UsageError(f"--effect is above 0 (0.03 is 3 %), not {effect:g}")
    problems: list[str] = []
    table = table_of_store(_every(folder, asked, problems))
    if not table.series and asked.bench is not None:
        raise CannotMeasureError(f"{folder}: no benchmark in which --bench '{asked.bench}' is found")
    return watch(table, rules, effect, problems)


def _every(folder: Path, asked: AsvSelection, problems: list[str]) -> Iterator[AsvResults]:
    """What is asked for of each file; `problems` also gets a line for each benchmark that cannot be read."""
    for one in every_commit(folder, asked.machine, problems):
        problems += one.unreadable
        yield asked.narrowed(one)


def commit_url_of(given: str | None) -> str:
    """What a commit's hash is put behind for a link: what is given, else asv.conf.json's show_commit_url, else nothing.

    Raises UsageError for a given one that is no address of the web.
    """
    if given is not None and not given.startswith(("http://", "https://")):
        raise UsageError(f"--commit-url {given}: it begins with https://")
    if given is not None or not CONFIGURATION.is_file():
        return given or ""
    said = SHOWN_COMMIT.search(text_of(CONFIGURATION, LARGEST_CONFIGURATION))
    return said[1] if said and said[1].startswith(("http://", "https://")) else ""
