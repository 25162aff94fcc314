"""What the gate says of this run, and what has changed since another version.

Worst first, everywhere.
"""

from collections.abc import Callable, Iterator, Sequence

from harness.errors import counted
from harness.judge.gate.gate import GateReport
from harness.judge.verdict import WORST_FIRST, Judgement, Verdict
from harness.judge.versions.two_runs import compare_runs
from harness.records.record import Record
from harness.report.figures.rows import Row, row_of
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, table_of, to_do
from harness.report.html.verdict_ab import ab_parts, ab_verdict
from harness.report.html.verdict_changes import Judged, change_parts, change_verdict
from harness.report.tables import gate
from harness.report.tables.column import Column, Kind
from harness.report.words.sentences import listed

MISSING: Row = {"verdict": "missing", "quantity": "presence", "measured": "no record", "expected": "a record"}
STATES = ("regression", "missing", "doubtful", "undecided", "unknown", "improvement", "unchanged", "ok", "fine")
VERDICTS: tuple[Column[Judged], ...] = (
    Column("about", "Of"),
    Column("verdict", "Verdict", Kind.STATUS, value="state"),
    Column("said", "What is seen", value="text"),
)
NO_BASELINE = (
    "No earlier run of another commit with one of these cases is stored here, so nothing is said of a change: "
    "'harness run' on that commit makes one, or name a run with --baseline; 'harness ab BASE HEAD --json > ab.json' "
    "tells more, and 'harness report --ab ab.json' shows it."
)


def section(evidence: Evidence) -> Section:
    """The verdicts in a table of a line each, then what each is of."""
    judged = [_gate_verdict(evidence)]
    parts: list[Part] = []
    if evidence.gate is not None:
        parts.extend(_gate_parts(evidence.gate, evidence.expectations, evidence.records))
    if evidence.baseline is not None:
        compared = compare_runs(evidence.records, evidence.baseline_records)
        judged.append(change_verdict(compared, evidence.baseline.id))
        parts.extend(change_parts(compared, evidence.baseline.id))
    if evidence.ab is not None:
        judged.append(ab_verdict(evidence.ab))
        parts.extend(ab_parts(evidence.ab, evidence.run, evidence.records))
    if evidence.gate is not None:
        parts.extend(_known_parts(evidence.gate, evidence.expectations, evidence.records))
    ordered = sorted(judged, key=lambda one: STATES.index(one.state))
    first = table_of("verdicts", "What is judged.", VERDICTS, ordered)
    missing = "" if evidence.baseline is not None or evidence.ab is not None else NO_BASELINE
    headline = "; ".join(one.headline for one in judged)
    shown = (first, *parts) if len(judged) > 1 or judged[0].state != "unknown" else ()
    return Section("verdict", "Verdict", headline[:1].upper() + headline[1:] + ".", shown, missing)


def _gate_verdict(evidence: Evidence) -> Judged:
    report, about = evidence.gate, "Gate"
    if report is None or not report.judgements:
        sentence = "No expectation is about this run, so nothing is judged."
        return Judged("unknown", about, sentence, "the gate judges nothing")
    known, breaches, all_ = len(report.known_failures), report.breaches, len(report.judgements)
    tail = [f"{counted(known, 'known failure')} among them."] if known else []
    if report.incomplete:
        tail.append(f"{counted(len(report.incomplete), 'planned case')} left no record.")
    if not breaches:
        sentence = " ".join([f"All of {counted(all_, 'expectation')} in {evidence.expectations} are met.", *tail])
        if report.incomplete:
            return Judged("missing", about, sentence, "the gate holds as far as the run has got")
        return Judged("ok", about, sentence, f"the gate holds ({counted(all_, 'expectation')})")
    cases = list(dict.fromkeys(one.case for one in breaches))
    if all(one.verdict is Verdict.UNDECIDED for one in breaches):
        sentence = " ".join([f"Of {counted(len(cases), 'case')} nothing could be compared: {listed(cases)}.", *tail])
        return Judged("undecided", about, sentence, f"the gate could not judge {counted(len(cases), 'case')}")
    sentence = " ".join(
        [
            f"{len(breaches)} of {counted(all_, 'expectation')} in {evidence.expectations} not met: {listed(cases)}.",
            *tail,
        ]
    )
    return Judged("regression", about, sentence, f"the gate is breached in {counted(len(cases), 'case')}")


def _gate_parts(report: GateReport, source: str, records: Sequence[Record]) -> Iterator[Part]:
    """Breaches and planned cases without a record, with what to do about them; what is met is counted only."""
    breaches = sorted(report.breaches, key=lambda one: WORST_FIRST.index(one.verdict))
    lost = [{**MISSING, "case": case} for case in report.incomplete]
    if breaches or lost:
        caption = f"The gate by {source}: what is not as it should be, the worst first."
        yield table_of("gate", caption, gate.PAGE, [*breaches, *lost], _named(records))
    yield from to_do(report.breaches)
    if report.incomplete:
        yield Note("What to do: The run has not got to every case, or was cut off: harness run --resume finishes it.")


def _known_parts(report: GateReport, source: str, records: Sequence[Record]) -> Iterator[Part]:
    """Failures that are as expected: last, because nothing is to be done, but not hidden."""
    if report.known_failures:
        caption = f"Failures that {source} knows and expects."
        yield table_of("known", caption, gate.KNOWN, report.known_failures, _named(records))


def _named(records: Sequence[Record]) -> Callable[[Judgement | Row], Row]:
    """What a judgement, or a case without a record, is filtered by."""
    known = {record.case: record for record in records}

    def named(one: Judgement | Row) -> Row:
        case = one.case if isinstance(one, Judgement) else one["case"]
        return row_of(known[case]) if case in known else {"problem": case}

    return named
