"""CPU beside CUDA: the crossover of planted times, what is recorded of a device, and (marked) a device itself."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import CannotMeasureError, UsageError
from harness.judge.medians import Floats
from harness.judge.speed.crossover import Crossover, Order, Point, crossover, fit_line
from harness.judge.speed.devices import Series, compare_devices
from harness.measure.plan import Case, Request, plan, single
from harness.measure.recording import transferred
from harness.measure.run import execute, measure, measure_alone, new_run
from harness.problems.catalog import load
from harness.problems.problem import Problem
from harness.records.record import Accuracy, Record
from harness.report.words.devices import cpu_threads, crossover_text
from harness.solvers.catalog import get
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from harness.store.store import Store
from harness.timing.clock import SystemClock
from harness.timing.device import Device
from harness.timing.memory import peak_memory
from harness.timing.precision import cublas_tf32, matmul_precision, tf32_in_force
from harness.timing.sampling import Effort, Samples, Work, sample_interleaved
from harness.timing.transfer import measure_transfer
from tests.conftest import RunCli
from tests.planted import exact_line

pytestmark = pytest.mark.usefixtures("one_thread")
ON_A_DEVICE = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
CPU = (20e-6, 20e-9)
CUDA_LAW = (200e-6, 1e-9)
"""Fixed seconds and seconds a row: an eager training step on either device, roughly."""
TRUE_N = (200e-6 - 20e-6) / (20e-9 - 1e-9)
NOISE = 0.08
"""The spread of medians that timing.sampling reports, here of single calls."""
DRAWS = 100

Law = Callable[[int], float]


def line(fixed_s: float, row_s: float) -> Law:
    return lambda n: fixed_s + row_s * n


def points(
    cpu: Law, cuda: Law, sizes: Sequence[int] = SIZES, *, seed: int = 0, noise: float = NOISE, calls: int = 10
) -> list[Point]:
    rng = np.random.default_rng(seed)

    def calls_of(median_s: float) -> Floats:
        return np.asarray(median_s * np.exp(noise * rng.standard_normal(calls)))

    return [Point(n, calls_of(cpu(n)), calls_of(cuda(n))) for n in sizes]


# The crossover


@pytest.fixture(scope="module")
def drawn() -> list[Crossover]:
    return [crossover(points(line(*CPU), line(*CUDA_LAW), seed=seed)) for seed in range(DRAWS)]


@pytest.mark.slow
def test_the_interval_holds_the_planted_crossover(drawn: list[Crossover]) -> None:
    """At least 90 of 100 seeds.

    With a coverage of 95 % as claimed, fewer than 90 hits have a probability of 1.1 % (binomial, n = 100); with one
    of 80 %, 90 or more have 0.6 %: the bound tells these two apart. The interval must not hold what is 1.2 times away.
    """
    assert {found.method for found in drawn} == {"fit"}
    ends = np.array([(found.low or 0.0, found.high or math.inf) for found in drawn])

    def held(n: float) -> int:
        return int(np.sum((ends[:, 0] <= n) & (n <= ends[:, 1])))

    assert held(TRUE_N) >= 0.9 * DRAWS
    assert held(TRUE_N * 1.2) <= 0.1 * DRAWS
    assert held(TRUE_N / 1.2) <= 0.1 * DRAWS


@pytest.mark.slow
def test_the_estimates_centre_on_the_planted_crossover(drawn: list[Crossover]) -> None:
    """The median of 100 estimates: its standard error is an eighth of a single interval's half width."""
    estimates = np.array([found.n for found in drawn], dtype=np.float64)
    half_width = np.median([((found.high or math.inf) - (found.low or 0.0)) / 2 for found in drawn])
    assert abs(np.median(estimates) - TRUE_N) < half_width / 2


def test_without_noise_the_lines_and_their_crossing_are_exact() -> None:
    found = crossover(points(line(*CPU), line(*CUDA_LAW), noise=0.0))
    assert found.cpu is not None
    assert found.cuda is not None
    # rounding, magnified by what the columns' near-parallel directions allow: far below any time's noise
    assert (found.cpu.fixed_s, found.cpu.row_s) == pytest.approx(CPU, rel=1e-9)
    assert (found.cuda.fixed_s, found.cuda.row_s) == pytest.approx(CUDA_LAW, rel=1e-9)
    assert (found.n, found.low, found.high) == pytest.approx((TRUE_N,) * 3, rel=1e-9)
    assert found.order is Order.FROM
    assert not found.extrapolated


def test_no_cost_is_negative() -> None:
    """Through (1, 1) and (2, 3) an unconstrained line starts at -1."""
    found = fit_line(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 5.0]))
    assert found.fixed_s == 0.0
    assert found.row_s > 0


