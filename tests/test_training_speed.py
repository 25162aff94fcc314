"""The engines beside the textbook loop: ratios, bars, and the command at sizes that take no time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from benchmarks import training
from benchmarks.__main__ import app
from benchmarks.training import OPTIONS, Plan, Start, Subject, training_lines
from benchmarks.training_bars import (
    BATCHED,
    CUDA_ROWS,
    GRAPHED,
    JAX,
    LOOP,
    LOOP_MOST,
    ORACLE,
    SUBJECTS,
    TEXTBOOK,
    Ruling,
    TrainingLine,
    cuda_group,
    interval,
    jax_over_batched,
    judge_training,
    loop_group,
    speed_up,
)
from benchmarks.training_table import compared, training_json, training_markdown
from harness.solvers.options import Options
from harness.solvers.solver import missing_library
from harness.solvers.training import engines
from harness.solvers.training.training import Training
from harness.timing.sampling import Effort, Samples
from tests.conftest import RunCli

SHORT = Effort(warm_up_calls=0, calls_per_turn=1, min_calls=3, max_calls=3)
TINY = Plan(
    "synthetic:n=20,p=1", (2,), (2,), SHORT, SHORT, "four_points", (0.01, 0.1), map_seeds=2, epochs=8, map_effort=SHORT
)
NO_CUDA = "add --device cuda" if torch.cuda.is_available() else "torch is"


@dataclass
class FakeClock:
    """CPU time goes on by a microsecond at each reading, wall time by two."""

    readings: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def wall_s(self) -> float:
        return 2e-6 * next(self.readings)

    def cpu_s(self) -> float:
        return 1e-6 * next(self.readings)


def line(group: str, name: str, seconds: float, models: int = 1, **more: object) -> TrainingLine:
    return TrainingLine(group, name, models, samples=Samples((2 * seconds,) * 3, (seconds,) * 3), **more)  # type: ignore[arg-type]


def rulings(*lines: TrainingLine) -> dict[str, Ruling]:
    return {verdict.text: verdict.ruling for verdict in judge_training(lines)}


def test_a_model_epoch_is_a_call_over_its_epochs_and_models() -> None:
    together = line("linear SGD", BATCHED, 8e-3, models=4, epochs=20)
    assert together.call_s == pytest.approx(8e-3)
    assert together.epoch_s == pytest.approx(4e-4)
    assert together.model_epoch_s == pytest.approx(1e-4)
    assert together.model_epoch_wall_s == pytest.approx(2e-4)
    assert speed_up(together, line("linear SGD", TEXTBOOK, 1e-3)) == pytest.approx(10)
    assert speed_up(TrainingLine("linear SGD", JAX), together) is None


def test_on_cuda_the_wall_clock_counts() -> None:
    assert line("any", TEXTBOOK, 1e-3, device="cuda").call_s == pytest.approx(2e-3)


@pytest.mark.parametrize(("times", "ruling"), [(151, Ruling.HELD), (149, Ruling.BROKEN)])
def test_a_speed_up_is_held_or_not(times: float, ruling: Ruling) -> None:
    found = rulings(line("linear SGD", TEXTBOOK, 1.0), line("linear SGD", BATCHED, 256 / times, models=256))
    assert found["linear SGD: batched at K = 256 is at least 150 times as fast as the textbook loop"] is ruling
    assert found["linear SGD: batched at K = 64 is at least 120 times as fast as the textbook loop"] is (
        Ruling.UNMEASURED
    )


def samples(centre: float, spread: float, seed: int) -> tuple[float, ...]:
    return tuple(np.random.default_rng(seed).normal(centre, spread, 400))


@pytest.mark.parametrize(
    ("ratio", "spread", "ruling"),
    [
        (1.005, 0.01, Ruling.HELD),
        (1.04, 0.01, Ruling.BROKEN),
        (1.019, 0.2, Ruling.UNDECIDED),
        (1.021, 0.2, Ruling.UNDECIDED),
        (LOOP_MOST, 0.0, Ruling.HELD),
    ],
)
def test_the_loop_s_cost_is_decided_by_its_interval(ratio: float, spread: float, ruling: Ruling) -> None:
    group = loop_group("MLP SGD")
    textbook = TrainingLine(group, TEXTBOOK, samples=Samples(cpu_s=samples(1.0, spread, 0)))
    loop = TrainingLine(group, LOOP, samples=Samples(cpu_s=samples(ratio, spread, 1)))
    assert rulings(textbook, loop)["MLP SGD: the engine loop costs at most 2% more than the textbook loop"] is ruling


def test_what_slows_both_of_a_pair_is_no_noise_of_their_ratio() -> None:
    load = np.random.default_rng(0).uniform(1, 3, 400)
    found = interval(tuple(1.01 * load), tuple(load))
    assert found == pytest.approx((1.01, 1.01))
    assert interval((1.0,), (1.0,)) is None


def test_too_few_calls_decide_nothing() -> None:
    group = loop_group("linear SGD")
    lines = [TrainingLine(group, name, samples=Samples(cpu_s=(1.0,))) for name in (TEXTBOOK, LOOP)]
    assert rulings(*lines)["linear SGD: the engine loop costs at most 2% more than the textbook loop"] is (
        Ruling.UNDECIDED
    )


@pytest.mark.parametrize(("seconds", "ruling"), [(0.29, Ruling.HELD), (0.31, Ruling.BROKEN)])
def test_the_oracle_s_map_is_judged_by_its_seconds(seconds: float, ruling: Ruling) -> None:
    found = rulings(line(ORACLE, "SGD", seconds, models=576, epochs=10_000))
    assert found["oracle: the whole map of SGD in under 0.3 s"] is ruling


def test_cuda_s_bars_are_of_wall_time() -> None:
    group = cuda_group("linear Adam", CUDA_ROWS[0])
    lines = [
        line(group, TEXTBOOK, 6e-4, device="cuda"),
        line(group, GRAPHED, 1e-3, epochs=10, device="cuda"),
        line(group, BATCHED, 1e-3, epochs=10, device="cuda"),
        line(group, BATCHED, 2.1e-3, models=256, epochs=10, device="cuda"),
    ]
    found = rulings(*lines)
    assert found[f"{group}: graphed is at least 5 times as fast as the textbook loop"] is Ruling.HELD
    assert found[f"{group}: an epoch of 256 models takes at most 2 times that of one"] is Ruling.BROKEN


def test_the_table_says_who_is_ahead() -> None:
    lines = [line("MLP SGD", BATCHED, 3.0, 16), line("MLP SGD", JAX, 2.0, 16), line("MLP SGD", JAX, 2.0, 64)]
    assert [times for _, times in jax_over_batched(lines)] == [pytest.approx(1.5)]
    assert list(compared(lines)) == ["MLP SGD, 16 models: jax is 1.50 times as fast as batched"]
    (said,) = compared([lines[0], line("MLP SGD", JAX, 6.0, 16)])
    assert said == "MLP SGD, 16 models: batched is 2.00 times as fast as jax"


@pytest.fixture(scope="module")
def tiny() -> list[TrainingLine]:
    """Every line, by a clock of its own."""
    return list(training_lines(TINY, "cpu", lambda _: None, FakeClock()))


@pytest.mark.slow
def test_every_line_is_there_with_its_samples_or_its_reason(tiny: list[TrainingLine]) -> None:
    named = {(found.group, found.name, found.models) for found in tiny}
    for subject in SUBJECTS:
        assert {(loop_group(subject), name, 1) for name in (TEXTBOOK, LOOP)} <= named
        assert {(subject, name, 1) for name in (TEXTBOOK, *OPTIONS)} <= named
        assert {(subject, name, 2) for name in (BATCHED, JAX)} <= named
        assert {(cuda_group(subject, n), name, 1) for n in CUDA_ROWS for name in (TEXTBOOK, GRAPHED)} <= named
    assert {(ORACLE, "SGD", 4), (ORACLE, "Adam", 4)} <= named
    jax_is_missing = missing_library(("jax",))
    for found in tiny:
        if found.device != "cpu":
            assert NO_CUDA in found.note
        elif found.name == JAX and jax_is_missing:
            assert found.note == jax_is_missing
        else:
            # A call is read by wall, CPU, CPU and wall: one reading of CPU time apart, three of wall time.
            assert found.samples.cpu_s == pytest.approx([1e-6] * 3), found
            assert found.samples.wall_s == pytest.approx([6e-6] * 3)
            assert found.prepare_s is not None
            assert not found.note


@pytest.mark.slow
def test_what_was_not_run_has_no_bar_and_breaks_none(tiny: list[TrainingLine]) -> None:
    verdicts = list(judge_training(tiny))
    on_cuda = [verdict for verdict in verdicts if "CUDA" in verdict.text]
    assert len(on_cuda) == len(SUBJECTS) + 2
    for verdict in on_cuda:
        assert verdict.ruling is Ruling.UNMEASURED
        assert NO_CUDA in verdict.measured
    assert len({verdict.text for verdict in verdicts}) == len(verdicts)


@pytest.mark.slow
def test_on_cuda_its_lines_alone_are_measured_and_adam_s_graph_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the preparation alone: nothing of it runs without a device."""
    made: list[tuple[str, str, object]] = []

    def alone(name: str, training: Training) -> Subject:
        made.append((name, training.optimizer, training.options.implementation))
        return Subject(list, 1)

    monkeypatch.setattr("benchmarks.training.unavailable", lambda _device: "")
    monkeypatch.setattr("benchmarks.training._why_not", lambda *_: None)
    monkeypatch.setattr("benchmarks.training._textbook", lambda *_: Subject(list, 1))
    monkeypatch.setattr("benchmarks.training._batched", lambda *_: Subject(list, 1))
    monkeypatch.setattr("benchmarks.training._alone", alone)
    monkeypatch.setattr("benchmarks.training.synchronizer", lambda _device: lambda: None)
    found = list(training_lines(TINY, "cuda:1", lambda _: None, FakeClock()))
    assert {one.device for one in found} == {"cuda:1"}
    assert set(made) == {(GRAPHED, "sgd", None), (GRAPHED, "adam", "fused")}
    verdicts = [one for one in judge_training(found) if "CUDA" in one.text]
    assert len(verdicts) == len(SUBJECTS) + 2
    assert all(one.ruling is not Ruling.UNMEASURED for one in verdicts)


