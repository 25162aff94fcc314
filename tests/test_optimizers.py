"""One table of optimizers drives every property: what an engine claims it trains as torch does, the rest it refuses."""

import inspect
from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import UsageError
from harness.measure.plan import Case, single
from harness.measure.run import measure
from harness.problems.catalog import load
from harness.solvers.catalog import get
from harness.solvers.options import IMPLEMENTATIONS, Options
from harness.solvers.solver import missing_library
from harness.solvers.status import Status
from harness.solvers.training import optimizers
from harness.solvers.training.batched import optimizers as batched
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.jax_scan import optimizers as jax_scan
from harness.solvers.training.optimizers import OPTIMIZERS, Optimizer
from harness.solvers.training.oracle import engine as oracle
from harness.solvers.training.schedules import SCHEDULES, factors
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training
from harness.store.store import Store
from harness.sweep.cells import learn
from tests.conftest import RunCli

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 15
"""After the first dozen each rule has had all of its terms: RAdam rectifies from the sixth step on."""
LBFGS_EPOCHS = 6
"""Of twenty iterations each: more than the hundred pairs that it remembers."""
DOUBLE, NETWORK = 1e-12, 1e-10
"""As in tests/test_engines.py, where they are explained."""
OF_TORCH = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adadelta": torch.optim.Adadelta,
    "adamax": torch.optim.Adamax,
    "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
    "lbfgs": torch.optim.LBFGS,
} | ({"muon": torch.optim.Muon} if hasattr(torch.optim, "Muon") else {})
SETTINGS: dict[str, Any] = {
    "momentum": 0.9,
    "weight_decay": 0.1,
    "betas": (0.8, 0.99),
    "eps": 1e-3,
    "alpha": 0.9,
    "rho": 0.8,
    "momentum_decay": 0.01,
    "lr_decay": 0.01,
}
"""Of each setting another value than torch's default."""


def variants(optimizer: Optimizer) -> list[dict[str, Any]]:
    """Torch's defaults, each setting that it has, and what only goes together."""
    found: list[dict[str, Any]] = [{}, *({name: SETTINGS[name]} for name in optimizer.settings if name in SETTINGS)]
    if "dampening" in optimizer.settings:
        found += [{"momentum": 0.9, "dampening": 0.5}, {"momentum": 0.9, "nesterov": True}]
    return found


PROBLEMS = {"torch": "synthetic:n=60,p=3,noise=0.5", "mlp": "sine"}

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")
each = pytest.mark.parametrize("optimizer", [OPTIMIZERS[name] for name in OF_TORCH], ids=lambda one: one.name)


def case_of(optimizer: str, engine: str = "loop", model: str = "torch", **asked: Any) -> Case:
    epochs = LBFGS_EPOCHS if optimizer == "lbfgs" else EPOCHS
    options: dict[str, Any] = {"lr": 0.01, "epochs": epochs, "seed": 3, "dtype": "float64", "engine": engine}
    return single(load(PROBLEMS[model]), get(f"{model}_{optimizer}"), Options(**(options | asked)))


def training_of(case: Case) -> Training:
    assert isinstance(case.solver, TorchTrained)
    return case.solver.training(case.problem, case.options)


def by_hand(case: Case, **settings: Any) -> list[float]:
    """Losses (E,) of the loop that a tutorial would write, with torch's own class."""
    return _by_hand(case.solver.name, tuple(settings.items()))


