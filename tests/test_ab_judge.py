"""What the verdicts of two versions say, and how often they err where the truth is planted."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats

from harness.errors import UsageError
from harness.judge.gate.expectations import Expectations
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport, decided, judge_ab
from harness.judge.versions.ab_cell import MIN_LAUNCHES, LogRatios, PValues, Speed, speed, student
from harness.judge.versions.ab_cell import _log_ratios as seen_by
from harness.judge.versions.ab_speed import LOOKS, decide
from harness.judge.versions.calibration import Calibration, Rate, error_rates, read_calibration, write_calibration
from harness.records.ab import AbCell, Condition, Launch, Measured, Side
from harness.records.environment import Environment
from harness.report.render.ab_file import ab_file, ab_json, read_ab
from harness.report.render.terminal import print_document
from harness.report.words.ab import NOT_CALIBRATED, calibration, compared
from harness.report.words.ab import error_rates as rates_line
from harness.solvers.status import Status
from tests.ab_cells import Noise, cell, cells, launch_of

EFFECT = 0.03
UNLIKELY = 1e-6
"""A count that is less likely than this under the claimed rate refutes the claim, not the seed."""
SIDES = (Side(name="main", commit="a" * 40, versions={"numpy": "2.3.1"}), Side(name="HEAD"))
QUIET = Noise(launch=0.005, call=0.01, delayed=0.0)
HERE = Environment(cpu="one", cores=2, memory_bytes=1, system="Linux", python="3.11", blas=(), versions={})


def verdict_of(one: AbCell) -> Verdict:
    return judge_ab([one]).cells[0].verdict


def constant(ratio: float, launches: int = 6) -> AbCell:
    """Launches that differ in nothing: head is exactly `ratio` times base."""
    launch = launch_of(base_cpu_s=(1e-3,) * 3, head_cpu_s=(1e-3 * ratio,) * 3)
    return AbCell(case="constant", problem="four_points", solver="sklearn", launches=(launch,) * launches)


def known(base: Measured, head: Measured) -> AbReport:
    """One cell with these answers and times that do not differ."""
    return judge_ab([constant(1.0).model_copy(update={"base": base, "head": head})])


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (1.0, Verdict.UNCHANGED),
        (1.02, Verdict.UNCHANGED),
        (1 / 1.02, Verdict.UNCHANGED),
        (1.031, Verdict.REGRESSION),
        (1 / 1.031, Verdict.IMPROVEMENT),
        (2.0, Verdict.REGRESSION),
    ],
)
def test_what_is_certain_is_judged_by_its_size(ratio: float, verdict: Verdict) -> None:
    assert verdict_of(constant(ratio)) is verdict


def test_a_real_slowdown_below_the_effect_is_no_regression() -> None:
    one = cell(np.random.default_rng(1), 1.015, noise=Noise(0.001, 0.005, 0.0), launches=16)
    found = judge_ab([one]).cells[0]
    assert found.speed.low is not None
    assert found.speed.low > 1, "it is real"
    assert found.verdict is Verdict.UNCHANGED


def test_one_cell_is_judged_by_what_scipy_says_of_its_launches() -> None:
    """The log of the median ratio of each launch; their spread by scipy's median absolute deviation, and its t-test."""
    one = cell(np.random.default_rng(6), 1.02, launches=7)
    rounds = [np.log(np.divide(launch.head.cpu_s, launch.base.cpu_s)) for launch in one.launches]
    logs = np.array([np.median(logs) for logs in rounds])
    spreads = [stats.median_abs_deviation(logs, scale="normal") ** 2 * math.pi / 2 / len(logs) for logs in rounds]
    found = seen_by(one, "CPU")
    assert isinstance(found, LogRatios)
    assert found.within == pytest.approx(np.mean(spreads), rel=1e-12)
    low, high, said = student(logs, EFFECT)
    test, interval = stats.ttest_1samp(logs, 0.0), stats.ttest_1samp(logs, 0.0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert said.change == pytest.approx(test.pvalue, rel=1e-9)
    band = math.log1p(EFFECT)
    above, below = (
        stats.ttest_1samp(logs, -band, alternative="greater"),
        stats.ttest_1samp(logs, band, alternative="less"),
    )
    same = max(above.pvalue, below.pvalue)
    assert said.same == pytest.approx(same, rel=1e-9)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), ratio=st.floats(0.8, 1.25), launches=st.integers(MIN_LAUNCHES, 12))
