"""The expectations' floors on the head's side of a comparison, by the gate itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.judge.gate.expectations import Expectations
from harness.judge.gate.gate import gate
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.ab_cell import ran
from harness.records.ab import AbCell
from harness.records.environment import Environment
from harness.records.record import Accuracy, Record
from harness.records.run import Run, Selection
from harness.solvers.solver import Kind

UNKNOWN = "unknown"


def judge_expected(
    cells: Sequence[AbCell], expectations: Expectations, versions: Mapping[str, str] | None = None
) -> dict[str, tuple[Judgement, ...]]:
    """By case: what the gate says of the head's status, digits and excess loss.

    A quantity that was not measured is not judged. Without the head's `versions`, entries that are about some
    versions of a library only are left out. A failure without an expectation is compared with the base, not here,
    and so is a head that could not run.
    """
    if versions is None:
        known = tuple(entry for entry in expectations.expect if not entry.versions)
        expectations = expectations.model_copy(update={"expect": known})
    records = [_record(cell) for cell in cells if ran(cell.head.status)]
    found: dict[str, tuple[Judgement, ...]] = {}
    for one in gate(_run(dict(versions or {})), records, expectations, partial=True).judgements:
        expected = one.reason != "no expectation"
        if expected and one.verdict is not Verdict.UNCHANGED:
            found[one.case] = (*found.get(one.case, ()), replace(one, quantity=f"{one.quantity} expected"))
    return found


def _run(versions: dict[str, str]) -> Run:
    """Nothing is in scope to vanish: the base says which cells there are."""
    return Run(
        id="ab",
        started_at=UNKNOWN,
        command="harness ab",
        selection=Selection(problems=()),
        planned=(),
        environment=Environment(
            cpu=UNKNOWN, cores=1, memory_bytes=0, system=UNKNOWN, python=UNKNOWN, blas=(), versions=versions
        ),
    )


def _record(cell: AbCell) -> Record:
    """What the gate looks at; options are read from the case's key."""
    options = _options(cell)
    return Record(
        case=cell.case,
        problem=cell.problem,
        problem_name=cell.problem.partition(":")[0],
        family=UNKNOWN,
        relation=UNKNOWN,
        problem_sha256="",
        n=0,
        p=0,
        solver=cell.solver,
        kind=Kind.CLOSED_FORM,
        optimizer=None,
        device=cell.device,
        threads=cell.threads,
        options=options,
        status=cell.head.status,
        message=cell.head.message,
        accuracy=Accuracy(digits=cell.head.digits, excess_loss=cell.head.excess_loss),
    )


def _options(cell: AbCell) -> dict[str, str | int | float | tuple[int | float, ...]]:
    """The name=value words after problem, solver and device."""
    words = cell.case.removeprefix(cell.problem).split()
    return {name: _value(text) for name, _, text in (word.partition("=") for word in words if "=" in word)}


def _value(text: str) -> str | int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
