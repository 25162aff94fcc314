"""The engine `jax`: the loop's arithmetic compiled by XLA, a block of epochs and all models of a grid in one call."""

from importlib.metadata import entry_points

from harness.solvers.closed_forms.jax_client import cannot_change_to
from harness.solvers.fit import Fit
from harness.solvers.training.engine import Progress, only_full_batches, only_written_out, refusal
from harness.solvers.training.followed import path_of
from harness.solvers.training.jax_scan.together import Together
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.path import fit_of, keeps_all
from harness.solvers.training.training import Aim, Grid, Training
from harness.solvers.training.watch import Watch


class JaxTraining:
    """`run` is a block of epochs of a model that goes on from call to call; `fit` a whole training from the start."""

    unit = "epoch"
    capture_s: float | None = None

    def __init__(self, training: Training) -> None:
        """Copies to the device and compiles, by running a block of the model that is timed."""
        self.training = training
        self.timed = Together(training, [training.case], every=False)
        self.epochs_per_call = self.timed.count
        self.timed.advance()

    def run(self) -> None:
        """One block of the timed model, until its losses are there."""
        self.timed.advance()

    def fit(self) -> Fit:
        """Train from the initial weights."""
        training = self.training
        blocks = Together(training, [training.case], every=True).blocks([0], training.epochs)
        return fit_of(training, path_of(blocks, every=keeps_all(training)))


class JaxEngine:
    """Full-batch training of the linear model and of ReLU networks, one compilation a grid.

    Double precision and the precision of products are switched on for these calls alone. A training that
    diverges goes on computing until all have ended: another shape would be another compilation, which costs
    more than what it would save.
    """

    name = "jax"
    requires: tuple[str, ...] = ("jax", "jaxlib")

    def unsupported(self, training: Training) -> str | None:
        """What only torch's own optimizers and loop have, a device that jax lacks, another number of threads."""
        kind = training.options.device.partition(":")[0]
        asked = {
            "runs on the CPU and on CUDA: add --device cpu": kind not in ("cpu", "cuda"),
            "has no CUDA here: install jax[cuda13] or jax[cuda12], or add --device cpu": kind == "cuda"
            and not _has_cuda(),
        }
        reason = refusal(self.name, training, only_full_batches(training), only_written_out(training), asked)
        return reason or cannot_change_to(training.options.threads)

    def prepare(self, training: Training) -> JaxTraining:
        """Copies to the device and compiles; the timed work is a block of epochs."""
        return JaxTraining(training)

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """All trainings at once."""
        watch, total = Watch(grid, aim, training.epochs), len(grid.cases)
        together = Together(training, grid.cases, every=watch.wants_parameters)
        for block in together.blocks(range(total), training.epochs):
            watch.note(block)
            progress(total * min(training.epochs, block.before + len(block.loss)))
        progress(total * training.epochs)
        return watch.learned()


def _has_cuda() -> bool:
    """Whether jax has its CUDA plugin and torch a device: asking jax would make its client, threads and all."""
    import torch

    plugins = {plugin.name for plugin in entry_points(group="jax_plugins")}
    return torch.cuda.is_available() and any("cuda" in name for name in plugins)
