"""Whether a run meets what is expected of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import counted
from harness.judge.gate.gate import GateReport
from harness.judge.verdict import WORST_FIRST, Judgement, Verdict
from harness.records.record import Record
from harness.report.html.decision.coefficients import beside_baseline, coefficients
from harness.report.html.defects import known_notes
from harness.report.html.evidence import Evidence
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact, to_do
from harness.report.words.gate import holding
from harness.report.words.sentences import listed


def gate(evidence: Evidence) -> Decision:
    """The decision of a gate's judgements; the coefficients are those of the worst breach."""
    source = Path(evidence.expectations).name or "the expectations"
    asked = f"Does this run meet what {source} expects?"
    report = evidence.gate
    if report is None or not (report.judgements or report.incomplete):
        return Decision(asked, "Nothing is judged: no expectation is about this run.", DOUBT)
    breaches = sorted(report.breaches, key=lambda one: WORST_FIRST.index(one.verdict))
    records = {one.case: one for one in evidence.records}
    answer, tone = _answer(report, breaches, records)
    worst = next((records[one.case] for one in breaches if one.case in records), None)
    notes = [] if worst is None else known_notes(worst, evidence)
    return Decision(
        asked,
        answer,
        tone,
        _facts(report, breaches, records),
        [*notes, *to_do(breaches)],
        () if worst is None else coefficients(worst, beside_baseline(worst, evidence.baseline_records)),
    )


def _answer(report: GateReport, breaches: Sequence[Judgement], records: Mapping[str, Record]) -> tuple[str, str]:
    wanting = f"; {counted(len(report.incomplete), 'planned case')} left no record" if report.incomplete else ""
    if not breaches:
        held = f"all of {counted(len(report.judgements), 'expectation')} hold"
        return (f"Not yet: {held}{wanting}.", DOUBT) if wanting else (f"Yes: {held}.", GOOD)
    cases = list(dict.fromkeys(_who(one, records) for one in breaches))
    told = f"{len(breaches)} of {counted(len(report.judgements), 'expectation')}"
    if all(one.verdict is Verdict.UNDECIDED for one in breaches):
        return f"It cannot be told: {told} could not be compared ({listed(cases)}){wanting}.", DOUBT
    return f"No: {told} {'does' if len(breaches) == 1 else 'do'} not hold, of {listed(cases)}{wanting}.", BAD


def _who(one: Judgement, records: Mapping[str, Record]) -> str:
    record = records.get(one.case)
    return one.case if record is None else f"{record.label} on {record.problem}"


def _facts(report: GateReport, breaches: Sequence[Judgement], records: Mapping[str, Record]) -> list[Fact]:
    """How many hold, then what does not by its numbers; else what fails as is known."""
    hold, _, of = holding(report).removesuffix(" hold").partition(" of ")
    facts = [
        Fact("hold", f"{hold} of {of.split()[0]}", "expectations"),
        *(
            Fact(f"{one.quantity} of {_who(one, records)}", one.measured, f"expected {one.expected}")
            for one in breaches
        ),
    ]
    if report.known_failures:
        facts.append(Fact("known failures", str(len(report.known_failures)), "are as expected"))
    return facts
