"""From a comparison of two sets of libraries to an answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.judge.studies.finding import Finding
from harness.judge.versions.ab import AbReport, decided, judge_ab
from harness.judge.versions.ab_accuracy import IMPORT_ADVICE
from harness.judge.versions.ab_speed import LOOKS
from harness.judge.versions.upgrade.answer import (
    SLOWER,
    CaseAnswer,
    Decision,
    Figure,
    KnownFinding,
    Package,
    UpgradeAnswer,
)
from harness.judge.versions.upgrade.case import case_answer, coefficients
from harness.judge.versions.upgrade.reasons import because, workaround
from harness.records.ab import AbCell, Side
from harness.records.record import MAX_DIGITS

MOST_FIGURES = 3
WEIGHTED = "(weights="
"""In the label of a problem whose rows have weights."""


@dataclass(frozen=True)
class UpgradeQuestion:
    """What is asked: both sides, the packages by name, what a finding can say, and the limit on time.

    `alike`: why both sides are the same, if they are; `notes`: what a person should know beside the answer.
    `problems`: the labels of the data that are asked about, where nothing was compared.
    """

    base: Side
    head: Side
    packages: tuple[str, ...]
    findings: Sequence[Finding] = ()
    slower: float = SLOWER
    alike: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def decide_upgrade(report: AbReport, question: UpgradeQuestion) -> UpgradeAnswer:
    """The answer of all cells: against the upgrade if one of them is, undecided if one is, else safe.

    Two sides that are alike, or no cells at all, decide nothing.
    """
    cases = sorted((case_answer(one, question.slower) for one in report.cells), key=_worst_first)
    verdicts = {one.cell.case: one for one in report.cells}
    decision = _decision(cases, question)
    problems = tuple(dict.fromkeys(one.cell.problem for one in report.cells)) or question.problems
    packages = tuple(_packages(question))
    known = tuple(_known(question.findings, packages, cases))
    deciding = next((one for one in cases if one.decision is decision), None)
    cell = None if deciding is None else verdicts[deciding.case].cell
    return UpgradeAnswer(
        decision=decision,
        asked=_asked(packages, question, problems),
        packages=packages,
        problems=problems,
        because=tuple(because(decision, cases, verdicts, question.alike)),
        workaround=workaround(decision, cases, known),
        known=known,
        case="" if deciding is None else deciding.case,
        figures=() if deciding is None else tuple(_figures(deciding))[:MOST_FIGURES],
        coefficients=() if cell is None else coefficients(cell.base, cell.head, cell.spreads),
        cases=tuple(cases),
        base=question.base,
        head=question.head,
        slower=question.slower,
        alike=question.alike,
        notes=(*question.notes, *_to_do(one.cell for one in report.cells)),
    )


def settled(cells: Sequence[AbCell], slower: float, *, spent: bool) -> set[str]:
    """The cases that need no more launches: as `harness ab` has it, and all of them where an answer is lost.

    `spent`: the time is over that such an answer gets for its evidence.
    """
    answers = [case_answer(one, slower) for one in judge_ab(cells, effect=slower).cells]
    if spent and any(one.lost for one in answers):
        return {cell.case for cell in cells}
    enough = {cell.case for cell in cells if len(cell.launches) >= LOOKS[0]}
    return decided(cells, effect=slower) | {
        one.case for one in answers if one.case in enough and one.decision is not Decision.UNDECIDED
    }


def failed_side(question: UpgradeQuestion, problems: Sequence[str], side: str, why: str) -> UpgradeAnswer:
    """The answer where a side, `base` or `head`, cannot even be started: `why` says what its import said."""
    nothing = decide_upgrade(AbReport((), question.slower), replace(question, problems=tuple(problems)))
    decision = Decision.NO if side == "head" else Decision.UNDECIDED
    return replace(nothing, decision=decision, because=(why,), notes=(*question.notes, IMPORT_ADVICE))


def _to_do(cells: Iterable[AbCell]) -> Iterator[str]:
    """What to do where a library cannot be imported."""
    if any(cell.base.import_failed or cell.head.import_failed for cell in cells):
        yield IMPORT_ADVICE


def _worst_first(case: CaseAnswer) -> tuple[int, bool, int, float, float]:
    """Against, undecided, safe; within, what loses its answer before what is slow, by its rank, then by its R²."""
    order = (Decision.NO, Decision.UNDECIDED, Decision.SAFE).index(case.decision)
    rank = (case.rank_before or 0) - (case.rank_after or 0)
    score = (case.r2_after or 0.0) - (case.r2_before or 0.0)
    digits = (case.digits_after or 0.0) - (case.digits_before or 0.0)
    return order, not case.lost, -rank, score, digits


def _decision(cases: Sequence[CaseAnswer], question: UpgradeQuestion) -> Decision:
    found = {case.decision for case in cases}
    if question.alike or not found:
        return Decision.UNDECIDED
    return next(one for one in (Decision.NO, Decision.UNDECIDED, Decision.SAFE) if one in found)


def _packages(question: UpgradeQuestion) -> Iterator[Package]:
    held = [{one.name: one for one in side.libraries} for side in (question.base, question.head)]
    for name in question.packages:
        before, after = (side.get(name) for side in held)
        yield Package(
            name,
            "" if before is None else before.version,
            "" if after is None else after.version,
            "" if before is None else before.origin,
            "" if after is None else after.origin,
        )


def _asked(packages: Sequence[Package], question: UpgradeQuestion, problems: Sequence[str]) -> str:
    changes = [f"{one.name} {one.before or 'not installed'} -> {one.after or 'not installed'}" for one in packages]
    if "" not in (question.base.python, question.head.python) and question.base.python != question.head.python:
        changes.append(f"{question.base.python} -> {question.head.python}")
    return f"{', '.join(changes)} on {', '.join(problems)}"


def _known(
    findings: Sequence[Finding], packages: Sequence[Package], cases: Sequence[CaseAnswer]
) -> Iterator[KnownFinding]:
    """The findings of the packages that the new version has and the old one has not, those first that are seen here."""
    changed = {one.name: one for one in packages}
    against = {(case.solver, WEIGHTED in case.problem) for case in cases if case.lost}
    brought = {weighted for solver, weighted in against if ":" in solver}
    found = []
    for one in findings:
        package = changed.get(one.library)
        if package is None or not package.after or not one.is_bad(package.after):
            continue
        if package.before and one.is_bad(package.before):
            continue
        shown = (one.solver, one.weighted) in against or (one.solver is not None and one.weighted in brought)
        workaround = " ".join(one.workaround.split())
        found.append(KnownFinding(one.id, one.title, one.library, one.bad, workaround, one.upstream, shown))
    yield from sorted(found, key=lambda one: not one.shown)


def _figures(case: CaseAnswer) -> Iterator[Figure]:
    """The numbers that a person compares first: what changed before what stayed."""
    every = (
        Figure("rank", case.rank_before, case.rank_after, case.rank_of_data),
        Figure("R²", case.r2_before, case.r2_after),
        Figure("digits", case.digits_before, case.digits_after, MAX_DIGITS),
        Figure("time", case.before_s, case.after_s),
    )
    there = [one for one in every if one.before is not None or one.after is not None]
    changed = [one for one in there if one.before != one.after and one.name != "time"]
    yield from [*changed, *(one for one in there if one not in changed)]