@pytest.mark.parametrize(
    ("cpu", "cuda", "order", "said"),
    [
        (line(2e-3, 2e-8), line(1e-3, 1e-9), Order.ALWAYS, "CUDA is faster at every measured size (n = 1,000 to"),
        (line(1e-5, 1e-9), line(1e-3, 1e-8), Order.NEVER, "CUDA is never faster up to n = 100,000"),
    ],
    ids=["always", "never"],
)
def test_lines_that_do_not_cross_give_no_crossover(cpu: Law, cuda: Law, order: Order, said: str) -> None:
    found = crossover(points(cpu, cuda))
    assert (found.order, found.n, found.low, found.high) == (order, None, None, None)
    assert crossover_text(found).startswith(said)
    assert crossover_text(found).endswith("the fitted lines do not cross")


@pytest.mark.parametrize(
    ("sizes", "order"), [((100, 300, 1_000, 3_000), Order.NEVER), ((20_000, 50_000, 90_000), Order.ALWAYS)]
)
def test_a_crossover_outside_the_measured_sizes_says_so(sizes: tuple[int, ...], order: Order) -> None:
    found = crossover(points(line(*CPU), line(*CUDA_LAW), sizes, noise=0.01))
    assert (found.order, found.extrapolated, found.method) == (order, True, "fit")
    assert found.n is not None
    assert not sizes[0] <= found.n <= sizes[-1]
    assert "EXTRAPOLATED" in crossover_text(found)


def test_an_extrapolation_that_the_noise_leaves_open_has_no_upper_end() -> None:
    """Far below the crossover the slopes differ by less than their noise: some draws have the lines part."""
    found = crossover(points(line(1e-3, 1e-9), line(2e-3, 9e-10), (100, 200, 400, 800), seed=3))
    assert found.n is None or found.high is None
    assert found.order is Order.NEVER


def test_cuda_may_be_the_faster_one_below_the_crossover() -> None:
    found = crossover(points(line(*CUDA_LAW), line(*CPU)))
    assert found.order is Order.UP_TO
    assert not found.rising
    assert found.low is not None
    assert found.high is not None
    assert found.low <= TRUE_N <= found.high
    assert "CUDA is faster up to n* = " in crossover_text(found)


def test_times_that_are_no_line_are_interpolated_and_say_why() -> None:
    def knee(n: int) -> float:
        return 2e-4 if n < 5_000 else 2e-4 * (n / 5_000) ** 2

    found = crossover(points(knee, line(1e-3, 0.0), noise=0.01))
    assert (found.method, found.order, found.extrapolated) == ("interpolation", Order.FROM, False)
    assert found.cpu is not None
    assert found.cpu.worst > 0.3
    # between 10,000 (0.8 ms against 1 ms) and 30,000, where the law is a power: n = 5,000 sqrt(5)
    assert found.low is not None
    assert found.high is not None
    assert 10_000 < found.low <= 5_000 * math.sqrt(5) <= found.high < 30_000
    assert "by interpolation, poor fit" in crossover_text(found)


def test_a_poor_fit_without_a_change_of_sign_gives_no_number() -> None:
    found = crossover(points(lambda n: 1e-12 * n**2, line(1.0, 0.0)))
    assert (found.n, found.order) == (None, Order.NEVER)
    assert "poor fit" in found.reason


def test_an_order_that_changes_twice_is_not_interpolated() -> None:
    """The CPU's times jump: 1, 3, 1, 3 ms against 2 ms."""
    jumps = {1_000: 1e-3, 3_000: 3e-3, 10_000: 1e-3, 30_000: 3e-3}
    found = crossover(points(lambda n: jumps[n], line(2e-3, 0.0), tuple(jumps), noise=0.01))
    assert (found.n, found.order) == (None, Order.MIXED)
    assert "changes more than once" in crossover_text(found)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_sizes_are_not_fitted(count: int) -> None:
    found = crossover(points(line(*CPU), line(*CUDA_LAW), (1_000, 100_000)[-count:]))
    assert (found.n, found.cpu, found.cuda) == (None, None, None)
    assert found.order is (Order.ALWAYS if count == 1 else Order.FROM)
    assert f"no fit: it needs 3 sizes, {count} measured" in crossover_text(found)
    assert ("n = 1,000 to 100,000" if count > 1 else "(n = 100,000)") in crossover_text(found)


def test_single_calls_give_a_crossover_without_an_interval() -> None:
    found = crossover(points(line(*CPU), line(*CUDA_LAW), calls=1, noise=0.0))
    assert found.n == pytest.approx(TRUE_N)
    assert (found.low, found.high) == (None, None)
    assert "(no interval)" in crossover_text(found)


# Pairs of records


@pytest.fixture(scope="module")
def closed() -> Record:
    return measure(single(load("synthetic:n=50,p=3"), get("torch_gels"), Options())).record