def test_exchanging_the_versions_exchanges_the_verdict(seed: int, ratio: float, launches: int) -> None:
    one = cell(np.random.default_rng(seed), ratio, launches=launches)
    turned = [
        launch_of(
            base_cpu_s=launch.head.cpu_s,
            base_wall_s=launch.head.wall_s,
            head_cpu_s=launch.base.cpu_s,
            head_wall_s=launch.base.wall_s,
        )
        for launch in one.launches
    ]
    opposite = {Verdict.REGRESSION: Verdict.IMPROVEMENT, Verdict.IMPROVEMENT: Verdict.REGRESSION}
    there, back = verdict_of(one), verdict_of(one.model_copy(update={"launches": tuple(turned)}))
    assert back is opposite.get(there, there)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), unit=st.floats(1e-3, 1e3))
def test_the_unit_of_time_changes_no_ratio(seed: int, unit: float) -> None:
    one = cell(np.random.default_rng(seed), 1.04, launches=6)
    scaled = [
        launch_of(base_cpu_s=[unit * t for t in launch.base.cpu_s], head_cpu_s=[unit * t for t in launch.head.cpu_s])
        for launch in one.launches
    ]
    first = speed(one, "CPU", EFFECT)
    second = speed(one.model_copy(update={"launches": tuple(scaled)}), "CPU", EFFECT)
    assert first.ratio == pytest.approx(second.ratio, rel=1e-9)
    assert first.low == pytest.approx(second.low, rel=1e-9)


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng, total = np.random.default_rng(2), 300
    found = [speed(cell(rng, 1.05, launches=6), "CPU", EFFECT) for _ in range(total)]
    covered = sum(one.low <= 1.05 <= one.high for one in found if one.low is not None and one.high is not None)
    assert covered >= stats.binom.isf(1 - UNLIKELY, total, 0.95)
    assert covered <= stats.binom.ppf(1 - UNLIKELY, total, 0.985), "an interval that is far too wide sees nothing"


def ended(rng: np.random.Generator, ratios: list[float], noise: Noise, most: int) -> list[Verdict]:
    """As `harness ab` samples: one launch after the other for what is not decided, then the report."""
    full = cells(rng, ratios, noise, most)
    going, counts = {one.case for one in full}, {one.case: 0 for one in full}
    for number in range(1, most + 1):
        counts |= dict.fromkeys(going, number)
        seen = [one.model_copy(update={"launches": one.launches[: counts[one.case]]}) for one in full]
        if number in LOOKS:
            going -= decided(seen, effect=EFFECT)
    return [one.verdict for one in judge_ab(seen).cells]


@pytest.mark.slow
def test_sequential_sampling_keeps_false_alarms_below_one_in_a_hundred_cells() -> None:
    rng = np.random.default_rng(3)
    found = [verdict for _ in range(15) for verdict in ended(rng, [1.0] * 12, Noise(0.015, 0.03), 10)]
    alarms = found.count(Verdict.REGRESSION) + found.count(Verdict.IMPROVEMENT)
    assert alarms <= stats.binom.isf(UNLIKELY, len(found), 0.01)
    assert found.count(Verdict.UNCHANGED) > 0


@pytest.mark.slow
def test_five_percent_is_caught_in_the_noise_of_a_quiet_machine() -> None:
    """The bar is 95 % of cells; simulated with 1200 cells, this noise gives more than 99 %."""
    rng = np.random.default_rng(4)
    found = [verdict for _ in range(8) for verdict in ended(rng, [1.05] * 12, QUIET, 9)]
    assert found.count(Verdict.REGRESSION) >= stats.binom.isf(1 - UNLIKELY, len(found), 0.95)
    assert found.count(Verdict.UNCHANGED) == 0


def test_one_slow_cell_among_twelve_is_found_and_no_other_blamed() -> None:
    found = ended(np.random.default_rng(5), [1.1] + [1.0] * 11, QUIET, 9)
    assert found == [Verdict.REGRESSION] + [Verdict.UNCHANGED] * 11


def test_what_is_significant_alone_is_not_among_many() -> None:
    """Paid for the looks, 0.002 is 0.7 %: enough for one cell; of a hundred, chance gives one as small."""
    one = Speed("CPU", ratio=1.1, test=PValues(change=0.002, same=1.0))
    chance = [Speed("CPU", ratio=1.0, test=PValues(change=p, same=1.0)) for p in np.linspace(0.01, 1, 99)]
    assert decide([one], EFFECT)[0].verdict is Verdict.REGRESSION
    assert decide([replace(one, test=PValues(change=0.005, same=1.0))], EFFECT)[0].verdict is Verdict.UNDECIDED, (
        "unpaid"
    )
    assert decide([one, *chance], EFFECT)[0].verdict is Verdict.UNDECIDED