@cache
def _by_hand(solver: str, chosen_settings: tuple[tuple[str, Any], ...]) -> list[float]:
    """Once for all engines."""
    model_name, _, optimizer = solver.partition("_")
    case, settings = case_of(optimizer, model=model_name), dict(chosen_settings)
    training = training_of(case)
    X, y = training.tensors("train")
    widths = (X.shape[1], 8, 8, 8) if case.solver.name.startswith("mlp") else (X.shape[1],)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pairs = [(torch.nn.Linear(inputs, units), torch.nn.ReLU()) for inputs, units in pairwise(widths)]
        layers = [layer for pair in pairs for layer in pair] + [torch.nn.Linear(widths[-1], 1)]
    model = torch.nn.Sequential(*layers).to(X.dtype)
    chosen, losses, seen = OF_TORCH[training.optimizer], [], []
    if training.optimizer == "muon":
        weights, biases = ([one for one in model.parameters() if one.ndim == of] for of in (2, 1))
        shared = {name: value for name, value in settings.items() if name == "weight_decay"}
        stepped = [chosen(weights, lr=0.01, **settings), torch.optim.AdamW(biases, lr=0.01, **shared)]
    else:
        stepped = [chosen(model.parameters(), lr=0.01, **settings)]

    def closure() -> Any:
        model.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X), y)
        loss.backward()
        seen.append(loss.item())
        return loss

    for _ in range(training.options.epochs or 0):
        seen.clear()
        if training.optimizer == "lbfgs":
            stepped[0].step(closure)
        else:
            closure()
            for one in stepped:
                one.step()
        losses.append(seen[0])
        if not np.isfinite(seen[0]) or seen[0] > 1e3 * losses[0]:
            break
    return losses


@each
def test_an_entry_says_what_torch_s_constructor_says(optimizer: Optimizer) -> None:
    assert getattr(torch.optim, optimizer.torch_class) is OF_TORCH[optimizer.name]
    takes = {name: one.default for name, one in inspect.signature(OF_TORCH[optimizer.name]).parameters.items()}
    if "betas" in takes:
        takes |= dict(zip(("beta1", "beta2"), takes["betas"], strict=True))
    assert {name: takes[name] for name in optimizer.defaults} == optimizer.defaults
    assert set(optimizer.settings) == {name for name in optimizers.OPTIONS if name in takes}
    assert set(optimizer.implementations) == {"forloop", *(name for name in IMPLEMENTATIONS if name in takes)}
    assert not optimizer.capturable or "capturable" in takes
    assert {"batched", "graphed", "oracle", "jax"} >= set(optimizer.engines)


@pytest.mark.slow
@each
def test_what_decays_without_being_asked_is_asgd(optimizer: Optimizer) -> None:
    takes = inspect.signature(OF_TORCH[optimizer.name]).parameters
    assert optimizer.decays == (takes["lambd"].default if "lambd" in takes else 0.0)


@pytest.mark.slow
@each
@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_the_loop_is_torch_s_own(optimizer: Optimizer, model: str) -> None:
    """To the last bit, with torch's defaults and with each setting and implementation that it has."""
    asked_for: list[tuple[dict[str, Any], dict[str, Any]]] = [({}, {})]
    if model == "torch" or optimizer.name == "muon":  # which treats matrices and vectors differently
        asked_for = [(one, one) for one in variants(optimizer)]
    if model == "mlp":  # of several tensors, which foreach and fused take together
        asked_for += [
            ({"implementation": one}, {name: name == one for name in optimizer.implementations if name != "forloop"})
            for one in optimizer.implementations
        ]
    for asked, settings in asked_for:
        case = case_of(optimizer.name, model=model, **asked)
        trace = ENGINES["loop"].prepare(training_of(case)).fit().trace
        assert trace is not None
        np.testing.assert_array_equal(trace.train_loss, by_hand(case, **settings), err_msg=str(asked))


