"""The engine `batched`: the trainings of a grid as one batch of torch products; one training as a batch of one."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from threading import Event, get_ident
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.cores.crew import Crew
from harness.problems.problem import Floats
from harness.solvers.device_needs import FLOAT64
from harness.solvers.fit import Fit
from harness.solvers.training.batched.settings import Settings
from harness.solvers.training.engine import TOGETHER, Progress, only_written_out, refusal
from harness.solvers.training.followed import path_of
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.path import fit_of, keeps_all
from harness.solvers.training.schedules import factors
from harness.solvers.training.training import Aim, Grid, Training
from harness.solvers.training.watch import Block, Watch

if TYPE_CHECKING:
    from harness.solvers.training.batched.batch import Batch

TIMED_ROWS = 2**22
"""Most rows that one timed call goes over, unless an epoch is more: what a call costs beside them is microseconds."""
OWN_NUMBERS = 2**26
"""Most numbers that a mini-batch step holds, 256 MiB of float32: there each model has rows of its own."""


def batch_of(
    training: Training,
    cases: Sequence[tuple[float, int]],
    own: Sequence[Mapping[str, Any]] = (),
    initial: Floats | None = None,
) -> "Batch":
    """The trainings at these (lr, seed) in one batch, at their start, on the training's device.

    `own`: options of the optimizer that each has for itself. `initial` (K, P): where each begins, drawn here if None.
    """
    from harness.solvers.training.batched.batch import Batch, MiniBatches
    from harness.solvers.training.batched.linear import LinearModels
    from harness.solvers.training.batched.mlp import MlpModels

    options = training.options
    X, y = training.tensors("train")
    loss, hidden, seeds = str(options.loss), options.hidden, [seed for _, seed in cases]
    models = (
        LinearModels(X, y, len(cases), loss=loss, intercept=training.problem.intercept)
        if hidden is None
        else MlpModels(X, y, len(cases), hidden=hidden, loss=loss)
    )
    settings = Settings.of(training, [lr for lr, _ in cases], own)
    order = None if options.batch is None else MiniBatches(options.batch, seeds)
    schedule = None if training.scheduler is None else factors(str(options.scheduler), training.epochs)
    start = training.initial_parameters(seeds) if initial is None else initial
    return Batch(models, start, settings, order, schedule)


class BatchedTraining:
    """`run` is a block of epochs of a model that goes on from call to call; `fit` a whole training from the start."""

    unit = "epoch"
    capture_s: float | None = None

    def __init__(self, training: Training) -> None:
        """Copy to the device and build the batch of one that is timed."""
        self.training = training
        self.timed = batch_of(training, [training.case])
        self.epochs_per_call = max(1, min(self.timed.block, TIMED_ROWS // len(self.timed.like)))
        self.draw = partial(self.timed.draw, self.epochs_per_call) if self.timed.batches else None

    def run(self) -> None:
        """`epochs_per_call` epochs; their losses are on the host at the end, as the loop's are after each."""
        self.timed.advance(self.epochs_per_call)
        self.timed.losses.cpu()
        self.timed.carry(self.epochs_per_call)

    def fit(self) -> Fit:
        """Train from the initial weights."""
        _, seed = self.training.case
        (fit,) = fits_of(self.training, [seed])
        return fit


def fits_of(training: Training, seeds: Sequence[int]) -> list[Fit]:
    """The training's Fit with each seed, all trained in one batch at its learning rate."""
    from harness.solvers.training.batched.batch import blocks

    lr, _ = training.case
    own: list[list[Block]] = [[] for _ in seeds]
    batch = batch_of(training, [(lr, seed) for seed in seeds])
    for block in blocks(batch, training.epochs, parameters=True):
        for column, number in enumerate(block.numbers):
            own[number].append(block.alone(column))
    every = keeps_all(training)
    return [fit_of(training.of(lr, seed), path_of(path, every=every)) for seed, path in zip(seeds, own, strict=True)]


class BatchedEngine:
    """The loop's arithmetic with gradients written by hand, for any number of trainings at once."""

    name = "batched"
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = (FLOAT64,)  # losses are compared in it

    def unsupported(self, training: Training) -> str | None:
        """What only torch's own optimizers and loop have, and models that have no batched form."""
        return refusal(self.name, training, only_written_out(training))

    def prepare(self, training: Training) -> BatchedTraining:
        """Copies to the device and makes room; the timed work is a block of epochs."""
        return BatchedTraining(training)

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """All trainings, TOGETHER in a batch or as few as memory allows; threads share batches out on the CPU.

        What is in a batch does not depend on the threads, and so no training does. Two of them may train the same batch
        (harness.cores.crew), so each has a Watch of its own. torch draws initial parameters from one generator of the
        process, so no thread draws them.
        """
        from harness.solvers.training.batched.batch import blocks

        watch, cases, options, calling = Watch(grid, aim, training.epochs), grid.cases, training.options, get_ident()
        crew = Crew(options.threads if options.device == "cpu" else 1)
        parts = list(_parts(training, len(cases), len(grid.seeds)))
        done = {numbers.start: 0 for numbers in parts}
        starts, ended = training.initial_parameters(grid.seeds), Event()

        def train(numbers: range) -> Watch:
            if crew.threads > 1:
                import_module("torch").set_num_threads(1)  # of this thread; whoever set more sets it again
            within = slice(numbers.start, numbers.stop)
            own = Watch(grid, aim, training.epochs, len(numbers))
            initial = starts[np.arange(numbers.start, numbers.stop) % len(starts)]
            batch = batch_of(training, cases[within], grid.own[within], initial)
            for block in blocks(batch, training.epochs, parameters=own.wants_parameters):
                if ended.is_set():  # the other one has done it
                    break
                own.note(block)
                made = (block.before + len(block.loss)) * len(numbers)
                done[numbers.start] = max(done[numbers.start], made)
                if get_ident() == calling:
                    progress(sum(done.values()))
            return own

        try:
            for numbers, own in crew.results(train, parts, least=2):
                watch.take(own, slice(numbers.start, numbers.stop))
                done[numbers.start] = training.epochs * len(numbers)
                progress(sum(done.values()))
        finally:
            ended.set()
        return watch.learned()


def _parts(training: Training, total: int, seeds: int) -> Iterator[range]:
    """The numbers of the trainings: of whole learning rates, TOGETHER at most, or as many as their rows leave room for.

    A full batch is shared and taken in parts of its rows, so that its memory does not grow with the models.
    """
    options, (n, p) = training.options, training.problem.rows("train")[0].shape
    most = TOGETHER["linear" if training.is_linear else "mlp"]
    size = most // seeds * seeds or most
    if options.batch is not None and options.batch < n:
        # A row with its one and its target; of a network's units the activation and the slope.
        size = min(size, max(1, OWN_NUMBERS // (options.batch * (p + 2 + 2 * sum(options.hidden or ())))))
    for start in range(0, total, size):
        yield range(start, min(start + size, total))