def test_only_launches_up_to_a_look_count_for_stopping() -> None:
    one = cell(np.random.default_rng(7), 1.1, noise=QUIET, launches=5)
    later = cell(np.random.default_rng(8), 0.5, noise=QUIET, launches=3)
    longer = one.model_copy(update={"launches": one.launches + later.launches})
    assert decided([one], effect=EFFECT) == {"case"}
    assert decided([longer], effect=EFFECT) == {"case"}
    assert verdict_of(longer) is not Verdict.REGRESSION, "the report takes every launch"
    assert not decided([one.model_copy(update={"launches": one.launches[:4]})], effect=EFFECT)


def test_cells_that_a_version_cannot_run_need_no_more_samples() -> None:
    lost = Measured(status="error", message="gone")
    assert decided([cell(np.random.default_rng(0), launches=0, head=lost)], effect=EFFECT) == {"case"}


@pytest.mark.parametrize(
    ("launches", "why"),
    [
        ((), "no launch has times"),
        ((launch_of(base_cpu_s=(1.0,), head_cpu_s=(1.0,)),) * (MIN_LAUNCHES - 1), "a verdict needs"),
        ((launch_of(base_cpu_s=(1.0,), head_cpu_s=(0.0,)),) * 8, "zero or not finite"),
        ((launch_of(base_cpu_s=(1.0,), head_cpu_s=(math.nan,)),) * 8, "zero or not finite"),
        ((launch_of(base_cpu_s=(math.inf,), head_cpu_s=(1.0,)),) * 8, "zero or not finite"),
        ((launch_of(base_cpu_s=(2.2e-311,), head_cpu_s=(1.0,)),) * 8, "no clock can have measured"),
    ],
)
def test_without_times_nothing_is_decided(launches: tuple[Launch, ...], why: str) -> None:
    report = judge_ab([constant(1.0).model_copy(update={"launches": launches})])
    assert report.cells[0].verdict is Verdict.UNDECIDED
    assert why in report.cells[0].why
    assert report.exit_code == 3


def test_times_of_the_base_alone_are_a_regression() -> None:
    launches = (launch_of(base_cpu_s=(1.0,), base_wall_s=(1.0,)),) * 5
    report = judge_ab([constant(1.0).model_copy(update={"launches": launches})])
    assert report.exit_code == 1
    assert "no times" in report.cells[0].why


def test_the_device_says_which_clock_is_judged() -> None:
    launch = launch_of(base_cpu_s=(1.0,), head_cpu_s=(1.0,), base_wall_s=(1.0,), head_wall_s=(1.2,))
    one = constant(1.0).model_copy(update={"launches": (launch,) * 6})
    assert verdict_of(one) is Verdict.UNCHANGED
    assert verdict_of(one.model_copy(update={"device": "cuda"})) is Verdict.REGRESSION
    assert judge_ab([one]).cells[0].other.ratio == pytest.approx(1.2)


R, B, U, X = Verdict.REGRESSION, Verdict.IMPROVEMENT, Verdict.UNCHANGED, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("quantity", "then", "now", "verdict"),
    [
        ("digits", 12.0, 11.6, U),
        ("digits", 12.0, 11.5, R),
        ("digits", 12.0, 12.5, B),
        ("digits", 12.0, math.nan, R),
        ("digits", 12.0, None, R),
        ("digits", None, 12.0, B),
        ("digits", math.nan, math.nan, X),
        ("excess_loss", 1e-6, 9e-6, U),
        ("excess_loss", 1e-6, 2e-5, R),
        ("excess_loss", 1e-5, 1e-7, B),
        ("excess_loss", 1e-20, 1e-11, U),
        ("excess_loss", 1e-3, math.inf, R),
        ("excess_loss", 1e-3, math.nan, R),
    ],
)
def test_accuracy_is_judged_against_the_base(
    quantity: str, then: float | None, now: float | None, verdict: Verdict
) -> None:
    report = known(Measured(**{quantity: then}), Measured(**{quantity: now}))
    assert report.cells[0].verdict is verdict
    assert report.exit_code == (1 if verdict is R else 0)


