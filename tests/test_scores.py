"""Scores over workloads, studies of so many tries, and how sure a rank is."""

import math
from typing import Any

import numpy as np
import pytest

from harness.judge.training.budgets import budgets
from harness.judge.training.contest import EPOCHS
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.scores import FARTHEST, integrated, scores
from harness.judge.training.trials import FLOPS, HELD_OUT, trials
from harness.records.sweep import Cell
from harness.report.words.over_workloads import budget_sentences, score_sentence
from harness.report.words.sweep import conclusions
from tests.sweep_data import cell, within

SEEDS = 8


def grid(optimizer: str, problem: str, best: int | None, **more: Any) -> list[Cell]:
    """Three rates of which the middle one gets there in about `best` epochs."""
    tightest = [None if best is None else best + seed % 2 for seed in range(SEEDS)]
    return within(cell(optimizer, 0.1, tightest, problem=problem, **more))


def of(table: dict[str, dict[str, int | None]], **more: Any) -> SweepSummary:
    return summarise([one for p, row in table.items() for o, best in row.items() for one in grid(o, p, best, **more)])


def test_a_profile_is_integrated_as_it_is_drawn() -> None:
    """Against the integral of the step function itself."""
    rng = np.random.default_rng(0)
    costs = rng.choice([10.0, 15.0, 20.0, 45.0, math.inf], size=(6, 4))
    best = costs.min(axis=1, keepdims=True)
    tau = np.linspace(1, FARTHEST, 30_001)
    with np.errstate(invalid="ignore"):
        ratio = np.where(np.isinf(costs), math.inf, costs / best)
    shares = (ratio[None] <= tau[:, None, None]).mean(axis=1)
    # A step of the grid is 1e-4: each of six jumps is placed no better than that.
    np.testing.assert_allclose(integrated(costs), shares.mean(axis=0), atol=2e-4)


def test_who_is_best_everywhere_has_a_score_of_1_and_is_first_for_sure() -> None:
    summary = of({p: {"sgd": 20, "adam": 60, "momentum": None} for p in "abcdef"})
    by_epochs = next(one for one in summary.scores if one.measure == EPOCHS)
    first, second, last = by_epochs.scores
    assert (first.optimizer, first.score, first.first, first.solved) == ("sgd", 1.0, 1.0, 6)
    assert (second.optimizer, last.optimizer) == ("adam", "momentum")
    assert second.score == pytest.approx((FARTHEST - 60 / 20) / (FARTHEST - 1), abs=0.06)
    assert (last.score, last.solved, last.at_least) == (0.0, 0, True)
    assert last.times == pytest.approx(1000 / 20, rel=0.06)
    assert by_epochs.winner is first
    pair = by_epochs.pairs[0]
    assert (pair.optimizer, pair.other, pair.wins, pair.of) == ("sgd", "adam", 6, 6)
    assert pair.times == pytest.approx(3, rel=0.06)
    assert "sgd has the highest score, 1.00" in score_sentence(by_epochs)


def test_where_the_workloads_disagree_nobody_wins() -> None:
    summary = of({**{p: {"sgd": 20, "adam": 60} for p in "abc"}, **{p: {"sgd": 60, "adam": 20} for p in "def"}})
    by_epochs = summary.scores[0]
    assert by_epochs.winner is None
    assert "undecided" in score_sentence(by_epochs)
    assert by_epochs.scores[0].interval.high - by_epochs.scores[0].interval.low > 0.3


def test_a_better_rate_outside_a_grid_leaves_no_winner() -> None:
    cells = [one for p in "ab" for o, best in (("sgd", 20), ("adam", 60)) for one in grid(o, p, best)]
    cells = [one for one in cells if (one.problem, one.optimizer, one.lr) != ("a", "adam", 1.0)]
    cells += [cell("adam", 1.0, (40,) * SEEDS, problem="a")]
    found = summarise(cells).scores[0]
    assert (found.winner, found.open) == (None, {"a": ("adam",)})
    assert "no winner is named" in score_sentence(found)


