"""The engine's contract: who does the arithmetic of a training, alone or for all of a grid, and what is refused."""

from collections.abc import Callable, Mapping
from typing import Protocol

from harness.solvers.solver import Prepared
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.schedules import SCHEDULES
from harness.solvers.training.training import Aim, Grid, Training

Progress = Callable[[int], None]
"""Called with the number of epochs that are done, all trainings of the grid together."""

TOGETHER = {"linear": 256, "mlp": 64}
"""Most trainings in a batch, by model. Measured on one core: beyond these a training costs no less."""


class Engine(Protocol):
    """One way to do the same training; a record names it in `options.engine`.

    What it needs of a device, whatever is trained, it says in `needs` (harness.solvers.device_needs), if it has that.
    """

    @property
    def name(self) -> str:
        """As the option names it."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Modules that it imports beyond the solver's."""

    def unsupported(self, training: Training) -> str | None:
        """Why this engine cannot do this training, or None."""

    def prepare(self, training: Training) -> Prepared:
        """One training, to be timed and fitted: the Trace is the loop's, to rounding."""

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """All trainings of a grid, each from the loop's initial weights and in the loop's order of rows.

        The options' lr and seed are the grid's. A training that diverges ends; the others go on.
        """


def refusal(engine: str, training: Training, *reasons: Mapping[str, bool]) -> str | None:
    """Why an engine cannot do a training: it lacks the optimizer, or the first of the reasons that applies; or None."""
    lacking = training.entry.unsupported(engine, training.options.implementation)
    torch_s = engine in ("loop", "batched")
    scheduled = training.scheduler is not None and engine != "loop"
    named = engine == "batched" and training.options.scheduler in SCHEDULES
    common = {
        "steps no scheduler: use --engine loop": scheduled and not named,
        "schedules no optimizer whose steps are no multiples of its learning rate: use --engine loop": scheduled
        and not training.entry.scales_with_lr,
        "has no dampening: use --engine batched or loop": bool(training.options.dampening) and not torch_s,
    }
    reasons = (common, *reasons)
    applying = (reason for one in reasons for reason, applies in one.items() if applies)
    return lacking or next((f"the engine {engine} {reason}" for reason in applying), None)


def only_full_batches(training: Training) -> Mapping[str, bool]:
    """The reason of an engine that does not draw mini-batches."""
    batch, n = training.options.batch, len(training.problem.split.train)
    return {f"is of full batches, not of {batch} of {n} rows: drop --batch": (batch or n) < n}


def only_written_out(training: Training) -> Mapping[str, bool]:
    """The reasons of an engine that has neither torch's optimizers nor its modules, and works on blocks of epochs."""
    options = training.options
    return {
        "has no torch optimizer, and so no implementation of one: drop --implementation": bool(options.implementation),
        "fetches losses once a block of epochs, never each: drop --loss-on-device": bool(options.loss_on_device),
        "minimises no weighted loss: use --engine loop": training.problem.weights is not None,
        "knows linear models and ReLU networks only: use --engine loop": not training.is_linear
        and options.hidden is None,
    }