@pytest.mark.parametrize(
    ("subject", "times", "held"),
    [("linear SGD", 5.0, True), ("linear Adam", 4.9, False), ("MLP SGD", 3.0, True), ("MLP Adam", 2.9, False)],
)
def test_a_graph_has_a_bar_by_its_model(subject: str, times: float, held: bool) -> None:
    group = cuda_group(subject, CUDA_ROWS[0])
    lines = [line(group, TEXTBOOK, times), line(group, GRAPHED, 1.0)]
    (found,) = [one for one in judge_training(lines) if one.ruling is not Ruling.UNMEASURED]
    assert found.ruling is (Ruling.HELD if held else Ruling.BROKEN)


def test_an_absent_jax_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.solvers.solver.find_spec", lambda name: None if name == "jax" else object())
    found = [one for one in training._starts(TINY, "MLP SGD") if one.line.name == JAX]  # noqa: SLF001  # before any work
    assert [one.make for one in found] == ["jax is not installed"]


@pytest.mark.slow
def test_an_engine_that_fails_is_a_line_with_its_error() -> None:
    def fails() -> Subject:
        raise RuntimeError("no memory for 256 models")

    starts = [
        Start(TrainingLine("linear SGD", TEXTBOOK), lambda: Subject(list, 1)),
        Start(TrainingLine("linear SGD", BATCHED, 256), fails),
        Start(TrainingLine("linear SGD", JAX, 256), "jax is not installed"),
    ]
    good, failed, absent = training._sampled(starts, SHORT, lambda _: None, FakeClock())  # noqa: SLF001  # no engine fails when asked
    assert len(good.samples.cpu_s) == 3
    assert (failed.note, failed.samples.cpu_s) == ("RuntimeError: no memory for 256 models", ())
    assert (absent.note, absent.samples.cpu_s) == ("jax is not installed", ())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_textbook_loop_is_the_engine_s(subject: str) -> None:
    """The baseline is written out here; what it trains must be what the engines train."""
    trained = training._training("synthetic:n=20,p=1", subject, Options(epochs=3, seed=5))  # noqa: SLF001  # the baseline
    history: list[float] = []
    book = training._textbook(trained, history)  # noqa: SLF001  # same
    for _ in range(3):
        book.call()
    fit = engines.get(LOOP).prepare(trained).fit()
    assert fit.trace is not None
    np.testing.assert_array_equal(history, fit.trace.train_loss)


