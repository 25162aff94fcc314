"""Optimal constants of a quadratic, Adam's limit of stability, and why measured epochs part from predicted ones."""

import json
from typing import Any

import numpy as np
import pytest

from harness.judge.training.by_rate import DIP, NOT_GENERIC, NOT_YET, SLOW_START, by_rate, roots
from harness.judge.training.cell import summarise_cell
from harness.judge.training.convergence import summarise
from harness.judge.training.partings import partings
from harness.records.sweep import Cell
from harness.report.html.section import Table
from harness.report.html.training import section
from harness.report.render.markdown import markdown
from harness.report.words.sweep_document import swept as document_of
from harness.report.words.sweep_json import sweep_json
from harness.solvers.training.oracle.adaptive import Adaptive, frozen_limit
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.optimal import optimal
from harness.sweep.theory import explained
from tests.page_site import evidence
from tests.sweep_data import cell, sweep, within
from tests.test_oracle import diagonal
from tests.test_sweep import swept

KINDS: tuple[dict[str, bool], ...] = ({}, {"momentum": True}, {"nesterov": True})
ALIKE = ((12, 13, 14), (24, 26, 28), (36, 38, 41))
DOUBLE_ROOT = 1e-6
"""Eigenvalues of a 2 x 2 Jordan block are found to the root of float64's rounding, 1.5e-8, times some."""


def largest_radius(curvature: np.typing.NDArray[np.float64], lr: float, momentum: float, *, nesterov: bool) -> float:
    """The largest spectral radius of the oracle's 2 x 2 recurrences."""
    step = Descent.of(diagonal(*curvature), np.zeros(len(curvature)), [lr], momentum, nesterov).step[:, :, 0]
    return float(np.abs(np.linalg.eigvals(np.moveaxis(step, -1, 0))).max())


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("kappa", [1.5, 100.0, 1e6])
def test_optimal_constants_have_the_rate_of_the_recurrences_and_none_near_them_a_better_one(
    kind: dict[str, bool], kappa: float
) -> None:
    least, nesterov = 0.3, "nesterov" in kind
    curvature = np.geomspace(kappa * least, least, 50)
    best = optimal(least, kappa * least, **kind)
    at_best = largest_radius(curvature, best.lr, best.momentum, nesterov=nesterov)
    assert at_best == pytest.approx(best.rate, abs=DOUBLE_ROOT)
    for lr, momentum in ((0.999, 0), (1.001, 0), (1, -0.01), (1, 0.01)):
        moved = best.momentum + momentum * best.gap if kind else 0.0
        if lr != 1 or kind:
            assert largest_radius(curvature, lr * best.lr, moved, nesterov=nesterov) > at_best - DOUBLE_ROOT * best.gap
    assert best.epochs_per_decade == pytest.approx(-np.log(10) / np.log1p(-best.gap) / 2)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_curvature_alone_is_solved_in_one_epoch(kind: dict[str, bool]) -> None:
    best = optimal(2.0, 2.0 + 1e-15, **kind)
    assert best == pytest.approx((0.5, 0.0, 1.0))
    assert best.epochs_per_decade == 0


@pytest.mark.slow
def test_optimal_constants_stand_beside_the_best_of_the_grid_on_every_medium() -> None:
    with_momentum: dict[str, Any] = {"options": {"lr": 0.1, "loss": "mse", "momentum": 0.9}, "curvature": (0.5, 2.0)}
    cells = [
        *within(cell("sgd", curvature=(0.5, 2.0))),
        *within(cell("momentum", **with_momentum)),
        *within(cell("adam")),
    ]
    best = optimal(0.5, 2.0, momentum=True)
    told = {
        one["optimizer"]: one["optimal"] for one in json.loads(sweep_json(sweep(), cells))["tasks"][0]["optimizers"]
    }
    assert told["adam"] is None
    assert (told["sgd"]["lr"], told["sgd"]["rate"], told["sgd"]["condition"]) == pytest.approx((0.8, 0.6, 4.0))
    assert (told["momentum"]["lr"], told["momentum"]["momentum"]) == pytest.approx((best.lr, best.momentum))
    row = f"| momentum | 4 | 0.1 | 0.9 | {best.lr:.4g} | {best.momentum:.4g} | {best.rate:.4g} |"
    assert row in markdown(document_of(sweep(), cells))
    parts = section(evidence((), sweep=sweep(), cells=tuple(cells))).parts
    (table,) = [part for part in parts if isinstance(part, Table) and part.name == "training_optimal"]
    assert [(one["optimizer"], one["optimal_lr"]) for one in table.rows] == [
        ("sgd", pytest.approx(0.8)),
        ("momentum", pytest.approx(best.lr)),
    ]


