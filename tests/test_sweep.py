import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sqlalchemy import inspect

from harness.errors import UsageError
from harness.judge.training.convergence import summarise
from harness.measure.plan import single
from harness.measure.run import measure
from harness.problems import catalog as problems
from harness.records.observer import Observer
from harness.records.run import exit_code
from harness.records.sweep import Cell, Sweep
from harness.report.terminal.live import SweepLive
from harness.solvers.status import Status
from harness.solvers.training import engines
from harness.solvers.training.engine import TOGETHER, Progress
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.optimizers import PRESETS
from harness.solvers.training.training import Aim, Grid, Training
from harness.store import tables
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.sweep.cells import learn
from harness.sweep.optimizer_text import parse_optimizer
from harness.sweep.plan import SweepRequest, asked_of, candidates, moved_since, new_sweep
from harness.sweep.rates import MOST, parse, rates
from harness.sweep.run import execute
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")

FEW = ("--problem", "four_points", "--seeds", 3, "--epochs", 20, "--no-widen")


def request_of(**asked: object) -> SweepRequest:
    """A small request."""
    small = {"problems": ("four_points",), "lr": (0.01, 0.1), "seeds": 3, "epochs": 20, "optimizers": ("sgd",)}
    return SweepRequest.model_validate(small | asked)


def swept(store: Store | None = None, observer: Observer | None = None, **asked: Any) -> list[Cell]:
    """The cells of a small sweep."""
    request = request_of(**asked)
    planned, kept = candidates(request), SweepStore(store or Store("sqlite://"))
    made = new_sweep(request, planned)
    kept.start(made)
    return execute(made, planned, kept, observer)


def result(cell: Cell) -> str:
    """All of a cell but what the clock said; NaN is equal to itself."""
    return cell.model_copy(
        update={"engine_s": None, "loop_epoch": Cell.model_fields["loop_epoch"].default}
    ).model_dump_json()


# Learning rates


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.3", (0.3,)),
        ("1e-5:1:decades", (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)),
        ("2e-4:1:decades", (2e-4, 2e-3, 0.02, 0.2, 1.0)),
        ("0.1:1:3/decade", (0.1, 0.215, 0.464, 1.0)),
        ("0.001:1:1/decade", (0.001, 0.01, 0.1, 1.0)),
        ("0.01:1:5", (0.01, 0.0316, 0.1, 0.316, 1.0)),
        ("3e-3:0.7:2", (0.003, 0.7)),
        ("1e-300:1e300:3", (1e-300, 1.0, 1e300)),
        ("1:1.002:3", (1.0, 1.001, 1.002)),
    ],
)
def test_learning_rates_are_as_people_write_them(text: str, found: tuple[float, ...]) -> None:
    assert parse(text) == found


def test_ranges_and_numbers_go_together_each_rate_once() -> None:
    assert rates(["0.1:10:decades", "0.3", "1"]) == (0.1, 0.3, 1.0, 10.0)


NO_RATES = ["0", "-1", "nan", "inf", "fast", "", "1:1:decades", "1:0.1:decades", "0:1:decades", "0.1:inf:3", "0.1:1"]
NO_RATES += ["0.1:1:2:3", "0.1:1:1", "0.1:1:0", "0.1:1:-3", "0.1:1:2.5", "0.1:1:0/decade", "0.1:1:decade", "0.1:nan:3"]


@pytest.mark.parametrize("text", NO_RATES)
def test_what_is_no_learning_rate_is_one_line_with_the_text_and_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"--lr '{text}': a learning rate is ")
    assert "A:B:decades, A:B:3/decade, A:B:13" in str(caught.value)


def test_a_range_has_no_more_rates_than_a_picture_has_columns() -> None:
    assert len(parse(f"1e-4:1:{MOST}")) == MOST
    with pytest.raises(UsageError, match=f"makes {MOST + 1} learning rates; at most {MOST}"):
        parse(f"1e-4:1:{MOST + 1}")


# Optimizers


