import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from harness.errors import UsageError
from harness.timing.clock import Clock, SystemClock, since_start_s
from harness.timing.device import check_device, devices, synchronizer
from harness.timing.memory import peak_memory
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.threads import limited, pools_of

TICK = 2.0**-10
"""About a millisecond, and exact in every sum."""
LONG = 8 * TICK
"""Above the default `rewarm_below_s`."""


@dataclass
class FakeClock:
    """A clock that only moves when a fake work moves it; a quarter of the wall time is CPU time."""

    now: float = 0.0

    def wall_s(self) -> float:
        return self.now

    def cpu_s(self) -> float:
        return self.now / 4


@dataclass
class Fake:
    """A work that takes `seconds`, and raises at its call number `fails_at`; all its calls go to `log`."""

    clock: FakeClock
    name: str = "a"
    seconds: float = TICK
    log: list[str] | None = None
    fails_at: int | None = None
    error: type[BaseException] = ValueError
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.log is not None:
            self.log.append(self.name)
        if self.calls == self.fails_at:
            raise self.error("no luck")
        self.clock.now += self.seconds


def sampled(clock: Clock, effort: Effort, *calls: Callable[[], object]) -> list[Samples]:
    return sample_interleaved([Work(call) for call in calls], clock, effort)


def chunks(items: list[str], size: int) -> Iterator[list[str]]:
    return (items[i : i + size] for i in range(0, len(items), size))


# How much is sampled


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "effort", "count"),
    [
        (1.0, Effort(min_calls=7, max_calls=30, budget_s=0.125), 7),
        (2.0**-7, Effort(min_calls=7, max_calls=30, budget_s=0.125), 16),
        (2.0**-7, Effort(min_calls=17, max_calls=30, budget_s=0.125), 17),
        (2.0**-20, Effort(min_calls=7, max_calls=30, budget_s=0.125), 30),
        (0.0, Effort(min_calls=7, max_calls=30, budget_s=0.125), 30),
        (1.0, Effort(min_calls=7, max_calls=5, budget_s=0.125), 5),
        (1.0, Effort(min_calls=7, max_calls=30, budget_s=0.0, calls_per_turn=4), 7),
    ],
    ids=["least", "budget", "least above the budget", "most", "no time at all", "most below least", "within a turn"],
)
def test_so_many_calls_are_timed_as_the_effort_says(seconds: float, effort: Effort, count: int) -> None:
    clock = FakeClock()
    (samples,) = sampled(clock, effort, Fake(clock, seconds=seconds))
    assert samples.wall_s == (seconds,) * count
    assert samples.cpu_s == (seconds / 4,) * count
    assert samples.error == ""


EFFORTS = st.builds(
    Effort,
    warm_up_calls=st.integers(0, 3),
    calls_per_turn=st.integers(1, 5),
    rewarm_below_s=st.integers(0, 9).map(lambda ticks: ticks * TICK),
    min_calls=st.integers(1, 12),
    max_calls=st.integers(1, 12),
    budget_s=st.integers(0, 40).map(lambda ticks: ticks * TICK),
)


@given(effort=EFFORTS, ticks=st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_every_work_gets_as_many_calls_as_it_needs_and_none_more(effort: Effort, ticks: list[int]) -> None:
    clock = FakeClock()
    with patch("gc.collect"):  # a quarter of a second each time, once torch is loaded
        measured = sampled(clock, effort, *(Fake(clock, seconds=n * TICK) for n in ticks))
    for n, samples in zip(ticks, measured, strict=True):
        # The least k at which one of the two limits is met.
        calls = range(1, effort.max_calls + 1)
        wanted = next(
            k for k in calls if k == effort.max_calls or (k >= effort.min_calls and k * n * TICK >= effort.budget_s)
        )
        assert samples == Samples((n * TICK,) * wanted, (n * TICK / 4,) * wanted)


@pytest.mark.slow
def test_nothing_to_time_is_no_samples() -> None:
    assert sampled(FakeClock(), Effort()) == []


# In which order


@pytest.mark.slow
def test_turns_are_interleaved_and_every_work_gets_one_a_round() -> None:
    clock, log = FakeClock(), list[str]()
    names, rounds = ["a", "b", "c"], 6
    effort = Effort(warm_up_calls=2, calls_per_turn=3, min_calls=3 * rounds, max_calls=3 * rounds)
    sampled(clock, effort, *(Fake(clock, name, log=log) for name in names))
    assert log[:6] == ["a", "a", "b", "b", "c", "c"]
    turns = list(chunks(log[6:], 4))  # one untimed call and three timed ones
    assert all(len(set(turn)) == 1 for turn in turns)
    orders = list(chunks([turn[0] for turn in turns], len(names)))
    assert len(orders) == rounds
    assert all(sorted(order) == names for order in orders)
    assert len(set(map(tuple, orders))) > 1


@pytest.mark.slow
def test_the_order_of_turns_is_the_same_in_every_run() -> None:
    logs: list[list[str]] = [[], []]
    for log in logs:
        clock = FakeClock()
        sampled(clock, Effort(), *(Fake(clock, name, log=log) for name in "abcd"))
    assert logs[0] == logs[1]


@pytest.mark.slow
def test_a_work_that_has_enough_leaves_the_rounds_to_the_others() -> None:
    clock, log = FakeClock(), list[str]()
    effort = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=1, max_calls=4, budget_s=LONG, rewarm_below_s=0)
    sampled(clock, effort, Fake(clock, "quick", TICK, log), Fake(clock, "slow", LONG, log))
    assert sorted(log[:4]) == ["quick", "quick", "slow", "slow"]  # a first turn has an untimed call
    assert log[4:] == ["quick"] * 3


