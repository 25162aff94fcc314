"""Which solver of a run is right, and who is fastest; of one case alone whether it is right."""

from collections.abc import Sequence

from harness.errors import counted
from harness.judge.medians import Estimate
from harness.judge.speed.ranking import RankedCase, ranked_cases, timed
from harness.records.record import MAX_DIGITS, Record
from harness.report.figures.rows import short_problems
from harness.report.html.accuracy import WORST_FIRST, wrong_words
from harness.report.html.decision.coefficients import beside_baseline, coefficients
from harness.report.html.defects import known_notes
from harness.report.html.evidence import Evidence
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact, Table
from harness.report.html.speed_words import over_problems, times_ahead
from harness.report.tables import numbers as show
from harness.report.words.sentences import listed
from harness.solvers.solver import Kind
from harness.solvers.status import Status


def race(evidence: Evidence) -> Decision:
    """The decision of a run's records."""
    records = [one for one in evidence.records if one.kind is not Kind.BASELINE]
    ran = [one for one in records if one.status is not Status.UNSUPPORTED]
    if not ran:
        return _nothing(evidence, records)
    if len(ran) == 1:
        return _one(evidence, ran[0])
    return _several(evidence, ran, len(records) - len(ran))


def _nothing(evidence: Evidence, records: Sequence[Record]) -> Decision:
    planned = 0 if evidence.run is None else len(evidence.run.planned)
    why = listed(list(dict.fromkeys(one.message for one in records if one.message)))
    answer = f"Nothing was measured yet of {counted(planned, 'case')}: harness run --resume goes on."
    return Decision("Which solver is right, and how fast?", f"{answer} {why}".strip(), DOUBT)


def _one(evidence: Evidence, record: Record) -> Decision:
    answer, tone = _answer(record)
    return Decision(
        f"Is {record.label} right on {_short([record])}, and how fast is it?",
        answer,
        tone,
        _facts_of_one(record),
        known_notes(record, evidence),
        coefficients(record, beside_baseline(record, evidence.baseline_records)),
    )


def _short(records: Sequence[Record]) -> str:
    """The problems by what tells them apart; those of files without their folders."""
    names = short_problems(list(dict.fromkeys(one.problem for one in records)))
    return listed([name.rpartition("/")[2] for name in names.values()])


def _answer(record: Record) -> tuple[str, str]:
    if record.status is Status.OK:
        took = f"; one {record.unit} takes {show.seconds(record.call_s)}" if record.call_s is not None else ""
        return f"Yes: {_how_right(record)}{took}.", GOOD
    said = (record.message or record.samples.error or record.status.value.replace("_", " ")).rstrip(".")
    answer, tone = ("No", BAD) if record.failed else ("Not quite", DOUBT)
    return f"{answer}: {said}. {record.advice}".rstrip(), tone


def _how_right(record: Record) -> str:
    accuracy = record.accuracy
    if record.optimizer is None and accuracy.digits is not None:
        return f"{accuracy.digits:.1f} of {MAX_DIGITS:.0f} digits are right in the worst coefficient"
    if accuracy.excess_loss is not None:
        return f"the loss is {show.power(accuracy.excess_loss)} above the least one possible, relatively"
    return "nothing speaks against its answer"


def _facts_of_one(record: Record) -> list[Fact]:
    accuracy, facts = record.accuracy, []
    if record.optimizer is None and accuracy.digits is not None:
        facts.append(Fact("right digits", show.fixed(accuracy.digits, 1), f"of {MAX_DIGITS:.0f}, worst coefficient"))
    elif accuracy.excess_loss is not None:
        facts.append(Fact("excess loss", show.power(accuracy.excess_loss), accuracy.relative_to.strip(", ")))
    score = show.last_split(accuracy.r2)
    if score is not None:
        best = _best_r2(record) if score[0] == "train" else None
        at_best = "" if best is None else f"; {best:.4f} at best"
        facts.append(Fact("R²", f"{score[1]:.4f}", f"{score[0]} rows{at_best}"))
    return facts + [_time(one.timed.seconds, record) for one in ranked_cases(timed([record]))]


def _best_r2(record: Record) -> float | None:
    """Of the training rows, by the exact optimum: 1 - R² is in proportion to the loss, which is 1 + excess times L*."""
    excess, r2 = record.accuracy.excess_loss, record.accuracy.r2.get("train")
    if excess is None or r2 is None or record.accuracy.excess_relative_to != "optimum":
        return None
    return 1 - (1 - r2) / (1 + excess)


def _time(seconds: Estimate, record: Record) -> Fact:
    interval = "" if seconds.low is None else f"95 %: {show.seconds(seconds.low)} to {show.seconds(seconds.high)}"
    return Fact(
        "a whole fit", show.seconds(seconds.value), interval or f"{counted(seconds.calls, 'call')}, {record.device}"
    )