@pytest.mark.parametrize(
    ("text", "label", "kind", "settings"),
    [
        ("sgd", "sgd", "sgd", {}),
        ("momentum", "momentum", "sgd", {"momentum": 0.9}),
        ("nesterov", "nesterov", "sgd", {"momentum": 0.9, "nesterov": True}),
        ("nesterov:momentum=0.5", "nesterov:momentum=0.5", "sgd", {"momentum": 0.5, "nesterov": True}),
        ("sgd:nesterov=1,momentum=.95", "sgd:momentum=0.95,nesterov=1", "sgd", {"momentum": 0.95, "nesterov": True}),
        ("adamw:weight_decay=1e-2", "adamw:weight_decay=0.01", "adamw", {"weight_decay": 0.01}),
        ("adam", "adam", "adam", {}),
    ],
)
def test_an_optimizer_is_a_preset_with_settings(
    text: str, label: str, kind: str, settings: dict[str, float | bool]
) -> None:
    assert parse_optimizer(text) == (label, kind, settings)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_every_preset_has_a_solver_that_takes_its_settings(preset: str, model: str) -> None:
    (candidate,) = candidates(request_of(optimizers=(preset,), model=model))
    optimizer, settings = PRESETS[preset]
    assert {name: getattr(candidate.options, name) for name in settings} == settings
    assert candidate.training.optimizer == optimizer.name
    assert candidate.model == model


@pytest.mark.parametrize(
    ("asked", "models"),
    [
        ({}, ["linear", "mlp"]),
        ({"hidden": (4,)}, ["mlp", "mlp"]),
        ({"model": "mlp"}, ["mlp", "mlp"]),
        ({"model": "linear"}, ["linear", "linear"]),
    ],
    ids=str,
)
def test_a_curve_is_trained_where_only_a_curve_suits(asked: dict[str, object], models: list[str]) -> None:
    planned = candidates(request_of(problems=("four_points", "sine"), **asked))
    assert [candidate.model for candidate in planned] == models


def test_what_is_named_twice_is_trained_once() -> None:
    asked = request_of(problems=("four_points", "four_points"), optimizers=("sgd", "adam", "sgd"))
    assert [candidate.optimizer for candidate in candidates(asked)] == ["sgd", "adam"]


@pytest.mark.parametrize(
    ("asked", "seeds", "sizes"),
    [
        ({}, 64, [4, 4, 1]),
        ({"model": "mlp"}, 64, [1] * 9),
        ({"model": "mlp"}, 8, [8, 1]),
        ({"engine": "oracle"}, 64, [9]),
        ({"engine": "loop"}, 2, [1] * 9),
        ({}, 1000, [1] * 9),
    ],
    ids=str,
)
def test_learning_rates_go_together_in_chunks(asked: dict[str, object], seeds: int, sizes: list[int]) -> None:
    lr = parse("1e-4:1e4:decades")
    (candidate,) = candidates(request_of(lr=lr, seeds=seeds, **asked))
    chunks = [chunk.grid for chunk in candidate.chunks]
    assert [len(chunk.lr) for chunk in chunks] == sizes
    assert sum((chunk.lr for chunk in chunks), ()) == lr
    assert {chunk.seeds for chunk in chunks} == {tuple(range(seeds))}


def test_more_seeds_than_go_together_are_trained_in_turns_to_the_same_end() -> None:
    (candidate,) = candidates(request_of(dtype="float64"))
    training, grid, engine = candidate.training, Grid((0.01, 0.1), (0, 1, 2, 3, 4)), engines.get("loop")
    aim = Aim(0.0, 1.0)
    told: list[int] = []
    parts, whole = learn(engine, training, grid, aim, 4, told.append), engine.learn(training, grid, aim, lambda _: None)
    for name in ("epochs_to", "epochs_run", "final", "diverged"):
        np.testing.assert_array_equal(getattr(parts.map, name), getattr(whole.map, name))
    np.testing.assert_array_equal(parts.loss, whole.loss)
    np.testing.assert_array_equal(parts.excess, whole.excess)
    assert told == sorted(told)
    assert told[-1] == 10 * training.epochs


