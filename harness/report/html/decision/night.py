"""What changed last night: the night's own sentence, how many cases are worse, and what moved with each change."""

from harness.judge.history.night import NightReport
from harness.judge.verdict import Verdict
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact, Note, table_of
from harness.report.tables import night as table
from harness.report.words.night import conclusion, heading, not_compared, since_the_last


def night(report: NightReport) -> Decision:
    """The decision of a night: good where nothing is worse, doubt where nothing could be compared."""
    lines = [*since_the_last(report), *not_compared(report)]
    caption = "What changed, the worst first, with what is recorded to have changed beside it."
    return Decision(
        f"What changed last night? {_sentence(heading(report))}",
        conclusion(report),
        {0: GOOD, 1: BAD}.get(report.exit_code, DOUBT),
        _facts(report),
        [Note(_sentence(f"{one.word} {one.text}".strip())) for one in lines],
        [table_of("night", caption, table.PAGE, report.changes)] if report.changes else [],
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _facts(report: NightReport) -> list[Fact]:
    """How many cases are worse and better of those that were compared, and how many are new or gone."""
    if report.last is None:
        return [Fact("kept", str(report.cases), "cases, to compare with")]
    of = f"of {len(report.compared)} compared"
    worse, better = (
        len({one.record.case for one in report.with_verdict(verdict)})
        for verdict in (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    )
    left = report.cases - len(report.compared)
    return [
        Fact("worse", str(worse), of),
        Fact("better", str(better), of),
        Fact("not compared", str(left), "new, of other data, or not run"),
    ]
