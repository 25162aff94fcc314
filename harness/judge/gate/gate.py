"""The gate: a run's records against the expectations."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import COULD_NOT_MEASURE
from harness.judge.gate.expectations import Expectation, Expectations
from harness.judge.gate.matching import floor_of, has_data, in_scope, matches
from harness.judge.verdict import Judgement, Verdict, number_text
from harness.records.labels import file_of
from harness.records.record import Record, Status
from harness.records.run import Run

UPDATE = "harness gate --update"
"""In advice: a command that may need to be told where the store and the file are."""
OUTSIDE = f"Find the commit or the library upgrade that did it; if the limit itself is wrong, {UPDATE}."


@dataclass(frozen=True)
class NotJudged:
    """A number that could not be judged, and why; it is no failure and never counts as passed."""

    case: str
    quantity: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """Every judgement, the planned cases without a record, and how many records no expectation covers.

    Of asv's results: `not_judged`, what could not be judged; `notes`: what was compared, how often its verdicts err.
    """

    judgements: tuple[Judgement, ...]
    incomplete: tuple[str, ...]
    unjudged: int
    not_judged: tuple[NotJudged, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def breaches(self) -> tuple[Judgement, ...]:
        """What does not hold: regressions, cured failures (the file must stay true), and what is undecided."""
        return tuple(j for j in self.judgements if j.verdict is not Verdict.UNCHANGED)

    @property
    def known_failures(self) -> tuple[Judgement, ...]:
        """Expected failures that are as expected, with their reasons."""
        return tuple(
            j
            for j in self.judgements
            if j.quantity == "status" and j.verdict is Verdict.UNCHANGED and j.expected != "ok"
        )

    @property
    def exit_code(self) -> int:
        """1 for a breach, 3 if cases are missing, something is undecided or nothing was judged, else 0."""
        if any(one.verdict is not Verdict.UNDECIDED for one in self.breaches):
            return 1
        return COULD_NOT_MEASURE if self.incomplete or self.breaches or not self.judgements else 0


def gate(run: Run, records: Sequence[Record], expectations: Expectations, *, partial: bool = False) -> GateReport:
    """Judge every record by every expectation that it matches; a missing one fails.

    `partial` is for records that hold only what somebody chose to track: a quantity that is None there
    was not tracked, and is not judged.
    """
    judgements: list[Judgement] = []
    judged: set[str] = set()
    of_other_data: dict[str, Judgement] = {}
    for entry in (entry for entry in expectations.expect if entry.is_about(run.environment.versions)):
        for problem in expectations.problems_of(entry):
            for solver in expectations.solvers_of(entry):
                named = [record for record in records if matches(entry, record, problem, solver)]
                found = [record for record in named if has_data(entry, record)]
                scope = (expectations, entry, run, records, problem, solver)
                if not named and not entry.optional and in_scope(*scope):
                    judgements.append(_vanished(entry, problem, solver))
                of_other_data |= {one.case: _other_data(entry, one) for one in named if one not in found}
                judged |= {record.case for record in found}
                if len({record.problem for record in found if record.is_own}) > 1:
                    judgements.append(_ambiguous(entry, problem, found))
                    continue
                for record in found:
                    judgements.extend(_judge(entry, record, partial=partial))
    uncovered = [record for record in records if record.case not in judged]
    judgements.extend(_failed(record) for record in uncovered if record.status.failed)
    judgements.extend(one for case, one in of_other_data.items() if case not in judged)
    judgements.extend(_not_timed(record) for record in records if record.samples.error)
    recorded = {record.case for record in records}
    missing = tuple(case for case in run.planned if case not in recorded)
    left = [record for record in uncovered if not record.status.failed and record.case not in of_other_data]
    return GateReport(tuple(judgements), missing, len(left))


def _judge(entry: Expectation, record: Record, *, partial: bool) -> Iterator[Judgement]:
    """One judgement a quantity; the numbers of a case that ended otherwise than expected are not looked at."""
    if entry.optional and record.status is Status.UNSUPPORTED:
        return
    status = _status(entry, record)
    yield status
    if status.verdict is not Verdict.UNCHANGED:
        return
    for quantity, value, low, high in _limited(entry, record):
        if value is not None or not partial:
            yield _bounded(record, entry, quantity, value, (low, high))
    if entry.dependences is not None and not (partial and record.accuracy.rank_of_data is None):
        yield _independent(record, entry)


def _limited(entry: Expectation, record: Record) -> Iterator[tuple[str, float | None, float, float]]:
    """Each quantity that the entry limits: its name, the measured value, lowest and highest."""
    accuracy = record.accuracy
    for name, quantity, value in (
        ("digits", "digits_min", accuracy.digits),
        ("standard error digits", "standard_error_digits_min", accuracy.standard_error_digits),
    ):
        floor = floor_of(entry, quantity, record)
        if floor is not None:
            yield name, value, floor, math.inf
    if entry.excess_loss_max is not None:
        yield "excess loss", accuracy.excess_loss, -math.inf, entry.excess_loss_max
    for part, (low, high) in entry.r2.items():
        yield f"R² {part}", accuracy.r2.get(part), low, high
    for part, (low, high) in entry.mse.items():
        yield f"MSE {part}", accuracy.mse.get(part), low, high


def _status(entry: Expectation, record: Record) -> Judgement:
    verdict, detail, advice = Verdict.UNCHANGED, "", ""
    if record.status not in entry.status:
        cured = bool(entry.expected_failure) and not record.status.failed
        verdict = Verdict.IMPROVEMENT if cured else Verdict.REGRESSION
        detail = "an expected failure is cured" if cured else record.message
        advice = (
            "Take the cured failure out of the expectations, so that the file stays true." if cured else record.advice
        )
    return Judgement(
        record.case,
        "status",
        record.status,
        "|".join(entry.status),
        verdict,
        detail,
        advice,
        entry.expected_failure or entry.source,
    )


def _bounded(
    record: Record, entry: Expectation, quantity: str, value: float | None, band: tuple[float, float]
) -> Judgement:
    """Inside [low, high] is unchanged; outside, NaN and missing are regressions."""
    low, high = band
    expected = f">= {low:g}" if high == math.inf else f"<= {high:.3g}" if low == -math.inf else f"{low:g} to {high:g}"
    if value is None or math.isnan(value):
        verdict, detail = Verdict.REGRESSION, "there is no number to judge"
    elif low <= value <= high:
        verdict, detail = Verdict.UNCHANGED, ""
    else:
        verdict = Verdict.REGRESSION
        short = value < low
        detail = f"{abs(value - (low if short else high)):.2g} {'below the floor' if short else 'above the ceiling'}"
    advice = "" if verdict is Verdict.UNCHANGED else OUTSIDE
    return Judgement(record.case, quantity, number_text(value), expected, verdict, detail, advice, entry.source)


def _independent(record: Record, entry: Expectation) -> Judgement:
    """Whether the data determine every coefficient; a rank that nobody knows does not say so."""
    rank = record.accuracy.rank_of_data
    columns = len(record.solution.terms) if record.solution and record.solution.terms else record.p
    short = "the rank is not known" if rank is None else f"rank {rank} of {columns}" if rank < columns else ""
    measured = "; ".join(one.in_full for one in record.dependences) or short
    return Judgement(
        record.case,
        "dependences",
        measured or "none",
        "none",
        Verdict.REGRESSION if measured else Verdict.UNCHANGED,
        "the data do not determine every coefficient" if measured else "",
        "Drop a column of each dependence, or take 'dependences' out of the entry." if measured else "",
        entry.source,
    )


def _vanished(entry: Expectation, problem: str, solver: str) -> Judgement:
    narrowed = " ".join(f"{name}={value}" for name, value in entry.narrows().items())
    return Judgement(
        case=f"{problem} {solver} {narrowed}".strip(),
        quantity="presence",
        measured="no record",
        expected="a record",
        verdict=Verdict.REGRESSION,
        detail="vanished",
        advice="Restore the solver or the problem that vanished, or take its expectation out of the file.",
        reason=entry.source,
    )


def _other_data(entry: Expectation, record: Record) -> Judgement:
    return Judgement(
        case=record.case,
        quantity="data",
        measured=(record.data_sha256 or record.problem_sha256)[: len(entry.data)],
        expected=entry.data,
        verdict=Verdict.UNDECIDED,
        detail="the data changed: the limits are for other data, and nothing is compared",
        advice=f"If the data are as they should be, {UPDATE} writes expectations for them.",
        reason=entry.source,
    )


def _ambiguous(entry: Expectation, problem: str, found: Sequence[Record]) -> Judgement:
    """Of an entry whose name several problems of this run have."""
    labels = sorted({record.problem for record in found})
    return Judgement(
        case=f"{problem} {found[0].solver}",
        quantity="problem",
        measured=", ".join(labels),
        expected="one problem",
        verdict=Verdict.UNDECIDED,
        detail=f"{len(labels)} problems are called that: nothing is compared",
        advice=f'Say which is meant: by the end of its path, as problem = "{_path(labels[0])}", or by data.',
        reason=entry.source,
    )


def _path(label: str) -> str:
    """The folder and name of a file, the shortest that tells it from another of the name."""
    return "/".join(file_of(label)[0].split("/")[-2:])


def _failed(record: Record) -> Judgement:
    return Judgement(
        record.case, "status", record.status, "ok", Verdict.REGRESSION, record.message, record.advice, "no expectation"
    )


def _not_timed(record: Record) -> Judgement:
    return Judgement(
        case=record.case,
        quantity="timing",
        measured="raised",
        expected="samples",
        verdict=Verdict.REGRESSION,
        detail=record.samples.error,
        advice="A solver must do the same work at every call: run the case alone with 'harness fit'.",
    )
