"""Instructions of one call, counted by valgrind: a figure that does not flicker with the machine.

cachegrind without its caches is the cheapest of valgrind's tools that count: importing numpy and scipy takes 4.5 s of
CPU time under it, 8.0 s under callgrind, 6.2 s under exp-bbv, and 2.7 s under valgrind alone. It says a process's total
when the process ends. A forked child begins with its parent's total, so that a child that ends at once is a reading of
its parent's counter: start-up and preparation are paid once, and are in no difference.

Counted again, the same process gives the same count; in another memory layout it does not, so that a call is counted in
several (harness.timing.layouts).

Only the standard library is imported, and the file needs no package around it: the process under valgrind loads it by
its path, whatever version of the harness it measures.
"""

import gc
import math
import os
import re
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any, Protocol

TOTAL = re.compile(r"\bI\s+refs:\s+([\d,]+)")
"""cachegrind's last words: `==123== I   refs:      2,186,510,223`; `I refs:` from 3.21 on."""
MISSING = "valgrind is not installed: install the system's package 'valgrind'"
READINGS = 5
SPINS = 100_000
"""Turns of an empty loop whose instructions are counted where a slowdown is planted: some 10 million of them."""
Call = Callable[[], object]
Answer = dict[str, Any]
Layouts = Callable[[int, Callable[[], Answer]], Answer]
"""Runs some work in the memory layout of a seed, and hands out its answer or a `message` why there is none."""


class CountError(Exception):
    """There is no count; the message is one line that says why, `status` as a record has it."""

    def __init__(self, message: str, status: str = "unsupported") -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class CountingPlan:
    """How much to count: in each of `layouts`, `blocks` of so many calls that they are `block_instructions` or more.

    A training epoch of 555 000 instructions differs by +-3000 from one ten calls to the next: 100 million make that
    0.03 %. A block before the others fills caches, CPython's and the layout's own. No case is counted whose calls would
    be more than `most_instructions` in all: two minutes under valgrind on a quiet machine.
    """

    layouts: int = 7
    blocks: int = 2
    warm_up_calls: int = 3
    min_calls: int = 2
    block_instructions: float = 1e8
    most_instructions: float = 1.5e10


@dataclass(frozen=True)
class Counts:
    """`layouts`: instructions of one call, block by block in each; `calls`: of a block; `reading`: of the counter."""

    layouts: tuple[tuple[float, ...], ...]
    calls: int
    reading: float


class Counter(Protocol):
    """An instruction counter of this process that is read twice: marked now, its total looked up later."""

    def mark(self) -> int:
        """Take a reading."""

    def total(self, mark: int) -> int:
        """Instructions since the process began, at a reading. Raises CountError."""


class Valgrind:
    """The counter of a process that `command` started; a mark is the process id of a child."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where `command` was told to put the totals."""
        self._folder = folder

    def mark(self) -> int:
        """Fork a child that ends at once: some 19 000 instructions."""
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        return child

    def total(self, mark: int) -> int:
        """Read the child's last words. Raises CountError where valgrind wrote none."""
        return total_in(self._folder / f"{mark}.log")


def total_in(log: Path) -> int:
    """The total in a log of cachegrind's. Raises CountError where there is none."""
    try:
        found = TOTAL.search(log.read_text(errors="replace"))
    except OSError as error:
        raise CountError(f"valgrind wrote no total: {error.strerror}") from None
    if found is None:
        raise CountError("valgrind wrote a log without a total of instructions")
    return int(found[1].replace(",", ""))


def command(program: Sequence[str], folder: Path) -> list[str]:
    """What runs `program` so that `Valgrind(folder)` counts it. Raises CountError where there is no valgrind.

    A person's .valgrindrc and VALGRIND_OPTS are not read. Addresses need no fixing: valgrind places everything itself.
    """
    path = shutil.which("valgrind")
    if path is None:
        raise CountError(MISSING)
    options = ["--command-line-only=yes", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    return [path, *options, f"--log-file={folder}/%p.log", *program]


def counted(prepare: Callable[[], Call], counter: Counter, effort: CountingPlan, layouts: Layouts) -> Counts:
    """Count the calls that `prepare` makes, by difference: totals after 2k calls less those after k, less a reading.

    In each layout a call is prepared anew, and called k times before the first reading. Raises CountError where a call
    is too long or a layout has no answer, and whatever the first preparation raises.
    """
    call = prepare()
    for _ in range(effort.warm_up_calls):
        call()
    with no_garbage_collection():
        reading = _reading(counter)
        once = _blocks(call, 1, 1, counter)[0] - reading
        calls = max(effort.min_calls, math.ceil(effort.block_instructions / max(once, 1.0)))
        if calls * (effort.layouts * (effort.blocks + 1) + 1) * once > effort.most_instructions:
            raise CountError(f"one call is {once:.2g} instructions, too many to be counted: take a smaller problem")
        _blocks(call, calls, 1, counter)

        def work() -> Answer:
            return {"blocks": _blocks(prepare(), calls, effort.blocks + 1, counter)[1:]}

        answers = [layouts(seed, work) for seed in range(effort.layouts)]
    for seed, answer in enumerate(answers):
        if "blocks" not in answer:
            raise CountError(f"layout {seed}: {answer['message']}", answer["status"])
    found = tuple(tuple((block - reading) / calls for block in answer["blocks"]) for answer in answers)
    return Counts(found, calls, reading)


def slowed(prepare: Callable[[], Call], fraction: float, counter: Counter, layouts: Layouts) -> Callable[[], Call]:
    """The same with so many turns of an empty loop after each call that it is `fraction` more, by count.

    Raises CountError where the loop's own beginning is more than that already.
    """
    few = CountingPlan(layouts=1, block_instructions=1e7)

    def cost(call: Call) -> float:
        return statistics.mean(counted(lambda: call, counter, few, layouts).layouts[0])

    work, nothing = cost(prepare()), cost(_nothing)
    start, spun = (cost(partial(_spin, _nothing, rounds)) for rounds in (0, SPINS))
    rounds = round((fraction * work - (start - nothing)) / ((spun - start) / SPINS))
    if rounds < 0:
        raise CountError(f"one call is {work:.2g} instructions: a slowdown of {fraction:.2%} is too small to plant")
    return lambda: partial(_spin, prepare(), rounds)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect first, then keep the collector out.

    Disabling it is not enough: CPython looks whether it is disabled each time that more objects than the threshold
    are alive, which added 600 instructions to a training epoch of 557 000 halfway through.
    """
    was_enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.collect()
    gc.disable()
    gc.set_threshold(2**31 - 1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if was_enabled:
            gc.enable()


def _nothing() -> None:
    pass


def _spin(call: Call, rounds: int) -> None:
    call()
    for _ in repeat(None, rounds):
        pass


def _reading(counter: Counter) -> float:
    """Instructions of a reading by itself; the first two readings load what a fork needs."""
    return statistics.median(_blocks(_nothing, 0, READINGS + 2, counter)[2:])


def _blocks(call: Call, calls: int, blocks: int, counter: Counter) -> list[int]:
    """Instructions of each block of so many calls, with the reading that ends it."""
    marks = [counter.mark()]
    for _ in range(blocks):
        for _ in repeat(None, calls):
            call()
        marks.append(counter.mark())
    return [after - before for before, after in pairwise(counter.total(mark) for mark in marks)]