@pytest.mark.parametrize(
    ("options", "predicted", "said"),
    [
        ({"batch": 32}, (), "gradient descent with mini-batches."),
        ({"batch": 500}, ALIKE, ""),
        ({"scheduler": "cosine", "weight_decay": 0.1}, (), "gradient descent with a schedule and weight decay."),
        ({"loss": "l1"}, (), "gradient descent with loss l1."),
        ({}, ALIKE, ""),
    ],
    ids=str,
)
def test_it_is_said_of_what_nothing_is_predicted(options: dict[str, Any], predicted: Any, said: str) -> None:
    told = cell("sgd", options={"loss": "mse"} | options, predicted=predicted, message="planted")
    text = markdown(document_of(sweep(), [told]))
    assert "planted (1 cell: sgd at lr 0.1)" in text
    assert ("none is known" in text) == bool(said)
    assert said in text


@pytest.mark.slow
@pytest.mark.usefixtures("in_process", "one_thread")
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
def test_a_training_with_the_optimal_constants_has_their_rate(optimizer: str) -> None:
    """Trained by torch in float64. With momentum two roots of the recurrence meet, so that the distance is t rate^t."""
    problem, named = "conditioned:n=50,p=3,condition=5", "{}" if optimizer == "sgd" else "{}:momentum={!r}"
    asked: dict[str, Any] = {"problems": (problem,), "dtype": "float64", "scale": "standardized", "seeds": 1}
    (first,) = summarise(swept(optimizers=(named.format(optimizer, 0.5),), lr=(1e-3,), **asked)).tasks[0].tunings
    best = first.optimal
    assert best is not None
    (one,) = swept(optimizers=(named.format(optimizer, best.momentum),), lr=(best.lr,), epochs=300, **asked)
    # From where the fast directions are gone to before float64's rounding.
    t, distance = np.array(
        [(t, row[0] ** 0.5) for t, row in zip(one.at, one.excess, strict=True) if 1e-20 < row[0] < 1e-3]
    ).T
    measured = (distance[-1] / distance[0]) ** (1 / (t[-1] - t[0]))
    slower = 1.0 if optimizer == "sgd" else (t[-1] / t[0]) ** (1 / (t[-1] - t[0]))
    assert best.rate * (1 - 1e-4) < measured < best.rate * slower * (1 + 1e-4)
    assert (optimizer == "sgd") == (slower == 1.0)


def test_above_adams_limit_the_frozen_preconditioner_lets_a_direction_grow() -> None:
    """m <- b1 m + (1 - b1) g; d <- d - lr m / P, with g / P = sharpness d."""
    lr, b1 = 0.01, 0.9
    assert frozen_limit(np.array(lr), b1) == pytest.approx(38 / lr)
    radii = []
    for share in (0.999, 1.001):
        s = share * frozen_limit(np.array(lr), b1)
        step = np.array([[1 - lr * (1 - b1) * s, -lr * b1], [(1 - b1) * s, b1]])
        radii.append(np.abs(np.linalg.eigvals(step)).max())
    assert radii[0] < 1 < radii[1]


def test_a_training_by_adam_that_passes_its_limit_bursts_and_one_that_does_not_stays() -> None:
    start, q = np.array([[1.0, 1.0]]), diagonal(2.0, 0.5)
    for beta2, passes in ((0.99, True), (0.999, False)):
        rule = Adaptive(q, betas=(0.9, beta2))
        (share,) = rule.over_limit(start, [1.0], 1000)
        excess = np.concatenate(
            [block.excess[1:, 0] for block in rule.blocks(start, [1.0], 1000) if block.excess is not None]
        )
        assert (share > 1) == passes
        assert (excess[300:].max() > 1e-4) == passes
        assert excess[250:300].max() < 1e-9
    assert np.isnan(Adaptive(q).over_limit(start, [1.0], 40)).all()


EARLIER = {"predicted": ((12, 13, 14), (24, 26, 28), (36, 34, 33))}
FEW = {"predicted": ((3, 4, 5), (5, 5, 6), (8, 8, 8)), "epochs_to": ((4, 5, 5), (6, 6, 6), (9, 9, 8))}