@pytest.mark.parametrize(
    ("then", "now", "verdict", "code"),
    [
        ("ok", "wrong", R, 1),
        ("ok", "error", R, 1),
        ("ok", "unsupported", R, 1),
        ("wrong", "crashed", R, 1),
        ("wrong", "wrong", U, 0),
        ("wrong", "ok", B, 0),
        ("ok", "not_converged", U, 0),
        ("error", "ok", X, 0),
        ("error", "timeout", X, 3),
    ],
)
def test_a_status_that_is_worse_is_a_regression(then: str, now: str, verdict: Verdict, code: int) -> None:
    report = known(Measured(status=then), Measured(status=now, message="why"))
    assert report.cells[0].verdict is verdict
    assert report.exit_code == code


def test_nothing_at_all_could_not_be_decided() -> None:
    assert judge_ab([]).exit_code == 3
    assert decided([], effect=EFFECT) == set()


def expected(**entry: object) -> Expectations:
    margins = {"digits": 1.0, "excess_loss": 10.0, "r2": 0.1, "mse": 0.1}
    about = {"problem": "auto_mpg", "solver": "sklearn", "source": "measured", **entry}
    return Expectations.model_validate(
        {"schema_version": 1, "default_problems": ["auto_mpg"], "margins": margins, "expect": [about]}
    )


def with_key(digits: float | None, **changes: object) -> AbCell:
    """A cell with the key of a record; both versions have the same digits."""
    both = Measured(digits=digits)
    made = {"case": "auto_mpg sklearn cpu threads=1 dtype=float64", "problem": "auto_mpg", "base": both, "head": both}
    return constant(1.0).model_copy(update={**made, **changes})


@pytest.mark.parametrize(
    ("entry", "digits", "code"),
    [
        ({"digits_min": 13.0}, 12.0, 1),
        ({"digits_min": 11.0}, 12.0, 0),
        ({"digits_min": 13.0, "options": {"dtype": "float64"}}, 12.0, 1),
        ({"digits_min": 13.0, "options": {"dtype": "float32"}}, 12.0, 0),
        ({"digits_min": 13.0, "device": "cuda"}, 12.0, 0),
        ({"digits_min": 13.0, "versions": {"scikit-learn": ">=1.9"}}, 12.0, 0),
        ({"digits_min": 13.0}, None, 0),
        ({"digits_min": 1.0, "status": "wrong", "expected_failure": "known"}, 12.0, 0),
    ],
)
def test_the_expectations_floors_hold_for_the_head(entry: dict[str, object], digits: float | None, code: int) -> None:
    report = judge_ab([with_key(digits)], expectations=expected(**entry))
    assert report.exit_code == code


def test_expectations_of_a_version_hold_where_the_head_has_it() -> None:
    entry = expected(digits_min=13.0, versions={"scikit-learn": ">=1.9"})
    for version, code in (("1.9.1", 1), ("1.8.0", 0)):
        assert judge_ab([with_key(12.0)], expectations=entry, versions={"scikit-learn": version}).exit_code == code


def test_a_size_in_the_problem_s_label_narrows_an_expectation() -> None:
    drawn = with_key(12.0, problem="synthetic:n=1000,seed=0", case="synthetic:n=1000,seed=0 sklearn cpu threads=1")
    for n, code in ((1000, 1), (2000, 0)):
        wanted = expected(problem="synthetic", parameters={"n": n}, digits_min=13.0)
        assert judge_ab([drawn], expectations=wanted).exit_code == code


def test_rates_have_exact_intervals() -> None:
    """Of 0 in n Clopper and Pearson's upper end is 1 - (alpha / 2)^(1 / n); of none nothing is known."""
    low, high = Rate(count=0, total=240).interval
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 240))
    assert Rate(count=0, total=0).interval == (0.0, 1.0)


