"""Change points: the step at the right place, nothing where there is none, and how detectors are compared."""

import importlib.util
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from harness.errors import UsageError
from harness.judge.history.change_points import PENALTIES, SHORTEST, change_points, penalty_of, segments, shift
from harness.paths import results_folder
from tests.conftest import RunCli
from tools.change_points import trial
from tools.change_points.__main__ import app
from tools.change_points.noise import FEWEST, Noise, read_noise, record_noise, residuals, write_noise
from tools.change_points.rivals import RIVALS, Rival
from tools.change_points.table import trial_markdown

Floats = NDArray[np.float64]
EFFECT = math.log1p(0.03)
RECORDED = results_folder() / "change_points" / "noise_two_cores.json"


def noise(count: int, seed: int = 0, sd: float = 0.01) -> Floats:
    """(count,) logarithms of times: normal, every seventh launch half as long again."""
    values = np.random.default_rng(seed).normal(0.0, sd, count)
    values[3::7] += 0.4
    return values


def stepped(*levels: tuple[int, float], seed: int = 0) -> Floats:
    """Noise about levels, each held for so many commits."""
    level = np.concatenate([np.full(count, value) for count, value in levels])
    return np.asarray(noise(len(level), seed) + level)


def places(values: Floats, effect: float = EFFECT) -> list[int]:
    return [found.at for found in change_points(values, effect)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("change", [0.1, -0.1])
def test_a_step_is_found_at_its_commit_with_its_size(seed: int, change: float) -> None:
    (found,) = change_points(stepped((20, 0.0), (12, change), seed=seed), EFFECT)
    assert found.at == 20
    assert found.change == pytest.approx(change, abs=0.015)
    assert found.low < change < found.high


@pytest.mark.parametrize("seed", range(5))
def test_two_steps_are_two(seed: int) -> None:
    assert places(stepped((15, 0.0), (12, 0.15), (15, -0.1), seed=seed)) == [15, 27]


@pytest.mark.parametrize("seed", range(10))
def test_outliers_without_a_step_are_none(seed: int) -> None:
    assert places(noise(40, seed)) == []


@pytest.mark.parametrize("at", [0, 11, 23])
def test_a_single_outlier_is_no_step(at: int) -> None:
    values = np.zeros(24)
    values[at] = 5.0
    assert places(values) == []
    values += np.random.default_rng(0).normal(0, 0.01, 24)
    assert places(values) == []


def test_steps_below_the_effect_are_not_reported() -> None:
    values = np.concatenate([np.zeros(20), np.full(20, 0.05)]) + np.random.default_rng(0).normal(0, 1e-3, 40)
    assert places(values, 0.03) == [20]
    assert places(values, 0.06) == []


def test_a_small_step_beside_a_large_one_does_not_hide_it() -> None:
    values = np.concatenate([np.zeros(15), np.full(15, 0.02), np.full(15, 0.3)])
    values += np.random.default_rng(0).normal(0, 1e-3, 45)
    assert segments(values) == [15, 30]
    assert places(values, 0.03) == [30]


@pytest.mark.parametrize("count", range(4))
def test_too_few_commits_have_no_step(count: int) -> None:
    assert places(np.arange(float(count))) == []


def test_equal_times_with_a_step_are_cut_there() -> None:
    assert places(np.concatenate([np.zeros(20), np.full(4, 0.05)])) == [20]
    assert places(np.zeros(20)) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gap_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        change_points(np.array([0.0, 0.0, bad, 0.0, 0.0]), EFFECT)


finite = st.floats(-1.0, 1.0)


def cost(values: Floats, cuts: list[int], penalty: float) -> float:
    """The formula of change_points, segment by segment."""
    squares = pdist(values[:, None], metric="sqeuclidean")
    kernel = np.exp(-np.clip(squareform(squares / np.median(squares)), 1e-2, 1e2))
    ends = [0, *cuts, len(values)]
    parts = [kernel[a:b, a:b] for a, b in pairwise(ends)]
    return sum(float(np.trace(part) - part.sum() / len(part)) for part in parts) + penalty * len(cuts)


@pytest.mark.slow
@given(seed=st.integers(0, 10_000), count=st.integers(4, 40), penalty=st.floats(0.5, 5.0))
@settings(deadline=None, max_examples=40)
@example(seed=7629, count=5, penalty=0.5078125)  # a second segment is worth the penalty but for the clipped diagonal
def test_no_other_cut_of_one_or_two_costs_less(seed: int, count: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_t(3, count)
    cuts = segments(values, penalty)
    least = cost(values, cuts, penalty)
    ones = range(SHORTEST, count - SHORTEST + 1)
    others = [[], *([a] for a in ones), *([a, b] for a in ones for b in ones if b - a >= SHORTEST)]
    assert least <= min(cost(values, other, penalty) for other in others) + 1e-9
    assert all(b - a >= SHORTEST for a, b in zip([0, *cuts], [*cuts, count], strict=True))


@pytest.mark.skipif(importlib.util.find_spec("ruptures") is None, reason="ruptures is not installed")
@pytest.mark.parametrize("seed", range(20))
def test_it_costs_no_more_than_the_cut_of_ruptures(seed: int) -> None:
    from ruptures import KernelCPD

    values = stepped((25, 0.0), (15, 0.1), seed=seed)
    theirs = [int(cut) for cut in KernelCPD("rbf", min_size=SHORTEST).fit(values[:, None]).predict(pen=3.5)[:-1]]
    assert cost(values, segments(values, 3.5), 3.5) <= cost(values, theirs, 3.5) + 1e-9


@given(values=st.lists(finite, min_size=6, max_size=30, unique=True), by=st.floats(-10, 10), scale=st.floats(0.1, 100))
@settings(deadline=None, max_examples=40)
def test_places_do_not_depend_on_the_unit(values: list[float], by: float, scale: float) -> None:
    # Whole multiples: differences that rounding would move are not what this is about.
    series = np.round(np.array(values) * 1024)
    assert segments(series) == segments(series * 2.0 ** round(math.log2(scale)) + 0.0)
    assert segments(series) == segments(series + round(by))


@pytest.mark.slow
@given(
    before=st.lists(st.integers(-50, 50), min_size=1, max_size=9),
    after=st.lists(st.integers(-50, 50), min_size=1, max_size=9),
)
@settings(deadline=None, max_examples=40)
def test_the_interval_holds_the_estimate_and_turns_with_the_sides(before: list[int], after: list[int]) -> None:
    change, low, high = shift(np.array(before, float), np.array(after, float))
    assert low <= change <= high
    back, back_low, back_high = shift(np.array(after, float), np.array(before, float))
    assert back == pytest.approx(-change, abs=1e-12)
    assert back_low == pytest.approx(-high, abs=1e-12)
    assert back_high == pytest.approx(-low, abs=1e-12)


@pytest.mark.slow
def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        _, low, high = shift(rng.normal(0, 1, 10), rng.normal(0.5, 1, 6))
        held += low <= 0.5 <= high
    # 95 % and three standard deviations of a count of 300; exact tests of few values cover a little more.
    assert held >= 300 * 0.95 - 3 * math.sqrt(300 * 0.95 * 0.05)


def test_too_few_values_leave_the_interval_open() -> None:
    assert shift(np.zeros(1), np.ones(1)) == (1.0, -math.inf, math.inf)


# How detectors are compared.


def installed() -> list[Rival]:
    return [rival for rival in RIVALS if rival.version]


@pytest.mark.parametrize("rival", installed(), ids=lambda rival: rival.name)
def test_every_detector_sees_a_large_step_and_fewer_with_a_higher_threshold(rival: Rival) -> None:
    rng = np.random.default_rng(0)
    values = np.exp(np.concatenate([np.zeros(30), np.full(20, 0.5)]) + rng.normal(0, 0.01, 50))
    assert 30 in rival.find(values, rival.low)
    assert len(rival.find(values, rival.high)) <= len(rival.find(values, rival.low))


def test_false_alarms_are_counted_once_a_place() -> None:
    values = np.ones(trial.FIRST_LOOK + 20)
    assert trial.false_alarms(lambda seen, _: [5] if len(seen) > 12 else [], 1.0, values) == 1
    assert trial.false_alarms(lambda seen, _: [len(seen) - 1], 1.0, values) == 4  # 9, 15, 21 and 27: six apart
    assert trial.false_alarms(lambda *_: [], 1.0, values) == 0


def test_a_delay_is_from_the_step_to_the_first_look_that_sees_it() -> None:
    values = np.ones(trial.BEFORE + 20)
    assert trial.delay(lambda seen, _: [trial.BEFORE] * (len(seen) >= trial.BEFORE + 4), 1.0, values) == 4
    assert trial.delay(lambda seen, _: [2], 1.0, values) == math.inf
    assert trial.delay(lambda *_: [trial.BEFORE + 2], 1.0, values) is None


def test_a_threshold_is_tuned_to_the_rate() -> None:
    """A detector that reports the newest commit where it is above the threshold, on uniform values in (0, 1)."""
    rng = np.random.default_rng(0)
    series = [rng.uniform(0, 1, 209) for _ in range(20)]
    rival = Rival("newest", "", lambda seen, t: [len(seen) - 1] if seen[-1] > t else [], 0.9, 1.1)
    tuned = trial.tune(rival, series)
    assert tuned == pytest.approx(0.99, abs=0.01)
    count = sum(trial.false_alarms(rival.find, tuned, values) for values in series)
    assert count <= trial.FALSE_ALARMS * 20 * 200 / 100


def test_drawn_series_hold_recorded_residuals_in_their_order() -> None:
    pool = np.log(np.arange(1.0, 31.0))
    drawn = trial.draw_series(pool, 60, 1, np.random.default_rng(0))
    steps = np.rint(np.diff(drawn).reshape(-1)) % 30
    inside = [step for place, step in enumerate(steps, start=1) if place % trial.BLOCK]
    assert set(inside) == {1}
    assert len(trial.draw_series(pool, 10, 3, np.random.default_rng(0))) == 10


def test_residuals_keep_outliers_and_lose_drift() -> None:
    medians = np.exp(np.linspace(0, 3, 200))
    medians[50] *= 2
    left = residuals(medians)
    assert left[50] == pytest.approx(math.log(2), abs=0.02)
    assert np.abs(np.delete(left, 50)[20:-20]).max() < 0.02


def test_the_recorded_noise_is_whole() -> None:
    recorded = read_noise(RECORDED)
    assert len(recorded.cells) == 4
    for cell in recorded.cells:
        assert len(cell.launches) >= 120
        assert all(len(one.wall_ns) == len(one.cpu_ns) >= 7 for one in cell.launches)
        assert (cell.medians() > 0).all()
        assert (cell.medians("cpu") > 0).all()


def test_noise_that_was_written_is_read(tmp_path: Path) -> None:
    recorded = read_noise(RECORDED)
    path = tmp_path / "made" / "noise.json"
    write_noise(path, recorded)
    assert read_noise(path) == recorded


@pytest.mark.parametrize("text", ["", "{}", '{"cells": []}', "[1]", "\x00"])
def test_a_file_that_is_no_noise_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "noise.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="no recorded noise") as error:
        read_noise(path)
    assert "\n" not in str(error.value)


def test_noise_of_too_few_launches_is_refused(tmp_path: Path) -> None:
    recorded = read_noise(RECORDED)
    cell = recorded.cells[0]
    few = cell.model_copy(update={"launches": cell.launches[: FEWEST - 1]})
    path = tmp_path / "noise.json"
    write_noise(path, Noise(recorded_at="now", environment=recorded.environment, cells=(few,)))
    with pytest.raises(UsageError, match=f"fewer than {FEWEST}"):
        read_noise(path)
    with pytest.raises(UsageError, match=f"at least {FEWEST}"):
        record_noise(FEWEST - 1, lambda _: None)


@pytest.mark.slow
def test_a_comparison_of_detectors_is_the_same_again_and_printed() -> None:
    recorded = read_noise(RECORDED)
    small = trial.Effort(null_series=1, step_series=1, commits=30)
    cells = recorded.model_copy(update={"cells": recorded.cells[:1]})
    first, again = (trial.compare(cells, 1, small, lambda _: None) for _ in range(2))
    assert {result.name for result in first.results} == {rival.name for rival in installed()}
    assert [(r.name, r.threshold, r.found) for r in first.results] == [
        (r.name, r.threshold, r.found) for r in again.results
    ]
    text = trial_markdown(trial.trial_json(first), trial.WITHIN)
    assert text.count("\n| ") == len(first.results) + 1
    assert all(rival.package in text for rival in RIVALS if not rival.version)


def test_the_published_comparison_is_what_the_code_says() -> None:
    """Every detector was there; the penalties are its thresholds; nobody is clearly ahead of the kernel.

    A hundredth of 200 series a size is two of them: shares so near are level (their standard error is 1 to 3.5 %).
    """
    published = json.loads((results_folder() / "change_points" / "comparison_two_cores.json").read_text())
    assert [one["launches"] for one in published["trials"]] == [launches for launches, _ in PENALTIES]
    for one in published["trials"]:
        found = {result["name"]: result for result in one["results"]}
        assert set(found) == {rival.name for rival in RIVALS}
        assert found["kernel"]["threshold"] == pytest.approx(penalty_of(one["launches"]), abs=0.1)
        ten = trial.WITHIN.index(10)
        shares = {name: np.mean([size["within"][ten] for size in result["found"]]) for name, result in found.items()}
        assert shares["kernel"] >= max(shares.values()) - 0.015


@pytest.mark.parametrize(("launches", "penalty"), [(1, 3.5), (4, 3.5), (5, 2.6), (14.5, 2.6), (15, 2.4), (99, 2.4)])
def test_the_penalty_is_of_no_more_launches_than_there_are(launches: float, penalty: float) -> None:
    assert penalty_of(launches) == penalty


def test_the_options_of_the_comparison_are_checked(run_cli: RunCli) -> None:
    for words, message in (
        (("none.json",), "say what to do with it"),
        (("none.json", "--compare"), "none.json: cannot be read"),
        (("none.json", "--record", "2"), "--record takes at least"),
    ):
        ended = run_cli(*words, command=app)
        assert ended.code == 2
        assert message in ended.stderr
