"""The engine `loop`: one training alone by the loop as people write it, as a solver's work."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.fit import Fit
from harness.solvers.training.brought_optimizer import in_training, where_evaluated
from harness.solvers.training.engine import Progress, refusal
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.loop import Loop, train
from harness.solvers.training.path import Path, fit_of, keeps_all, loss_of
from harness.solvers.training.training import Aim, Grid, Training, seeded
from harness.solvers.training.watch import Block, Watch

if TYPE_CHECKING:
    import torch


def loop_of(training: Training) -> Loop:
    """A loop at its start: initial weights and order of rows from the seed, data on the device."""
    import torch

    options, seed = training.options, int(training.options.seed or 0)
    with seeded(seed):
        model = training.build()
    model = model.to(device=options.device, dtype=getattr(torch, str(options.dtype)))
    X, y = training.tensors("train")
    optimizer = training.entry.build(model.parameters(), options)
    in_training(optimizer)
    return Loop(
        model,
        optimizer,
        loss_of(training),
        X,
        y,
        options.batch,
        torch.Generator().manual_seed(seed),
        fetch=not options.loss_on_device,
        scheduler=None if training.scheduler is None else training.scheduler(optimizer),
    )


def run_path(training: Training, loop: Loop, *, every: bool) -> Path:
    """Train from where the loop stands, keeping each epoch's loss and, if `every`, its parameters."""
    losses: list[float] = []
    parameters = [_flat(loop)] if every else []

    def observe(_epoch: int, loss: float) -> None:
        losses.append(loss)
        if every:
            parameters.append(_flat(loop))

    converging = train(loop, training.epochs, observe)
    return Path(np.array(losses), np.array(parameters or [_flat(loop)]), not converging)


def _flat(loop: Loop) -> Floats:
    """All parameters (P,) in the module's order, float64: those that the optimizer wants evaluated."""
    with where_evaluated(loop.optimizer):
        return np.concatenate([value.detach().cpu().double().numpy().ravel() for value in loop.model.parameters()])


@dataclass
class LoopTraining:
    """`run` is one epoch of a model that goes on from call to call; `fit` is a whole training from the start."""

    training: Training
    unit: str = "epoch"
    epochs_per_call: int = 1
    capture_s: float | None = None

    def __post_init__(self) -> None:
        """Build the model that is timed."""
        self.timed = loop_of(self.training)
        self.draw = self.timed.draw if self.timed.draws else None
        self.losses: list[float | torch.Tensor] = []

    def run(self) -> None:
        """One epoch of the timed model; its loss is kept, for whoever asks whether these epochs train."""
        self.losses.append(self.timed.epoch())

    def fit(self) -> Fit:
        """Train from the initial weights."""
        return fit_of(self.training, run_path(self.training, loop_of(self.training), every=keeps_all(self.training)))


class LoopEngine:
    """Any training that torch can do."""

    name = "loop"
    requires: tuple[str, ...] = ()

    def unsupported(self, training: Training) -> str | None:
        """Implementations that torch's optimizer does not have."""
        return refusal(self.name, training)

    def prepare(self, training: Training) -> LoopTraining:
        """Copies to the device and builds the model; the timed work is one epoch."""
        return LoopTraining(training)

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """One training after the other."""
        watch = Watch(grid, aim, training.epochs)
        for number, (lr, seed) in enumerate(grid.cases):
            path = run_path(training, loop_of(training.of(lr, seed)), every=watch.wants_parameters)
            kept = path.parameters[:, None] if watch.wants_parameters else None
            run, ended = np.array([len(path.loss)]), np.array([path.diverged])
            watch.note(Block(0, np.array([number]), path.loss[:, None], kept, run, ended))
            progress((number + 1) * training.epochs)
        return watch.learned()
