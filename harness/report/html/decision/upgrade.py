"""Whether one version may take the place of another: by `harness ab`, or by an earlier run."""

from collections.abc import Sequence

from harness.errors import counted
from harness.judge.verdict import Verdict
from harness.judge.versions.two_runs import AnswerChange, compare_runs
from harness.records.record import Record
from harness.report.html.decision.coefficients import beside_baseline, coefficients
from harness.report.html.defects import known_notes
from harness.report.html.evidence import Evidence
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact, to_do
from harness.report.html.verdict_ab import ab_verdict, worst_cells
from harness.report.html.verdict_changes import change_verdict
from harness.report.render.ab_file import AbFile, Cell
from harness.report.tables import numbers as show

ANSWERS = {"regression": ("No", BAD), "improvement": ("Yes", GOOD), "unchanged": ("Yes", GOOD)}


def upgrade(evidence: Evidence) -> Decision:
    """The decision of a comparison of two versions; without any that nothing was compared."""
    if evidence.ab is not None:
        return _of_ab(evidence, evidence.ab)
    if evidence.baseline is not None:
        return _of_runs(evidence)
    why = "Nothing was compared: harness report --ab FILE or --baseline RUN says with what."
    return Decision("May it be upgraded?", why, DOUBT)


def _of_ab(evidence: Evidence, ab: AbFile) -> Decision:
    judged = ab_verdict(ab)
    word, tone = ANSWERS.get(judged.state, ("Undecided", DOUBT))
    worst = next(iter(worst_cells(ab)), None)
    record = next((one for one in evidence.records if worst is not None and one.case == worst.case), None)
    return Decision(
        f"May {ab.base.name} become {ab.head.name}?",
        f"{word}: {judged.headline}.",
        tone,
        [] if worst is None else _facts(ab, worst),
        [
            *([] if record is None else known_notes(record, evidence)),
            *to_do(one for cell in ab.cells for one in cell.accuracy),
        ],
        () if record is None else coefficients(record, beside_baseline(record, evidence.baseline_records)),
    )


def _facts(ab: AbFile, worst: Cell) -> list[Fact]:
    where = f"{worst.solver} on {worst.problem}" if worst.solver else worst.problem
    worse = sum(one.verdict is Verdict.REGRESSION for one in ab.cells)
    facts = [Fact("slower or wronger", f"{worse} of {len(ab.cells)}", counted(len(ab.cells), "case").split()[1])]
    if worst.base.digits is not None or worst.head.digits is not None:
        digits = f"{show.fixed(worst.base.digits, 1)} → {show.fixed(worst.head.digits, 1)}"
        facts.append(Fact("right digits", digits, where))
    ratio, low, high = worst.speed.ratio, worst.speed.low, worst.speed.high
    if ratio is not None:
        interval = "" if low is None or high is None else f"95 %: {low:.3f} to {high:.3f}; "
        facts.append(Fact("time of a call, head over base", show.ratio(ratio), f"{interval}{where}"))
    return facts


def _of_runs(evidence: Evidence) -> Decision:
    assert evidence.baseline is not None  # noqa: S101  # the caller's case
    compared = compare_runs(evidence.records, evidence.baseline_records)
    judged = change_verdict(compared, evidence.baseline.id)
    word, tone = ANSWERS.get(judged.state, ("Undecided", DOUBT))
    worse = [one for one in compared.answers if one.verdict is Verdict.REGRESSION]
    record = worse[0].record if worse else None
    return Decision(
        f"May what run {evidence.baseline.id} was made of become what this run was made of?",
        f"{word}: {judged.headline}.",
        tone,
        _changes(compared.answers, record),
        [] if record is None else known_notes(record, evidence),
        () if record is None else coefficients(record, beside_baseline(record, evidence.baseline_records)),
    )


def _changes(answers: Sequence[AnswerChange], record: Record | None) -> list[Fact]:
    own = [one for one in answers if record is not None and one.record.case == record.case]
    return [
        Fact(one.quantity, f"{one.before} → {one.now}", f"{one.record.label} on {one.record.problem}") for one in own
    ]
