"""Judgements as a CI system takes them: a check each, passed, failed, skipped or in error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import counted
from harness.judge.gate.gate import GateReport
from harness.judge.history.night import NightReport
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.ab import AbReport, AbVerdict
from harness.judge.versions.instructions import InstructionLine
from harness.judge.versions.upgrade.answer import Decision, UpgradeAnswer
from harness.report.words.night import change_words


class Outcome(StrEnum):
    """JUnit's four; an error is what could not be measured, a skip what is undecided."""

    PASSED = "passed"
    FAILED = "failure"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One quantity of one case. `message`: one line, why it is not passed; `advice`: what to do."""

    case: str
    quantity: str
    outcome: Outcome
    message: str = ""
    advice: str = ""


def gate_checks(report: GateReport) -> tuple[Check, ...]:
    """A check a judgement, an error for each planned case without a record, and a skip for what could not be judged.

    A cured failure is a failure.
    """
    judged = (
        _of(one, Outcome.PASSED if one.verdict is Verdict.UNCHANGED else Outcome.FAILED) for one in report.judgements
    )
    missing = (
        Check(case, "presence", Outcome.ERROR, "planned, and has no record", "Run it again: the run was cut off.")
        for case in report.incomplete
    )
    left = (Check(one.case, one.quantity, Outcome.SKIPPED, one.reason) for one in report.not_judged)
    return (*judged, *missing, *left)


def ab_checks(report: AbReport) -> tuple[Check, ...]:
    """A check for each cell's speed, and one for each quantity of its accuracy. An improvement is passed."""
    return tuple(check for one in report.cells for check in _cell(one))


def instruction_checks(lines: Sequence[InstructionLine]) -> tuple[Check, ...]:
    """A check a cell; what is undecided is skipped, and an improvement is passed."""
    return tuple(
        Check(line.cell.case, "instructions", _OUTCOMES.get(line.verdict, Outcome.PASSED), line.why) for line in lines
    )


def upgrade_checks(answer: UpgradeAnswer) -> tuple[Check, ...]:
    """A check a case; where nothing was compared, one for the upgrade."""
    cases = answer.cases or ()
    if not cases:
        return (Check(answer.asked, "upgrade", _DECIDED[answer.decision], answer.sentence),)
    return tuple(Check(one.case, "upgrade", _DECIDED[one.decision], one.why) for one in cases)


def night_checks(report: NightReport) -> tuple[Check, ...]:
    """A check for each thing that changed and for each case that did not; a skip for what was not compared."""
    changed = {one.record.case for one in report.changes}
    found = [
        Check(
            one.record.case,
            one.quantity,
            _OUTCOMES.get(one.verdict, Outcome.PASSED),
            "" if one.verdict is Verdict.IMPROVEMENT else change_words(one),
        )
        for one in report.changes
    ]
    left = {
        "the data changed: nothing is compared": [one.record.case for one in report.other_data],
        "new: no night before has it": report.added,
        "gone: only the night before has it": report.gone,
        "it ends wrong, as on the night before": report.failing,
    }
    skipped = [Check(case, "night", Outcome.SKIPPED, why) for why, cases in left.items() for case in cases]
    same = [case for case in report.compared if case not in changed and case not in report.failing]
    return (*found, *(Check(case, "night", Outcome.PASSED) for case in same), *skipped)


def failed(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Failures and errors."""
    return tuple(check for check in checks if check.outcome in (Outcome.FAILED, Outcome.ERROR))


_DECIDED = {Decision.SAFE: Outcome.PASSED, Decision.NO: Outcome.FAILED, Decision.UNDECIDED: Outcome.SKIPPED}
_OUTCOMES = {Verdict.REGRESSION: Outcome.FAILED, Verdict.UNDECIDED: Outcome.SKIPPED}


def _cell(one: AbVerdict) -> Iterator[Check]:
    if one.could_not_measure:
        yield _of(one.accuracy[0], Outcome.ERROR)
        return
    if not one.cell.unit:
        yield Check(
            one.cell.case,
            "speed",
            _OUTCOMES.get(one.found.verdict, Outcome.PASSED),
            "" if one.found.verdict in (Verdict.UNCHANGED, Verdict.IMPROVEMENT) else one.cell.left or _speed_words(one),
        )
    for judgement in one.accuracy:
        yield _of(judgement, _OUTCOMES.get(judgement.verdict, Outcome.PASSED))


def _speed_words(one: AbVerdict) -> str:
    """The ratio and its interval, or why there is none."""
    speed = one.speed
    if speed.ratio is None or speed.low is None or speed.high is None:
        return speed.why_not
    launches = counted(speed.launches, "launch", "launches")
    return f"{speed.clock} time x {speed.ratio:.3f} [{speed.low:.3f}, {speed.high:.3f}], {launches}"


def _of(judgement: Judgement, outcome: Outcome) -> Check:
    message = ""
    if outcome is not Outcome.PASSED:
        message = f"{judgement.measured}, expected {judgement.expected}"
        message += f": {judgement.detail}" if judgement.detail else ""
    return Check(judgement.case, judgement.quantity, outcome, message, judgement.advice if message else "")
