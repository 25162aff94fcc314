"""A store in words: what it holds, what is wrong with it, what was taken into it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.errors import counted
from harness.store.entries import CellEntry, Entry, RecordEntry, RunEntry, SweepEntry
from harness.store.exchange import Taken
from harness.store.salvage import Salvage

MOST_TROUBLES = 40
"""A person reads a page of them; the rest is counted."""


@dataclass
class Held:
    """How many entries there are of each kind; `waiting`: records that have no samples yet."""

    runs: int = 0
    records: int = 0
    waiting: int = 0
    sweeps: int = 0
    cells: int = 0

    def __str__(self) -> str:
        return f"{_of(self.runs, 'run', self.records, 'record')}, {_of(self.sweeps, 'sweep', self.cells, 'cell')}"


def tallied(entries: Iterable[Entry], held: Held) -> Iterator[Entry]:
    """The same entries, counted on their way."""
    for entry in entries:
        match entry:
            case RunEntry():
                held.runs += 1
            case RecordEntry(whole=whole):
                held.records += 1
                held.waiting += not whole
            case SweepEntry():
                held.sweeps += 1
            case CellEntry():
                held.cells += 1
        yield entry


def count(entries: Iterable[Entry]) -> Held:
    """How many there are."""
    held = Held()
    for _ in tallied(entries, held):
        pass
    return held


def health(found: Salvage, held: Held, store: str = "") -> str:
    """A page: what can be read, which runs were cut off, what is wrong, and what to do about it.

    `store`: the option that commands need to find it, with a space before it.
    """
    lines = [f"{found.url}: schema version {found.version}; {held}"]
    if held.waiting:
        lines.append(f"{held.waiting} of the records wait for samples: their runs were cut off, or are still going")
    for run_id, missing in found.unfinished.items():
        left = counted(missing, "case")
        lines.append(f"run {run_id} has not finished: {left} to go; harness run --resume {run_id}{store} goes on")
    lines += [f"damaged: {trouble}" for trouble in found.troubles[:MOST_TROUBLES]]
    if len(found.troubles) > MOST_TROUBLES:
        lines.append(f"and {len(found.troubles) - MOST_TROUBLES} more")
    if found.troubles:
        lines.append(
            f"what can be saved: {held}: 'harness store export FILE.jsonl{store}', then import it into a new --store"
        )
    else:
        lines.append("sound")
    return "\n".join(lines)


def taken_words(taken: Taken) -> str:
    """What was taken, and what was there before."""
    runs, sweeps = _of(taken.runs, "run", taken.records, "record"), _of(taken.sweeps, "sweep", taken.cells, "cell")
    return f"took {runs}, {sweeps}; {counted(taken.known, 'entry was', 'entries were')} there already"


def _of(wholes: int, whole: str, parts: int, part: str) -> str:
    """3 runs (120 records)."""
    return f"{counted(wholes, whole)} ({counted(parts, part)})"