COMPILED = [("torch", "sgd"), ("torch", "adamw"), ("mlp", "sgd"), ("mlp", "adam")]
"""What the engine jax trains in test_engines.py for longer: it compiles each anew."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "model", "optimizer"),
    [
        pytest.param(name, model, OPTIMIZERS[optimizer], id=f"{name}-{model}-{optimizer}")
        for name, model, optimizer in product([name for name in ENGINES if name != "loop"], PROBLEMS, OF_TORCH)
        if name != "jax" or (model, optimizer) not in COMPILED
    ],
)
def test_an_engine_trains_with_what_it_claims_as_torch_does_and_refuses_the_rest(
    name: str, model: str, optimizer: Optimizer
) -> None:
    engine, case = ENGINES[name], case_of(optimizer.name, name, model)
    training = training_of(case)
    if name not in optimizer.engines:
        reason = f"the engine {name} has no arithmetic of torch's {optimizer.torch_class}: use --engine loop"
        assert engine.unsupported(training) == reason
        record = measure(case).record
        assert (record.status, record.message) == (Status.UNSUPPORTED, missing_library(engine.requires) or reason)
        return
    if missing := missing_library(engine.requires):
        pytest.skip(missing)
    if refused := engine.unsupported(training):
        wanted = {"graphed": "a CUDA graph needs --device cuda", "oracle": "the engine oracle is of linear models"}
        assert refused.startswith(wanted[name]), "tests/test_graphed.py has its optimizers; no network is a quadratic"
        return
    atol = NETWORK if model == "mlp" else DOUBLE
    several = variants(optimizer) if name in ("batched", "oracle") else [{}]
    if (name, model, optimizer.name) == ("jax", "torch", "adam"):
        several = [{"betas": SETTINGS["betas"], "eps": SETTINGS["eps"]}]
    for asked in several:
        case = case_of(optimizer.name, name, model, **asked)
        if refused := engine.unsupported(training_of(case)):
            assert name == "oracle" or "dampening" in asked, refused
            continue
        trace = engine.prepare(training_of(case)).fit().trace
        assert trace is not None
        np.testing.assert_allclose(trace.train_loss, by_hand(case, **asked), rtol=atol, atol=atol, err_msg=str(asked))


@pytest.mark.parametrize(
    ("engine", "written"),
    [
        ("batched", set(batched.WRITTEN)),
        ("jax", set(jax_scan.WRITTEN)),
        ("oracle", {oracle.SGD, *oracle.DECOUPLED}),
        ("graphed", {"sgd", "adam", "adamw"}),  # those of tests/test_graphed.py
    ],
)
def test_the_table_names_an_engine_where_the_arithmetic_is_written_out(engine: str, written: set[str]) -> None:
    assert {one.name for one in OPTIMIZERS.values() if engine in one.engines} == written


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ENGINES if name != "loop"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "sdg"])
def test_no_engine_trains_another_optimizer_under_a_name_that_it_does_not_know(name: str, optimizer: str) -> None:
    """Not even one that is asked for past `unsupported`."""
    if reason := missing_library(ENGINES[name].requires):
        pytest.skip(reason)
    training = replace(training_of(case_of("sgd", name)), optimizer=optimizer)
    with pytest.raises(UsageError, match=f"no arithmetic|unknown optimizer.*'{optimizer}'"):
        ENGINES[name].prepare(training).fit()


@pytest.mark.parametrize("model", ["torch", "mlp"])
def test_an_implementation_that_torch_s_class_lacks_is_a_row_that_says_so(model: str) -> None:
    record = measure(case_of("rmsprop", model=model, implementation="fused")).record
    assert record.status is Status.UNSUPPORTED
    assert record.message == ("torch's RMSprop has no implementation fused: use --implementation forloop or foreach")


def test_an_unknown_optimizer_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="unknown optimizer 'rmsporp': did you mean 'rmsprop'"):
        optimizers.get("rmsporp")


@pytest.mark.slow
@each
def test_a_grid_is_learned_by_the_loop(optimizer: Optimizer) -> None:
    training = training_of(case_of(optimizer.name, model="mlp"))
    learned = ENGINES["loop"].learn(training, Grid((0.01, 0.02), (3, 4)), Aim(0.0, 1.0), lambda _: None)
    expected = by_hand(case_of(optimizer.name, model="mlp"))
    np.testing.assert_array_equal(learned.loss[0, :, 0], expected[0])
    assert learned.loss[-2, 0, 0] == expected[int(learned.at[-2])]


@pytest.mark.slow
def test_run_and_sweep_take_an_optimizer_of_the_table(run_cli: RunCli) -> None:
    words = ("--problem", "four_points", "--epochs", 5, "--store", "s.sqlite", "--in-process")
    solvers = ("--solver", "torch_rmsprop", "--solver", "mlp_nadam", "--momentum", 0.5)
    refused = run_cli("run", *words, *solvers)
    assert refused.code == 2
    assert "mlp_nadam takes no momentum" in refused.stderr
    run_cli("run", *words, "--solver", "torch_rmsprop", "--momentum", 0.5, "--lr", 0.01, "--device", "cpu")
    store = Store("s.sqlite", create=False)
    (record,) = store.records(store.run().id)
    assert (record.solver, record.options["momentum"]) == ("torch_rmsprop", 0.5)
    assert record.accuracy is not None
    sweep = ("sweep", *words, "--seeds", 2, "--lr", 0.1, "--optimizer", "rmsprop:momentum=0.5", "--optimizer", "lbfgs")
    by_batches, by_loop = run_cli(*sweep), run_cli(*sweep, "--engine", "loop")
    said = " ".join(by_batches.stdout.split())
    assert "no arithmetic of torch's LBFGS" in said
    assert "--engine loop" in said
    assert "unsupported" not in by_loop.stdout
    assert "rmsprop:momentum=0.5" in by_loop.stdout


@each
def test_the_page_on_optimizers_has_the_table(optimizer: Optimizer) -> None:
    text = (ROOT / "docs" / "how-to" / "compare-optimizers.md").read_text()
    settings, engines = ", ".join(optimizer.settings), ", ".join(("loop", *optimizer.engines))
    assert f"| `{optimizer.name}` | `{optimizer.torch_class}` | {settings} | {engines} |\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("batch", [None, 20])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_named_schedule_is_torch_s_own_in_the_loop_and_in_batches(schedule: str, batch: int | None) -> None:
    """lerp rounds once more than the loop's step does."""
    for optimizer in ("momentum", "adamw", "nadam"):
        asked: dict[str, Any] = {
            "scheduler": schedule,
            "batch": batch,
            **({"momentum": 0.9} if optimizer == "momentum" else {}),
        }
        name = "sgd" if optimizer == "momentum" else optimizer
        traces = [
            ENGINES[engine].prepare(training_of(case_of(name, engine, **asked))).fit().trace
            for engine in ("loop", "batched")
        ]
        assert traces[0] is not None
        assert traces[1] is not None
        np.testing.assert_allclose(traces[1].train_loss, traces[0].train_loss, rtol=DOUBLE, atol=DOUBLE)