# What is measured


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize(("problem", "scale"), [("auto_mpg", "standardized"), ("noiseless_line", "raw")])
def test_epochs_to_a_tolerance_are_those_of_harness_run(problem: str, scale: str, optimizer: str) -> None:
    asked = request_of(
        problems=(problem,), lr=(0.1,), optimizers=(optimizer,), seeds=2, epochs=100, scale=scale, dtype="float64"
    )
    by_engine = {}
    for engine in ("loop", "batched"):
        request = asked.model_copy(update={"engine": engine})
        (cell,) = swept(**request.model_dump())
        by_engine[engine] = cell.epochs_to
        assert cell.status is Status.OK
        assert cell.message == ""
    (candidate,) = candidates(asked)
    for seed in (0, 1):
        options = replace(candidate.options, engine="loop", seed=seed, lr=0.1)
        accuracy = measure(single(candidate.problem, candidate.solver, options)).record.accuracy
        assert [row[seed] for row in by_engine["loop"]] == list(accuracy.epochs_to.values())
        assert cell.scale == accuracy.excess_relative_to
        # Sums in another order: an excess may pass a tolerance an epoch earlier or later.
        for batched, alone in zip(
            (row[seed] for row in by_engine["batched"]), accuracy.epochs_to.values(), strict=True
        ):
            assert (batched is None) == (alone is None)
            assert abs((batched or 0) - (alone or 0)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "sgd:momentum=0.5"])
def test_gradient_descent_does_what_theory_says(optimizer: str) -> None:
    lr = (0.02, 0.1, 10.0)
    cells = swept(problems=("diabetes",), lr=lr, optimizers=(optimizer,), epochs=300, dtype="float64")
    for cell in cells:
        assert cell.predicted == cell.epochs_to
        assert cell.stability_limit is not None
        assert all(cell.diverged) == (cell.lr > cell.stability_limit)
        assert cell.epochs_run == (300, 300, 300) or all(cell.diverged)
    assert any(epoch is not None for epoch in cells[1].epochs_to[0])
    assert exit_code(cells) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        {"optimizers": ("rmsprop",)},
        {"loss": "l1"},
        {"batch": 2},
        {"optimizers": ("sgd:weight_decay=0.1",)},
        {"scheduler": "cosine"},
    ],
    ids=str,
)
def test_nothing_is_predicted_where_there_is_no_theory(asked: dict[str, Any]) -> None:
    for cell in swept(**asked):
        assert cell.status is Status.OK
        assert cell.predicted == ()
        assert cell.stability_limit is None


@pytest.mark.slow
def test_a_batch_of_more_rows_than_there_are_is_all_of_them_and_said() -> None:
    cells, whole = swept(batch=1000), swept()
    assert [cell.epochs_to for cell in cells] == [cell.epochs_to for cell in whole]
    assert cells[0].predicted == whole[0].predicted != ()
    assert "batch 1000 is more than the 4 training rows" in cells[0].message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "said"),
    [("deficient:n=20,p=4,rank=2", "rank 3 of 5"), ("wide:n=6,p=9", "rank 6 of 10")],
    ids=["deficient", "wide"],
)
def test_of_a_short_rank_the_loss_is_swept_and_the_rank_said(problem: str, said: str) -> None:
    cells = swept(problems=(problem,), lr=(0.01,), epochs=200, dtype="float64")
    (cell,) = cells
    assert cell.status is Status.OK
    assert said in cell.message
    assert cell.epochs_to == cell.predicted
    assert all(final < 1 for final in cell.final)


@pytest.mark.slow
def test_a_problem_without_intercept_does_what_theory_says() -> None:
    cells = swept(problems=("nist_noint1",), lr=(0.0005, 0.001), dtype="float64", epochs=60)
    assert {(cell.status, cell.message) for cell in cells} == {(Status.OK, "")}
    assert all(cell.predicted == cell.epochs_to for cell in cells)
    assert any(epoch is not None for cell in cells for row in cell.epochs_to for epoch in row)
    assert exit_code(cells) == 0


@pytest.mark.slow
def test_a_constant_target_is_unsupported_with_the_reason() -> None:
    request = request_of()
    (candidate,) = candidates(request)
    flat = replace(candidate.problem, y=np.ones(4), name="flat")
    planned, store = [replace(candidate, problem=flat)], SweepStore(Store("sqlite://"))
    made = new_sweep(request, planned)
    store.start(made)
    cells = execute(made, planned, store)
    assert {cell.message for cell in cells} == {"the target is constant: there is no loss to be relative to"}
    assert exit_code(cells) == 3


