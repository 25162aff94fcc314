"""What a run says at its end: its cases problem by problem, and what to do about those that ended badly."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.errors import counted
from harness.judge.grouped import grouped
from harness.records.record import Record, Status
from harness.report.tables import case
from harness.report.tables import numbers as show
from harness.report.tables.document import Document, Line, Table
from harness.solvers.solver import Kind


def run(records: Sequence[Record], took_s: float | None = None) -> Document:
    """One row a case; then each failure with its message and advice, and how many cases ended how.

    `took_s`: what the command took that measured all of them; None where others did.
    """
    if not records:
        return Document([Line("no case has ended")])
    problems = groupby(records, key=lambda record: record.problem)
    table = Table(case.TERMINAL, [(name, list(members)) for name, members in problems], of_group=of_problem, fold=False)
    return Document(
        [table, *failures(records), *_plateaus(records), *_objectives(records), *_full_batches(records)],
        [Line("; ".join(filter(None, [summary(records), fitting(records, took_s)])))],
    )


def of_problem(records: Sequence[Record]) -> list[Line]:
    """What was done to a person's table, then the dependences of the problem's columns."""
    return [*_of_table(records), *dependent(records)]


def _of_table(records: Sequence[Record]) -> Iterator[Line]:
    """The columns that are not used, with their reasons, on a line, and a line for what else was done."""
    for record in records[:1]:
        if record.left_out:
            yield Line(", ".join(record.columns_left_out), "left out:", "yellow")
        yield from (Line(note, "note:", "yellow") for note in record.notes)


def dependent(records: Sequence[Record]) -> list[Line]:
    """A line for each dependence of the problem's columns: "total = a + b (exact in the decimals)"."""
    found = dict.fromkeys(one.in_full for record in records for one in record.dependences)
    return [Line(text, "dependent:", "yellow") for text in found]


def summary(records: Sequence[Record]) -> str:
    """How many cases ended how."""
    counts = Counter(record.status.value for record in records)
    ended = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return f"{counted(len(records), 'case')}: {ended}"


def fitting(records: Sequence[Record], took_s: float | None) -> str:
    """How much of the seconds of a command was fitting: the sum of the timed calls. Empty where it is not known."""
    calls_s = sum(sum(record.samples.wall_s) for record in records)
    if took_s is None or not calls_s:
        return ""
    what = "fitting" if all(record.unit == "fit" for record in records if record.samples.wall_s) else "timed calls"
    return f"{show.seconds(took_s)} in all, of which {what} {show.seconds(calls_s)}"


def failures(records: Sequence[Record]) -> Iterator[Line]:
    """A line a case that ended badly or short of rank, with its message; then what is unsupported, each reason once."""
    for record in records:
        if record.failed:
            yield Line(failure(record), record.status.value, "red")
        elif record.status is Status.RANK_DEFICIENT:
            yield Line(f"{record.problem} {record.label}: {record.message}", record.status.value, "yellow")
    reasons = Counter(f"{record.label}: {record.message}" for record in records if record.status is Status.UNSUPPORTED)
    for reason, count in reasons.items():
        yield Line(f"{reason} ({counted(count, 'case')})", "unsupported")


def failure(record: Record) -> str:
    """The case that ended badly, what went wrong, and what to do."""
    return f"{record.problem} {record.label}: {record.message or record.samples.error}. {record.advice}"


def _plateaus(records: Sequence[Record]) -> Iterator[Line]:
    """Which columns hold trainings far above the least loss, a line a problem."""
    held_up = (record for record in records if record.plateau)
    for (problem, why), found in grouped(held_up, lambda one: (one.problem, one.plateau)).items():
        named = ", ".join(dict.fromkeys(record.label for record in found))
        yield Line(f"{problem} {named}: {why}", Status.NOT_CONVERGED.value, "yellow")


def _objectives(records: Sequence[Record]) -> Iterator[Line]:
    """What excess losses are relative to where that is not the least-squares optimum, and which were not judged."""
    named: dict[str, dict[str, None]] = {}
    trained = [
        one for one in records if one.kind is Kind.ITERATIVE and one.measured and one.solution and one.solution.computed
    ]
    unjudged = [one for one in trained if one.accuracy.excess_relative_to is None and one.message]
    for text in dict.fromkeys(f"{record.problem} {record.label}: {record.message}" for record in unjudged):
        yield Line(text)
    for record in trained:
        objective = record.accuracy.excess_relative_to
        if objective not in (None, "optimum", "null model"):
            flat = " (flat: no digits)" if record.accuracy.digits is None else ""
            named.setdefault(f"{objective}{flat}", {})[f"{record.problem} {record.label}"] = None
    for objective, labels in named.items():
        yield Line(f"excess loss of {', '.join(labels)} relative to: {objective}")


def _full_batches(records: Sequence[Record]) -> Iterator[Line]:
    """Of which problems the batch that was asked for is all rows."""
    batches = {(record.problem, record.options["batch"], record.n): None for record in records if _is_full(record)}
    for problem, batch, n in batches:
        yield Line(f"{problem}: batch {batch} is more than its {n} training rows", "full batch", "yellow")


def _is_full(record: Record) -> bool:
    batch = record.options.get("batch")
    return record.status is not Status.UNSUPPORTED and isinstance(batch, int) and batch > record.n