@pytest.mark.parametrize(
    ("changed", "dtype", "in_double", "said"),
    [
        ({"predicted": ALIKE}, "float32", None, ""),
        ({"predicted": ((12, 13, 14), (24, 24, 24), (36, 36, 36))}, "float32", None, ""),
        (EARLIER, "float32", ALIKE, "the rounding of float32, since"),
        (EARLIER, "float32", "itself", "not by the rounding of float32"),
        (EARLIER, "float32", None, "did not train it in float64"),
        (EARLIER, "float64", ALIKE, "is in float64"),
        ({"predicted": ((12, 13, 14), (24, 26, 28), (None, None, 36))}, "float32", ALIKE, "the rounding of float32"),
        ({"predicted": ALIKE, "diverged": (True, True, False)}, "float32", "itself", "and diverge later"),
        (FEW, "float32", "itself", "one epoch apart"),
        ({}, "float32", None, ""),
    ],
)  # fmt: skip
def test_why_epochs_part_is_what_was_tested(changed: dict[str, Any], dtype: str, in_double: object, said: str) -> None:
    """Of a cell by hand; `in_double`: the epochs of the control, of which ALIKE is predicted, or it itself, or none."""
    measured, asked = cell("sgd", 0.1, (36, 38, 41), message="kept", **changed), []

    def again(lr: Any) -> list[Cell]:
        asked.extend(lr)
        if in_double is None:
            return []
        return [
            measured
            if in_double == "itself"
            else measured.model_copy(update={"epochs_to": in_double, "predicted": ALIKE})
        ]

    (found,) = explained([measured], dtype, again)
    assert bool(partings(measured)) == bool(said)
    assert found.message.startswith("kept")
    assert said in found.message
    assert (found.message == "kept") == (not said)
    assert asked == ([0.1] if dtype == "float32" and "float64" in said + found.message else [])


@pytest.mark.slow
@pytest.mark.usefixtures("in_process", "one_thread")
def test_float32_that_stalls_above_the_target_is_named_and_float64_is_not() -> None:
    """Nearly no noise: an excess of 1e-6 of the least loss is below what float32 can tell."""
    asked: dict[str, Any] = {"problems": ("conditioned:n=50,p=3,condition=5,noise=1e-5",), "lr": (0.3,), "epochs": 300}
    single, double = (swept(scale="standardized", dtype=dtype, **asked)[0] for dtype in ("float32", "float64"))
    assert [one.tolerance for one in partings(single)] == [1e-6]
    assert single.message.endswith(
        "epochs to 1e-6 part by more than a tenth: the rounding of float32, since in float64 they agree"
    )
    assert (partings(double), double.message) == ([], "")
    assert double.epochs_to == double.predicted == single.predicted


@pytest.mark.slow
@pytest.mark.usefixtures("in_process", "one_thread")
@pytest.mark.parametrize(
    ("asked", "known"), [({}, True), ({"batch": 2}, False), ({"scheduler": "cosine"}, False)], ids=str
)
def test_adams_limit_is_told_where_it_is_known(asked: dict[str, Any], known: bool) -> None:
    for one in summarise(swept(optimizers=("adam", "adamw", "nadam"), epochs=60, **asked)).cells:
        assert (one.lr_over_limit is not None) == (known and one.optimizer == "adam")
        assert one.lr_over_limit is None or 0 < one.lr_over_limit < 1


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_radius_along_a_direction_is_that_of_the_recurrence(momentum: float, nesterov: bool) -> None:
    if nesterov and not momentum:
        return  # torch refuses it
    for curvature in (1e-3, 0.4, 1.0, 1.9, 2.5):
        known = largest_radius(np.array([curvature]), 0.9, momentum, nesterov=nesterov)
        found = max(map(abs, roots(curvature, 0.9, momentum, nesterov=nesterov)))
        assert found == pytest.approx(known, rel=DOUBLE_ROOT)


def two_directions(slow: float, *, epochs: int = 400, tolerance: float = 1e-6) -> Cell:
    """Gradient descent at 0.5 on curvatures 1 and 0.1, of which the slow one has `slow` of a first excess of 1."""
    at = np.arange(epochs + 1)
    excess = slow * (1 - 0.05) ** (2 * at) + (1 - slow) * (1 - 0.5) ** (2 * at)
    there = int(np.argmax(excess <= tolerance))
    rows = tuple((int(np.argmax(excess <= one)),) * 3 for one in (1e-2, 1e-4, tolerance))
    curve = tuple((float(one),) * 3 for one in excess)
    known: dict[str, Any] = {"curvature": (0.1, 1.0), "predicted": rows, "epochs_to": rows}
    return cell("sgd", 0.5, (there,) * 3, at=tuple(at.tolist()), excess=curve, **known)