@pytest.mark.slow
def test_a_cell_says_what_was_trained_and_what_it_cost() -> None:
    cells = swept(optimizers=("momentum", "adam"), dtype="float64")
    assert [(cell.optimizer, cell.lr) for cell in cells] == [
        (o, lr) for o in ("momentum", "adam") for lr in (0.01, 0.1)
    ]
    for cell in cells:
        assert (cell.problem, cell.n, cell.p, cell.seeds) == ("four_points", 4, 1, (0, 1, 2))
        assert cell.problem_sha256 == problems.load("four_points").sha256
        assert (cell.engine, cell.device, cell.epochs) == ("batched", "cpu", 20)
        assert cell.options["dtype"] == "float64"
        assert not {"lr", "seed"} & cell.options.keys()
        assert cell.together == 6
        assert cell.engine_s is not None
        assert cell.engine_s > 0
        assert len(cell.loop_epoch.wall_s) == len(cell.loop_epoch.cpu_s) >= 7
        assert np.shape(cell.excess) == np.shape(cell.loss) == (len(cell.at), 3)
        assert (cell.at[0], cell.at[-1]) == (0, 20)
        # A curve is kept to seven digits, its last point is the final excess.
        assert cell.excess[-1] == pytest.approx(cell.final, rel=1e-6)
    timed = {cell.optimizer: cell.loop_epoch for cell in cells}
    assert all(cell.loop_epoch == timed[cell.optimizer] for cell in cells)
    assert timed["momentum"] != timed["adam"]


