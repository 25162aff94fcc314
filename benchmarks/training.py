"""The engines of training beside the textbook loop: what an epoch of one training costs with each.

One process, one thread, turns in shuffled rounds: what is judged are ratios within one run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks import training_bars as bars
from benchmarks.training_bars import (
    BATCHED,
    CUDA_ROWS,
    GRAPHED,
    JAX,
    LOOP,
    ORACLE,
    SUBJECTS,
    TEXTBOOK,
    TrainingLine,
)
from harness.measure.plan import single
from harness.problems import catalog as problems
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import missing_library
from harness.solvers.training import engines
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.torch_trained import TorchTrained
from harness.solvers.training.training import Aim, Grid, Training, seeded
from harness.timing.clock import Clock
from harness.timing.device import synchronizer, unavailable
from harness.timing.device_start import STARTS
from harness.timing.sampling import Effort, Work, sample_interleaved
from harness.timing.threads import limited, pools_of

SOLVERS = dict(zip(SUBJECTS, ("torch_sgd", "torch_adam", "mlp_sgd", "mlp_adam"), strict=True))
OPTIONS = {
    f"{LOOP}, foreach": Options(implementation="foreach"),
    f"{LOOP}, fused": Options(implementation="fused"),
    f"{LOOP}, loss on device": Options(loss_on_device=True),
}
RATES = (0.001, 0.003, 0.01, 0.03)
"""Of models trained together: none of them diverges, so that all are under way in every call."""

PAIR = Effort(warm_up_calls=5, calls_per_turn=1, min_calls=1000, max_calls=1000)
"""Of the textbook loop and the engine `loop`, call by call: a hundred calls do not tell 2 % on a busy machine."""
BLOCKS = Effort(warm_up_calls=2, calls_per_turn=5, min_calls=10, max_calls=100, budget_s=1.0)
"""Of calls between one epoch of one model, 0.1 ms, and a thousand of 64."""
MAPS = Effort(warm_up_calls=1, calls_per_turn=1, min_calls=5, max_calls=9, budget_s=3.0)

Told = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long: numbers of models together, and the oracle's map."""

    problem: str = "synthetic:n=398,p=1"
    linear: tuple[int, ...] = (64, 256)
    network: tuple[int, ...] = (16, 64)
    pair: Effort = PAIR
    effort: Effort = BLOCKS
    map_problem: str = "auto_mpg"
    map_rates: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9, 1.1)
    map_seeds: int = 64
    epochs: int = 10_000
    map_effort: Effort = MAPS

    def together(self, subject: str) -> tuple[int, ...]:
        """Numbers of models trained together."""
        return self.linear if SOLVERS[subject].startswith("torch") else self.network


FULL = Plan()


class Subject(NamedTuple):
    """Something ready to be timed, `epochs` epochs a call."""

    call: Callable[[], object]
    epochs: int


class Start(NamedTuple):
    """A line, and what makes its subject; or, as text, why nothing can."""

    line: TrainingLine
    make: Callable[[], Subject] | str


def training_lines(plan: Plan, device: str, told: Told, clock: Clock) -> Iterator[TrainingLine]:
    """Every line on the CPU, with those on CUDA and why they are not measured; or on CUDA these alone, in a minute."""
    import_module("torch._dynamo")  # torch.optim imports it when it is first used: too late to be limited
    with pools_of(1), limited(1):
        if not device.startswith("cuda"):
            for subject in SUBJECTS:
                yield from _sampled(list(_loops(plan, subject)), plan.pair, told, clock)
                yield from _sampled(list(_starts(plan, subject)), plan.effort, told, clock)
            yield from _sampled(list(_maps(plan)), plan.map_effort, told, clock)
        for subject in SUBJECTS:
            for n in CUDA_ROWS:
                starts = list(_on_cuda(plan, subject, n, device))
                yield from _sampled(starts, plan.effort, told, clock)


def _loops(plan: Plan, subject: str) -> Iterator[Start]:
    """What the engine `loop` adds to the loop that is written out."""
    training, group = _training(plan.problem, subject, Options()), bars.loop_group(subject)
    yield Start(TrainingLine(group, TEXTBOOK), partial(_textbook, training, []))
    yield Start(TrainingLine(group, LOOP), partial(_alone, LOOP, training))


def _starts(plan: Plan, subject: str) -> Iterator[Start]:
    """The textbook loop, torch's options beside it, and models trained together."""
    training = _training(plan.problem, subject, Options(epochs=plan.epochs))
    yield Start(TrainingLine(subject, TEXTBOOK), partial(_textbook, training, []))
    for name, asked in OPTIONS.items():
        other = _training(plan.problem, subject, replace(asked, epochs=plan.epochs))
        yield Start(TrainingLine(subject, name), partial(_alone, LOOP, other))
    for models in plan.together(subject):
        for name, together in ((BATCHED, _batched), (JAX, _jax)):
            reason = _why_not(name, training)
            yield Start(TrainingLine(subject, name, models), reason or partial(together, training, _cases(models)))


def _maps(plan: Plan) -> Iterator[Start]:
    """The oracle's learning maps over learning rates and seeds."""
    grid = Grid(plan.map_rates, tuple(range(plan.map_seeds)))
    for name, subject in (("SGD", SUBJECTS[0]), ("Adam", SUBJECTS[1])):
        asked = Options(epochs=plan.epochs, dtype="float64", engine="oracle")
        training = _training(plan.map_problem, subject, asked)
        yield Start(TrainingLine(ORACLE, name, len(grid.cases), plan.epochs), partial(_map, training, grid))


