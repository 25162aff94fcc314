"""Failed checks as GitHub's workflow commands, which become annotations of the run and of the files.

Escaped as GitHub's own toolkit does (actions/toolkit, packages/core/src/command.ts).
"""

from collections.abc import Sequence

from harness.errors import counted
from harness.report.render.text import visible
from harness.report.words.checks import Check, failed

MOST = 10
"""GitHub shows ten errors a step and drops the others: the last one says how many there are."""


def annotations(checks: Sequence[Check], file: str | None = None) -> list[str]:
    """One line a failed check; `file`, relative to the repository, is where GitHub shows it."""
    wrong = failed(checks)
    shown = wrong if len(wrong) <= MOST else wrong[: MOST - 1]
    lines = [_command(f"{check.quantity}: {check.case}", _message(check), file) for check in shown]
    if len(shown) < len(wrong):
        more = counted(len(wrong) - len(shown), "more check")
        lines.append(_command("and more", f"{more} failed: the summary has all", file))
    return lines


def _message(check: Check) -> str:
    return " ".join(filter(None, (check.message, check.advice)))


def _command(title: str, message: str, file: str | None) -> str:
    where = f"file={_property(file)}," if file else ""
    return f"::error {where}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return lines.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
