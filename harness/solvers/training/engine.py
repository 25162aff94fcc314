"""The engine's contract: who does the arithmetic of a training, alone or for a whole grid of them."""

from collections.abc import Callable
from typing import Protocol

from harness.solvers.solver import Prepared
from harness.solvers.training.learning_map import Learned
from harness.solvers.training.training import Aim, Grid, Training

Told = Callable[[int], None]
"""Called with the number of epochs that are done, all trainings of the grid together."""


class Engine(Protocol):
    """One way to do the same training; a record names it in `options.engine`."""

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

    def learn(self, training: Training, grid: Grid, aim: Aim, told: Told) -> Learned:
        """All trainings of a grid, each from the loop's initial weights and in the loop's order of rows.

        The options' lr and seed are the grid's. A training that diverges ends; the others go on.
        """
