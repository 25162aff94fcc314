"""Faults that take a process along, each with its status, and the next case as if nothing had been."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.errors import MOST_CHARACTERS
from harness.measure.isolation.isolated import Isolated
from harness.measure.isolation.member import Member
from harness.measure.isolation.state import arithmetic
from harness.measure.isolation.state.item import Changes, Item
from harness.measure.plan import Case, Request, single
from harness.measure.run import execute, measure, new_run
from harness.problems.catalog import load
from harness.records.record import Record
from harness.records.run import exit_code
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.sampling import Effort
from tests.answer_faults import ANSWERS, KEEPING, POISONING, Idle
from tests.faults import HEALTHY, MODULE, PLANTED, SOLVERS, limits

FAST = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=2, max_calls=2, budget_s=0)
PROBLEM = load("synthetic:n=50,p=2")
"""One for all cases, as a plan has it."""
MEASURED_ANEW = {"prepare_s", "peak_bytes", "samples"}
"""What no two measurements of a case have in common."""


def case_of(solver: Solver) -> Case:
    """Epochs that do nothing are told by their time: of so many rows that no machine is too busy for it."""
    return single(load("synthetic:n=20000,p=10") if isinstance(solver, Idle) else PROBLEM, solver, Options())


def same_in_both(record: Record) -> dict[str, object]:
    return record.model_dump(exclude=MEASURED_ANEW)


@cache
def healthy_here() -> dict[str, object]:
    """What a process that has seen no fault makes of the case that follows each."""
    return same_in_both(measure(case_of(HEALTHY)).record)


@pytest.fixture(scope="module")
def place() -> Iterator[Isolated]:
    """One for all faults, as a run has it: what one leaves behind, the next one finds."""
    with closing(Isolated(limits(), solvers=MODULE)) as isolated:
        yield isolated


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried again in a worker of its own, which costs a worker for each fault: three tests below do that."""
    monkeypatch.setattr(Member, "is_suspect", lambda *_: False)


def executed(place: Isolated, store: Store, *solvers: Solver, effort: Effort = FAST) -> list[Record]:
    cases = [case_of(solver) for solver in solvers]
    return execute(new_run(Request(), cases), cases, store, effort=effort, place=place)


def test_there_are_at_least_twenty_faults_and_each_is_another() -> None:
    names = [solver.name for _, solver, *_ in PLANTED]
    assert len(set(names)) == len(names) >= 20
    assert {status for _, _, status, _, _ in PLANTED} == {
        Status.OK, Status.ERROR, Status.TIMEOUT, Status.CRASHED, Status.OUT_OF_MEMORY, Status.WRONG,
    }  # fmt: skip


HANDED_OVER = (
    *("texts as coefficients", "no Fit at all", "epochs that do nothing", "other predictions"),
    *("an endless standard error", "wrong from the 5th call", "kept for everybody", "an unknown unit"),
)
"""Answers that come from a worker, one of each sort: what refuses them is the same code."""
ANSWERED_HERE = [fault for fault in ANSWERS if fault[0] not in HANDED_OVER]
IN_A_WORKER = [fault for fault in PLANTED if fault not in ANSWERED_HERE]


@pytest.mark.parametrize(
    ("_", "solver", "status", "message", "warning"), ANSWERED_HERE, ids=[name for name, *_ in ANSWERED_HERE]
)
def test_an_answer_that_is_none_is_typed(_: str, solver: Solver, status: Status, message: str, warning: str) -> None:
    store = Store("sqlite://")
    cases = [case_of(one) for one in (solver, HEALTHY)]
    bad, healthy = execute(new_run(Request(), cases), cases, store, effort=FAST)
    assert (bad.status, bad.samples.error, bad.warnings) == (status, "", ()), bad.message
    assert message in bad.message
    assert "\n" not in bad.message
    assert bool(bad.samples.wall_s) == (status is Status.WRONG)
    assert exit_code([bad, healthy]) == 1
    assert same_in_both(healthy) == same_in_both(measure(case_of(HEALTHY)).record)
    kept = store.records(store.run().id)
    assert [record.model_dump_json() for record in kept] == [bad.model_dump_json(), healthy.model_dump_json()]


UNTIMED = ("a socket", "leaves a child", "inference mode", "deterministic algorithms")
"""What stays changed costs a worker after the fit, and one more when it is timed: "a daemon" is, these are not."""