def test_rates_are_chosen_on_other_seeds_than_they_are_scored_on() -> None:
    """Twenty rates of pure luck: chosen and scored on the same seeds, the best of them would flatter itself."""
    rng = np.random.default_rng(1)
    lucky = [cell("sgd", 10.0**-i, rng.integers(100, 200, 16).tolist(), problem="a") for i in range(20)]
    lucky += [cell("adam", 0.1, (150,) * 16, problem="a")]
    found = trials(summarise(lucky).tasks, EPOCHS)
    assert found is not None
    studied = found.studies(None, 400, resample=False)[:, 0, 0]
    same = min(float(np.sort(found.costs[0][0][i])[7]) for i in range(20))
    assert same < np.median(studied)
    assert abs(np.median(studied) - 150) < 15


def test_the_more_tries_the_better_and_one_try_is_luck() -> None:
    """sgd is good at one rate of ten, adam never bad: with one try adam, with all of them sgd."""
    cells = [cell("sgd", 10.0**-i, ((20 if i == 4 else 900),) * SEEDS, problem="a", trial=i + 1) for i in range(10)]
    adam = [500, *[50] * 3, 49, *[50] * 4, 500]
    cells += [cell("adam", 10.0**-i, (e,) * SEEDS, problem="a", trial=i + 1) for i, e in enumerate(adam)]
    summary = summarise(cells)
    assert [one.tries for one in summary.budgets] == [1, 2, 5, 10]
    first, last = summary.budgets[0], summary.budgets[-1]
    assert first.best == "adam"
    # A study of one try has the good rate one time in ten: 400 of them, five standard errors of 1.5 %.
    assert first.first["sgd"] == pytest.approx(0.1, abs=0.075)
    assert (last.winner, last.first["sgd"], last.bands["sgd"]) == ("sgd", 1.0, (1.0, 1.0))
    (sentence,) = budget_sentences(summary)
    assert "with 1 try adam" in sentence
    assert "with 10 tries sgd" in sentence
    assert sentence in conclusions(summary)
    assert "sgd at lr 0.0001 is fastest" in conclusions(summary)[0]
    assert "of 10 tries each, of lrs 1e-09 to 1" in conclusions(summary)[0]


def test_the_best_try_at_the_end_of_what_was_tried_leaves_no_winner() -> None:
    """As of a grid, on either side; a learning rate alone, and two settings of which one has tries beyond the best."""
    for best in (0, 9):
        cells = [cell("sgd", 10.0**-i, ((20 if i == best else 90),) * SEEDS, trial=i + 1) for i in range(10)]
        cells += [cell("adam", 10.0**-i, ((50 if i == 4 else 90),) * SEEDS, trial=i + 1) for i in range(10)]
        summary = summarise(cells)
        (task,) = summary.tasks
        assert [(t.optimizer, len(t.edges)) for t in task.tunings] == [("sgd", 1), ("adam", 0)]
        assert [one.winner for one in summary.budgets] == [None] * 4
        assert budget_sentences(summary) == []
        assert not any("fastest" in line or "needs the fewest" in line for line in conclusions(summary))
        assert "among the" in conclusions(summary)[0]


@pytest.mark.parametrize(("place", "ends"), [(12, []), (0, ["lr lowest", "momentum lowest"]), (14, ["lr highest"])])
def test_of_two_settings_the_outermost_level_of_a_full_grid_is_the_edge(place: int, ends: list[str]) -> None:
    """Of 25 tries in two settings, five levels each, the five outermost of each setting on either side."""
    tried = [(10.0**-i, 0.5 + 0.1 * j) for i in range(4, -1, -1) for j in range(5)]
    tried = [(lr * (1 + 1e-3 * number), momentum) for number, (lr, momentum) in enumerate(tried)]
    tried[14], tried[24] = tried[24], tried[14]  # the highest rate in the middle of the list
    cells = [
        cell(
            "sgd",
            lr,
            ((20 if number == place else 90),) * SEEDS,
            trial=number + 1,
            options={"lr": lr, "loss": "mse", "momentum": momentum},
        )
        for number, (lr, momentum) in enumerate(tried)
    ]
    (task,) = summarise(cells).tasks
    found = [f"{edge.setting} {edge.side}" for edge in task.tunings[0].edges]
    assert found == ([*ends, "momentum highest"] if place == 14 else ends)