@pytest.mark.slow
def test_the_untimed_call_of_a_turn_takes_the_cold_caches_and_is_no_sample() -> None:
    clock, last = FakeClock(), [""]

    def work(name: str) -> Callable[[], None]:
        def call() -> None:
            clock.now += TICK if last[0] == name else 100.0
            last[0] = name

        return call

    for samples in sampled(clock, Effort(max_calls=9), work("a"), work("b")):
        assert samples.wall_s == (TICK,) * 9


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "untimed"), [(TICK, 4), (LONG, 1)])
def test_only_calls_that_are_quick_are_warmed_up_again(seconds: float, untimed: int) -> None:
    clock = FakeClock()
    work = Fake(clock, seconds=seconds)
    sampled(clock, Effort(warm_up_calls=2, calls_per_turn=3, min_calls=12, max_calls=12), work)
    assert work.calls == 2 + untimed + 12


# What goes wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fails_at", "kept"),
    [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (6, 2), (7, 3), (9, 4)],
    ids=["warm-up", "warm-up", "untimed", "first", "second", "third", "second turn, untimed", "second turn, second"],
)
def test_a_work_that_raises_keeps_its_samples_and_its_error_and_the_others_go_on(fails_at: int, kept: int) -> None:
    clock = FakeClock()
    failing, well = Fake(clock, fails_at=fails_at), Fake(clock)
    effort = Effort(warm_up_calls=2, calls_per_turn=3, max_calls=30, budget_s=1e9)
    failed, measured = sampled(clock, effort, failing, well)
    assert failed == Samples((TICK,) * kept, (TICK / 4,) * kept, "ValueError: no luck")
    assert measured == Samples((TICK,) * 30, (TICK / 4,) * 30)
    assert failing.calls == fails_at


@pytest.mark.slow
def test_an_error_with_a_nul_can_be_kept_by_every_database() -> None:
    def failing() -> None:
        raise ValueError("a\0b")

    (samples,) = sampled(FakeClock(), Effort(), failing)
    assert samples.error == "ValueError: a\\0b"


# What is inside a sample


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [TICK, LONG])
def test_the_device_is_waited_for_at_both_ends_of_a_sample(seconds: float) -> None:
    clock, queued = FakeClock(), [0.0]

    def launch() -> None:
        queued[0] += seconds  # returns at once: the device is busy until it is waited for

    def synchronize() -> None:
        clock.now += queued[0]
        queued[0] = 0.0

    effort = Effort(max_calls=12)
    (samples,) = sample_interleaved([Work(launch, synchronize)], clock, effort)
    assert samples.wall_s == (seconds,) * len(samples.wall_s)


@pytest.mark.slow
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_garbage_is_not_collected_while_sampling_and_the_collector_is_as_before_afterwards(
    enabled: bool, error: type[BaseException] | None
) -> None:
    clock, seen = FakeClock(), set[bool]()
    work = Fake(clock, fails_at=5 if error else None, error=error or ValueError)

    def call() -> None:
        seen.add(gc.isenabled())
        work()

    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        if error is KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                sampled(clock, Effort(), call)
        else:
            sampled(clock, Effort(), call)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == {False}


@pytest.mark.slow
def test_garbage_is_collected_before_sampling() -> None:
    collections: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        collections.append(phase)

    clock = FakeClock()
    gc.callbacks.append(note)
    try:
        sampled(clock, Effort(), lambda: collections.append("call"))
    finally:
        gc.callbacks.remove(note)
    assert collections[:3] == ["start", "stop", "call"]
    assert set(collections[2:]) == {"call"}


@pytest.mark.parametrize(
    ("wall_s", "median"), [((), None), ((3.0,), 3.0), ((5.0, 1.0, 2.0), 2.0), ((8.0, 1.0, 2.0, 3.0), 2.5)]
)
def test_the_medians_are_of_wall_and_cpu_seconds_each(wall_s: tuple[float, ...], median: float | None) -> None:
    samples = Samples(wall_s, tuple(value / 4 for value in wall_s))
    assert samples.median_wall_s == median
    assert samples.median_cpu_s == (None if median is None else median / 4)


