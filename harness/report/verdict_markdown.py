"""The gate's and a comparison's verdict as GitHub-flavoured Markdown: a file, a step's summary, a comment."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from harness.judge.gate.gate import GateReport
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport
from harness.report import gate_table
from harness.report.ab_table import worst_first
from harness.report.ab_words import HEADS, WORDS, conclusion, error_rates, judged_by, labels, reasons, row
from harness.report.accuracy_markdown import plain

MARKS = {0: "✅", 1: "❌", 3: "⚠️"}
BREACH_HEADS = ("case", "quantity", "measured", "expected", "by how much")
NO_MENTION = "\u200b"
"""A zero-width space after an @: an error's text must not notify a person who has that name on GitHub."""


def gate_markdown(report: GateReport, run_id: str, source: str) -> str:
    """How it went, the breaches as a table, what to do, and the known failures folded away."""
    verdict = Text.from_markup(gate_table.conclusion(report, run_id, source)).plain
    parts = [f"### {MARKS[report.exit_code]} {escaped(verdict)}"]
    if report.breaches:
        rows = [(one.case, one.quantity, one.measured, one.expected, one.detail) for one in report.breaches]
        parts.append(table(BREACH_HEADS, rows, words=(0, 1, 4)))
    parts.append(_lines("do: " + advice for advice in dict.fromkeys(one.advice for one in report.breaches) if advice))
    parts.append(_lines(f"no record: {case}" for case in report.incomplete))
    known = _lines(f"{one.case}: {one.expected}: {one.reason}" for one in report.known_failures)
    if known:
        parts.append(
            f"<details><summary>{len(report.known_failures)} known failures</summary>\n\n{known}\n\n</details>"
        )
    return "\n\n".join(filter(None, parts)) + "\n"


def ab_markdown(report: AbReport) -> str:
    """How it went, a row a cell with the worst first, why, and this machine's error rates."""
    parts = [f"### {MARKS[report.exit_code]} harness ab: {escaped(conclusion(report))}"]
    cells = worst_first(report)
    if cells:
        names = labels(report)
        parts.append(table(HEADS, [row(one, names[one.cell.case]) for one in cells], words=WORDS))
    parts.append(_lines(f"{verdict}: {said}: {why}" for verdict, said, why in reasons(report, cells)))
    wrong = [bad for one in cells if one.verdict is Verdict.REGRESSION for bad in one.wrong]
    parts.append(_lines("do: " + advice for advice in dict.fromkeys(bad.advice for bad in wrong) if advice))
    parts.append(_lines(filter(None, (judged_by(report), error_rates(report.calibration)))))
    return "\n\n".join(filter(None, parts)) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int]) -> str:
    """A table, every cell escaped; the columns in `words` flush left, the numbers right."""
    rule = "|" + "".join(":--|" if index in words else "--:|" for index in range(len(heads)))
    lines = ["| " + " | ".join(map(escaped, cells)) + " |" for cells in (heads, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def escaped(text: str) -> str:
    """The text on one line, with nothing in it that GitHub reads as markup, an entity or a mention."""
    return plain(text).replace("@", "@" + NO_MENTION)


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(text)}" for text in texts)
