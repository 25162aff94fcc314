"""One optimizer with its settings on a model over a problem, at learning rates and seeds: what a sweep trains."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from harness.measure.plan import Case
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_mlp import TorchMlp
from harness.solvers.training.engine import TOGETHER
from harness.solvers.training.trained import Trained
from harness.solvers.training.training import Grid, Training

LINEAR, MLP = "linear", "mlp"
MODELS = (LINEAR, MLP)


class JudgedBy(NamedTuple):
    """A problem by label and hash, a network by its layers or its place, and the function that is descended on."""

    problem: str
    sha256: str
    hidden: tuple[int, ...] | None
    network: str | None
    trained: Trained


@dataclass(frozen=True)
class Candidate(Case):
    """An optimizer with its settings on a model over a problem, at the learning rates and seeds of a grid.

    A learning rate is in the grid, from the plan to the engine; the options have none, and no seed. `suite` and
    `max_s`: as a Cell has them; `trials`: of a search the number of each learning rate's try; `target`: the tightest
    relative excess loss that is looked for, the harness's own without.
    """

    solver: TorchLinear | TorchMlp
    optimizer: str
    grid: Grid
    suite: str = ""
    target: float | None = None
    trials: Mapping[float, int] = field(default_factory=dict)
    max_s: float | None = None

    @property
    def name(self) -> tuple[str, str]:
        """The problem's label and the optimizer's."""
        return self.problem.label, self.optimizer

    @cached_property
    def training(self) -> Training:
        """What an engine is given."""
        return self.solver.training(self.problem, self.options)

    @property
    def doing(self) -> str:
        """What is said while it is trained."""
        lr = self.grid.lr
        between = f"{lr[0]:g}" if len(lr) == 1 else f"{lr[0]:g} to {lr[-1]:g}"
        return f"{self.problem.label} {self.optimizer} lr {between}"

    @property
    def judged_by(self) -> JudgedBy:
        """What its goal depends on."""
        hidden, network = self.options.hidden, self.options.network
        return JudgedBy(self.problem.label, self.problem.sha256, hidden, network, self.training.trained)

    @property
    def loop(self) -> Case:
        """The textbook loop at the grid's first learning rate and seed, of which an epoch is timed."""
        options = replace(self.options, engine="loop", lr=self.grid.lr[0], seed=self.grid.seeds[0])
        return Case(self.problem, self.solver, options)

    @property
    def model(self) -> str:
        """`linear` or `mlp`."""
        return MLP if "hidden" in self.solver.takes else LINEAR

    @property
    def most_together(self) -> int | None:
        """How many trainings go together: one learning rate's with the loop, all with the oracle (None)."""
        if self.options.engine == "oracle":
            return None
        shared = self.options.threads if self.options.engine == "batched" else 1
        return 1 if self.options.engine == "loop" else shared * TOGETHER[self.model]

    @property
    def batches(self) -> int:
        """In how many batches the grid's trainings are done; those by replayed graphs are each one's own."""
        together = 1 if self.options.engine == "graphed" else self.most_together
        return math.ceil(len(self.grid.cases) / (together or len(self.grid.cases)))

    @property
    def epochs(self) -> int:
        """Of all trainings of the grid together."""
        return len(self.grid.cases) * self.training.epochs

    def at(self, lr: Sequence[float]) -> "Candidate":
        """The same at these learning rates."""
        return replace(self, grid=self.grid.at(lr))

    @property
    def epoch_flops(self) -> float | None:
        """Arithmetic operations of an epoch: products forward and back over the rows, and the optimizer's steps.

        Of W weights a product over n rows has 2 n W; a linear model's gradient needs none for its inputs: 4 n W, and a
        network's 6 n W (Kaplan et al. 2020, arXiv:2001.08361, table 1).
        """
        if self.training.entry.flops is None or self.options.network is not None:
            return None
        n, p = len(self.problem.split.train), self.problem.p
        widths = (p, *(self.options.hidden or ()), 1)
        weights = sum((a + 1) * b for a, b in pairwise(widths))
        steps = 1 if self.options.batch is None else max(1, math.ceil(n / self.options.batch))
        return float((4 if self.training.is_linear else 6) * n * weights + self.training.entry.flops * weights * steps)

    @property
    def chunks(self) -> "list[Candidate]":
        """What is worked on together and stored together: at least one learning rate, in order."""
        lr, together = self.grid.lr, self.most_together
        size = len(lr) if together is None else max(1, together // len(self.grid.seeds))
        return [self.at(lr[start : start + size]) for start in range(0, len(lr), max(size, 1))]