def test_the_tries_of_a_search_have_no_range_of_learning_rates() -> None:
    """Neighbours differ in their momenta too: nobody is said to tolerate the widest range."""
    cells = [cell(o, 10.0**-i, (50 + i,) * SEEDS, trial=i + 1) for o in ("sgd", "adam") for i in range(5)]
    (task,) = summarise(cells).tasks
    assert [tuning.good for tuning in task.tunings] == [None, None]
    assert not any("widest range" in line for line in conclusions(summarise(cells)))


def test_what_is_as_released_has_no_better_setting_to_look_for() -> None:
    cells = [cell("sgd", 0.001, (50,) * SEEDS, trial=0), cell("adam", 0.01, (90,) * SEEDS, trial=0)]
    (task,) = summarise(cells).tasks
    assert task.open == ()
    assert "sgd at lr 0.001 is fastest" in conclusions(summarise(cells))[0]
    assert conclusions(summarise(cells))[0].endswith("each as it is released.")


def test_over_workloads_of_which_one_is_open_nobody_is_named() -> None:
    """Neither by a score, nor by a profile, nor by tries; the reason stands there once."""
    cells = [one for p in "ab" for o, best in (("sgd", 20), ("adam", 60)) for one in grid(o, p, best)]
    cells = [one for one in cells if (one.problem, one.optimizer, one.lr) != ("a", "adam", 1.0)]
    cells += [cell("adam", 1.0, (40,) * SEEDS, problem="a")]
    said = conclusions(summarise(cells))
    assert len([line for line in said if line.startswith("Over ")]) == 1
    assert "no winner is named: a better setting may lie outside of what was tried of adam on a" in said[-1]
    assert not any("needs the fewest" in line or "has the highest" in line for line in said)


def test_the_settings_of_a_try_make_no_optimizer_another_one() -> None:
    cells = [
        cell("adam", lr, problem="a", trial=i, options={"lr": lr, "loss": "mse", "betas": (0.9, 0.9 + lr)})
        for i, lr in enumerate((0.01, 0.02))
    ]
    (task,) = summarise(cells).tasks
    assert [(tuning.optimizer, len(tuning.cells)) for tuning in task.tunings] == [("adam", 2)]


def test_measures_that_are_not_known_are_not_scored() -> None:
    known = of({p: {"sgd": 20, "adam": 60} for p in "ab"}, epoch_flops=1e3, held_out_to=(5,) * SEEDS)
    assert {one.measure for one in known.scores} == {EPOCHS, "seconds", FLOPS, HELD_OUT}
    assert {one.measure for one in of({p: {"sgd": 20, "adam": 60} for p in "ab"}).scores} == {EPOCHS, "seconds"}
    few = summarise([cell(o, 0.1, (10, 20), problem=p) for p in "ab" for o in ("sgd", "adam")])
    assert few.scores == ()


def test_what_takes_more_seconds_than_a_training_may_does_not_get_there() -> None:
    """100 epochs at 0.1 ms are 10 ms, and 5 ms go before the first."""
    for most_s, first in ((0.016, True), (0.0149, False)):
        more = {"max_s": most_s, "prepare_s": 0.005}
        cells = [one for o in ("sgd", "adam") for one in within(cell(o, 0.1, (100,) * SEEDS, **more))]
        (task,) = summarise(cells).tasks
        found = trials((task,), "seconds")
        assert found is not None
        assert bool(np.isfinite(found.costs[0][0][1]).all()) == first


def test_scores_repeat_and_budgets_need_tries() -> None:
    summary = of({p: {"sgd": 20, "adam": 25} for p in "abc"})
    found = summary.trials[EPOCHS]
    assert scores(found) == scores(found)
    assert [one.tries for one in budgets(found)] == [1, 2]
