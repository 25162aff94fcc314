"""A whole store of asv's, searched for steps."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from harness.asv.selection import AsvSelection
from harness.errors import UsageError
from harness.files.reading import text_of
from harness.judge.gate.rules import Rule
from harness.judge.history.watch import Watch, watch
from harness.records.asv_history import table_of_store
from harness.records.asv_results import every_commit

CONFIGURATION = Path("asv.conf.json")
LARGEST_CONFIGURATION = 2**20
SHOWN_COMMIT = re.compile(r'^\s*"show_commit_url"\s*:\s*"([^"\\]*)"', re.MULTILINE)
"""asv's configuration is JSON with comments: this key of it, on a line that is none."""


def watched(folder: Path, asked: AsvSelection, rules: Sequence[Rule], effect: float | None = None) -> Watch:
    """Every series of the machines and benchmarks that are asked for. Files are read one at a time.

    Raises what every_commit raises, and UsageError for an effect that is not finite and positive.
    """
    if effect is not None and not (math.isfinite(effect) and effect > 0):
        raise UsageError(f"--effect is above 0 (0.03 is 3 %), not {effect:g}")
    problems: list[str] = []
    results = (asked.narrowed(one) for one in every_commit(folder, asked.machine, problems))
    table = table_of_store(results)
    return watch(table, rules, effect, problems)


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
