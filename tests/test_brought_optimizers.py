"""Optimizers, schedulers and networks that somebody brings, trained by the loop as torch's own are."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness.errors import UsageError
from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from tests.conftest import RunCli

PLACE = str(Path(__file__).with_name("brought_optimizers.py"))
LINE, CURVE = "synthetic:n=60,p=3,noise=0.5", "sine"
pytestmark = pytest.mark.usefixtures("one_thread", "harmless_imports")


def fitted(name: str, problem: str = LINE, **asked: Any) -> Record:
    options: dict[str, Any] = {"lr": 0.05, "epochs": 60, "seed": 3, "dtype": "float64"}
    return measure(single(load(problem), catalog.get(name), Options(**(options | asked)))).record


def losses(record: Record) -> list[float]:
    assert record.trace is not None, record.message
    return list(record.trace.train_loss)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_a_place_trains_as_the_table_does(model: str) -> None:
    problem = LINE if model == "torch" else CURVE
    own, brought = fitted(f"{model}_adam", problem), fitted(f"{model}[torch.optim:Adam]", problem)
    assert losses(own) == losses(brought)
    assert brought.optimizer == "torch.optim:Adam"
    assert (bool(brought.source_sha256), own.source_sha256) == (True, "")


@pytest.mark.parametrize("name", ["Own", "factory", "by_position"])
def test_a_class_and_a_factory_train(name: str) -> None:
    record = fitted(f"torch[{PLACE}:{name}]")
    assert record.trace is not None
    assert record.trace.train_loss[-1] < record.trace.train_loss[0]


def test_settings_reach_the_optimizer() -> None:
    typed = fitted("torch[torch.optim:Adam:betas=0.5,0.6,eps=1e-4]")
    X, y = (torch.tensor(part) for part in standardised())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = torch.nn.Linear(3, 1).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, betas=(0.5, 0.6), eps=1e-4)
    for expected in losses(typed):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X), y)
        loss.backward()
        optimizer.step()
        assert loss.item() == expected


def standardised() -> tuple[Any, Any]:
    X, y = load(LINE).rows("train")
    return (X - X.mean(0)) / X.std(0), ((y - y.mean()) / y.std())[:, None]


def test_a_weight_decay_that_nobody_knows_is_not_judged() -> None:
    for text in ("weight_decay=0.1", "weight_decay=0"):
        record = fitted(f"torch[torch.optim:AdamW:{text}]")
        judged = record.accuracy.excess_loss is not None
        assert judged == text.endswith("=0")
        assert ("not judged: how this optimizer applies weight decay 0.1 is unknown" in record.message) != judged
    assert fitted("torch[torch.optim:AdamW]").accuracy.excess_loss is None, "its default is 0.01"


def test_one_that_averages_is_evaluated_at_its_average() -> None:
    """As schedule-free optimizers do: `eval` puts the average in, `train` the iterate back."""
    record = fitted(f"torch[{PLACE}:Averaging]", epochs=1)
    assert record.solution is not None
    start = fitted("torch_sgd", epochs=1, lr=1e-30)
    step = fitted("torch_sgd", epochs=1)
    assert start.solution is not None
    assert step.solution is not None
    half = (np.array(start.solution.computed) + np.array(step.solution.computed)) / 2
    np.testing.assert_allclose(record.solution.computed, half, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"torch[{PLACE}:no_optimizer]", "made int, which has no zero_grad: no torch optimizer"),
        ("torch[torch.optim:Adam:bethas=1]", "TypeError"),
        (f"torch[{PLACE}:raises]", "RuntimeError: no"),
    ],
)
def test_what_is_no_optimizer_is_a_status_and_a_line(name: str, said: str) -> None:
    record = fitted(name)
    assert record.status is Status.ERROR
    assert said in record.message


def test_a_place_where_no_optimizer_is_is_refused() -> None:
    for name, said in (("torch[math:pi]", "float is no optimizer"), ("mlp[nowhere:A]", "no module nowhere")):
        with pytest.raises(UsageError, match=said):
            catalog.get(name)


def test_engines_without_its_arithmetic_refuse_it() -> None:
    record = fitted("torch[torch.optim:Adam]", engine="batched")
    assert record.status is Status.UNSUPPORTED
    assert "torch.optim:Adam" in record.message
    assert record.message.endswith("use --engine loop")
    assert "drop --implementation" in fitted("torch[torch.optim:Adam]", implementation="fused").message


STEPPED = "torch.optim.lr_scheduler:StepLR:step_size=1,gamma=0.5"


@pytest.mark.parametrize("place", [STEPPED, f"{PLACE}:halving"])
def test_a_scheduler_steps_after_each_epoch(place: str) -> None:
    record = fitted("torch_sgd", scheduler=place, epochs=5)
    X, y = (torch.tensor(part) for part in standardised())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = torch.nn.Linear(3, 1).double()
    for epoch, expected in enumerate(losses(record)):
        loss = torch.nn.functional.mse_loss(model(X), y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for one in model.parameters():
                one.sub_(0.05 * 0.5**epoch * one.grad)
        assert loss.item() == pytest.approx(expected, rel=1e-14)
    assert record.options["scheduler"] == place
    assert record.source_sha256


def test_a_scheduler_that_wants_the_loss_gets_it() -> None:
    place = "torch.optim.lr_scheduler:ReduceLROnPlateau:patience=0,threshold=1e9"
    assert losses(fitted("torch_sgd", scheduler=place)) != losses(fitted("torch_sgd"))


@pytest.mark.parametrize("engine", ["batched", "oracle"])
def test_other_engines_step_no_scheduler(engine: str) -> None:
    record = fitted("torch_sgd", scheduler=STEPPED, engine=engine)
    assert (record.status, record.message) == (
        Status.UNSUPPORTED,
        f"the engine {engine} steps no scheduler: use --engine loop",
    )


@pytest.mark.parametrize("place", ["Net", "fixed"])
def test_a_network_is_trained(place: str) -> None:
    record = fitted("mlp_adam", CURVE, network=f"{PLACE}:{place}")
    assert record.status is Status.OK, record.message
    assert losses(record)[-1] < losses(record)[0]
    assert "hidden" not in record.options


@pytest.mark.parametrize(
    ("place", "said"),
    [("flat", "ValueError: the network of flat gives (2,) for (2, 1)"), ("no_optimizer", "network is a torch.nn.Mod")],
)
def test_what_is_no_network_is_a_status_and_a_line(place: str, said: str) -> None:
    record = fitted("mlp_adam", CURVE, network=f"{PLACE}:{place}")
    assert record.status is Status.ERROR
    assert said in record.message


def test_a_network_has_no_hidden_layers_of_ours() -> None:
    with pytest.raises(UsageError, match="give one of them"):
        Options(network=f"{PLACE}:Net", hidden=(8,))


@pytest.mark.slow
def test_run_and_sweep_take_an_optimizer_from_a_place(run_cli: RunCli) -> None:
    place = f"{PLACE}:Own"
    words = ("--problem", "four_points", "--epochs", 5, "--store", "s.sqlite", "--lr", 0.1)
    run_cli("run", *words, "--optimizer", place, "--device", "cpu", "--in-process")  # the sweep's is found by a worker
    store = Store("s.sqlite", create=False)
    records = store.records(store.run().id)
    assert [record.solver for record in records] == [f"torch[{place}]", f"mlp[{place}]"]
    assert {record.status for record in records} <= {Status.OK, Status.NOT_CONVERGED}
    swept = run_cli("sweep", *words, "--seeds", 2, "--engine", "loop", "--optimizer", place, "--optimizer", "lbfgs")
    assert swept.code == 0, swept.stderr
    kept = SweepStore(store)
    cells = kept.cells(kept.sweep().id)
    assert {cell.optimizer: cell.status for cell in cells} == {place: Status.OK, "lbfgs": Status.OK}
    assert {bool(cell.source_sha256) for cell in cells if cell.optimizer == place} == {True}


@pytest.mark.slow
def test_objects_go_to_the_worker() -> None:
    def halved(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    def net(p: int) -> Any:
        return torch.nn.Linear(p, 1)

    own = partial(torch.optim.Adam, betas=(0.5, 0.6))
    run = harness.run(
        "four_points", optimizers=[own, "sgd"], scheduler=halved, network=net, lr=0.1, epochs=5, store="sqlite://"
    )
    assert list(run["solver"]) == ["mlp[Adam]", "mlp_sgd"], "a network is no linear model"
    assert {record.status for record in run.records} <= {Status.OK, Status.NOT_CONVERGED}
    assert all(record.source_sha256 for record in run.records)
    assert [record.options.get("network") for record in run.records] == ["net", "net"]
    assert {record.options["scheduler"] for record in run.records} == {"halved"}


def test_a_scheduler_that_no_table_has_is_told_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"^unknown scheduler 'cosin': did you mean 'cosine'\?$"):
        fitted("torch_sgd", scheduler="cosin")