@pytest.mark.slow
def test_a_sweep_of_a_users_file_works(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text("make,size,mpg\nfiat,1,30\nopel,2,25\nsaab,4,16\nseat,3,19\n")
    few = ("--lr", 0.1, "--seeds", 2, "--epochs", 20, "--store", "x.sqlite")
    ended = run_cli("sweep", "--problem", "cars.csv", "--target", "mpg", *few)
    assert (ended.code, ended.stderr) == (0, "")
    assert "cars.csv:mpg" in ended.stdout
    assert {cell.problem for cell in stored("x.sqlite")} == {"cars.csv:mpg"}


def stored(path: Path | str) -> list[Cell]:
    """The cells of the newest sweep in a store."""
    kept = SweepStore(Store(str(path), create=False))
    return kept.cells(kept.sweep().id)


# Engines that go wrong, and those who stop them


@pytest.fixture
def four_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of four trainings, so that few make several chunks."""
    monkeypatch.setitem(TOGETHER, "linear", 4)


class Fake:
    """The engine `loop` by another name, with something done before each grid."""

    name = "batched"
    requires: tuple[str, ...] = ()

    def __init__(self, before: Callable[[Training, Grid], None]) -> None:
        self.before, self.loop = before, engines.get("loop")
        self.seen: list[tuple[str, tuple[float, ...]]] = []

    def unsupported(self, training: Training) -> str | None:
        return None

    def prepare(self, training: Training) -> object:
        raise NotImplementedError

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        self.seen.append((training.optimizer, grid.lr))
        self.before(training, grid)
        return self.loop.learn(training, grid, aim, progress)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Training, Grid], None]], Fake]:
    """Puts a fake in the place of the engine `batched`."""

    def put(before: Callable[[Training, Grid], None]) -> Fake:
        made = Fake(before)
        monkeypatch.setitem(engines.ENGINES, "batched", made)
        return made

    return put


Put = Callable[[Callable[[Training, Grid], None]], Fake]


@pytest.mark.slow
@pytest.mark.usefixtures("four_together")
def test_an_engine_that_raises_ends_its_chunk_and_the_sweep_goes_on(fake: Put) -> None:
    def fall(training: Training, grid: Grid) -> None:
        if training.optimizer == "sgd" and 0.1 in grid.lr:
            raise RuntimeError("no luck\nsecond line")

    fake(fall)
    cells = swept(optimizers=("sgd", "adam"), lr=(0.01, 0.1), seeds=3, epochs=2)
    assert [(cell.optimizer, cell.lr, cell.status) for cell in cells] == [
        ("sgd", 0.01, Status.OK),
        ("sgd", 0.1, Status.ERROR),
        ("adam", 0.01, Status.OK),
        ("adam", 0.1, Status.OK),
    ]
    assert cells[1].message == "RuntimeError: no luck"
    assert cells[1].epochs_to == ()
    assert exit_code(cells) == 1


def interrupt_at(second: int) -> Callable[[Training, Grid], None]:
    """Ctrl-C as the chunk of that number begins."""
    chunks = iter(range(1000))

    def before(_training: Training, _grid: Grid) -> None:
        if next(chunks) == second:
            raise KeyboardInterrupt

    return before


@pytest.mark.slow
@pytest.mark.usefixtures("four_together")
def test_a_chunk_is_on_the_disk_as_it_ends(fake: Put, store_path: Path) -> None:
    seen: list[int] = []
    fake(lambda _training, _grid: seen.append(len(stored(store_path))))
    swept(Store(str(store_path)), optimizers=("sgd", "adam"), seeds=4, epochs=1)
    assert seen == [0, 1, 2, 3]


@pytest.mark.slow
@pytest.mark.usefixtures("four_together")
def test_ctrl_c_shows_what_there_is_and_resume_finishes_it(fake: Put, run_cli: RunCli, store_path: Path) -> None:
    small = ("--problem", "four_points", "--seeds", 3, "--epochs", 3, "--lr", "0.01:1:decades", "--no-widen")
    words = ("sweep", *small, "--optimizer", "sgd", "--optimizer", "adam", "--store", store_path, "--in-process")
    fake(interrupt_at(4))
    cut_off = run_cli(*words)
    assert cut_off.code == 130
    assert "four_points" in cut_off.stdout
    assert f"unfinished: harness sweep --resume --store {store_path} goes on\n" in cut_off.stderr
    before = stored(store_path)
    assert len(before) == 4
    assert SweepStore(Store(str(store_path))).sweep().finished_at is None

    engine = fake(lambda _training, _grid: None)
    resumed = run_cli("sweep", "--resume", "--store", store_path, "--in-process")
    assert (resumed.code, resumed.stderr) == (0, "")
    # Three learning rates of plain descent and one of Adam were there.
    assert [lr for _, lr in engine.seen] == [(0.1,), (1.0,)]
    after = stored(store_path)
    assert SweepStore(Store(str(store_path))).sweep().finished_at is not None
    assert [result(cell) for cell in after[:4]] == [result(cell) for cell in before]
    assert {cell.loop_epoch for cell in after if cell.optimizer == "adam"} == {before[3].loop_epoch}

    assert run_cli(*words).code == 0
    assert list(map(result, stored(store_path))) == list(map(result, after))
    assert run_cli("sweep", "--resume", "--store", store_path).code == 2


@pytest.mark.slow
def test_a_sweep_cut_off_before_its_first_cell_is_resumed_too(fake: Put, run_cli: RunCli, store_path: Path) -> None:
    fake(interrupt_at(0))
    assert run_cli("sweep", *FEW, "--lr", 0.1, "--store", store_path, "--in-process").code == 130
    fake(lambda _training, _grid: None)
    assert run_cli("sweep", "--resume", "--store", store_path, "--in-process").code == 0
    assert len(stored(store_path)) == 3


@pytest.mark.slow
def test_resume_is_refused_where_the_data_have_changed(fake: Put, run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text("size,mpg\n1,30\n2,25\n4,16\n")
    fake(interrupt_at(0))
    few = ("--lr", 0.1, "--seeds", 2, "--epochs", 2, "--store", "x.sqlite", "--in-process")
    assert run_cli("sweep", "--problem", "cars.csv", "--target", "mpg", *few).code == 130
    (tmp_path / "cars.csv").write_text("size,mpg\n1,30\n2,25\n4,17\n")
    ended = run_cli("sweep", "--resume", "--store", "x.sqlite")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("harness: --resume: the data of cars.csv:mpg have changed since sweep ")
    assert "start anew: harness sweep" in ended.stderr


@pytest.mark.slow
def test_what_has_moved_since_a_sweep_began_is_said() -> None:
    made = new_sweep(request_of(), [])
    assert moved_since(made) == ""
    versions = made.environment.versions | {"torch": "0.0"}
    before = made.environment.model_copy(update={"cpu": "abacus", "versions": versions})
    said = moved_since(made.model_copy(update={"environment": before}))
    assert said == f"sweep {made.id} began with another cpu, torch: its cells are of both"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--resume", "--show"])
@pytest.mark.parametrize(
    "words", [("--lr", 0.1), ("--problem", "sine"), ("--optimizer", "sgd"), ("--seeds", 3), ("--hidden", "8")], ids=str
)
def test_a_stored_sweep_is_taken_as_it_was_asked_for(mode: str, words: tuple[object, ...], run_cli: RunCli) -> None:
    ended = run_cli("sweep", mode, *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert f"drop {words[0]}" in ended.stderr
    assert mode in ended.stderr


@pytest.mark.parametrize("mode", ["--resume", "--show"])
def test_without_a_store_there_is_nothing_to_go_on_with(mode: str, run_cli: RunCli, tmp_path: Path) -> None:
    ended = run_cli("sweep", mode)
    assert (ended.code, ended.stdout) == (3, "")
    assert "no store there yet" in ended.stderr
    assert list(tmp_path.iterdir()) == []


# What is shown


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sweep]:
    """A store with two finished sweeps, and the first."""
    path = tmp_path_factory.mktemp("shown") / "store.sqlite"
    first = swept(Store(str(path)), optimizers=("sgd",))
    swept(Store(str(path)), optimizers=("adam",))
    kept = SweepStore(Store(str(path)))
    assert len(first) == 2
    return path, kept.sweeps()[0]


@pytest.mark.slow
def test_the_newest_sweep_is_shown_unless_one_is_named(shown: tuple[Path, Sweep], run_cli: RunCli) -> None:
    path, first = shown
    newest = run_cli("sweep", "--show", "--store", path)
    assert (newest.code, newest.stderr) == (0, "")
    assert "adam" in newest.stdout
    named = run_cli("sweep", "--show", first.id, "--store", path)
    assert named.code == 0
    assert f"sweep {first.id} is in " in named.stdout
    assert "adam" not in named.stdout


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--json", "--markdown"])
def test_a_stored_sweep_is_printed_for_programs_and_pages(
    form: str, shown: tuple[Path, Sweep], run_cli: RunCli
) -> None:
    ended = run_cli("sweep", "--show", form, "--store", shown[0])
    assert (ended.code, ended.stderr) == (0, "")
    if form == "--json":
        json.loads(ended.stdout)
    else:
        assert "|" in ended.stdout


@pytest.mark.slow
def test_pictures_are_drawn_of_a_stored_sweep(shown: tuple[Path, Sweep], run_cli: RunCli, tmp_path: Path) -> None:
    ended = run_cli("sweep", "--show", "--store", shown[0], "--plots", "pictures")
    assert ended.code == 0
    drawn = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert drawn
    assert [name for name in drawn if name not in ended.stderr] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--show", "mine"), 2, "no sweep 'mine' in "),
        (("mine",), 2, "'mine': an id goes with --show"),
        (("--show", "--resume"), 2, "--show and --resume are different things"),
        (("--show", "--json", "--markdown"), 2, "--json and --markdown both write"),
        (("--resume",), 2, "--resume: no unfinished sweep in "),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_one_line(
    words: tuple[str, ...], code: int, said: str, shown: tuple[Path, Sweep], run_cli: RunCli
) -> None:
    ended = run_cli("sweep", *words, "--store", shown[0])
    assert (ended.code, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


# The store


@pytest.mark.slow
def test_a_sweep_and_its_cells_come_back_to_the_last_bit(store_path: Path) -> None:
    request = request_of(optimizers=("sgd", "adam"), lr=(0.01, 100.0), epochs=400)
    planned, store = candidates(request), SweepStore(Store(str(store_path)))
    made = new_sweep(request, planned)
    store.start(made)
    cells = execute(made, planned, store)
    assert any(cell.diverged[0] for cell in cells)
    assert any(np.isnan(cell.loss).any() for cell in cells)
    again = SweepStore(Store(str(store_path), create=False))
    assert [cell.model_dump_json() for cell in again.cells(made.id)] == [cell.model_dump_json() for cell in cells]
    found = again.sweep(made.id)
    assert found.finished_at is not None
    assert found.model_copy(update={"finished_at": None}) == made
    assert asked_of(found)[0] == request


def old_store(path: Path) -> None:
    """A store as it was before there were sweeps."""
    store = Store(str(path))
    for table in (tables.sweep_cells, tables.sweeps):
        table.drop(store.engine)
    store.engine.dispose()


@pytest.mark.slow
def test_a_store_from_before_there_were_sweeps_gets_their_tables(store_path: Path) -> None:
    old_store(store_path)
    reader = Store(str(store_path), create=False)
    assert SweepStore(reader).sweeps() == []
    assert "sweeps" not in inspect(reader.engine).get_table_names()
    assert len(swept(Store(str(store_path)))) == 2
    assert {"sweeps", "sweep_cells", "runs"} <= set(inspect(reader.engine).get_table_names())
    assert len(stored(store_path)) == 2


def test_an_old_store_has_no_sweep_to_show(store_path: Path, run_cli: RunCli) -> None:
    old_store(store_path)
    ended = run_cli("sweep", "--show", "--store", store_path)
    assert (ended.code, ended.stdout) == (3, "")
    assert "no sweep is stored" in ended.stderr


@pytest.mark.slow
def test_two_processes_do_not_both_store_a_cell() -> None:
    store = Store("sqlite://")
    (cell, _) = swept(store)
    kept = SweepStore(store)
    with pytest.raises(UsageError, match="UNIQUE constraint failed"):
        kept.add(kept.sweep().id, [cell])
    assert len(kept.cells(kept.sweep().id)) == 2


# A grid that goes on


class Listener(Observer):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.epochs: list[int] = []
        self.grown = 0

    def working(self, what: str) -> None:
        self.lines.append(what)

    def stored(self, epochs: int) -> None:
        self.epochs.append(epochs)

    def more(self, epochs: int) -> None:
        self.grown += epochs


@pytest.mark.slow
@pytest.mark.parametrize("lr", [(0.001, 0.01), (3.0, 10.0)])
def test_a_grid_goes_on_until_the_best_rate_lies_inside_and_resumes_there(lr: tuple[float, ...]) -> None:
    request, kept = request_of(lr=lr, epochs=200, optimizers=("sgd", "momentum")), SweepStore(Store("sqlite://"))
    planned = candidates(request)
    made = new_sweep(request, planned)
    kept.start(made)
    assert {cell.lr for cell in execute(made, planned, kept)} == set(lr)
    listener = Listener()
    wide = execute(made, planned, kept, listener, widen=True)
    assert sum(listener.epochs) == listener.grown == (len(wide) - 4) * 3 * 200
    (task,) = summarise(wide).tasks
    assert [tuning.edges for tuning in task.tunings] == [(), ()]
    assert max(cell.lr for cell in wide) <= 1e4 * max(lr)
    assert min(cell.lr for cell in wide) >= 1e-4 * min(lr)


# The bar, the codes and what is refused


@pytest.mark.slow
@pytest.mark.usefixtures("four_together")
def test_who_watches_hears_of_every_chunk_and_every_epoch() -> None:
    listener = Listener()
    swept(observer=listener, optimizers=("sgd", "adam"), lr=(0.01, 0.1, 10.0), seeds=2)
    assert listener.lines == [
        "four_points: timing the loop",
        "four_points sgd lr 0.01 to 0.1",
        "four_points sgd lr 10",
        "four_points adam lr 0.01 to 0.1",
        "four_points adam lr 10",
    ]
    assert listener.epochs == [80, 40, 80, 40]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_is_for_a_terminal(terminal: bool) -> None:
    text = StringIO()
    with SweepLive(Console(file=text, force_terminal=terminal, width=120), total=4000) as live:
        live.working("four_points sgd lr 0.01 to 0.1")
        live.stored(1000)
        live.trained(1000)
        live.progress.refresh()
        live.noted("something to know")
    assert "something to know" in text.getvalue()
    assert ("2e+03/4e+03 epochs" in text.getvalue()) == terminal
    assert ("four_points sgd lr 0.01 to 0.1" in text.getvalue()) == terminal


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([Status.OK], 0),
        ([Status.OK, Status.UNSUPPORTED], 0),
        ([Status.OK, Status.ERROR], 1),
        ([Status.ERROR], 1),
        ([Status.UNSUPPORTED], 3),
        ([], 3),
    ],
    ids=str,
)
def test_exit_codes(statuses: Sequence[Status], code: int) -> None:
    (cell,) = swept(lr=(0.1,), epochs=1)
    assert exit_code([cell.model_copy(update={"status": status}) for status in statuses]) == code


@pytest.mark.slow
def test_an_engine_that_cannot_do_it_is_a_cell_with_the_reason_and_exit_code_3(
    run_cli: RunCli, store_path: Path
) -> None:
    ended = run_cli("sweep", *FEW, "--loss", "l1", "--engine", "oracle", "--store", store_path)
    assert ended.code == 3
    cells = stored(store_path)
    assert {cell.status for cell in cells} == {Status.UNSUPPORTED}
    assert {cell.message for cell in cells} == {engines.get("oracle").unsupported(l1_training())}


def l1_training() -> Training:
    return candidates(request_of(loss="l1", engine="oracle"))[0].training


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lr", "0"), "--lr '0': a learning rate is a positive number"),
        (("--lr", "1:0.1:decades"), "--lr '1:0.1:decades': a learning rate is"),
        (("--seeds", 0), "--seeds is at least 1, not 0"),
        (("--epochs", 0), "epochs is at least 1, not 0"),
        (("--batch", 0), "batch is at least 1, not 0"),
        (("--threads", 0), "threads is at least 1, not 0"),
        (("--threads", 9999), "threads is at most"),
        (("--n", "many"), "not 'many'"),
        (("--n", 10), "four_points has the rows it has"),
        (("--target", "y"), "--target goes with a .csv or .parquet file"),
        (("--problem", "for_points"), "unknown problem 'for_points': did you mean 'four_points'?"),
        (("--problem", "flat.csv", "--problem", "x.csv"), "flat.csv: say which column is fitted"),
        (("--optimizer", "sgdm"), "unknown optimizer 'sgdm': did you mean 'sgd'?"),
        (("--optimizer", "adam:momentum=0.9"), "unknown setting of adam 'momentum': known: betas, eps, weight_decay"),
        (("--optimizer", "sgd:lr=0.1"), "unknown setting of sgd 'lr'"),
        (("--optimizer", "sgd:momentum=1.5"), "momentum is in [0, 1), not 1.5"),
        (("--optimizer", "sgd:momentum=much"), "momentum is a number, not 'much'"),
        (("--optimizer", "sgd:momentum"), "momentum is a number, not ''"),
        (("--optimizer", "sgd:momentum=0.1,momentum=0.2"), "says momentum twice"),
        (("--optimizer", "sgd:nesterov=1"), "nesterov needs a momentum"),
        (("--optimizer", "nesterov:nesterov=maybe"), "nesterov is 1 or 0, not 'maybe'"),
        (("--optimizer", "adamw:weight_decay=-1"), "weight_decay is a finite number of at least 0"),
        (("--engine", "batch"), "unknown engine 'batch': did you mean 'batched'?"),
        (("--device", "gpu"), "unknown device 'gpu'"),
        (("--model", "line"), "unknown model 'line': did you mean 'linear'?"),
        (("--model", "linear", "--hidden", "8"), "--hidden is of the MLP"),
        (("--hidden", "8,8"), "--hidden lists units by layer"),
        (("--loss", "mae"), "unknown loss 'mae'"),
        (("--dtype", "float16"), "unknown dtype 'float16'"),
        (("--plots", "flat.csv"), "--plots flat.csv: is a file; name a folder"),
    ],
    ids=str,
)
def test_a_wrong_request_is_one_line_exit_code_2_and_writes_nothing(
    words: tuple[object, ...], said: str, run_cli: RunCli, tmp_path: Path
) -> None:
    (tmp_path / "flat.csv").write_text("x,y\n1,2\n2,2\n3,2\n")
    ended = run_cli("sweep", "--problem", "four_points", *words)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("harness: ")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["flat.csv"]


def test_a_constant_target_of_a_file_is_refused(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("x,y\n1,2\n2,2\n3,2\n")
    ended = run_cli("sweep", "--problem", "flat.csv", "--target", "y")
    assert (ended.code, ended.stdout) == (2, "")
    assert "target 'y' is constant" in ended.stderr
