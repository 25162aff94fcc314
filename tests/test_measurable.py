"""No ratio and no logarithm is made of a time that no clock can have measured; a time of one tick is one."""

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ab.calibrate import write_ratios
from harness.ab.progress import FIRST_ROUNDS, rounds
from harness.judge.history.series import QUANTITIES
from harness.judge.history.values import value_of
from harness.judge.machine.process_doubts import timed_cells, timed_records
from harness.judge.medians import LONGEST_S, TICK_S, measurable
from harness.judge.speed.comparison import compare
from harness.judge.speed.devices import compare_devices
from harness.judge.speed.ranking import timed
from harness.judge.training.convergence import summarise
from harness.judge.verdict import Verdict
from harness.judge.versions.ab_cell import speed
from harness.judge.versions.two_runs import compare_runs
from harness.records.ab import AbCell, Comparison, Condition, Side
from harness.records.record import Record
from harness.timing.sampling import Samples
from tests.ab_cells import launch_of
from tests.page_records import record
from tests.planted_machine import timed as timed_record
from tests.sweep_data import cell

IMPOSSIBLE = (0.0, -1.0, 2.2e-311, 5e-324, 0.99e-9, 1e10, 1.7e308, math.inf, math.nan)
"""Seconds that no clock says: none, less than a tick, more than its 64 bits hold, no number."""


def taking(seconds: float, solver: str = "numpy_lstsq", device: str = "cpu", calls: int = 12) -> Record:
    """A case one of whose calls took that long by both clocks, and the others two ticks."""
    samples = (seconds, *(2 * TICK_S,) * (calls - 1))
    return record("p", solver, device=device, samples=Samples(samples, samples))


@given(st.floats(TICK_S, LONGEST_S), st.floats(TICK_S, LONGEST_S))
def test_ratios_of_measurable_times_are_finite_and_so_are_their_logarithms(a: float, b: float) -> None:
    assert measurable((a, b))
    assert math.isfinite(a / b)
    assert math.exp(math.log(a / b)) == pytest.approx(a / b)
    assert 1e-19 < a / b < 1e19


def test_a_nanosecond_and_292_years_are_the_ends() -> None:
    assert measurable([TICK_S, LONGEST_S])
    assert pytest.approx(292.3, abs=0.1) == LONGEST_S / (365.2425 * 86_400)
    assert not measurable(np.nextafter(TICK_S, 0))
    assert not measurable(np.nextafter(LONGEST_S, math.inf))
    assert not measurable(np.array([[1.0, 1.0], [1.0, math.nan]]))


def ab_ratio(seconds: float) -> object:
    launch = launch_of(base_cpu_s=(seconds,) * 3, head_cpu_s=(2 * TICK_S,) * 3)
    return speed(AbCell(case="c", problem="p", solver="s", launches=(launch,) * 6), "CPU", 0.03).ratio


def ab_rounds(seconds: float) -> object:
    many = 30
    base = (seconds, *(TICK_S,) * (many - 1))
    found = rounds([launch_of(base_cpu_s=base, head_cpu_s=(TICK_S, *(9 * TICK_S,) * (many - 1)))], "cpu")
    return None if found == FIRST_ROUNDS else found


def two_runs(seconds: float) -> object:
    return compare_runs([taking(seconds)], [taking(TICK_S)]).times or None


def device_ratio(seconds: float) -> object:
    pair = compare_devices([taking(seconds), taking(TICK_S, device="cuda:0")])[0].pairs[0]
    assert (pair.ratio is None) == ("a clock can have measured" in pair.reason)
    return pair.ratio


def solver_ratio(seconds: float) -> object:
    return compare([taking(TICK_S), taking(seconds, "sklearn")], "solver")[1].time_ratio


def ranked(seconds: float) -> object:
    return timed([taking(seconds)]) or None


def in_history(seconds: float) -> object:
    return value_of(taking(seconds), QUANTITIES["time"])[0]


def wall_over_cpu(seconds: float) -> object:
    return timed_records([timed_record(1.0, seconds)]) or None


def wall_over_cpu_of_epochs(seconds: float) -> object:
    return timed_cells([cell("sgd", 0.1, (36, 38, 41), loop_epoch=Samples(wall_s=(1.0,), cpu_s=(seconds,)))]) or None


def contest_by_seconds(seconds: float) -> object:
    trained = [
        cell("sgd", 0.1, (36, 38, 41), loop_epoch=Samples(wall_s=(TICK_S, seconds, TICK_S))),
        cell("adam", 0.1, (90, 95, 99), loop_epoch=Samples(wall_s=(TICK_S, TICK_S, TICK_S))),
    ]
    task = summarise(trained).tasks[0]
    assert task.by_epochs is not None
    return task.by_seconds


def calibrated(seconds: float) -> object:
    launch = launch_of(base_cpu_s=(TICK_S, seconds, TICK_S), head_cpu_s=(2 * TICK_S,) * 3)
    side = Side(name="main")
    one = AbCell(case="c", problem="p", solver="s", launches=(launch,))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ratios.csv"
        write_ratios(
            {Condition(1.0): [Comparison(base=side, head=side, cells=(one,), budget_s=1.0, spent_s=1.0)]}, path
        )
        ratio = float(path.read_text().splitlines()[1].split(",")[-1])
    return None if math.isnan(ratio) else ratio


@pytest.mark.parametrize("seconds", IMPOSSIBLE)
@pytest.mark.parametrize(
    "of",
    [
        ab_ratio,
        ab_rounds,
        two_runs,
        device_ratio,
        solver_ratio,
        ranked,
        in_history,
        wall_over_cpu,
        wall_over_cpu_of_epochs,
        contest_by_seconds,
        calibrated,
    ],
)
def test_what_no_clock_can_measure_is_compared_with_nothing(of: Callable[[float], object], seconds: float) -> None:
    assert of(seconds) is None
    assert of(TICK_S) is not None, "what a clock can measure is"
    assert of(1.0) is not None


def test_a_ratio_of_losses_that_overflows_is_none() -> None:
    """Losses have no clock: a ratio is told unless it is no number."""
    base = record("p", "numpy_lstsq")
    for loss, expected in ((1e-320, None), (0.0, None), (1e-10, 1e7)):
        accuracy = base.accuracy.__class__(excess_loss=loss)
        other = record("p", "sklearn").model_copy(update={"accuracy": base.accuracy.__class__(excess_loss=1e-3)})
        rows = compare([base.model_copy(update={"accuracy": accuracy}), other], "solver")
        assert rows[1].excess_ratio == (None if expected is None else pytest.approx(expected))


def test_cpu_times_that_are_none_leave_two_runs_undecided() -> None:
    """A coarse CPU clock says 0 of short calls: then the wall clock alone has an interval, and both must agree."""
    slow, fast = ((Samples((wall_s,) * 30, (0.0,) * 30)) for wall_s in (9e-6, 1e-6))
    names = [f"solver_{i}" for i in range(9)]
    now = [record("p", name, samples=slow if name == names[0] else fast) for name in names]
    found = compare_runs(now, [record("p", name, samples=fast) for name in names])
    assert found.times[0].ratio == pytest.approx(9.0)
    assert {change.verdict for change in found.times} == {Verdict.UNDECIDED}
