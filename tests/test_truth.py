"""The exact answer is out of reach of what is measured: whatever a solver leaves behind, and whatever a file says."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.measure.isolation.apart import Apart, shared
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.isolated import Isolated
from harness.measure.one_case import measure
from harness.measure.plan import Case, single
from harness.measure.truth import Given, Here, solved_from, solved_wire, wire_of
from harness.problems.catalog import load
from harness.problems.problem import Problem, Split
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.training.trained import Trained
from harness.verify import reference_cache
from harness.verify.reference import Reference, compute
from tests.conftest import RunCli
from tests.poisons import POISONS, SOLVERS

ROOT = Path(__file__).parent.parent
DEPENDENT = "wide"
TRAINED = {"mse": Trained(), "ridge": Trained(weight_decay=0.1), "l1": Trained("l1")}


def bits(known: Reference) -> str:
    return json.dumps(wire_of(known))


def case_of(solver: str, spec: str = "everyday:n=200") -> Case:
    return single(load(spec), SOLVERS[solver], Options())


def judged(record: Record) -> tuple[object, ...]:
    return record.status, record.message, record.accuracy, record.solution and record.solution.exact


@pytest.mark.parametrize("spec", ["everyday:n=50", "auto_mpg", DEPENDENT, "nist_longley"])
@pytest.mark.parametrize("trained", TRAINED.values(), ids=TRAINED)
def test_a_truth_is_given_bit_for_bit(spec: str, trained: Trained) -> None:
    problem, here, given = load(spec), Here(), Given()
    given.give(json.loads(json.dumps(wire_of(here.reference(problem)))))
    given.give_solved(json.loads(json.dumps(solved_wire(here.solved(problem, trained)))))
    assert bits(given.reference(problem)) == bits(compute(problem))
    one, two = here.of(problem, trained)[1], given.of(problem, trained)[1]
    assert (one.name, one.best_loss, one.loss_scale, one.note) == (two.name, two.best_loss, two.loss_scale, two.note)
    assert repr(one.optima) == repr(two.optima)


def test_what_cannot_be_worked_out_is_raised_where_it_is_needed() -> None:
    problem = Problem("mine", np.array([[1.0], [np.inf], [2.0]]), np.ones(3), ("x",), "y", Split.all_train(3))
    apart, given = Apart(), Given()
    apart._answer = lambda *_, **__: {"failed": "an exact reference needs finite data", "memory": False}  # type: ignore[method-assign]  # noqa: SLF001  # no process
    given.give(apart.wire(problem))
    with pytest.raises(ValueError, match="an exact reference needs finite data"):
        given.reference(problem)
    with pytest.raises(MemoryError, match="no room"):
        solved_from({"failed": "no room", "memory": True})


def test_a_worker_works_nothing_exact_out(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, given = load("everyday:n=50"), Given()
    given.give(wire_of(compute(problem)))
    for name in ("reference_cache.computed", "reference.compute", "reference_cache.read", "objective.solve"):
        monkeypatch.setattr(f"harness.verify.{name}", None)
    record = measure(single(problem, catalog.get("numpy_lstsq"), Options()), truths=given).record
    assert record.accuracy.digits is not None


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    problem, here = load("nist_longley"), Here()
    return {name: json.dumps(solved_wire(here.solved(problem, trained))) for name, trained in TRAINED.items()} | {
        "reference": bits(here.reference(problem))
    }


POISONED = """
import json, os, sys
from harness.measure.isolation.apart import Apart, shared
from harness.measure.truth import solved_wire, wire_of
from harness.problems.catalog import load
from tests.poisons import POISONS
from tests.test_truth import TRAINED
problem = load("nist_longley")
for name, poison in POISONS.items():
    if not os.fork():  # each in a process that only it has poisoned
        poison()
        apart = Apart()
        print("of", name)
        print(json.dumps(apart._answer(problem)))
        for trained in (TRAINED["ridge"], TRAINED["l1"]):
            print(json.dumps(apart.solved_wire(problem, trained)))
        apart.close()
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def poisoned() -> dict[str, list[str]]:
    """What each poisoned process says; the imports are made once."""
    done = subprocess.run([sys.executable, "-c", POISONED], cwd=ROOT, capture_output=True, text=True, check=False)
    said: dict[str, list[str]] = {"": []}
    for line in done.stdout.splitlines():
        if line.startswith("of "):
            said[line.removeprefix("of ")] = []
        else:
            said[list(said)[-1]].append(line)
    assert set(said) == {"", *POISONS}, done.stderr
    return said


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("poison", POISONS)
def test_the_truth_of_a_poisoned_process_is_that_of_a_clean_one_bit_for_bit(
    poison: str, expected: dict[str, str], poisoned: dict[str, list[str]]
) -> None:
    assert poisoned[poison] == [expected[name] for name in ("reference", "ridge", "l1")]


