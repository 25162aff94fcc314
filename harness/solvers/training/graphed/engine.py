"""The engine `graphed`: the textbook loop without the host, its steps replayed from a captured CUDA graph."""

from typing import TYPE_CHECKING

from harness.solvers.device_needs import GRAPH, lacking
from harness.solvers.fit import Fit
from harness.solvers.training.engine import Progress, refusal
from harness.solvers.training.followed import path_of
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.path import fit_of, keeps_all
from harness.solvers.training.training import Aim, Grid, Training
from harness.solvers.training.watch import Watch

if TYPE_CHECKING:
    from harness.solvers.training.graphed.capture import Recorder


class GraphedTraining:
    """`run` is one replay, which goes on from call to call; `fit` a whole training from the start."""

    unit = "epoch"

    def __init__(self, training: Training, record: "Recorder") -> None:
        """Copies to the device and records the steps that are timed; `capture_s` is that part of it."""
        from harness.solvers.training.graphed.replays import Replays

        self.training, self.record = training, record
        self.timed = Replays(training, record, every=False)
        self.timed.steps.reset(*training.case)
        self.capture_s: float | None = self.timed.capture_s
        self.epochs_per_call = self.timed.steps.count

    def run(self) -> None:
        """One replay; the device may still be at it afterwards."""
        self.timed.recorded.replay()

    def fit(self) -> Fit:
        """Train from the initial weights, with a recording that keeps the parameters."""
        from harness.solvers.training.graphed.replays import Replays

        training = self.training
        blocks = Replays(training, self.record, every=True).blocks(*training.case, 0, training.epochs)
        return fit_of(training, path_of(blocks, every=keeps_all(training)))


class GraphedEngine:
    """Full-batch training on CUDA with torch's optimizers, Adam and AdamW in their capturable form."""

    name = "graphed"
    requires: tuple[str, ...] = ()

    def __init__(self, record: "Recorder | None" = None) -> None:
        """`record`: what repeats steps, a CUDA graph unless another is given."""
        self._record = record

    def unsupported(self, training: Training) -> str | None:
        """What cannot be captured: the CPU, and steps that are not the same each time.

        Losses stay on the device in any case: `loss_on_device` says nothing new.
        """
        import torch

        options, n = training.options, len(training.problem.split.train)
        if refused := refusal(self.name, training):
            return refused
        if lacking(options.device, (GRAPH,)):
            return "a CUDA graph needs --device cuda"
        if not torch.cuda.is_available():
            built = torch.version.cuda
            return f"torch is built for CUDA {built} but finds no device" if built else "torch is a CPU-only build"
        if (options.batch or n) < n:
            return (
                f"the engine graphed repeats one step over all {n} rows, and mini-batches of {options.batch} are "
                "drawn anew each epoch: drop --batch or use --engine batched"
            )
        return None

    def prepare(self, training: Training) -> GraphedTraining:
        """Copies to the device, allocates and captures; the timed work is a replay."""
        return GraphedTraining(training, self._recorder())

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """One training after the other, captured once, or once a learning rate where that is part of the graph."""
        from harness.solvers.training.graphed.replays import Replays

        watch, replays = Watch(grid, aim, training.epochs), None
        for number, (lr, seed) in enumerate(grid.cases):
            if replays is None or not replays.steps.takes(lr):
                replays = Replays(training.of(lr, seed), self._recorder(), every=watch.wants_parameters)
            for block in replays.blocks(lr, seed, number, training.epochs):
                watch.note(block)
            progress((number + 1) * training.epochs)
        return watch.learned()

    def _recorder(self) -> "Recorder":
        from harness.solvers.training.graphed.capture import cuda_graph

        return self._record or cuda_graph
