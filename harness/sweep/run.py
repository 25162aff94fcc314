"""A sweep: each optimizer of each problem over learning rates and seeds, in chunks that are stored as they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from harness.records.observer import Observer
from harness.records.sweep import Cell, Sweep
from harness.solvers.solver import why_unsupported
from harness.solvers.status import Status
from harness.store.sweep_store import SweepStore
from harness.sweep.candidate import Candidate, JudgedBy
from harness.sweep.cells import without_result
from harness.sweep.measuring import InProcess, Place
from harness.sweep.widening import more_rates
from harness.timing.sampling import Samples

MOST_EPOCHS = 100_000
"""Of a training that has seconds to spend and costs little: a hundred times the default."""


class Loop(NamedTuple):
    """What an epoch of the textbook loop takes, and what it takes before the first one."""

    epoch: Samples
    prepare_s: float | None


Done = Mapping[tuple[str, str, float], Cell]


def execute(
    sweep: Sweep,
    planned: Sequence[Candidate],
    store: SweepStore,
    observer: Observer | None = None,
    *,
    place: Place | None = None,
    widen: bool = False,
) -> list[Cell]:
    """Do what the store does not have of a sweep that it knows, in `place`: this process unless it is given; all cells.

    A chunk's cells are committed as it ends. `widen`: a grid goes on where a better learning rate may lie outside.
    Never raises for what an engine does: that is the cells' status.
    """
    work = _Work(sweep, store, observer or Observer(), place or InProcess(), widen)
    done: Done = {(cell.problem, cell.optimizer, cell.lr): cell for cell in store.cells(sweep.id)}
    for _, members in groupby(planned, key=lambda candidate: candidate.problem.label):
        _problem(work, list(members), done)
    store.finish(sweep.id)
    return store.cells(sweep.id)


@dataclass(frozen=True)
class _Work:
    """What the chunks of a sweep share."""

    sweep: Sweep
    store: SweepStore
    observer: Observer
    place: Place
    widen: bool

    def keep(self, candidate: Candidate, cells: Sequence[Cell]) -> None:
        """Store the cells of a candidate's grid, and say so."""
        self.store.add(self.sweep.id, cells)
        self.observer.stored(candidate.epochs)


def _problem(work: _Work, members: Sequence[Candidate], done: Done) -> None:
    """All that is missing of one problem."""
    able = []
    for planned in members:
        missing = [lr for lr in planned.grid.lr if (*planned.name, lr) not in done]
        candidate = planned.at(missing or _wider(work, planned, _known(planned, done)))
        work.observer.more(0 if missing else candidate.epochs)
        reason = _why_not(candidate) if candidate.grid.lr else None
        if reason:
            work.keep(candidate, without_result(candidate, Status.UNSUPPORTED, reason))
        elif candidate.grid.lr:
            able.append(candidate)
    able = _aimed(work, able)
    if not able:
        return
    timings = _timings(work, able, done)
    able = [_within(work, candidate, timings[candidate.optimizer]) for candidate in able]
    asked = {planned.name: planned for planned in members}
    known = {candidate.name: _known(candidate, done) for candidate in able}
    while able:
        chunks = [chunk for candidate in able for chunk in candidate.chunks]
        for chunk, cells in work.place.learned(chunks, work.observer):
            loop = timings[chunk.optimizer]
            timed = {"loop_epoch": loop.epoch, "prepare_s": loop.prepare_s}
            made = [cell.model_copy(update=timed) if cell.status is Status.OK else cell for cell in cells]
            work.keep(chunk, made)
            known[chunk.name] += made
        more = [(one, _wider(work, asked[one.name], known[one.name])) for one in able]
        able = [candidate.at(rates) for candidate, rates in more if rates]
        work.observer.more(sum(candidate.epochs for candidate in able))


def _known(candidate: Candidate, done: Done) -> list[Cell]:
    """What the sweep has of a candidate already."""
    return [cell for name, cell in done.items() if name[:2] == candidate.name]


def _wider(work: _Work, asked: Candidate, known: Sequence[Cell]) -> tuple[float, ...]:
    """The rates that a candidate's grid goes on with."""
    return more_rates(known, asked.grid.lr) if work.widen else ()


def _within(work: _Work, candidate: Candidate, loop: Loop) -> Candidate:
    """The candidate with as many epochs as the seconds of a training allow; its own where it was not timed."""
    if candidate.max_s is None or not loop.epoch.wall_s:
        return candidate
    left_s = candidate.max_s - (loop.prepare_s or 0.0)
    epochs = min(MOST_EPOCHS, max(1, int(left_s / float(np.median(loop.epoch.wall_s)))))
    longer = replace(candidate, options=replace(candidate.options, epochs=epochs))
    work.observer.more(longer.epochs - candidate.epochs)
    return longer


def _aimed(work: _Work, able: Sequence[Candidate]) -> list[Candidate]:
    """The candidates for which there is something to be judged by; the others are stored with why there is not."""
    missed: dict[JudgedBy, tuple[Status, str] | None] = {}
    for candidate in able:
        key = candidate.judged_by
        if key not in missed:
            missed[key] = work.place.aim(candidate, work.observer)
        if why := missed[key]:
            work.keep(candidate, without_result(candidate, *why))
    return [candidate for candidate in able if not missed[candidate.judged_by]]


def _why_not(candidate: Candidate) -> str | None:
    """Every reason not to train a candidate, or None."""
    y = candidate.problem.rows("train")[1]
    if y.min() == y.max():
        return "the target is constant: there is no loss to be relative to"
    return why_unsupported(candidate.solver, candidate.problem, candidate.options)


def _timings(work: _Work, able: Sequence[Candidate], done: Done) -> dict[str, Loop]:
    """One epoch of the textbook loop by optimizer, in turns; what the sweep has already is not sampled again."""
    label = able[0].problem.label
    known = {cell.optimizer: Loop(cell.loop_epoch, cell.prepare_s) for cell in done.values() if cell.problem == label}
    timings = {name: timing for name, timing in known.items() if timing.epoch.wall_s}
    untimed = [candidate for candidate in able if candidate.optimizer not in timings]
    work.observer.working(f"{label}: timing the loop")
    records = work.place.timed([candidate.loop for candidate in untimed], work.observer)
    for candidate, record in zip(untimed, records, strict=True):
        wrong = record.message if record.failed else ""
        samples = record.samples
        timings[candidate.optimizer] = Loop(replace(samples, error=samples.error or wrong), record.prepare_s)
    return timings
