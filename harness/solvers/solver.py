"""The solver's contract: preparation and timed work are separate calls."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from typing import Protocol

from harness.problems.problem import Problem
from harness.solvers.device_needs import FLOAT64, lacking
from harness.solvers.fit import Fit
from harness.solvers.options import Options


class Kind(StrEnum):
    """What a solver claims, and so what it is judged by."""

    CLOSED_FORM = "closed_form"  # the least-squares solution: digits
    ITERATIVE = "iterative"  # the way there: excess loss, epochs, seconds
    CURVE = "curve"  # a nonlinear model: R² and MSE on held-out rows
    BASELINE = "baseline"  # nothing: it shows what no fit at all gives


class Prepared(Protocol):
    """A case ready to be timed.

    `run()` is the timed work and nothing else: one whole fit, or one epoch, as `unit` says. It may be
    called any number of times and always does the same work. On CUDA it may return before the device
    is done: the clock synchronises. `fit()` is not timed; it hands out the solution: of the last
    `run()` where the unit is a fit, of a whole training from the initial weights where it is an epoch.
    One whose `run()` needs something from chance, as the order of an epoch's rows, may have a method `draw()` too:
    it is called before each `run()`, and timed apart. One of epochs may keep in `losses` the
    loss that each epoch of its `run()`s stepped from, in order: whether these epochs train is then seen.
    """

    @property
    def unit(self) -> str:
        """`fit` or `epoch`."""

    @property
    def epochs_per_call(self) -> int:
        """How many epochs one `run()` is; 1 where the unit is a fit."""

    @property
    def capture_s(self) -> float | None:
        """Seconds that the preparation spent on recording a CUDA graph; None if it records none."""

    def run(self) -> None:
        """The timed work."""

    def fit(self) -> Fit:
        """The solution, untimed."""


class Solver(Protocol):
    """One algorithm, as a record names it.

    `takes` maps the options that it takes to their defaults; `requires` lists the modules that it
    imports, which are imported before its preparation is timed. One that minimises sum w r² where the problem has
    weights says so by `weighted = True`; the others are not given such a problem.
    """

    @property
    def name(self) -> str:
        """As the command line and the records name it."""

    @property
    def title(self) -> str:
        """What it is, for a person."""

    @property
    def kind(self) -> Kind:
        """What it claims."""

    @property
    def optimizer(self) -> str | None:
        """The optimizer of a training; None for anything else."""

    @property
    def takes(self) -> Mapping[str, object]:
        """Option -> default."""

    @property
    def devices(self) -> tuple[str, ...]:
        """`cpu`, `cuda`, `xpu`, `mps`: where it can be asked to run; it may say in `needs` what it needs there."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Dotted names of the modules that it imports."""

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Why this solver cannot fit this problem with these options, or None."""

    def prepare(self, problem: Problem, options: Options) -> Prepared:
        """Everything that is not the timed work: copies, allocation, transfer, compilation."""


def missing_library(requires: tuple[str, ...]) -> str | None:
    """The reason why a solver is unavailable here, or None if the packages of its modules are installed."""
    packages = [module.partition(".")[0] for module in requires]
    absent = [package for package in packages if find_spec(package) is None]
    return f"{absent[0]} is not installed" if absent else None


def needs_of(solver: Solver, options: Options) -> set[str]:
    """What it needs of a device (harness.solvers.device_needs): its own `needs`, and float64 where it computes so."""
    return {*getattr(solver, "needs", ()), *([FLOAT64] if options.dtype == FLOAT64 else [])}


def why_unsupported(solver: Solver, problem: Problem, options: Options) -> str | None:
    """Every reason not to run a case, the common ones first."""
    missing = missing_library(solver.requires)
    if missing:
        return missing
    if options.device.partition(":")[0] not in solver.devices:
        return f"{solver.name} runs on {', '.join(solver.devices)} only"
    if lack := lacking(options.device, needs_of(solver, options)):
        return lack
    if problem.weights is not None and not getattr(solver, "weighted", False):
        return f"{solver.name} takes no weights"
    return solver.unsupported(problem, options)
