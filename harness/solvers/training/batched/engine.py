"""The engine `batched`: the trainings of a grid as one batch of torch products; one training as a batch of one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.solvers.fit import Fit
from harness.solvers.training.batched.initial import initial_parameters
from harness.solvers.training.batched.settings import Settings
from harness.solvers.training.engine import Told
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.path import Path, fit_of, keeps_all
from harness.solvers.training.training import Aim, Grid, Training
from harness.solvers.training.watch import Block, Watch

if TYPE_CHECKING:
    from harness.solvers.training.batched.batch import Batch, Seen

TIMED_ROWS = 2**22
"""Most rows that one timed call goes over, unless an epoch is more: what a call costs beside them is microseconds."""
OWN_NUMBERS = 2**26
"""Most numbers that a mini-batch step holds, 256 MiB of float32: there each model has rows of its own."""


def batch_of(training: Training, cases: Sequence[tuple[float, int]]) -> "Batch":
    """The trainings at these (lr, seed) in one batch, at their start, on the training's device."""
    from harness.solvers.training.batched.batch import Batch, MiniBatches
    from harness.solvers.training.batched.linear import LinearModels
    from harness.solvers.training.batched.mlp import MlpModels

    options = training.options
    X, y = training.tensors("train")
    loss, hidden, seeds = str(options.loss), options.hidden, [seed for _, seed in cases]
    models = (
        LinearModels(X, y, len(cases), loss=loss)
        if hidden is None
        else MlpModels(X, y, len(cases), hidden=hidden, loss=loss)
    )
    settings = Settings(
        optimizer=training.optimizer,
        lr=np.array([lr for lr, _ in cases]),
        momentum=options.momentum or 0.0,
        nesterov=float(options.nesterov or False),
        weight_decay=options.weight_decay,
    )
    distinct = sorted(set(seeds))
    initial = initial_parameters(training.build, distinct)[np.searchsorted(distinct, seeds)]
    order = None if options.batch is None else MiniBatches(options.batch, seeds)
    return Batch(models, initial, settings, order)


class BatchedTraining:
    """`run` is a block of epochs of a model that goes on from call to call; `fit` a whole training from the start."""

    unit = "epoch"
    capture_s: float | None = None

    def __init__(self, training: Training) -> None:
        """Copy to the device and build the batch of one that is timed."""
        self.training = training
        self.timed = batch_of(training, [_own(training)])
        self.epochs_per_call = max(1, min(self.timed.block, TIMED_ROWS // len(self.timed.like)))

    def run(self) -> None:
        """`epochs_per_call` epochs; their losses are on the host at the end, as the loop's are after each."""
        self.timed.advance(self.epochs_per_call)
        self.timed.losses.cpu()
        self.timed.carry(self.epochs_per_call)

    def fit(self) -> Fit:
        """Train from the initial weights."""
        (fit,) = fits_of(self.training, [int(self.training.options.seed or 0)])
        return fit


def fits_of(training: Training, seeds: Sequence[int]) -> list[Fit]:
    """The training's Fit with each seed, all trained in one batch at its learning rate."""
    from harness.solvers.training.batched.batch import train

    epochs = training.epochs
    keep = range(epochs + 1) if keeps_all(training) else range(epochs, epochs + 1)
    lr, _ = _own(training)
    trained = train(batch_of(training, [(lr, seed) for seed in seeds]), epochs, keep)
    fits = []
    for number, seed in enumerate(seeds):
        run = int(trained.epochs_run[number])
        path = Path(trained.loss[:run, number], trained.kept[: run + 1, number], bool(trained.diverged[number]))
        fits.append(fit_of(training.of(lr, seed), path))
    return fits


class BatchedEngine:
    """The loop's arithmetic with gradients written by hand, for any number of trainings at once."""

    name = "batched"
    requires: tuple[str, ...] = ()

    def unsupported(self, training: Training) -> str | None:
        """What only torch's own optimizers and loop have, and models that have no batched form."""
        options = training.options
        if options.implementation is not None:
            return "the engine batched has no torch optimizer, and so no implementation of one: drop --implementation"
        if options.loss_on_device:
            return "the engine batched fetches losses once a block of epochs, never each: drop --loss-on-device"
        if training.linear is None and options.hidden is None:
            return "the engine batched knows linear models and ReLU networks only: use --engine loop"
        return None

    def prepare(self, training: Training) -> BatchedTraining:
        """Copies to the device and makes room; the timed work is a block of epochs."""
        return BatchedTraining(training)

    def learn(self, training: Training, grid: Grid, aim: Aim, told: Told) -> Learned:
        """All trainings in one batch, or as few as memory allows."""
        from harness.solvers.training.batched.batch import blocks

        watch, cases, done = Watch(grid, aim, training.epochs), grid.cases, 0
        for numbers in _parts(training, len(cases)):
            batch = batch_of(training, cases[numbers.start : numbers.stop])
            for seen in blocks(batch, training.epochs):
                watch.note(_block(batch, seen, numbers, parameters=watch.wants_parameters))
                told(done + (seen.before + seen.count) * len(numbers))
            done += training.epochs * len(numbers)
            told(done)
        return watch.learned()


def _own(training: Training) -> tuple[float, int]:
    """The training's own (lr, seed)."""
    assert training.options.lr is not None  # noqa: S101  # resolve() set it
    return training.options.lr, int(training.options.seed or 0)


def _block(batch: "Batch", seen: "Seen", numbers: range, *, parameters: bool) -> Block:
    """What a watch is shown, on the host."""
    kept = batch.path[: seen.count + 1][:, batch.place].double().cpu().numpy() if parameters else None
    who, loss, run, ended = (v.cpu().numpy() for v in (seen.numbers, seen.loss, seen.run, seen.ended))
    return Block(seen.before, who + numbers.start, loss, kept, run, ended)


def _parts(training: Training, total: int) -> Iterator[range]:
    """The numbers of the trainings, as many together as their own mini-batches leave room for; all on full batches.

    A full batch is shared and taken in parts of its rows, so that its memory does not grow with the models.
    """
    options, (n, p) = training.options, training.problem.rows("train")[0].shape
    size = total
    if options.batch is not None and options.batch < n:
        # A row with its one and its target; of a network's units the activation and the slope.
        size = max(1, OWN_NUMBERS // (options.batch * (p + 2 + 2 * sum(options.hidden or ()))))
    for start in range(0, total, size):
        yield range(start, min(start + size, total))