@pytest.fixture(scope="module")
def trained() -> Record:
    options = Options(epochs=3, lr=0.1)
    return measure(single(load("synthetic:n=50,p=3"), get("torch_sgd"), options)).record


COPY_S = (3e-4, 1e-5)


def on(record: Record, device: str, n: int, calls: Iterable[float], **fields: object) -> Record:
    """The record as it would be at another n and on another device."""
    said: dict[str, object] = {
        "device": device,
        "n": n,
        "problem": record.problem.replace("n=50", f"n={n}"),
        "case": f"{record.case} {device} {n}",
        "samples": Samples(wall_s := tuple(map(float, calls)), wall_s),
    }
    if device != "cpu":
        said |= {"tf32": False, "transfer_in_s": COPY_S[0], "transfer_out_s": COPY_S[1]}
    return record.model_copy(update=said | fields)


def both(record: Record, sizes: Sequence[int] = SIZES, *, noise: float = 0.01, **fields: object) -> list[Record]:
    found = []
    for point in points(line(*CPU), line(*CUDA_LAW), sizes, noise=noise):
        found += [on(record, "cpu", point.n, point.cpu_s), on(record, "cuda", point.n, point.cuda_s, **fields)]
    return found


def only(series: list[Series]) -> Series:
    assert len(series) == 1
    return series[0]


def test_a_series_is_one_solver_over_n_with_ratios_to_the_cpu(closed: Record) -> None:
    found = only(compare_devices(both(closed)))
    assert found.name == "synthetic:p=3,noise=1,seed=0 torch_gels dtype=float64"
    assert [pair.n for pair in found.pairs] == list(SIZES)
    for pair in found.pairs:
        assert pair.ratio is not None
        assert pair.cpu is not None
        assert pair.cuda is not None
        assert pair.ratio.value == np.median(pair.cuda.samples.wall_s) / np.median(pair.cpu.samples.wall_s)
        assert pair.ratio.interval is not None
        assert pair.ratio.interval[0] <= pair.ratio.value <= pair.ratio.interval[1]
        assert pair.ratio_with_transfer is not None
        with_copies = np.median(pair.cuda.samples.wall_s) + sum(COPY_S)
        assert pair.ratio_with_transfer.value == pytest.approx(with_copies / np.median(pair.cpu.samples.wall_s))
    assert found.crossover is not None
    assert found.crossover_with_transfer is not None
    assert found.crossover.n == pytest.approx(TRUE_N, rel=0.05)  # noise of 1 %, five sizes
    later = (CUDA_LAW[0] + sum(COPY_S) - CPU[0]) / (CPU[1] - CUDA_LAW[1])
    assert found.crossover_with_transfer.n == pytest.approx(later, rel=0.05)


def test_of_a_training_the_whole_fit_is_compared(trained: Record) -> None:
    """Three epochs of three times the cost, and one transfer: it weighs a third of what it weighs on one epoch."""
    found = only(compare_devices(both(trained, noise=0.0)))
    assert found.crossover is not None
    assert found.crossover_with_transfer is not None
    assert found.crossover.n == pytest.approx(TRUE_N)
    later = (3 * CUDA_LAW[0] + sum(COPY_S) - 3 * CPU[0]) / (3 * (CPU[1] - CUDA_LAW[1]))
    assert found.crossover_with_transfer.n == pytest.approx(later)


@pytest.mark.slow
def test_what_differs_in_more_than_n_and_device_is_no_series(closed: Record, trained: Record) -> None:
    others = [
        closed,
        closed.model_copy(update={"options": {"dtype": "float32"}}),
        closed.model_copy(update={"p": 7, "problem": closed.problem.replace("p=3", "p=7")}),
        closed.model_copy(update={"problem": closed.problem.replace("noise=1", "noise=2")}),
        closed.model_copy(update={"threads": 4}),
        trained,
    ]
    found = compare_devices([record for other in others for record in both(other)])
    assert len({series.name for series in found}) == len(found) == len(others)
    assert {len(series.pairs) for series in found} == {len(SIZES)}


def test_digits_are_compared(closed: Record) -> None:
    cpu = on(closed, "cpu", 50, [1.0], accuracy=Accuracy(digits=15.0))
    cuda = on(closed, "cuda", 50, [1.0], accuracy=Accuracy(digits=12.5))
    assert only(compare_devices([cpu, cuda])).pairs[0].digits_difference == -2.5
    unknown = cuda.model_copy(update={"accuracy": Accuracy()})
    assert only(compare_devices([cpu, unknown])).pairs[0].digits_difference is None