@pytest.mark.slow
def test_json_is_what_was_measured_to_the_nanosecond(tiny: list[TrainingLine]) -> None:
    verdicts = list(judge_training(tiny))
    found = json.loads(training_json(tiny, verdicts, {"versions": {"torch": "2"}}))
    assert found["schema_version"] == 1
    assert found["environment"] == {"versions": {"torch": "2"}}
    assert [(one["group"], one["name"], one["models"]) for one in found["lines"]] == [
        (one.group, one.name, one.models) for one in tiny
    ]
    for kept, one in zip(found["lines"], tiny, strict=True):
        taken = Samples(tuple(kept.pop("wall_s")), tuple(kept.pop("cpu_s")), one.samples.error)
        assert taken.cpu_s == pytest.approx(one.samples.cpu_s, abs=1e-9)
        assert taken.wall_s == pytest.approx(one.samples.wall_s, abs=1e-9)
        assert TrainingLine(**kept, samples=one.samples) == one
    assert [one["ruling"] for one in found["bars"]] == [str(verdict.ruling) for verdict in verdicts]


@pytest.mark.slow
def test_markdown_is_a_table_with_every_line(tiny: list[TrainingLine]) -> None:
    rows = training_markdown(tiny).splitlines()
    assert len(rows) == 2 + len(tiny)
    assert {row.count("|") for row in rows} == {9}
    assert NO_CUDA in rows[-1]


@pytest.mark.slow
def test_the_command_prints_every_group_and_bar(
    run_cli: RunCli, tiny: list[TrainingLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.training.training_lines", lambda *_: iter(tiny))
    ended = run_cli("training", command=app)
    assert ended.code == 0
    for word in (*SUBJECTS, ORACLE, "not measured", "batched", "loop, fused"):
        assert word in ended.stdout
    assert json.loads(run_cli("training", "--json", command=app).stdout)["lines"]
    assert run_cli("training", "--markdown", command=app).stdout.startswith("| group |")


def test_a_broken_bar_ends_the_command_with_1(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [line(ORACLE, "Adam", 5.0, models=576, epochs=10_000)]
    monkeypatch.setattr("benchmarks.training.training_lines", lambda *_: iter(slow))
    ended = run_cli("training", command=app)
    assert ended.code == 1
    assert "not held oracle:" in ended.stdout
    assert "under 2 s: 5 s" in ended.stdout


def test_an_unknown_device_is_one_line(run_cli: RunCli) -> None:
    ended = run_cli("training", "--device", "tpu", command=app)
    assert ended.code == 2
    assert "unknown device 'tpu'" in ended.stderr
    assert ended.stderr.count("\n") == 1