@pytest.mark.slow
def test_the_next_case_s_truth_does_not_know_what_solvers_left() -> None:
    with closing(Isolated(solvers="tests.poisons")) as place:
        alone = place.fit(case_of("healthy", "auto_mpg"))
    with closing(Isolated(solvers="tests.poisons")) as place:
        for name in POISONS:
            place.fit(case_of(name))
        after = place.fit(case_of("healthy", "auto_mpg"))
    assert judged(after) == judged(alone)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_what_a_poisoned_run_keeps_is_what_a_clean_process_works_out() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400_000, 12))
    large = Problem(
        "large", X, X.sum(axis=1) + rng.standard_normal(len(X)), tuple("abcdefghijkl"), "y", Split.all_train(len(X))
    )
    with closing(Isolated(solvers="tests.poisons")) as place:
        for name in ("numpy.linalg.qr", "rounding up"):
            place.fit(case_of(name))
        place.fit(Case(large, SOLVERS["healthy"], Options()))
    kept, note = reference_cache.read(large)
    assert kept is not None, note
    assert bits(kept) == bits(compute(large))


def forge(path: Path, **fields: object) -> None:
    stored = json.loads(path.read_text())
    stored["reference"] |= {name: reference_cache.encoded(value) for name, value in fields.items()}
    path.write_text(json.dumps(stored))


@pytest.mark.slow
@pytest.mark.parametrize("in_process", [False, True])
def test_a_forged_answer_changes_no_verdict_and_is_said(run_cli: RunCli, in_process: bool) -> None:
    problem = load("everyday")
    known = compute(problem)
    reference_cache.write(problem, known)
    path = reference_cache.folder() / f"{problem.sha256}.json"
    words = ["run", "--problem", "everyday", "--solver", "numpy_lstsq", "--json", *["--in-process"] * in_process]
    (honest,) = json.loads(run_cli(*words).stdout)
    forge(path, minimum_norm_alternative=(known.coef[::-1].copy(), known.intercept), rank=2)
    shared.cache_clear()  # a new process knows only what is kept
    ended = run_cli(*words)
    (record,) = json.loads(ended.stdout)
    assert ended.code == 0
    assert not honest["warnings"]
    (said,) = record["warnings"]
    assert said == f"KeptAnswerWarning: {path} is not the data's (rank): the exact answer was computed anew"
    for key in ("status", "message", "accuracy", "solution"):
        assert record[key] == honest[key]


@pytest.fixture
def apart() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


@pytest.mark.slow
def test_what_is_kept_costs_no_process(apart: Apart) -> None:
    problem, before = load("everyday"), set(psutil.Process().children())
    reference_cache.write(problem, compute(problem))
    assert bits(apart.reference(problem)) == bits(compute(problem))
    assert not set(psutil.Process().children()) - before


@pytest.mark.slow
def test_a_process_that_is_lost_is_replaced_and_one_that_is_lost_again_is_said(
    apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(psutil.Process().children())
    apart.reference(load("everyday:n=50"))
    (child,) = set(psutil.Process().children()) - before
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    assert bits(apart.reference(load("auto_mpg"))) == bits(compute(load("auto_mpg")))
    monkeypatch.setattr("harness.measure.isolation.apart.ANSWERING", "no.such.module")
    apart.close()
    with pytest.raises(WorkerLostError) as raised:
        apart.reference(load("diabetes"))
    assert str(raised.value).startswith("diabetes: its exact answer cannot be worked out: the process ended")
    record = measure(single(load("diabetes"), catalog.get("numpy_lstsq"), Options()), truths=apart).record
    assert (record.status.value, record.message) == ("crashed", str(raised.value))


@pytest.mark.slow
def test_data_that_a_worker_wrote_to_are_handed_over_again(apart: Apart) -> None:
    apart.reference(load("everyday:n=50"))
    problem = load("auto_mpg")
    assert apart._data is not None  # noqa: SLF001  # as a solver would: by the descriptor
    apart._data.hold(problem)  # noqa: SLF001  # same
    with open(f"/proc/self/fd/{apart._data.descriptor}", "r+b") as file:  # noqa: SLF001, PTH123  # same
        file.seek(-16, os.SEEK_END)
        file.write(b"\0" * 8)
    assert bits(apart.reference(problem)) == bits(compute(problem))
