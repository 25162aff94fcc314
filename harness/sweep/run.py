"""A sweep: each optimizer of each problem over learning rates and seeds, in chunks that are stored as they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.errors import COULD_NOT_MEASURE
from harness.records.sweep import Cell, Sweep, Timing
from harness.solvers.solver import why_unsupported
from harness.solvers.status import Status
from harness.solvers.training.training import Grid
from harness.store.sweep_store import SweepStore
from harness.sweep.cells import without_result
from harness.sweep.measuring import Here, Observer, Place
from harness.sweep.plan import Candidate, SweepRequest

Done = Mapping[tuple[str, str, float], Cell]


class Nobody:
    """The observer that does nothing."""

    def said(self, line: str) -> None:
        """Nothing."""

    def working(self, what: str) -> None:
        """Nothing."""

    def told(self, epochs: int) -> None:
        """Nothing."""

    def ended(self, epochs: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Work:
    """What the chunks of a sweep share."""

    sweep: Sweep
    request: SweepRequest
    store: SweepStore
    observer: Observer
    place: Place

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.request.seeds))

    def keep(self, cells: Sequence[Cell]) -> None:
        """Store cells, and say so."""
        self.store.add(self.sweep.id, cells)
        self.observer.ended(len(cells) * self.request.seeds * self.request.epochs)


def execute(
    sweep: Sweep,
    request: SweepRequest,
    planned: Sequence[Candidate],
    store: SweepStore,
    observer: Observer | None = None,
    *,
    place: Place | None = None,
) -> list[Cell]:
    """Do what the store does not have of a sweep that it knows, in `place`: this process unless it is given; all cells.

    A chunk's cells are committed as it ends. Never raises for what an engine does: that is the cells' status.
    """
    work = _Work(sweep, request, store, observer or Nobody(), place or Here())
    done: Done = {(cell.problem, cell.optimizer, cell.lr): cell for cell in store.cells(sweep.id)}
    for _, members in groupby(planned, key=lambda candidate: candidate.problem.label):
        _problem(work, list(members), done)
    store.finish(sweep.id)
    return store.cells(sweep.id)


def exit_code(cells: Sequence[Cell]) -> int:
    """1 if a cell ended in error, 3 if none was measured, else 0: a training that diverged is a result."""
    if any(cell.status.failed for cell in cells):
        return 1
    return 0 if any(cell.status is Status.OK for cell in cells) else COULD_NOT_MEASURE


def _problem(work: _Work, members: Sequence[Candidate], done: Done) -> None:
    """All that is missing of one problem."""
    able: list[tuple[Candidate, list[float]]] = []
    for candidate in members:
        missing = [lr for lr in work.request.lr if (*candidate.name, lr) not in done]
        reason = _why_not(candidate) if missing else None
        if reason:
            work.keep(without_result(candidate, Grid(tuple(missing), work.seeds), Status.UNSUPPORTED, reason))
        elif missing:
            able.append((candidate, missing))
    if not able:
        return
    missed = work.place.aim(able[0][0], work.observer)
    if missed:
        for candidate, missing in able:
            work.keep(without_result(candidate, Grid(tuple(missing), work.seeds), *missed))
        return
    timings = _timings(work, [candidate for candidate, _ in able], done)
    for candidate, missing in able:
        for rates in candidate.chunks(missing, len(work.seeds)):
            work.keep(_chunk(work, candidate, rates, timings[candidate.optimizer]))


def _why_not(candidate: Candidate) -> str | None:
    """Every reason not to train a candidate, or None."""
    y = candidate.problem.rows("train")[1]
    if y.min() == y.max():
        return "the target is constant: there is no loss to be relative to"
    return why_unsupported(candidate.solver, candidate.problem, candidate.options)


def _timings(work: _Work, able: Sequence[Candidate], done: Done) -> dict[str, Timing]:
    """One epoch of the textbook loop by optimizer, in turns; what the sweep has already is not sampled again."""
    label = able[0].problem.label
    known = {cell.optimizer: cell.loop_epoch for cell in done.values() if cell.problem == label}
    timings = {name: timing for name, timing in known.items() if timing.wall_s}
    untimed = [candidate for candidate in able if candidate.optimizer not in timings]
    work.observer.working(f"{label}: timing the loop")
    sampled = work.place.time(untimed) if untimed else []
    return timings | {candidate.optimizer: timing for candidate, timing in zip(untimed, sampled, strict=True)}


def _chunk(work: _Work, candidate: Candidate, rates: Sequence[float], timing: Timing) -> list[Cell]:
    """The cells of some learning rates, each with what an epoch takes where there is a result."""
    between = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
    work.observer.working(f"{candidate.problem.label} {candidate.optimizer} lr {between}")
    cells = work.place.learn(candidate, Grid(tuple(rates), work.seeds), work.observer)
    return [cell.model_copy(update={"loop_epoch": timing}) if cell.status is Status.OK else cell for cell in cells]
