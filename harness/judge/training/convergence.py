"""What a sweep comes to: its cells by task and optimizer, the best of each, and profiles over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.judge.training.budgets import Budget, budgets
from harness.judge.training.cell import CellSummary, summarise_cell
from harness.judge.training.contest import EPOCHS, SECONDS, TaskSummary, summarise_task
from harness.judge.training.profile import Profile, profile
from harness.judge.training.scores import Scores, scores
from harness.judge.training.trials import MEASURES, Trials, trials
from harness.judge.training.tuning import tune
from harness.records.record import Status
from harness.records.sweep import Cell
from harness.solvers.training.optimizers import OPTIMIZERS
from harness.solvers.training.optimizers import OPTIONS as SETTINGS

NO_VARIANT = ("lr", "seed", "engine", "epochs")
"""Options that make no optimizer another one: the grid's axes, who does the arithmetic, and for how long."""


@dataclass(frozen=True)
class Work:
    """What an engine did on a device: `trainings` in `wall_s` seconds; None if it was not timed."""

    engine: str
    device: str
    trainings: int
    wall_s: float | None


@dataclass(frozen=True)
class SweepSummary:
    """`tasks` in the order of the cells; `profiles` by epochs and by seconds, where there is one."""

    tasks: tuple[TaskSummary, ...]
    profiles: tuple[Profile, ...]
    work: tuple[Work, ...]

    @cached_property
    def trials(self) -> dict[str, Trials]:
        """By measure what each optimizer tried, where there is enough of it to be scored."""
        found = {measure: trials(self.tasks, measure) for measure in MEASURES}
        return {measure: one for measure, one in found.items() if one is not None}

    @cached_property
    def scores(self) -> tuple[Scores, ...]:
        """Over several workloads, by each measure; a single one has no score."""
        return tuple(scores(one) for one in self.trials.values() if len(one.tasks) > 1)

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """By the number of tries, in epochs; none of a single try."""
        found = self.trials.get(EPOCHS)
        return () if found is None or found.tries == 1 else budgets(found)

    @property
    def cells(self) -> tuple[CellSummary, ...]:
        """All cells, task by task, optimizer by optimizer, by ascending learning rate."""
        return tuple(cell for task in self.tasks for tuning in task.tunings for cell in tuning.cells)

    @property
    def tolerances(self) -> tuple[float, ...]:
        """All tolerances that were looked for, descending."""
        return tuple(sorted({reach.tolerance for cell in self.cells for reach in cell.reaches}, reverse=True))


def summarise(cells: Sequence[Cell]) -> SweepSummary:
    """Group the cells by task and optimizer, in the order in which they come, and rank what there is.

    Cells that were not run are in their optimizer's grid with their status. The order of seeds changes nothing.
    """
    grouped: dict[str, dict[str, list[CellSummary]]] = {}
    for cell, label in zip(cells, labels(cells), strict=True):
        grouped.setdefault(task_of(cell), {}).setdefault(label, []).append(summarise_cell(cell, label))
    tasks = tuple(
        summarise_task(task, [tune(task, label, members) for label, members in by_label.items()])
        for task, by_label in grouped.items()
    )
    found = (profile(tasks, measure) for measure in (EPOCHS, SECONDS))
    return SweepSummary(tasks, tuple(one for one in found if one is not None), work(cells))


def task_of(cell: Cell) -> str:
    """The problem and, where it is not the linear model on squared error, the model, the loss and its weight decay.

    Optimizers are comparable within a task: they descend on one function. A decoupled weight decay leaves it as it is.
    """
    decay, optimizer = cell.options.get("weight_decay"), OPTIMIZERS.get(cell.solver.partition("_")[2])
    if optimizer is not None and optimizer.decays:
        decay = float(str(decay or 0.0)) + optimizer.decays
    penalty = [f"weight decay {decay}"] if decay and optimizer is not None and not optimizer.decoupled else []
    hidden, loss = cell.options.get("network", cell.options.get("hidden")), cell.options.get("loss", "mse")
    layers = "-".join(map(str, hidden)) if isinstance(hidden, tuple) else hidden
    network = [] if hidden is None else [f"network {layers}"]
    return ", ".join([cell.problem, *network, *([] if loss == "mse" else [f"loss {loss}"]), *penalty])


def labels(cells: Sequence[Cell]) -> list[str]:
    """A label by cell: its optimizer and, where that is not one of a kind within a task, what tells it apart.

    `sgd`; `sgd momentum=0.9` where another sgd has no momentum. A label is the same on every task.
    """
    kinds: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for cell in cells:
        kinds.setdefault((task_of(cell), cell.optimizer), []).append(_traits(cell))
    telling: dict[str, list[str]] = {}
    for (_, optimizer), members in kinds.items():
        names = dict.fromkeys(name for traits in members for name in traits)
        known = telling.setdefault(optimizer, [])
        known += [n for n in names if n not in known and len({repr(traits.get(n)) for traits in members}) > 1]
    return [" ".join([cell.optimizer, *_told(cell, telling[cell.optimizer])]) for cell in cells]


def _traits(cell: Cell) -> dict[str, object]:
    traits: dict[str, object] = {"solver": cell.solver, "device": cell.device}
    # The settings of a try are what is searched, and make no optimizer another one.
    shared = NO_VARIANT if cell.trial is None else (*NO_VARIANT, *SETTINGS)
    traits.update({name: value for name, value in cell.options.items() if name not in shared})
    return traits


def _told(cell: Cell, names: Sequence[str]) -> list[str]:
    """Traits as words; a solver and a device speak for themselves, and what a cell does not have is left out."""
    traits = _traits(cell)
    return [
        str(traits[name]) if name in ("solver", "device") else f"{name}={traits[name]}"
        for name in names
        if name in traits
    ]


def work(cells: Sequence[Cell]) -> tuple[Work, ...]:
    """Trainings by engine and device; wall seconds that many cells share are counted once.

    Cells share them if they are of one optimizer on one task, and state the same seconds and number of trainings.
    """
    trainings: dict[tuple[str, str], int] = {}
    batches: dict[tuple[str, str], dict[object, float]] = {}
    for cell, label in zip(cells, labels(cells), strict=True):
        if cell.status is Status.OK:
            key = cell.engine, cell.device
            trainings[key] = trainings.get(key, 0) + len(cell.seeds)
            known = batches.setdefault(key, {})
            if cell.engine_s is not None:
                known[task_of(cell), label, cell.engine_s, cell.together] = cell.engine_s
    return tuple(Work(*key, count, sum(batches[key].values()) or None) for key, count in trainings.items())
