"""The engine `jax` against the loop: parameters and losses, divergence, blocks, what it leaves alone, its threads."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from harness.measure.plan import single
from harness.measure.run import measure
from harness.problems.catalog import load
from harness.problems.problem import Floats
from harness.solvers.catalog import get
from harness.solvers.closed_forms import jax_client
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.solvers.training.engines import ENGINES
from harness.solvers.training.followed import Followed, path_of
from harness.solvers.training.jax_scan.models import COLUMNS_FROM
from harness.solvers.training.jax_scan.together import BLOCK, Together
from harness.solvers.training.loop import DIVERGED_FACTOR
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.path import Path
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training

ROOT = File(__file__).resolve().parents[1]
SINGLE, DOUBLE = 1e-6, 1e-12
"""Sixteen roundings of float32 at 1, and a thousand steps of ten roundings of float64: the arithmetic is the loop's,
summed in another order."""
NETWORK = 1e-10
"""A network's steps are no contraction, and Adam's division by sqrt(v) enlarges what small gradients lose."""
SEVERAL = "synthetic:n=200,p=5,noise=0.5"
CASES = [(0.003, 0), (0.03, 1)]

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed"),
]


def training_of(problem: str = "auto_mpg", solver: str = "torch_sgd", **said: Any) -> Training:
    """What the solver hands to an engine."""
    found = get(solver)
    assert isinstance(found, TorchTrained)
    asked = Options(**{"scale": "standardized", "loss": "mse", "dtype": "float64", **said})
    return found.training(load(problem), single(load(problem), found, asked).options)


def together(training: Training, cases: Sequence[tuple[float, int]]) -> tuple[Floats, Floats]:
    """Losses (E, K) and parameters (E + 1, K, P) of trainings none of which diverges."""
    blocks = list(Together(training, cases, every=True).blocks(range(len(cases)), training.epochs))
    assert all(block.parameters is not None for block in blocks)
    assert sum(len(block.loss) for block in blocks) == training.epochs
    kept = [block.parameters[bool(i) :] for i, block in enumerate(blocks) if block.parameters is not None]
    return np.concatenate([block.loss for block in blocks]), np.concatenate(kept)


def looped(training: Training, lr: float, seed: int) -> Path:
    one = training.of(lr, seed)
    return run_path(one, loop_of(one), every=True)


def check(training: Training, atol: float, cases: Sequence[tuple[float, int]] = CASES) -> None:
    loss, parameters = together(training, cases)
    for place, (lr, seed) in dict(enumerate(cases[: len(CASES)])).items():
        alone = looped(training, lr, seed)
        np.testing.assert_allclose(parameters[:, place], alone.parameters, rtol=0, atol=atol)
        np.testing.assert_allclose(loss[:, place], alone.loss, rtol=atol, atol=atol)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "solver", "dtype", "atol"),
    [("auto_mpg", "torch_sgd", "float64", DOUBLE), (SEVERAL, "torch_adam", "float32", SINGLE)],
)
def test_linear_models_are_the_loop_s_over_1000_epochs(problem: str, solver: str, dtype: str, atol: float) -> None:
    """Several together; one alone, and one network, with each optimizer is in test_engines.py."""
    check(training_of(problem, solver, dtype=dtype, epochs=1000), atol)


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "loss"), [("auto_mpg", "l1"), (SEVERAL, "mse"), (SEVERAL, "l1")])
def test_as_many_models_as_change_the_layout_are_the_loop_s(problem: str, loss: str) -> None:
    check(training_of(problem, loss=loss, epochs=100), DOUBLE, CASES * (COLUMNS_FROM // len(CASES)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "solver", "said"),
    [
        ("sine", "mlp_sgd", {"hidden": (5,), "loss": "l1"}),
        (SEVERAL, "mlp_adamw", {"hidden": (7, 3)}),
    ],
    ids=str,
)
def test_networks_are_the_loop_s_in_float64(problem: str, solver: str, said: dict[str, Any]) -> None:
    check(training_of(problem, solver, epochs=100, **said), NETWORK)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("torch_sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("torch_adamw", {"weight_decay": 0.3, "init": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)}),
    ],
    ids=str,
)
def test_every_setting_is_torch_s(solver: str, said: dict[str, Any]) -> None:
    """Each by itself is in test_engines.py."""
    check(training_of(SEVERAL, solver, epochs=100, **said), DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 8, 33])
def test_epochs_past_those_asked_for_are_not_seen(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is compiled once, so that the last may be too long; it is so by fewer epochs than there are blocks."""
    monkeypatch.setattr("harness.solvers.training.jax_scan.together.BLOCK", 8)
    training = training_of(epochs=epochs)
    model = Together(training, CASES, every=True)
    blocks = list(model.blocks(range(2), epochs))
    assert sum(len(block.loss) for block in blocks) == epochs
    assert len(blocks) * model.count - epochs < len(blocks)
    assert model.count <= 8
    check(training, DOUBLE)


