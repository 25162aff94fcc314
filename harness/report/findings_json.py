"""The findings as JSON: one line each, or one in full."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from harness.judge.studies.finding import Finding
from harness.judge.studies.findings import FindingLine

_LINES = TypeAdapter(list[dict[str, object]])
_OF_THE_FILE = {"what", "workaround", "upstream", "script"}
"""Of a line: what its file says, which is told in full or not at all."""


def findings_json(chosen: Sequence[Finding], lines: Sequence[FindingLine], *, full: bool) -> str:
    """A list with an object a finding: its line here and, of one in `full`, everything that its file says."""
    said = [finding.model_dump(mode="json", exclude_none=True) if full else {} for finding in chosen]
    both = [file | line.model_dump(mode="json", exclude=_OF_THE_FILE) for file, line in zip(said, lines, strict=True)]
    return _LINES.dump_json(both).decode()