def test_a_schedule_does_what_its_name_says() -> None:
    cosine, warm, step, cycle = (factors(name, 60) for name in ("cosine", "warm-up", "step", "one-cycle"))
    np.testing.assert_allclose(cosine, [(1 + np.cos(np.pi * t / 60)) / 2 for t in range(60)], atol=1e-12)
    assert (warm[0], warm[3:]) == (0.1, (1.0,) * 57)
    np.testing.assert_allclose(step, np.repeat([1, 0.1, 0.01], 20), rtol=1e-12)
    assert max(cycle) == pytest.approx(1)
    assert cycle[0] == pytest.approx(1 / 25)
    assert factors("constant", 3) == (1.0,) * 3


def test_a_schedule_is_refused_where_a_step_is_no_multiple_of_the_rate() -> None:
    for name in ("rprop", "asgd"):
        refused = ENGINES["batched"].unsupported(training_of(case_of(name, "batched", scheduler="cosine")))
        assert refused is not None
        assert "use --engine loop" in refused


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    [one for one in OPTIMIZERS.values() if "batched" in one.engines and one.settings],
    ids=lambda one: one.name,
)
def test_models_of_one_batch_have_settings_of_their_own(optimizer: Optimizer) -> None:
    """Each as if it were trained alone by the loop; one diverges, and the others go on."""
    names = [name for name in optimizer.settings if name in SETTINGS and name != "weight_decay"]
    base = {"momentum": 0.9} if "dampening" in optimizer.settings else {}
    points = [dict(base), *({**base, name: SETTINGS[name]} for name in names)]
    rates = tuple(0.01 * (1 + i / 7) for i in range(len(points))) + ((1e6,) if optimizer.scales_with_lr else ())
    points += [dict(base)] * (len(rates) - len(points))
    grid = Grid(rates, (3, 4), tuple(tuple(one.items()) for one in points))
    aim = Aim(0.0, 1.0)
    learned = ENGINES["batched"].learn(training_of(case_of(optimizer.name, "batched")), grid, aim, lambda _: None)
    alone = learn(ENGINES["loop"], training_of(case_of(optimizer.name)), grid, aim, None, lambda _: None)
    np.testing.assert_array_equal(learned.map.diverged, alone.map.diverged)
    good = ~alone.map.diverged
    np.testing.assert_allclose(learned.loss[:, good], alone.loss[:, good], rtol=1e-10, atol=DOUBLE)