def test_calibration_counts_what_was_planted(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    planted = (Condition(1.0), Condition(1.10), Condition(1.0, busy=True))
    arms = {one: [cells(rng, [one.planted] * 3, QUIET, 6) for _ in range(2)] for one in planted}
    quiet, slow, loud = error_rates(arms, effect=EFFECT)
    assert (quiet.factor, quiet.cells, quiet.unchanged, quiet.false_alarms.count) == (1.0, 6, 6, 0)
    assert (slow.factor, slow.repeats, slow.caught.count, slow.false_alarms.count) == (1.10, 2, 6, 0)
    made = Calibration(environment=HERE, measured_at="2026-11-21", budget_s=60, effect=EFFECT, arms=(quiet, slow, loud))
    assert (made.arm(1.0), made.arm(1.0, busy=True), made.arm(1.03)) == (quiet, loud, None)
    path = tmp_path / "new" / "rates.json"
    write_calibration(made, path)
    assert read_calibration(path) == made


def test_false_alarms_of_the_quiet_arm_are_both_ways_of_a_slow_arm_one() -> None:
    alternating = [constant(ratio).model_copy(update={"case": f"{ratio}"}) for ratio in (1.1, 0.9, 1.0)]
    quiet, slow = error_rates({Condition(1.0): [alternating], Condition(1.05): [alternating]}, effect=EFFECT)
    assert (quiet.false_alarms.count, slow.false_alarms.count) == (2, 1)
    assert (quiet.repeats_with_a_false_alarm, slow.caught.count) == (1, 1)


def test_what_is_no_calibration_is_said_in_one_line(tmp_path: Path) -> None:
    assert read_calibration(tmp_path / "absent.json") is None
    path = tmp_path / "strange.json"
    path.write_text('{"arms": 1}')
    with pytest.raises(UsageError, match="is no calibration") as raised:
        read_calibration(path)
    assert "\n" not in str(raised.value)
    with pytest.raises(UsageError, match="cannot be written"):
        write_calibration(
            Calibration(environment=HERE, measured_at="2026-11-21", budget_s=1, effect=EFFECT, arms=()),
            path / "below.json",
        )


def printed(report: AbReport) -> str:
    console = Console(width=140, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    print_document(console, compared(report))
    return console.export_text()


def test_the_table_says_what_how_sure_and_how_often_it_errs() -> None:
    rng = np.random.default_rng(10)
    gone = cell(rng, case="gone", launches=0, head=Measured(status="error", message="[red] no"))
    report = judge_ab([cell(rng, 1.0, case="same", noise=QUIET), cell(rng, 1.2, case="slow", noise=QUIET), gone])
    text = printed(report)
    assert text.index("slow") < text.index("same"), "the worst first"
    assert "regression gone: status: [red] no" in text
    assert NOT_CALIBRATED in text
    arms = error_rates(
        {Condition(1.0): [cells(rng, [1.0] * 2, QUIET)], Condition(1.05): [cells(rng, [1.05] * 2, QUIET)]},
        effect=EFFECT,
    )
    made = Calibration(environment=HERE, measured_at="2026-11-21T00", budget_s=60, effect=EFFECT, arms=arms)
    assert "false alarms 0.0 % [0.0, 84.2] of 2 cells, +5% caught 100.0 % [15.8, 100.0]" in rates_line(made)
    console = Console(width=120, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    print_document(console, calibration(made))
    assert "repeats with a false alarm: 0 of 1" in console.export_text()


def test_json_has_everything_and_no_number_that_json_lacks() -> None:
    launch = launch_of(base_cpu_s=(1.0, math.nan), head_cpu_s=(1.0, math.inf))
    one = constant(1.0).model_copy(update={"launches": (launch,) * 5, "head": Measured(digits=math.nan)})
    page = json.loads(ab_json(judge_ab([one]), *SIDES), parse_constant=pytest.fail)
    found = page["cells"][0]
    assert found["launches"][0]["head_cpu_s"] == [1.0, None]
    assert found["speed"]["why_not"]
    assert page["exit_code"] == 3


FINITE = st.floats(1e-9, 1e3)
ANY = st.one_of(st.floats(), FINITE)
OUTCOMES = st.builds(
    Measured, status=st.sampled_from(Status), message=st.text(max_size=8), digits=st.none() | ANY, excess_loss=ANY
)


@st.composite
def any_cells(draw: st.DrawFn) -> AbCell:
    times = st.lists(draw(st.sampled_from([FINITE, ANY])), min_size=2, max_size=2).map(tuple)
    launch = st.builds(launch_of, base_wall_s=times, base_cpu_s=times, head_wall_s=times, head_cpu_s=times)
    name = st.text(st.characters(codec="utf-8"), max_size=8)
    return AbCell(
        case=draw(name),
        problem=draw(name),
        solver=draw(name),
        device=draw(st.sampled_from(["cpu", "cuda:0"])),
        base=draw(OUTCOMES),
        head=draw(OUTCOMES),
        launches=tuple(draw(st.lists(launch, max_size=6))),
    )


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(compared=st.lists(any_cells(), max_size=3), calibrated=st.booleans())
def test_what_is_printed_as_json_is_read_back_as_it_was(
    compared: list[AbCell], calibrated: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = Calibration(environment=HERE, measured_at="2026-11-21", budget_s=60, effect=EFFECT, arms=())
    report = judge_ab(compared, calibration=made if calibrated else None)
    path = tmp_path_factory.mktemp("ab") / "ab.json"
    path.write_text(ab_json(report, *SIDES), encoding="utf-8")
    assert read_ab(path) == ab_file(report, *SIDES)