def _several(evidence: Evidence, ran: Sequence[Record], unsupported: int) -> Decision:
    solvers, problems = (list(dict.fromkeys(getattr(r, key) for r in ran)) for key in ("label", "problem"))
    found = ranked_cases(timed(ran))
    failed = sorted((one for one in ran if one.failed), key=lambda one: WORST_FIRST.index(one.status))
    who = f"Which of {len(solvers)} solvers is right" if len(solvers) > 1 else f"Is {solvers[0]} right"
    where = _short(ran) if len(problems) == 1 else counted(len(problems), "problem")
    right = [one for one in ran if one.status is Status.OK]
    wrong = f" {wrong_words(ran)}" if failed else ""
    return Decision(
        f"{who} on {where}, and {'who is the fastest' if len(solvers) > 1 else 'how fast is it'}?",
        f"{_who_wins(found, ran, right)}{wrong or _other_failures(failed)}",
        GOOD if right and (len(solvers) > 1 or not failed) else BAD if failed else DOUBT,
        [_count(ran, right, unsupported), *_fastest(found)],
        [note for one in failed for note in known_notes(one, evidence)][:1],
        _tables(evidence, ran, failed, found),
    )


def _who_wins(found: Sequence[RankedCase], ran: Sequence[Record], right: Sequence[Record]) -> str:
    if not right:
        return f"None of {counted(len(ran), 'case')} is right."
    if len({one.problem for one in ran}) > 1:
        on_all = _right_everywhere(ran)
        return f"Right wherever they ran: {listed(on_all, 6) or 'nobody'}. {over_problems(found)}".rstrip()
    best = next((one.best for one in found if one.best is not None), None)
    if best is None:
        return f"Right: {listed(list(dict.fromkeys(one.label for one in right)), 6)}; nothing was timed."
    return f"{best.label}: {_how_right(best.record)}; {show.seconds(best.seconds.value)} a fit{times_ahead(found)}."


def _right_everywhere(ran: Sequence[Record]) -> list[str]:
    """The solvers of which no case is anything but right, or short of rank as its data are."""
    short = {one.label for one in ran if one.status not in (Status.OK, Status.RANK_DEFICIENT)}
    return [name for name in dict.fromkeys(one.label for one in ran) if name not in short]


def _other_failures(failed: Sequence[Record]) -> str:
    names = [f"{one.label} on {one.problem} ({one.status.value.replace('_', ' ')})" for one in failed]
    return f" Failed: {listed(names)}." if names else ""


def _count(ran: Sequence[Record], right: Sequence[Record], unsupported: int) -> Fact:
    states = [one.status for one in ran if one.status is not Status.OK]
    counts = [f"{states.count(state)} {state.value.replace('_', ' ')}" for state in WORST_FIRST if state in states]
    counts += [f"{unsupported} unsupported"] if unsupported else []
    return Fact("right", f"{len(right)} of {len(ran)}", f"cases; {', '.join(counts)}" if counts else "cases")


def _fastest(found: Sequence[RankedCase]) -> list[Fact]:
    """Of one problem the fastest right case's time and digits; of several who wins most, and its fewest digits."""
    best = {(one.timed.record.problem, one.timed.record.device): one.best for one in found if one.best is not None}
    winners = [one for one in best.values() if one is not None]
    if not winners:
        return []
    names = [one.label for one in winners]
    name = max(dict.fromkeys(names), key=names.count)
    own = [one for one in winners if one.label == name]
    facts = [Fact("fastest that is right", f"{names.count(name)} of {len(winners)}", f"problems: {name}")]
    if len(winners) == 1:
        facts = [Fact("fastest that is right", show.seconds(own[0].seconds.value), f"{name}, a whole fit")]
    digits = [(one.record.accuracy.digits, one.record) for one in own if one.record.accuracy.digits is not None]
    if digits and own[0].record.optimizer is None:
        least, where = min(digits, key=lambda pair: pair[0] or 0.0)
        facts.append(
            Fact("its right digits", show.fixed(least, 1), f"of {MAX_DIGITS:.0f}, at worst, on {_short([where])}")
        )
    return facts


def _tables(
    evidence: Evidence, ran: Sequence[Record], failed: Sequence[Record], found: Sequence[RankedCase]
) -> tuple[Table, ...]:
    """The coefficients of what failed beside those of the fastest right solver; of one problem the latter's alone."""
    wrong = next((one for one in failed if one.solution is not None and one.solution.computed), None)
    if wrong is None:
        best = next((one.best.record for one in found if one.best is not None), None)
        alone = best is not None and len({one.problem for one in ran}) == 1
        return (
            coefficients(best, beside_baseline(best, evidence.baseline_records)) if alone and best is not None else ()
        )
    right = next((one.best.record for one in found if one.best and one.timed.record.problem == wrong.problem), None)
    beside = beside_baseline(wrong, evidence.baseline_records) | ({} if right is None else {right.label: right})
    return coefficients(wrong, beside)