def _on_cuda(plan: Plan, subject: str, n: int, device: str) -> Iterator[Start]:
    """Graphed steps beside the textbook loop, and at the smaller size one model beside 256.

    A graph of Adam's has the fused kernel: the foreach one is a dozen kernels a step, each as long as a launch.
    """
    reason, where = _no_cuda(device), device if device.startswith("cuda") else "cuda"
    line = TrainingLine(bars.cuda_group(subject, n), TEXTBOOK, device=where)
    training = _training(f"synthetic:n={n},p=1", subject, Options(epochs=plan.epochs, device=where))
    yield Start(line, reason or partial(_textbook, training, []))
    graphed = _training(training.problem.label, subject, Options(epochs=plan.epochs, device=where, **_fused(subject)))
    refused = reason or _why_not(GRAPHED, graphed)
    yield Start(replace(line, name=GRAPHED), refused or partial(_alone, GRAPHED, graphed))
    if n == CUDA_ROWS[0] and subject in SUBJECTS[:2]:
        for models in (1, 256):
            make = reason or partial(_batched, training, _cases(models))
            yield Start(replace(line, name=BATCHED, models=models), make)


def _fused(subject: str) -> dict[str, Any]:
    return {"implementation": "fused"} if subject.endswith("Adam") else {}


def _no_cuda(device: str) -> str:
    """Why nothing is measured on CUDA, or an empty text."""
    return unavailable("cuda") or ("" if device.startswith("cuda") else "add --device cuda")


def _why_not(name: str, training: Training) -> str | None:
    engine = engines.get(name)
    return missing_library(engine.requires) or engine.unsupported(training)


def _sampled(starts: Sequence[Start], effort: Effort, told: Told, clock: Clock) -> Iterator[TrainingLine]:
    """The lines of a group, in the order given, with samples taken in turns."""
    works: dict[int, Work] = {}
    lines = []
    told(f"{starts[0].line.group}: preparing and compiling")
    for start in starts:
        STARTS.start(start.line.device)
    for number, (line, make) in enumerate(starts):
        if isinstance(make, str):
            lines.append(replace(line, note=make))
            continue
        before = clock.wall_s()
        try:
            subject = make()
            subject.call()
        except (MemoryError, ValueError, RuntimeError) as error:
            lines.append(replace(line, note=f"{type(error).__name__}: {error}"))
            continue
        works[number] = Work(subject.call, synchronizer(line.device), partial(STARTS.busy, line.device))
        lines.append(replace(line, epochs=subject.epochs, prepare_s=clock.wall_s() - before))
    if not works:
        yield from lines
        return
    told(f"{starts[0].line.group}: in turns")
    sampled = dict(zip(works, sample_interleaved(list(works.values()), clock, effort), strict=True))
    for number, line in enumerate(lines):
        found = sampled.get(number)
        yield line if found is None else line.timed(found)


def _training(problem: str, subject: str, asked: Options) -> Training:
    solver, loaded = solvers.get(SOLVERS[subject]), problems.load(problem)
    assert isinstance(solver, TorchTrained)  # noqa: S101  # SOLVERS names no other
    return solver.training(loaded, single(loaded, solver, asked).options)


def _cases(models: int) -> list[tuple[float, int]]:
    """So many (lr, seed), all learning rates with each seed."""
    return [(RATES[number % len(RATES)], number // len(RATES)) for number in range(models)]


def _textbook(training: Training, history: list[float]) -> Subject:
    """The loop as tutorials print it, on the training's rows, losses to `history`: what speed-ups are relative to."""
    import torch
    from torch import nn

    options = training.options
    X, y = training.tensors("train")
    with seeded(int(options.seed or 0)):
        if not training.is_linear:
            layers = [nn.Linear(X.shape[1], 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU()]
            model = nn.Sequential(*layers, nn.Linear(8, 1))
        else:
            model = nn.Linear(X.shape[1], 1)
    model.to(options.device)
    criterion = nn.MSELoss()
    kind = torch.optim.SGD if training.optimizer == "sgd" else torch.optim.Adam
    optimizer = kind(model.parameters(), lr=options.lr)

    def epoch() -> None:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        history.append(loss.item())
        loss.backward()
        optimizer.step()

    return Subject(epoch, 1)


def _alone(name: str, training: Training) -> Subject:
    """One training by an engine: its prepared work."""
    prepared = engines.get(name).prepare(training)
    return Subject(prepared.run, prepared.epochs_per_call)


def _batched(training: Training, cases: Sequence[tuple[float, int]]) -> Subject:
    """Trainings together by `batched`: a block of epochs, its losses on the host at the end."""
    from harness.solvers.training.batched.engine import batch_of

    batch = batch_of(training, cases)

    def block() -> None:
        batch.advance(batch.block)
        batch.losses.cpu()
        batch.carry(batch.block)

    return Subject(block, batch.block)


def _jax(training: Training, cases: Sequence[tuple[float, int]]) -> Subject:
    """Trainings together by `jax`, which keeps linear models' parameters after each epoch, as `batched` does."""
    from harness.solvers.training.jax_scan.together import Together

    together = Together(training, cases, every=training.is_linear)
    return Subject(together.advance, together.count)


def _map(training: Training, grid: Grid) -> Subject:
    """The oracle's whole map: initial weights drawn, every crossing and curve found; the rows factored before."""
    quadratic = Quadratic.of(*training.arrays("train"))
    aim = Aim(quadratic.best_loss, quadratic.loss_scale, quadratic)
    return Subject(lambda: engines.get(ORACLE).learn(training, grid, aim, lambda _: None), training.epochs)