def aim_of(training: Training) -> Aim:
    quadratic = Quadratic.of(*training.arrays("train"))
    return Aim(quadratic.best_loss, quadratic.loss_scale, quadratic if training.is_linear else None)


@pytest.mark.slow
def test_a_grid_ends_as_the_loop_s_does() -> None:
    """Some diverge, one of them slowly, and are first in the grid; the epoch whose loss shows it is run and counted.

    Grids with other optimizers and of networks are in test_engines.py.
    """
    training = training_of(SEVERAL, epochs=150)
    grid, aim, told = Grid((1.2, 50.0, 0.1), (0, 1)), aim_of(training), list[int]()
    here = ENGINES["jax"].learn(training, grid, aim, told.append)
    there = ENGINES["loop"].learn(training, grid, aim, lambda _done: None)
    assert here.map.diverged.any()
    assert not here.map.diverged.all()
    np.testing.assert_array_equal(here.map.diverged, there.map.diverged)
    np.testing.assert_array_equal(here.map.epochs_run, there.map.epochs_run)
    np.testing.assert_array_equal(here.map.epochs_to, there.map.epochs_to)
    # Errors grow as a divergence does.
    np.testing.assert_allclose(here.map.final, there.map.final, rtol=1e-7, atol=DOUBLE)
    np.testing.assert_allclose(here.excess, there.excess, rtol=1e-7, atol=DOUBLE)
    np.testing.assert_allclose(here.loss, there.loss, rtol=1e-7)
    assert told == sorted(told)
    assert told[-1] == len(grid.cases) * training.epochs


@pytest.mark.slow
def test_a_grid_of_nothing_but_divergence_ends_early() -> None:
    training = training_of(epochs=100 * BLOCK)
    blocks = list(Together(training, [(1e9, 0), (1e6, 1)], every=False).blocks(range(2), training.epochs))
    assert len(blocks) == 1
    assert blocks[0].diverged.all()


@pytest.mark.slow
def test_the_timed_model_goes_on_from_call_to_call_and_the_fit_starts_anew() -> None:
    prepared = ENGINES["jax"].prepare(training_of(epochs=50, lr=0.01))
    assert (prepared.unit, prepared.epochs_per_call, prepared.capture_s) == ("epoch", 50, None)
    first = prepared.fit()
    standing = [np.asarray(prepared.timed.state[1])]  # type: ignore[attr-defined]
    for _ in range(2):
        prepared.run()
        standing.append(np.asarray(prepared.timed.state[1]))  # type: ignore[attr-defined]
    assert not np.array_equal(standing[0], standing[1])
    assert not np.array_equal(standing[1], standing[2])
    np.testing.assert_array_equal(prepared.fit().coef, first.coef)


@pytest.mark.slow
def test_a_run_with_it_is_recorded_as_the_loop_s() -> None:
    asked = {"epochs": 200, "lr": 0.1, "dtype": "float64"}
    found, expected = (
        measure(single(load("auto_mpg"), get("torch_sgd"), Options(engine=engine, **asked))).record  # type: ignore[arg-type]
        for engine in ("jax", "loop")
    )
    assert found.status is expected.status is Status.OK
    assert found.prepare_s is not None
    assert found.accuracy.epochs_to == expected.accuracy.epochs_to


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_jax_s_global_state_is_left_alone(dtype: str) -> None:
    import jax

    def state() -> tuple[object, ...]:
        config: Any = jax.config
        return config.jax_enable_x64, config.jax_default_device, config.jax_default_matmul_precision, dict(os.environ)

    before = state()
    prepared = ENGINES["jax"].prepare(training_of(dtype=dtype, epochs=20))
    prepared.run()
    prepared.fit()
    assert state() == before
    assert jax.numpy.ones(1).dtype == "float32"
    assert prepared.timed.state[1].dtype == dtype  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"batch": 32}, "is of full batches, not of 32 of 398 rows"),
        ({"implementation": "fused"}, "no implementation of one: drop --implementation"),
        ({"loss_on_device": True}, "drop --loss-on-device"),
        ({"threads": 7}, "jax was started with 1 thread"),
    ],
    ids=str,
)
def test_what_it_cannot_do_is_refused_with_its_reason(
    said: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax_client, "_made_with", [1])
    assert reason in (ENGINES["jax"].unsupported(training_of(**said)) or "")