@pytest.mark.parametrize("read", [SystemClock().wall_s, SystemClock().cpu_s])
def test_the_systems_clocks_do_not_go_backwards(read: Callable[[], float]) -> None:
    readings = [read() for _ in range(1000)]
    assert readings == sorted(readings)


# Threads


def thread_counts() -> list[int]:
    """Of torch, and of every BLAS and OpenMP library that is loaded."""
    return [torch.get_num_threads(), *(int(pool["num_threads"]) for pool in threadpool_info())]


def test_pools_are_sized_inside_and_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    monkeypatch.delenv("NPROC", raising=False)
    with pools_of(3):
        assert (os.environ["POLARS_MAX_THREADS"], os.environ["NPROC"]) == ("3", "3")
    assert os.environ["POLARS_MAX_THREADS"] == "7"
    assert "NPROC" not in os.environ


def test_threads_are_limited_inside_and_as_before_outside() -> None:
    with limited(2):
        outside = thread_counts()
        with limited(1):
            assert set(thread_counts()) == {1}
        assert thread_counts() == outside
        assert outside[0] == 2
        assert 2 in outside[1:]
    assert len(outside) > 1


def test_torch_is_told_itself_since_its_threads_need_not_be_openmps(monkeypatch: pytest.MonkeyPatch) -> None:
    before, told = torch.get_num_threads(), list[int]()
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    with limited(3):
        assert told == [3]
    assert told == [3, before]


def test_threads_are_as_before_after_an_error() -> None:
    before = thread_counts()
    with pytest.raises(ValueError, match="no luck"), limited(before[0] + 1):
        raise ValueError("no luck")
    assert thread_counts() == before


# Memory


CLEAR_REFS = Path("/proc/self/clear_refs")
SIZE = 64_000_000
needs_clear_refs = pytest.mark.skipif(
    not CLEAR_REFS.exists(), reason=f"{CLEAR_REFS} is absent: the kernel does not reset the peak of resident memory"
)


@pytest.mark.slow
@needs_clear_refs
def test_the_peak_is_what_was_allocated_inside_even_if_it_was_freed_there() -> None:
    held = np.ones(SIZE // 8)  # held before: not counted
    with peak_memory("cpu") as peak:
        inside = np.ones(SIZE // 8)
        del inside
    assert peak.host_bytes is not None
    assert 60_000_000 <= peak.host_bytes < 1.5 * SIZE
    assert peak.device_bytes is None
    assert held.nbytes == SIZE


@needs_clear_refs
def test_what_was_allocated_and_freed_before_is_not_in_the_peak() -> None:
    before = np.ones(SIZE // 8)
    del before
    with peak_memory("cpu") as peak:
        pass
    assert peak.host_bytes is not None
    assert 0 <= peak.host_bytes < SIZE // 4


def test_a_kernel_without_a_peak_that_can_be_reset_gives_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.timing.memory._CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    with peak_memory("cpu") as peak:
        pass
    assert (peak.host_bytes, peak.device_bytes) == (None, None)


# Devices


def without_cuda(monkeypatch: pytest.MonkeyPatch, built: str | None = None) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)


def test_devices_are_the_cpu_and_cuda_whether_it_is_there_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [device.name for device in devices()] == ["cpu", "cuda"]
    without_cuda(monkeypatch)
    assert [bool(device.unavailable) for device in devices()] == [False, True]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert [(device.description, device.unavailable) for device in devices()][1] == ("a GPU", "")


@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
@pytest.mark.parametrize(("built", "reason"), [(None, "CPU-only build"), ("12.8", "CUDA 12.8 but finds no device")])
def test_cuda_is_refused_with_the_reason_where_there_is_none(
    name: str, built: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_cuda(monkeypatch, built)
    with pytest.raises(UsageError) as refused:
        check_device(name)
    text = str(refused.value)
    assert f"device {name} is not available" in text
    assert reason in text
    assert len(text.splitlines()) == 1


def test_a_device_that_is_there_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cuda(monkeypatch)
    check_device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    check_device("cuda")


def test_each_device_is_waited_for_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    synchronizer("cpu")()
    assert waited == []
    synchronizer("cuda:1")()
    assert waited == ["cuda:1"]


def test_the_seconds_since_a_process_began_are_between_those_of_who_started_it() -> None:
    """To a tick of the kernel either way."""
    before = time.perf_counter()
    code = "from harness.timing.clock import since_start_s; print(since_start_s())"
    inside = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert 0 < inside <= time.perf_counter() - before + 1 / os.sysconf("SC_CLK_TCK")
    first = since_start_s()
    assert since_start_s() >= first > 0