BROKEN: tuple[tuple[dict[str, object], str], ...] = (
    ({"status": Status.UNSUPPORTED, "message": "no room", "samples": Samples()}, "unsupported on cuda: no room"),
    ({"status": Status.WRONG, "message": "excess loss 1"}, "wrong on cuda: excess loss 1"),
    ({"status": Status.OUT_OF_MEMORY, "samples": Samples()}, "out_of_memory on cuda"),
    ({"samples": Samples((1.0,), (1.0,), "RuntimeError: lost")}, "raised on cuda while it was timed: RuntimeError"),
    ({"samples": Samples()}, "not timed on cuda"),
    ({"samples": Samples((1.0, math.nan), (1.0, 1.0))}, "a sample on cuda is not a positive, finite time"),
    ({"samples": Samples((1.0, math.inf), (1.0, 1.0))}, "a sample on cuda is not a positive, finite time"),
    ({"samples": Samples((1.0, 0.0), (1.0, 1.0))}, "a sample on cuda is not a positive, finite time"),
)


@pytest.mark.parametrize(("fields", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_a_broken_case_is_a_row_with_its_reason_and_no_ratio(
    closed: Record, fields: dict[str, object], reason: str
) -> None:
    records = both(closed)
    records[-1] = records[-1].model_copy(update=fields)
    found = only(compare_devices(records))
    *good, last = found.pairs
    assert all(pair.ratio for pair in good)
    assert (last.ratio, last.ratio_with_transfer, last.digits_difference) == (None, None, None)
    assert last.reason.startswith(reason)
    assert found.crossover is not None
    assert found.crossover.sizes == SIZES[:-1]


def test_a_device_that_is_not_there_is_a_row_too(closed: Record) -> None:
    records = both(closed)
    found = only(compare_devices([records[0], *records[2:-2], records[-1]]))
    assert [pair.reason for pair in found.pairs] == ["not run on cuda", "", "", "", "not run on cpu"]


def test_a_transfer_that_was_not_measured_gives_no_ratio_with_it(closed: Record) -> None:
    for missing in (None, math.nan):
        found = only(compare_devices(both(closed, transfer_in_s=missing)))
        assert all(pair.ratio and pair.ratio_with_transfer is None for pair in found.pairs)
        assert found.crossover is not None
        assert found.crossover_with_transfer is None


def test_a_single_call_has_a_ratio_and_no_interval(closed: Record) -> None:
    pair = only(compare_devices([on(closed, "cpu", 50, [2.0]), on(closed, "cuda", 50, [1.0])])).pairs[0]
    assert pair.ratio is not None
    assert (pair.ratio.value, pair.ratio.interval) == (0.5, None)


def test_of_two_runs_the_last_records_are_paired(closed: Record) -> None:
    """An older run on the CPU only does not displace the CPU's half of the newer one."""
    older = [on(closed, "cpu", 50, [8.0])]
    newer = [on(closed, "cpu", 50, [2.0]), on(closed, "cuda", 50, [1.0])]
    found = compare_devices([*older, *newer])
    assert [series.name.endswith("(2)") for series in found] == [True, False]
    assert found[0].pairs[0].reason == "not run on cuda"
    assert found[1].pairs[0].ratio is not None
    assert found[1].pairs[0].ratio.value == 0.5


def test_a_device_is_compared_with_one_thread_and_with_all(closed: Record) -> None:
    """The host's threads make no device faster: its one case is beside both of the CPU's."""
    all_threads = on(closed, "cpu", 50, [2.0]).model_copy(update={"threads": 16})
    found = compare_devices([on(closed, "cpu", 50, [8.0]), on(closed, "cuda", 50, [1.0]), all_threads])
    assert [(one.threads, "threads=16" in one.name) for one in found] == [(1, False), (16, True)]
    assert [one.pairs[0].ratio.value for one in found if one.pairs[0].ratio] == [1 / 8, 1 / 2]
    assert "Threads of the CPU: 1, 16" in cpu_threads(found)
    alone = compare_devices([on(closed, "cpu", 50, [8.0]), on(closed, "cuda", 50, [1.0])])
    assert "The CPU has one thread in every ratio." in cpu_threads(alone)
    assert "harness run --device cpu --threads N" in cpu_threads(alone)


def test_a_device_s_case_with_as_many_threads_goes_first(closed: Record) -> None:
    threads = {"threads": 4}
    records = [on(closed, "cpu", 50, [8.0]), on(closed, "cuda", 50, [1.0])]
    records += [on(closed, device, 50, [s]).model_copy(update=threads) for device, s in (("cpu", 4.0), ("cuda", 2.0))]
    ratios = [one.pairs[0].ratio for one in compare_devices(records)]
    assert [found.value for found in ratios if found] == [1 / 8, 1 / 2]


def test_each_cuda_device_has_its_own_series(closed: Record) -> None:
    records = [on(closed, device, 50, [1.0]) for device in ("cpu", "cuda", "cuda:1")]
    assert [series.device for series in compare_devices(records)] == ["cuda", "cuda:1"]


def test_what_cannot_be_compared_is_one_line(closed: Record) -> None:
    with pytest.raises(CannotMeasureError, match="'harness run --device all' on a machine with CUDA"):
        compare_devices([on(closed, "cpu", n, [1.0]) for n in SIZES])
    with pytest.raises(CannotMeasureError, match="nothing to compare by device"):
        compare_devices([on(closed, "cuda", 50, [1.0])])
    with pytest.raises(UsageError, match="the baseline is cpu, not 'cuda'"):
        compare_devices(both(closed), "cuda")


# The command


@pytest.fixture
def stored(store_path: Path, closed: Record, trained: Record) -> Path:
    """Three series: a closed form with a failure at the largest n, TF32 and plain, and a solver of the CPU only."""
    records = both(closed, SIZES[:-1])
    records += [on(closed, "cpu", SIZES[-1], [2e-3, 2e-3])]
    records += [on(closed, "cuda", SIZES[-1], [], status=Status.OUT_OF_MEMORY, message="[64 MiB] too few")]
    records += both(trained, SIZES[:2], tf32=True)
    records += [on(closed, "cpu", 1_000, [1.0]).model_copy(update={"solver": "numpy_lstsq"})]
    store = Store(str(store_path))
    run = new_run(Request(), [])
    store.start(run)
    for record in records:
        store.add_samples(store.add(run.id, record), record.samples)
    store.finish(run.id)
    return store_path


@pytest.mark.slow
def test_the_table_is_a_hundred_columns_wide_and_cuts_nothing(stored: Path, run_cli: RunCli) -> None:
    ended = run_cli("compare", "--by", "device", "--store", stored)
    assert (ended.code, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in ended.stdout
    for word in ("ratio", "95 %", "+copy", "diff", "out_of_memory", "tf32", "f64", "no cuda case", "300µs", "10.0µs"):
        assert word in ended.stdout
    said = " ".join(ended.stdout.split())
    assert (
        "no ratio synthetic:p=3,noise=1,seed=0 torch_gels dtype=float64, n = 100,000: out_of_memory on cuda: [64"
        in said
    )
    title = "crossover synthetic:p=3,noise=1,seed=0 torch_gels dtype=float64"
    assert f"{title} without the transfer: CUDA is faster from n* = 9," in said
    assert "with the transfer: CUDA is faster from n* = 2" in said
    assert "no fit: it needs 3 sizes, 2 measured" in said


@pytest.mark.slow
def test_the_json_has_all_of_it(stored: Path, run_cli: RunCli) -> None:
    ended = run_cli("compare", "--by", "device", "--store", stored, "--json")
    assert (ended.code, ended.stderr) == (0, "")
    gels, sgd, numpy = json.loads(ended.stdout)
    assert [row["n"] for row in gels["rows"]] == list(SIZES)
    first, last = gels["rows"][0], gels["rows"][-1]
    assert first["ratio_interval"][0] <= first["ratio"] <= first["ratio_interval"][1]
    assert (first["cuda"]["transfer_in_s"], first["cuda"]["transfer_out_s"]) == COPY_S
    assert first["cuda"]["transfer_s"] == sum(COPY_S)
    assert (first["cpu"]["transfer_s"], first["cpu"]["tf32"], first["cuda"]["tf32"]) == (None, None, False)
    assert (last["ratio"], last["cuda"]["status"]) == (None, "out_of_memory")
    found = gels["crossover"]
    assert found["low"] <= found["n"] <= found["high"]
    assert (found["method"], found["order"], found["cuda_is_faster"]) == ("fit", "from", "above")
    assert found["cuda"]["fixed_s"] == pytest.approx(CUDA_LAW[0], rel=0.05)  # noise of 1 %
    assert (found["sizes"], found["extrapolated"]) == (list(SIZES[:-1]), False)
    assert gels["crossover_with_transfer"]["n"] > found["n"]
    assert sgd["crossover"]["n"] is None
    assert numpy["crossover"] is None
    assert numpy["rows"][0]["cuda"] is None


@pytest.mark.slow
def test_json_has_no_nan(closed: Record, store_path: Path, run_cli: RunCli) -> None:
    store, run = Store(str(store_path)), new_run(Request(), [])
    store.start(run)
    for record in [on(closed, "cpu", 50, [1.0]), on(closed, "cuda", 50, [math.nan], transfer_in_s=math.nan)]:
        store.add_samples(store.add(run.id, record), record.samples)
    store.finish(run.id)
    ended = run_cli("compare", "--by", "device", "--store", store_path, "--json")
    assert (ended.code, ended.stderr.count("\n")) == (3, 1)  # nothing is compared, and is said to be so
    row = json.loads(ended.stdout, parse_constant=pytest.fail)[0]["rows"][0]
    assert (row["cuda"]["fit_s"], row["cuda"]["transfer_in_s"], row["ratio"]) == (None, None, None)


@pytest.mark.slow
def test_the_comparison_by_device_refuses_another_baseline(stored: Path, run_cli: RunCli) -> None:
    ended = run_cli("compare", "--by", "device", "--baseline", "cuda", "--store", stored)
    assert (ended.code, ended.stderr.count("\n")) == (2, 1)


# What is recorded


def test_a_record_on_the_cpu_has_nothing_of_a_device(closed: Record) -> None:
    assert (closed.tf32, closed.transfer_in_s, closed.transfer_out_s, closed.capture_s) == (None,) * 4


def test_a_record_of_an_older_store_is_read(closed: Record) -> None:
    kept = json.loads(closed.model_dump_json(exclude={"samples"}))
    for name in ("tf32", "transfer_in_s", "transfer_out_s", "capture_s"):
        del kept[name]
    assert Record(**kept, samples=closed.samples) == closed


def test_a_line_comes_back_as_its_coefficients_and_a_curve_as_its_predictions() -> None:
    line_case = single(load("synthetic:n=50,p=3"), get("torch_gels"), Options(dtype="float32"))
    curve_case = single(load("sine"), get("mlp_sgd"), Options(epochs=1))
    for case, size in ((line_case, 4), (curve_case, len(load("sine").split.train))):
        fit = measure(case).fit
        assert fit is not None
        (X, y), result = transferred(case, fit)
        assert {array.dtype.name for array in (X, y, result)} == {"float32"}
        assert X.shape == (len(case.problem.split.train), case.problem.p)
        assert y.shape == X.shape[:1]
        assert result.shape == (size,)
        assert X.flags.writeable
        assert X.flags.c_contiguous


# The transfer, with the host in the device's place


@pytest.mark.slow
def test_copies_are_timed_each_way() -> None:
    found = measure_transfer([np.ones((1000, 5)), np.ones(1000)], np.ones(6), "cpu", SystemClock())
    assert found.error == ""
    for samples in (found.to_device, found.to_host):
        assert 5 <= len(samples.wall_s) <= 15
        assert samples.median_wall_s is not None
        assert samples.median_wall_s > 0


@pytest.mark.slow
def test_a_device_that_refuses_is_an_error_and_no_raise() -> None:
    """Torch's meta device takes data and cannot give it back."""
    found = measure_transfer([np.ones(3)], np.ones(3), "meta", SystemClock())
    assert found.to_device.wall_s
    assert not found.to_host.wall_s
    assert "NotImplementedError" in found.error


# float32's products


@pytest.fixture(autouse=True)
def precision_put_back() -> Iterator[None]:
    with matmul_precision(tf32=False):
        yield


def switches() -> list[object]:
    """torch's switches as they read: a value, or that it will not say."""
    matmul = torch.backends.cuda.matmul
    reads: list[Callable[[], object]] = [torch.get_float32_matmul_precision, lambda: matmul.allow_tf32]
    if hasattr(matmul, "fp32_precision"):
        reads += [lambda: matmul.fp32_precision, lambda: torch.backends.mkldnn.matmul.fp32_precision]

    def given(read: Callable[[], object]) -> object:
        try:
            return read()
        except RuntimeError:
            return RuntimeError

    return [given(read) for read in reads]


def newer(value: str) -> None:
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has the older switch alone")
    torch.backends.cuda.matmul.fp32_precision = value


BEFORE: dict[str, Callable[[], object]] = {
    "highest": partial(torch.set_float32_matmul_precision, "highest"),
    "high": partial(torch.set_float32_matmul_precision, "high"),
    "medium": partial(torch.set_float32_matmul_precision, "medium"),
    "older": partial(setattr, torch.backends.cuda.matmul, "allow_tf32", True),  # a setting's value
    "newer": partial(newer, "tf32"),
    "newer none": partial(newer, "none"),
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=list(BEFORE))
@pytest.mark.parametrize("tf32", [False, True])
def test_the_precision_is_as_asked_inside_and_as_it_was_afterwards(before: Callable[[], object], *, tf32: bool) -> None:
    before()
    as_it_was = switches()
    with suppress(KeyError), matmul_precision(tf32=tf32):
        assert torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
        assert torch.backends.cuda.matmul.allow_tf32 is tf32
        assert tf32_in_force("cuda") is tf32
        assert tf32_in_force("cpu") is None
        raise KeyError  # what a case may do
    assert switches() == as_it_was


def test_the_environment_can_say_tf32_whichever_switch_was_used() -> None:
    newer("tf32")
    assert cublas_tf32(torch)


@pytest.mark.slow
def test_works_that_take_turns_keep_their_own_precision() -> None:
    seen: dict[bool, set[str]] = {False: set(), True: set()}

    def note(tf32: bool) -> None:  # a call's only argument
        seen[tf32].add(torch.get_float32_matmul_precision())

    works = [Work(partial(note, tf32), around=partial(matmul_precision, tf32=tf32)) for tf32 in (False, True)]
    sample_interleaved(works, SystemClock(), Effort(min_calls=4, max_calls=4))
    assert seen == {False: {"highest"}, True: {"high"}}


@pytest.mark.slow
def test_what_surrounds_a_turn_is_not_timed() -> None:
    """The surroundings move the clock; the samples are of the call alone."""

    @dataclass
    class Moved:
        now: float = 0.0

        def wall_s(self) -> float:
            return self.now

        cpu_s = wall_s

        def move(self) -> None:
            self.now += 1.0

        @contextmanager
        def around(self) -> Iterator[None]:
            self.now += 100.0
            yield
            self.now += 100.0

    clock = Moved()
    samples = sample_interleaved([Work(clock.move, around=clock.around)], clock, Effort(min_calls=4, max_calls=4))[0]
    assert samples.wall_s == (1.0,) * 4


# A run on both devices, with the host in the device's place


@dataclass
class Both(ClosedForm):
    """A right answer on either device; `log` keeps the device and the precision of each call."""

    name: str = "both"
    title: str = "planted"
    devices: tuple[str, ...] = ("cpu", "cuda")
    requires: tuple[str, ...] = ("torch",)
    takes: Mapping[str, object] = field(default_factory=lambda: {"dtype": "float32", "tf32": None})
    log: list[tuple[str, str]] = field(default_factory=list)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        def solve() -> Floats:
            self.log.append((options.device, torch.get_float32_matmul_precision()))
            return exact_line(problem)

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta, problem.intercept), capture_s=0.25)


@pytest.fixture
def host_as_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.measure.plan.check_device", lambda _name: None)
    monkeypatch.setattr("harness.measure.plan.devices", lambda: [Device("cpu", "host"), Device("cuda", "stand-in")])
    for module in ("one_case", "prepared", "turns"):
        monkeypatch.setattr(f"harness.measure.{module}.synchronizer", lambda _device: lambda: None)
    monkeypatch.setattr("harness.measure.one_case.peak_memory", lambda _device: peak_memory("cpu"))

    def on_the_host(inputs: Any, result: Any, device: str, clock: Any) -> object:
        assert device == "cuda"
        return measure_transfer(inputs, result, "cpu", clock)

    monkeypatch.setattr("harness.measure.recording.measure_transfer", on_the_host)


@pytest.fixture
def planted(host_as_cuda: None, monkeypatch: pytest.MonkeyPatch) -> Both:
    solver = Both()
    monkeypatch.setattr("harness.solvers.catalog.get", lambda _name: solver)
    return solver


def cases_on_both(tf32: bool | None = None) -> list[Case]:
    return plan(
        Request(problems=("synthetic",), solvers=("both",), device="all", n=(50, 80), options=Options(tf32=tf32))
    )


def test_all_devices_are_planned_problem_by_problem(planted: Both) -> None:
    cases = cases_on_both()
    assert [(len(case.problem.X), case.options.device) for case in cases] == [
        (50, "cpu"),
        (50, "cuda"),
        (80, "cpu"),
        (80, "cuda"),
    ]


@pytest.mark.slow
def test_each_device_is_timed_in_its_own_turns_and_compared(planted: Both, store_path: Path, run_cli: RunCli) -> None:
    cases = cases_on_both()
    store = Store(str(store_path))
    execute(new_run(Request(), cases), cases, store, effort=Effort(min_calls=9, max_calls=9, calls_per_turn=3))
    # Of each problem two fits, then all calls on the CPU, then all on the device, which would else wait among them;
    # last each is asked for another target, untimed.
    turns = [(device, len(list(calls))) for device, calls in groupby(device for device, _ in planted.log)]
    assert [device for device, _ in turns] == ["cpu", "cuda"] * 6
    assert all(count >= 2 + 9 for place, (_, count) in enumerate(turns) if place % 6 in (2, 3))
    ended = run_cli("compare", "--by", "device", "--store", store_path, "--json")
    series = only_json(ended.stdout)
    assert [row["reason"] for row in series["rows"]] == ["", ""]
    assert all(row["ratio"] > 0 and row["ratio_with_transfer"] > row["ratio"] for row in series["rows"])


def only_json(text: str) -> Any:
    found = json.loads(text)
    assert len(found) == 1
    return found[0]


@pytest.mark.slow
def test_a_case_on_the_device_has_its_transfer_precision_and_capture(planted: Both) -> None:
    for tf32 in (None, True):
        cpu, cuda = (measure_alone(case).record for case in cases_on_both(tf32)[:2])
        assert (cpu.tf32, cpu.transfer_in_s, cpu.transfer_out_s) == (None, None, None)
        assert cuda.tf32 is bool(tf32)
        assert cuda.transfer_in_s is not None
        assert cuda.transfer_out_s is not None
        assert cuda.capture_s == 0.25
        assert set(planted.log) == {("cpu", "highest"), ("cuda", "high" if tf32 else "highest")}
        planted.log.clear()


@pytest.mark.slow
def test_a_transfer_that_fails_is_said_and_the_case_stands(planted: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = partial(measure_transfer, device="meta", clock=SystemClock())
    monkeypatch.setattr(
        "harness.measure.recording.measure_transfer", lambda inputs, result, _device, _clock: fails(inputs, result)
    )
    record = measure(cases_on_both()[1]).record
    assert record.status is Status.OK
    assert record.transfer_out_s is None
    assert any("the transfer was not measured" in said for said in record.warnings)


@pytest.mark.slow
def test_the_table_of_a_run_on_both_devices_names_them(planted: Both, store_path: Path, run_cli: RunCli) -> None:
    ended = run_cli("run", "--problem", "synthetic", "--solver", "both", "--device", "all", "--n", "50", "--n", "80",
                    "--in-process", "--store", store_path)  # fmt: skip
    assert ended.code == 0, ended.stderr
    rows = [text.split()[:2] for text in ended.stdout.splitlines() if text.startswith("both")]
    assert rows == [["both", "cpu"], ["both", "cuda"]] * 2


# A device


def on_device(device: str, solver: Solver, spec: str, **options: Any) -> Record:
    case = single(load(spec), solver, Options(device=device, **options))
    return measure_alone(case, effort=Effort(min_calls=5, max_calls=5)).record


@pytest.mark.cuda
@ON_A_DEVICE
@pytest.mark.parametrize("name", ["torch_gels", "normal_equations_torch", "torch_adam", "mlp_sgd"])
def test_a_case_on_cuda_has_its_transfer(name: str) -> None:
    short = {"epochs": 3} if "epochs" in get(name).takes else {}
    record = on_device("cuda", get(name), "synthetic:n=20000,p=20", **short)
    assert record.status.measured, record.message
    assert record.transfer_in_s is not None
    assert record.transfer_out_s is not None
    # 3.2 MB or 1.6 MB there, at most 160 kB back: more than ten times less
    assert record.transfer_in_s > record.transfer_out_s > 0
    assert record.tf32 is False


@pytest.mark.cuda
@ON_A_DEVICE
def test_tf32_rounds_products_of_float32_to_ten_bits_and_is_put_back() -> None:
    """Unit roundoff 2^-11 of TF32 against 2^-24 of float32 (NVIDIA A100 white paper), over sums of 1024 products."""
    rng = np.random.default_rng(0)
    A, B = (torch.tensor(rng.standard_normal((1024, 1024)), dtype=torch.float32, device="cuda") for _ in range(2))
    exact = A.double() @ B.double()

    def error(*, tf32: bool) -> float:
        with matmul_precision(tf32=tf32):
            return float((A @ B - exact).norm() / exact.norm())

    before = switches()
    assert error(tf32=False) < 2.0**-18  # 2^-24 with room for a sum's growth of sqrt(1024) = 2^5, and a factor 2
    # Each factor is rounded, by about 2^-12 in the root mean square, and a sum's relative error is that of its terms.
    assert error(tf32=True) > 2.0**-14
    assert switches() == before


@pytest.mark.cuda
@ON_A_DEVICE
def test_tf32_costs_the_normal_equations_digits() -> None:
    plain, rounded = (
        on_device("cuda", get("normal_equations_torch"), "synthetic:n=2048,p=63", dtype="float32", tf32=tf32)
        for tf32 in (None, True)
    )
    assert (plain.tf32, rounded.tf32) == (False, True)
    assert plain.accuracy.digits is not None
    assert rounded.accuracy.digits is not None
    assert rounded.accuracy.digits < plain.accuracy.digits


@pytest.mark.cuda
@ON_A_DEVICE
def test_digits_on_cuda_are_compared_with_those_of_the_cpu(store_path: Path, run_cli: RunCli) -> None:
    cases = plan(Request(problems=("synthetic",), solvers=("torch_gels",), device="all", n=(1_000, 10_000, 100_000)))
    execute(new_run(Request(), cases), cases, Store(str(store_path)), effort=Effort(min_calls=5, max_calls=5))
    series = only_json(run_cli("compare", "--by", "device", "--store", store_path, "--json").stdout)
    for row in series["rows"]:
        assert row["reason"] == ""
        # float64 and a well-conditioned design on both: neither loses half of its 16 digits
        assert min(row["cpu"]["digits"], row["cuda"]["digits"]) > 8
        assert row["digits_difference"] == row["cuda"]["digits"] - row["cpu"]["digits"]
        assert row["cuda"]["transfer_s"] > 0
    assert series["crossover"]["sizes"] == [1_000, 10_000, 100_000]
