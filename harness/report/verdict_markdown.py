"""A comparison's verdict as GitHub-flavoured Markdown: a file, a step's summary, a comment."""

from collections.abc import Iterable, Sequence

from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport
from harness.report.ab_table import worst_first
from harness.report.ab_words import HEADS, WORDS, conclusion, error_rates, judged_by, labels, reasons, row
from harness.report.render.markdown import MARKS, escaped


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


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(text)}" for text in texts)
