"""Implementations of one optimizer from one start: what parts is found at its step, and what only rounds is not."""

import itertools
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from harness.cli.sweep_implementations import only_once
from harness.judge.studies.implementations import Compared, Parting, distance, first_parting, rounding
from harness.studies.findings import findings
from harness.sweep.implementations import compare
from harness.sweep.plan import candidates
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("one_thread")
EPOCHS = 12
PLANTED_AT = 7
WORDS = ("sweep", "--implementations", "--problem", "four_points", "--optimizer", "sgd", "--epochs", EPOCHS)


def by_implementation(optimizer: str, dtype: str, known: Sequence[Any] = ()) -> dict[str, Compared]:
    said: dict[str, object] = {"problem": ["four_points"], "optimizer": [optimizer], "epochs": EPOCHS}
    planned = candidates(only_once(said))
    return {one.implementation: one for one in compare(planned, (dtype,), known)}


def plant(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """From its seventh step on the foreach form of SGD has another learning rate."""
    module = import_module("torch.optim.sgd")
    original, steps = vars(module)["_multi_tensor_sgd"], itertools.count(1)

    def planted(*tensors: Any, lr: float, **more: Any) -> None:
        original(*tensors, lr=lr * (factor if next(steps) >= PLANTED_AT else 1.0), **more)

    monkeypatch.setattr(module, "_multi_tensor_sgd", planted)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "factor"), [("float32", 1.001), ("float64", 1 + 1e-9)])
def test_a_foreach_form_that_differs_is_found_at_its_step(
    dtype: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, factor)
    found = by_implementation("sgd", dtype)
    assert (found["foreach"].step, found["foreach"].status) == (PLANTED_AT, Parting.NEW)
    for equal in ("fused", "differentiable"):
        assert found[equal].step is None
        assert found[equal].status in (Parting.SAME, Parting.ROUNDING)
    assert found["capturable"].status is Parting.UNSUPPORTED


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 + 2**-52, 1.0])
def test_what_rounds_and_what_is_equal_does_not_part(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, factor)
    found = by_implementation("sgd", "float64")
    assert {found[name].step for name in ("foreach", "fused", "differentiable", "optax")} == {None}
    assert found["foreach"].status is (Parting.SAME if factor == 1 else Parting.ROUNDING)


@pytest.mark.slow
def test_a_finding_says_what_is_known_and_of_its_version_only() -> None:
    known = findings("torch_adam_differentiable_float64")
    found = by_implementation("adam", "float64", known)["differentiable"]
    assert (found.step, found.status, found.finding) == (1, Parting.KNOWN, known[0].id)
    unknown = by_implementation("adam", "float64", [known[0].model_copy(update={"bad": "<1"})])["differentiable"]
    assert (unknown.step, unknown.status, unknown.finding) == (1, Parting.NEW, "")


@pytest.mark.slow
def test_optax_parts_where_its_formula_is_another_and_nowhere_else() -> None:
    found = {name: by_implementation(name, "float64")["optax"] for name in ("adam", "nadam", "rmsprop", "asgd")}
    assert [found[name].status for name in ("nadam", "asgd")] == [Parting.FORMULA, Parting.UNSUPPORTED]
    assert "momentum_decay" in found["nadam"].reason
    assert {found[name].step for name in ("adam", "rmsprop")} == {None}


@pytest.mark.slow
def test_a_new_parting_fails_and_is_named(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_cli(*WORDS).code == 0
    diverging = run_cli(*WORDS, "--dtype", "float32", "--lr", 1e9)
    assert f"diverges: compared up to step 2 of {EPOCHS}" in diverging.stdout
    plant(monkeypatch, 2.0)
    told = run_cli(*WORDS, "--dtype", "float32")
    assert told.code == 1
    assert f"sgd in float32 by foreach parts from forloop at step {PLANTED_AT}" in " ".join(told.stdout.split())


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--implementations", "--seeds", 3), "drop --seeds", 2),
        (("--implementations", "--budget", 3), "drop --budget", 2),
        (("--implementations", "--lr", 0.1, "--lr", 0.2), "give one --lr, not 2", 2),
        (("--implementations", "--show"), "--show and --implementations are different things", 2),
        (("--implementations", "--problem", "four_points", "--optimizer", "lbfgs"), "no two implementations", 3),
    ],
)
def test_what_it_cannot_do_is_one_line(words: tuple[object, ...], said: str, code: int, run_cli: RunCli) -> None:
    ended = run_cli("sweep", *words)
    assert ended.code == code
    assert said in ended.stderr


def test_a_training_that_ends_alone_or_is_not_finite_alone_parts() -> None:
    plain = np.ones((5, 2)) * np.arange(1, 6)[:, None]
    bound = rounding(plain, [plain * (1 + 1e-12)])
    assert first_parting(distance(plain, plain), bound) is None
    assert first_parting(distance(plain, plain * (1 + 1e-13)), bound) is None
    assert first_parting(distance(plain, plain[:3]), bound) == 3
    assert first_parting(distance(plain[:3], plain), bound) == 3
    nan = plain.copy()
    nan[2:] = np.nan
    assert first_parting(distance(plain, nan), bound) == 2
    assert first_parting(distance(nan, nan), bound) is None