@pytest.mark.slow
@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(
    ("name", "solver", "status", "message", "warning"), IN_A_WORKER, ids=[name for name, *_ in IN_A_WORKER]
)
def test_a_fault_is_typed_and_the_next_case_is_untouched(
    place: Isolated, name: str, solver: Solver, status: Status, message: str, warning: str
) -> None:
    store = Store("sqlite://")
    fault, healthy = executed(place, store, solver, HEALTHY, effort=replace(FAST, max_calls=2 * (name not in UNTIMED)))
    assert (fault.status, fault.samples.error) == (status, ""), fault.message
    assert message in fault.message
    assert "\n" not in fault.message
    assert warning in " ".join(fault.warnings)
    assert bool(warning) == bool(fault.warnings)
    assert len(fault.message) <= MOST_CHARACTERS
    found_as_it_was_timed = message in ("its last timed call", "another right-hand side")
    timed = status in (Status.OK, Status.WRONG) and not found_as_it_was_timed and name not in UNTIMED
    assert bool(fault.samples.wall_s) == timed
    assert exit_code([fault, healthy]) == (0 if status is Status.OK else 1)
    # The next case is the very record of a process that has seen nothing, and it was timed.
    assert same_in_both(healthy) == healthy_here()
    assert len(healthy.samples.wall_s) == 2 * (name not in UNTIMED)
    # What is stored is what was handed out, whenever the fault came.
    kept = store.records(store.run().id)
    assert [record.model_dump_json() for record in kept] == [fault.model_dump_json(), healthy.model_dump_json()]


@pytest.mark.slow
def test_a_solver_that_keeps_its_answer_from_call_to_call_is_an_error(place: Isolated, tmp_path: Path) -> None:
    """Of so many rows that a look at them takes a hundred times what it takes to hand out what was kept."""
    cases = [single(load("synthetic:n=20000,p=10"), solver, Options()) for solver in (KEEPING, HEALTHY)]
    kept, healthy = execute(
        new_run(Request(), cases), cases, Store(str(tmp_path / "s.sqlite")), effort=FAST, place=place
    )
    assert (kept.status, kept.samples.wall_s) == (Status.ERROR, ())
    assert kept.message.startswith("it keeps its answer between calls: a later call does not enter")
    assert (healthy.status, healthy.warnings, len(healthy.samples.wall_s)) == (Status.OK, (), 2)


@pytest.mark.slow
def test_an_innocent_is_tried_again_where_no_other_solver_has_run(place: Isolated, tmp_path: Path) -> None:
    """What one did to the process nobody can see; the next one raises, fitted and timed, and is not to blame."""
    records = executed(place, Store(str(tmp_path / "s.sqlite")), POISONING, HEALTHY, SOLVERS["raises_timed"])
    assert [record.status for record in records] == [Status.OK, Status.OK, Status.ERROR]
    assert records[1].warnings == ()
    assert [len(record.samples.wall_s) for record in records] == [2, 2, 0]
    assert records[2].message == "while it was timed: ValueError: no"


@pytest.mark.slow
def test_a_case_that_goes_wrong_while_it_is_timed_is_the_only_one_that_does(place: Isolated, tmp_path: Path) -> None:
    """Three in one group: the second ends the worker at its third call, and the first is prepared again."""
    timed = SOLVERS["segfaults_timed"]
    records = executed(place, Store(str(tmp_path / "s.sqlite")), HEALTHY, timed, HEALTHY)
    assert [record.status for record in records] == [Status.OK, Status.CRASHED, Status.OK]
    assert [len(record.samples.wall_s) for record in records] == [2, 0, 2]


@pytest.mark.slow
def test_cases_of_equal_problems_are_one_group(place: Isolated, tmp_path: Path) -> None:
    """Two objects, one label: the worker is told the problem anew, and what it had prepared is still there."""
    cases = [case_of(HEALTHY), single(load(PROBLEM.label), HEALTHY, Options()), case_of(HEALTHY)]
    records = execute(new_run(Request(), cases), cases, Store(str(tmp_path / "s.sqlite")), effort=FAST, place=place)
    assert [len(record.samples.wall_s) for record in records] == [2, 2, 2]


@pytest.mark.slow
def test_two_that_go_wrong_in_one_group_are_both_named(place: Isolated, tmp_path: Path) -> None:
    solvers = (SOLVERS["writes_timed"], HEALTHY, SOLVERS["sets_errors_timed"], SOLVERS["segfaults"])
    records = executed(place, Store(str(tmp_path / "s.sqlite")), *solvers)
    assert [record.status for record in records] == [Status.ERROR, Status.OK, Status.OK, Status.CRASHED]
    assert "wrote to the problem's X" in records[0].message
    assert [bool(record.warnings) for record in records] == [False, False, True, False]


def test_what_a_solver_changed_is_put_back_and_named_and_what_stays_changed_retires_the_process() -> None:
    (errors,) = (item for item in arithmetic.ITEMS if item.name == "numpy's error state")
    before, held = errors.read(), ["as it was"]
    stubborn, changes = Item("a thing", lambda: held[0]), Changes()
    stubborn.settle(stubborn.read(), changes)
    assert (changes.all, changes.retire) == ((), "")
    with np.errstate():
        np.seterr(divide="raise", over="ignore")
        errors.settle(before, changes)
        assert errors.read() == before
    assert (changes.all, changes.retire) == (("numpy's error state",), "")
    held[0] = "changed"
    stubborn.settle("as it was", changes)
    assert (changes.all, changes.retire) == (("numpy's error state", "a thing"), "a thing")
