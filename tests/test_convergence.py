"""What a sweep's cells come to: medians with infinities, intervals, the best learning rate, contests, profiles."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from harness.judge.training.cell import summarise_cell
from harness.judge.training.censored import (
    FEWEST_SEEDS,
    interval_of,
    median,
    median_draws,
    median_interval,
    median_odds,
    ratio_draws,
)
from harness.judge.training.contest import EPOCHS, TaskSummary
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.profile import profile
from harness.judge.training.tuning import Tuning
from harness.records.record import Status
from harness.records.sweep import Cell
from harness.timing.sampling import Samples
from tests.sweep_data import RULES, cell, not_run, trained, within

pytestmark = pytest.mark.usefixtures("one_thread")

Seeds = Sequence[int | None]
SEEDS = st.lists(st.one_of(st.none(), st.integers(0, 1000)), min_size=1, max_size=12)


def values(seeds: Seeds) -> np.typing.NDArray[np.float64]:
    return np.array([math.inf if e is None else float(e) for e in seeds])


def tuning(*cells: Cell) -> Tuning:
    (task,) = summarise(cells).tasks
    (found,) = task.tunings
    return found


def the_task(cells: Sequence[Cell]) -> TaskSummary:
    (task,) = summarise(cells).tasks
    return task


@given(SEEDS)
def test_a_median_is_one_of_the_seeds_and_censored_where_most_of_them_are(seeds: Seeds) -> None:
    found = median(values(seeds))
    assert found in values(seeds)
    assert math.isinf(found) == (sum(e is None for e in seeds) > len(seeds) / 2)
    assert found == statistics.median_low(values(seeds))


@given(SEEDS)
def test_an_interval_contains_the_median_and_has_seeds_for_ends(seeds: Seeds) -> None:
    interval = median_interval(values(seeds))
    assert (interval is None) == (len(seeds) < FEWEST_SEEDS)
    if interval is not None:
        assert interval.low <= median(values(seeds)) <= interval.high
        assert set(interval) <= set(values(seeds))


@pytest.mark.parametrize("count", [3, 4, 11, 64])
def test_the_exact_bootstrap_is_what_resampling_tends_to(count: int) -> None:
    """A share p of N resamples has the standard error sqrt(p (1 - p) / N): five of them, at most 0.025."""
    found = bootstrap(
        (np.arange(float(count)),),
        lambda v, axis: np.sort(v, axis=axis)[..., (count + 1) // 2 - 1],
        vectorized=True,
        n_resamples=9_999,
        method="percentile",
        random_state=np.random.default_rng(1),
    )
    seen = np.bincount(found.bootstrap_distribution.astype(int), minlength=count) / 9_999
    assert median_odds(count).sum() == pytest.approx(1)
    np.testing.assert_allclose(np.cumsum(seen), np.cumsum(median_odds(count)), atol=0.025)


def test_the_upper_end_of_an_interval_may_be_censored_where_the_median_is_not() -> None:
    found = median_interval(values([10, 20, 30, None, None]))
    assert found is not None
    assert (found.low, found.high) == (10, math.inf)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(1, 9))] * 2), min_size=3, max_size=8), st.randoms())
def test_the_order_of_seeds_changes_nothing(pairs: list[tuple[int | None, int | None]], random: Any) -> None:
    def of(rows: Sequence[tuple[int | None, int | None]], names: Sequence[int]) -> SweepSummary:
        left, right = zip(*rows, strict=True)
        return summarise([cell("sgd", 0.1, left, seeds=tuple(names)), cell("adam", 0.1, right, seeds=tuple(names))])

    order = list(range(len(pairs)))
    straight = of(pairs, order)
    random.shuffle(order)
    shuffled = of([pairs[i] for i in order], order)
    for a, b in zip(straight.cells, shuffled.cells, strict=True):
        assert (a.reaches, a.status, a.final_gap) == (b.reaches, b.status, b.final_gap)
    contests = [(t.by_epochs, t.by_seconds) for s in (straight, shuffled) for t in s.tasks]
    told = [[c and [(r.ratio, r.interval) for r in c.rivals] for c in both] for both in contests]
    assert told[0] == told[1]
    assert straight.profiles == shuffled.profiles


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_ratio_of_a_cell_to_itself_is_one_and_undecided(seeds: Seeds) -> None:
    draws = ratio_draws(np.maximum(values(seeds), 1), np.maximum(values(seeds), 1))
    if draws is not None:
        assert interval_of(draws) == (1, 1)


@pytest.mark.parametrize(
    ("seeds", "diverged", "status"),
    [
        ((10, 20, None), (0, 0, 0), "converged"),
        ((10, None, None), (0, 0, 0), "censored"),
        ((10, None, None), (0, 1, 0), "censored"),
        ((10, None, None), (0, 1, 1), "diverged"),
        ((10, None, None, None), (0, 1, 1, 0), "diverged"),
        ((10, 20, None, None), (0, 0, 1, 1), "converged"),
    ],
)
def test_how_a_cell_ends(seeds: Seeds, diverged: Sequence[int], status: str) -> None:
    found = summarise_cell(cell("sgd", 0.1, seeds, diverged=tuple(map(bool, diverged))), "sgd")
    assert found.status == status
    assert found.diverged == sum(diverged)


def test_a_seed_that_arrived_and_then_diverged_has_not_arrived() -> None:
    found = summarise_cell(cell("sgd", 0.1, (10, 10, 30), diverged=(True, True, False), final=(9.0, 9.0, 1e-8)), "sgd")
    assert [reach.epochs for reach in found.reaches] == [math.inf] * 3
    assert found.reaches[-1].success == pytest.approx(1 / 3)
    assert found.final_gap == 1e-8


def test_a_cell_that_was_not_run_keeps_its_status_and_has_no_figures() -> None:
    for status in (Status.UNSUPPORTED, Status.ERROR):
        found = summarise_cell(not_run("sgd", 0.1, status, "why"), "sgd")
        assert (found.status, found.reaches, found.final_gap) == (status.value, (), None)


def test_seconds_are_epochs_times_the_median_epoch_of_the_loop() -> None:
    reach = summarise_cell(cell("sgd", 0.1, (30, 60, 90), loop_epoch=Samples(wall_s=(1e-3, 9.0, 1e-3))), "sgd").to(1e-6)
    assert reach is not None
    assert reach.seconds == pytest.approx(60 * 1e-3)
    assert reach.seconds_interval == pytest.approx((0.030, 0.090))
    untimed = summarise_cell(cell("sgd", 0.1, (30, 60, 90), loop_epoch=Samples(error="no clock")), "sgd").to(1e-6)
    assert untimed is not None
    assert (untimed.seconds, untimed.seconds_interval) == (None, None)


def test_the_best_lr_has_the_fewest_epochs_then_the_larger_success_then_the_smaller_lr() -> None:
    fewest = tuning(cell(lr=0.1, tightest=(40, 40, 40)), cell(lr=1.0, tightest=(39, 39, None)))
    assert fewest.best is not None
    assert fewest.best.lr == 1.0
    success = tuning(cell(lr=0.1, tightest=(40, 40, None)), cell(lr=1.0, tightest=(40, 40, 40)))
    assert success.best is not None
    assert success.best.lr == 1.0
    smaller = tuning(cell(lr=1.0, tightest=(40, 40, 40)), cell(lr=0.1, tightest=(40, 40, 40)))
    assert smaller.best is not None
    assert smaller.best.lr == 0.1


def test_the_best_lr_is_to_the_tightest_tolerance_that_any_reaches() -> None:
    rows = ((10, 10, 10), (20, 20, None), (None, None, None))
    found = tuning(cell(lr=0.1, epochs_to=rows), cell(lr=0.2, epochs_to=((5, 5, 5), *((None,) * 3,) * 2)))
    assert found.best is not None
    assert (found.tolerance, found.best.lr, found.converging) == (1e-4, 0.1, None)


def test_the_good_range_is_contiguous_and_says_where_the_grid_ends() -> None:
    epochs = {0.001: 70, 0.01: 101, 0.1: 90, 1.0: 50, 10.0: 100, 100.0: 101}
    found = tuning(*(cell(lr=lr, tightest=(e, e, e)) for lr, e in epochs.items()))
    assert found.good is not None
    assert found.converging is not None
    assert (found.good.low, found.good.high, found.good.points) == (0.1, 10.0, 3)
    assert (found.good.decades, found.good.most_decades) == pytest.approx((2, 4))
    assert not found.good.open
    assert (found.converging.low, found.converging.high, found.converging.open) == (0.001, 100.0, True)


@pytest.mark.parametrize("outside", [None, Status.ERROR])
def test_a_range_that_touches_the_edge_or_what_was_not_run_is_at_least_so_wide(outside: Status | None) -> None:
    cells = [cell(lr=lr, tightest=(50, 50, 50)) for lr in (0.1, 1.0)]
    cells += [cell(lr=0.01, tightest=(None, None, None))]
    cells += [not_run("sgd", 10.0, outside, "why")] if outside else []
    found = tuning(*cells)
    assert found.good is not None
    assert found.good.open
    assert found.good.decades == pytest.approx(1)
    assert found.good.most_decades == math.inf
    assert found.good.below == 0.01


def test_where_nothing_converges_there_is_no_best() -> None:
    cells = [cell(o, lr, (None,) * 5) for o in ("sgd", "adam") for lr in (0.1, 1.0)]
    task = the_task(cells)
    assert [(t.best, t.good, t.converging, t.tolerance) for t in task.tunings] == [(None,) * 4] * 2
    assert (task.tolerance, task.by_epochs, task.by_seconds) == (None, None, None)
    (by_epochs, _) = summarise(cells).profiles
    assert [by_epochs.share(label, math.inf) for label in ("sgd", "adam")] == [0, 0]


def test_a_contest_is_decided_where_the_seeds_tell_and_not_where_they_do_not() -> None:
    fast, slow = (30, 31, 32, 33, 34), (60, 62, 64, 66, 68)
    task = the_task([*within(cell("sgd", 0.1, slow)), *within(cell("adam", 0.1, fast))])
    assert task.by_epochs is not None
    assert (task.by_epochs.leader.optimizer, task.by_epochs.decided) == ("adam", True)
    (rival,) = task.by_epochs.rivals
    assert rival.interval is not None
    assert rival.ratio == 2
    assert rival.interval.low <= 2 <= rival.interval.high
    level = (cell("sgd", 0.1, (30, 62, 31, 66, 34)), cell("adam", 0.1, (60, 31, 32, 33, 68)))
    mixed = the_task([*within(level[0]), *within(level[1])])
    assert mixed.by_epochs is not None
    assert not mixed.by_epochs.decided
    assert len(mixed.by_epochs.level) == 1


def test_seeds_are_paired_by_their_number() -> None:
    """Each seed is slower by a half: an interval of unpaired seeds, which differ 16-fold, would contain 1."""
    hard, rng = 2.0 ** np.arange(9), np.random.default_rng(0)
    order = rng.permutation(9)
    slow = [round(120 * hard[i]) for i in order]
    task = the_task(
        [
            cell("adam", 0.1, [round(80 * h) for h in hard]),
            cell("sgd", 0.1, slow, seeds=tuple(order.tolist())),
        ]
    )
    assert task.by_epochs is not None
    (rival,) = task.by_epochs.rivals
    assert rival.ratio == pytest.approx(1.5)
    assert rival.interval == pytest.approx((1.5, 1.5))


def test_two_seeds_decide_nothing() -> None:
    task = the_task([*within(cell("sgd", 0.1, (10, 10))), *within(cell("adam", 0.1, (90, 90)))])
    assert task.by_epochs is not None
    assert (task.by_epochs.leader.optimizer, task.by_epochs.decided) == ("sgd", False)


def test_who_never_arrives_is_infinitely_far_behind() -> None:
    never = [cell("sgd", lr, (None,) * 5, final=(gap,) * 5) for lr, gap in ((0.01, 0.5), (0.1, 0.2), (1.0, 0.5))]
    task = the_task([*never, *within(cell("adam", 0.1, (90,) * 5))])
    assert task.by_epochs is not None
    assert task.by_epochs.decided
    assert task.by_epochs.rivals[0].ratio == math.inf


def test_seconds_may_be_led_by_another_and_are_no_surer_than_the_timing() -> None:
    epochs = {"sgd": (40,) * 5, "adam": (30,) * 5}
    steady = {"sgd": (1e-4,) * 9, "adam": (2e-4,) * 9}
    noisy = {"sgd": (1e-4, 1e-3) * 5, "adam": (2e-4, 2e-3) * 5}

    def task(wall: Mapping[str, tuple[float, ...]]) -> TaskSummary:
        timed = [cell(o, 0.1, epochs[o], loop_epoch=Samples(wall_s=wall[o])) for o in epochs]
        return the_task([around for one in timed for around in within(one)])

    sure, unsure = task(steady).by_seconds, task(noisy).by_seconds
    assert sure is not None
    assert unsure is not None
    assert (sure.leader.optimizer, sure.decided) == ("sgd", True)
    assert sure.rivals[0].ratio == pytest.approx(1.5)
    assert not unsure.decided
    untimed = [cell("sgd", 0.1), cell("adam", 0.1, loop_epoch=Samples())]
    assert the_task(untimed).by_seconds is None
    assert [one.measure for one in summarise(untimed).profiles] == [EPOCHS]


def test_where_most_seeds_may_be_censored_the_seconds_of_an_epoch_name_no_winner() -> None:
    """6 of 8 seeds get there, nobody of the other does: in draws where neither median is there neither is the later."""
    some = cell("sgd", 0.1, (70, 72, 74, 76, 78, 80, None, None), loop_epoch=Samples(wall_s=(1e-4,) * 9))
    none = cell("adam", 0.1, (None,) * 8, loop_epoch=Samples(wall_s=(2e-4,) * 9))
    found = the_task([*within(some), *within(none)])
    for contest in (found.by_epochs, found.by_seconds):
        assert contest is not None
        (rival,) = contest.rivals
        assert (rival.ratio, rival.interval, contest.decided) == (math.inf, (1.0, math.inf), False)


def test_draws_of_a_median_are_its_odds() -> None:
    wall = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    draws = median_draws(wall, 0)
    seen = [float(np.mean(draws == value)) for value in (1, 2, 3, 4, 5)]
    np.testing.assert_allclose(seen, median_odds(5), atol=0.025)  # five standard errors, as above
    assert not np.array_equal(draws, median_draws(wall, 1))


def test_a_profile_by_hand() -> None:
    """Two problems and two seeds: sgd 10, 30 and 20, never; adam 20, 20 and 20, 80."""
    cells = [
        cell("sgd", 0.1, (10, 30)),
        cell("adam", 0.1, (20, 20)),
        cell("sgd", 0.1, (20, None), problem="diabetes"),
        cell("adam", 0.1, (20, 80), problem="diabetes"),
    ]
    found = profile(summarise(cells).tasks, EPOCHS)
    assert found is not None
    assert found.instances == 2
    assert [len(found.tasks[label]) for label in ("sgd", "adam")] == [4, 4]
    assert found.ratios == {"sgd": (1, 1, 1.5, math.inf), "adam": (1, 1, 1, 2)}
    assert found.steps("sgd") == ((1, 0.5), (1.5, 0.75))
    assert found.share("sgd", math.inf) == 0.75
    assert found.share("adam", 1.99) == 0.75


def test_a_problem_counts_once_in_a_profile_however_many_seeds_it_has() -> None:
    cells = [cell("sgd", 0.1, (10,) * 9), cell("adam", 0.1, (20,) * 9)]
    cells += [cell("sgd", 0.1, (20,), problem="diabetes"), cell("adam", 0.1, (10,), problem="diabetes")]
    found = profile(summarise(cells).tasks, EPOCHS)
    assert found is not None
    assert (found.share("sgd", 1), found.share("adam", 1), found.share("adam", 2)) == (0.5, 0.5, 1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(0, 90))] * 2), min_size=1, max_size=6))
def test_a_profile_rises_from_somebodys_first_to_the_share_that_is_solved(pairs: list[tuple[Any, Any]]) -> None:
    sgd, adam = zip(*pairs, strict=True)
    summary = summarise([cell("sgd", 0.1, sgd), cell("adam", 0.1, adam)])
    for found in summary.profiles:
        for one in summary.cells:
            steps = found.steps(one.optimizer)
            assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(steps))
            reach = one.to(summary.tasks[0].tolerance or 1e-6)
            assert reach is not None
            assert steps[-1][1] == found.share(one.optimizer, math.inf) == reach.success
        solved = any(found.share(label, math.inf) > 0 for label in found.ratios)
        assert any(found.share(label, 1) > 0 for label in found.ratios) == solved


def test_a_profile_leaves_out_the_tasks_that_not_everyone_was_run_on() -> None:
    cells = [cell("sgd"), cell("adam"), cell("sgd", problem="diabetes")]
    cells.append(not_run("adam", 0.1, Status.UNSUPPORTED, "why").model_copy(update={"problem": "diabetes"}))
    found = summarise(cells).profiles[0]
    assert (found.instances, len(found.ratios["sgd"]), found.left_out) == (1, 3, ("diabetes",))
    assert summarise([cell("sgd")]).profiles == ()


def test_cells_are_grouped_by_what_is_fitted_and_named_by_what_tells_them_apart() -> None:
    options = {"lr": 0.1, "loss": "mse"}
    cells = [
        cell("sgd", options=options | {"momentum": 0.0}),
        cell("sgd", options=options | {"momentum": 0.9}),
        cell("adam", options=options),
        cell("adam", options=options | {"hidden": (8, 8)}),
        cell("adam", options=options | {"loss": "l1"}),
    ]
    found = {task.name: [t.optimizer for t in task.tunings] for task in summarise(cells).tasks}
    assert found == {
        "auto_mpg": ["sgd momentum=0.0", "sgd momentum=0.9", "adam"],
        "auto_mpg, network 8-8": ["adam"],
        "auto_mpg, loss l1": ["adam"],
    }


def test_seconds_that_cells_share_are_counted_once() -> None:
    cells = [cell("sgd", lr) for lr in (0.1, 0.2)] + [cell("adam", 0.1, engine_s=0.25)]
    (work,) = summarise(cells).work
    assert (work.engine, work.device, work.trainings, work.wall_s) == ("batched", "cpu", 9, 0.75)


@pytest.mark.parametrize("optimizer", RULES)
def test_exact_trajectories_agree_with_theory_and_the_stability_limit(optimizer: str) -> None:
    cells = trained("auto_mpg", optimizer, [0.003, 0.03, 0.3, 3.0, 30.0], seeds=5)
    found = tuning(*cells)
    differences = {reach.beyond_theory for one in found.cells for reach in one.reaches} - {None}
    assert differences == (set() if optimizer == "adam" else {0})
    for one in found.cells:
        if one.lr_over_limit is not None:
            assert (one.status == "diverged") == (one.lr_over_limit > 1)
    assert found.best is not None


CUT_RATES = (1e-4, 1e-3, 3.16e-3, 0.01, 0.0316, 0.1, 0.316, 1.0, 10.0)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["auto_mpg", "diabetes"])
def test_a_cut_grid_never_names_a_wrong_winner(problem: str) -> None:
    """Every contiguous part of a wide grid; without a look at its edges parts would name a wrong one."""
    cells = [trained(problem, o, CUT_RATES, 5) for o in ("sgd", "momentum", "adam")]
    cells = [[one.model_copy(update={"loop_epoch": Samples()}) for one in part] for part in cells]
    full = the_task([one for part in cells for one in part]).by_epochs
    assert full is not None
    best = {side.optimizer for side in (full.leader, *(rival.tuning for rival in full.level))}
    named, fooled = set(), 0
    for start, end in combinations(range(len(CUT_RATES) + 1), 2):
        found = the_task([one for part in cells for one in part[start:end]]).by_epochs
        if found is not None and found.decided:
            named.add(found.leader.optimizer)
        fooled += (
            found is not None
            and found.leader.optimizer not in best
            and all(rival.interval is not None and rival.interval.low > 1 for rival in found.rivals)
        )
    assert named <= best
    assert (fooled > 0, named) == ((True, {"sgd"}) if problem == "auto_mpg" else (False, set()))


@pytest.mark.parametrize(
    ("gaps", "sides"),
    [
        ((0.5, 0.2, 0.5), []),
        ((0.2, 0.5, 0.9), ["lowest"]),
        ((0.9, 0.5, 0.2), ["highest"]),
        ((0.2, 0.1, 0.5, 0.4), ["highest"]),
        ((0.9,), ["lowest", "highest"]),
    ],
)
def test_where_a_gap_falls_at_an_edge_a_better_rate_may_lie_outside(gaps: Sequence[float], sides: list[str]) -> None:
    found = tuning(*(cell("sgd", 10.0**i, (None,) * 3, final=(gap,) * 3) for i, gap in enumerate(gaps)))
    assert [edge.side for edge in found.edges] == sides