def test_a_device_that_jax_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.solvers.training.jax_scan.engine.entry_points", lambda group: ())
    assert "has no CUDA here" in (ENGINES["jax"].unsupported(training_of(device="cuda")) or "")


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "expected"), [(["cpu"], "cpu"), (["cuda"], ""), (["cpu", "cuda"], "")])
def test_a_client_for_the_cpu_starts_no_other(asked: list[str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With jax's CUDA plugin there, asking for the CPU would make a context on the device, too."""
    import jax
    import jax.extend.backend

    made: list[tuple[str, str]] = []
    config: Any = jax.config
    before = config.jax_platforms

    def local_devices(backend: str) -> list[str]:
        made.append((backend, config.jax_platforms or ""))
        return [backend]

    monkeypatch.setattr(jax_client, "_made_with", [])
    monkeypatch.setattr(jax_client, "_made_for", [])
    monkeypatch.setattr(jax, "local_devices", local_devices)
    monkeypatch.setattr(jax.extend.backend, "clear_backends", lambda: made.append(("cleared", "")))
    for name in asked:
        assert jax_client.device_of(name, 1) == name
    assert made[-1] == (asked[-1], expected)
    assert [("cleared", "")] * (len(asked) - 1) == [one for one in made if one[0] == "cleared"]
    assert config.jax_platforms == before


@pytest.mark.slow
def test_what_was_prepared_on_the_cpu_outlives_its_client() -> None:
    """A CUDA case after it makes another one."""
    import jax.extend.backend

    training = training_of(epochs=50, lr=0.01)
    prepared, other = (ENGINES["jax"].prepare(training) for _ in range(2))
    jax.extend.backend.clear_backends()  # type: ignore[no-untyped-call]
    jax_client._made_for.clear()  # noqa: SLF001  # as device_of does for another kind
    ENGINES["jax"].prepare(training)
    for _ in range(3):
        prepared.run()
    found, expected = prepared.fit(), other.fit()
    np.testing.assert_array_equal(found.coef, expected.coef)
    assert int(prepared.timed.state[0]) == 4 * 50  # type: ignore[attr-defined]


def test_a_batch_of_all_rows_or_more_is_a_full_batch() -> None:
    training = training_of(batch=398)
    assert ENGINES["jax"].unsupported(training) is None
    with pytest.raises(UsageError):
        training_of(batch=0)


POOL = """
import glob
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.measure.run import measure
from harness.solvers.catalog import get
from harness.solvers.options import Options
asked = Options(engine="jax", threads=1, epochs=5)
record = measure(single(load("auto_mpg"), get("torch_sgd"), asked)).record
assert record.status.measured, record.message
print(sum("XLAEigen" in open(name).read() for name in glob.glob("/proc/self/task/*/comm")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not File("/proc/self/task").exists(), reason="the names of threads are read from Linux's /proc")
def test_its_pool_has_the_threads_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", POOL],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == 1


def test_who_is_followed_ends_at_the_first_bad_loss_and_the_epochs_asked_for() -> None:
    followed = Followed(np.array([4, 5, 6]), epochs=5)
    above = 2 * DIVERGED_FACTOR
    first = np.array([[1.0, 1, 1], [0.5, above, 0.9], [0.4, 1, 0.8]])
    path = np.arange(12.0).reshape(4, 3, 1)
    block = followed.take(first, path)
    np.testing.assert_array_equal(block.epochs_run, [3, 2, 3])
    np.testing.assert_array_equal(block.diverged, [False, True, False])
    later = followed.take(np.array([[0.3, 7, 0.7], [np.nan, 7, 0.6], [0.1, 7, np.inf]]), path + 12)
    np.testing.assert_array_equal(later.numbers, [4, 6])
    assert (later.before, len(later.loss)) == (3, 2)
    np.testing.assert_array_equal(later.epochs_run, [2, 2])
    np.testing.assert_array_equal(later.diverged, [True, False])
    assert later.parameters is not None
    np.testing.assert_array_equal(later.parameters[:, 1, 0], [14, 17, 20])
    assert not followed.going


@pytest.mark.parametrize("every", [True, False])
def test_the_path_of_blocks_is_cut_where_the_training_ended(every: bool) -> None:
    followed = Followed(np.array([0]), epochs=10)
    blocks = [
        followed.take(np.ones((3, 1)), np.arange(4.0).reshape(4, 1, 1)),
        followed.take(np.array([[1.0], [np.nan], [1.0]]), np.arange(3.0, 7.0).reshape(4, 1, 1)),
    ]
    path = path_of(blocks, every=every)
    np.testing.assert_array_equal(path.loss, [1, 1, 1, 1, np.nan])
    np.testing.assert_array_equal(path.parameters[:, 0], [0, 1, 2, 3, 4, 5] if every else [5])
    assert path.diverged