@pytest.mark.parametrize(
    ("slow", "tolerance", "why"), [(1.0, 1e-6, ""), (0.01, 1e-6, NOT_GENERIC), (1e-4, 1e-2, NOT_YET)]
)
def test_why_epochs_are_not_those_of_the_rate_alone(slow: float, tolerance: float, why: str) -> None:
    made = two_directions(slow)
    found = by_rate(summarise_cell(made, "sgd"), tolerance)
    assert found is not None
    assert found.why == why
    assert found.in_the_end == pytest.approx(0.95**2)
    assert found.epochs == pytest.approx(np.log(tolerance) / (2 * np.log(0.95)))
    if why == NOT_GENERIC:
        assert found.lead == pytest.approx(slow, rel=1e-6), "the share of the slow direction, traced back"
    told = markdown(document_of(sweep(), within(made))) if tolerance == 1e-6 else why  # the tightest
    assert (why or "rate of the end alone") in told or not why
    assert ("rate of the end alone" in told) == (why == NOT_GENERIC)


def test_momentum_that_takes_a_while_to_set_in_is_no_generic_start() -> None:
    """Heavy ball where both roots meet: the distance is (1 + t (1 - rate) / rate) rate^t, more than the rate has."""
    rate = 0.8
    at = np.arange(200)
    excess = (rate**at * (1 + at * (1 - rate) / rate)) ** 2
    rows = tuple((int(np.argmax(excess <= one)),) * 3 for one in (1e-2, 1e-4, 1e-6))
    curve = tuple((float(one),) * 3 for one in excess)
    known: dict[str, Any] = {"curvature": (1.0, 1.0), "predicted": rows, "epochs_to": rows}
    options = {"lr": (1 - rate) ** 2, "loss": "mse", "momentum": rate**2}
    made = cell("momentum", (1 - rate) ** 2, (1,) * 3, at=tuple(at.tolist()), excess=curve, options=options, **known)
    found = by_rate(summarise_cell(made, "momentum"), 1e-6)
    assert found is not None
    assert found.in_the_end == pytest.approx(rate**2, rel=DOUBLE_ROOT)
    assert found.measured > found.epochs
    assert found.why in (NOT_YET, SLOW_START)
    assert found.why != NOT_GENERIC


def test_a_target_that_is_passed_in_a_dip_is_no_start_that_is_not_generic() -> None:
    """An oscillation of period 40 under 0.9^t: its half-way points are at the rate, and the first dip is early."""
    at = np.arange(300)
    excess = 0.9**at * (1e-3 + np.cos(np.pi * at / 40) ** 2)
    tolerance = 1e-2
    there = int(np.argmax(excess <= tolerance))
    rows = ((there,) * 3, (100,) * 3, (160,) * 3)
    options = {"lr": 0.01, "loss": "mse", "momentum": 0.9}
    curve = tuple((float(one),) * 3 for one in excess)
    known: dict[str, Any] = {"curvature": (1.0, 2.0), "predicted": rows, "epochs_to": rows, "options": options}
    found = by_rate(
        summarise_cell(cell("momentum", 0.01, (1,) * 3, at=tuple(at.tolist()), excess=curve, **known), ""), tolerance
    )
    assert found is not None
    assert found.oscillates
    assert found.why in (DIP, NOT_YET)


@pytest.mark.slow
@pytest.mark.usefixtures("in_process", "one_thread")
@pytest.mark.parametrize("changed", [{}, {"batch": 2}, {"scheduler": "cosine"}], ids=str)
def test_adams_recurrence_predicts_what_torch_does_in_float64(changed: dict[str, Any]) -> None:
    """To the epoch; nothing is predicted of mini-batches, of a schedule, or of AdamW, whose decay moves the optimum."""
    found = swept(optimizers=("adam", "adamw"), lr=(0.1, 1.0), epochs=400, dtype="float64", **changed)
    for one in found:
        if one.optimizer == "adamw" or changed:
            assert one.predicted == ()
        else:
            assert one.predicted == one.epochs_to
            assert any(epoch is not None for row in one.predicted for epoch in row)
        assert (one.stability_limit, one.curvature) == (None, ())
