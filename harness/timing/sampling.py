"""Single calls, timed one by one and interleaved round by round, so that drift hits all alike.

Measured on a loaded two-core machine over ten fresh processes (one step of 19 us): the median of
single calls varied by 8 %, blocked timing by a factor of 4.

Interleaving has a price of its own: the first call after another work's runs with cold caches. A
training epoch of 190 us took 450 us when it followed another solver, so that the same solver seemed
twice as slow at one learning rate as at the next. Each turn therefore begins with an untimed call.
"""

import random
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from harness.errors import said_by
from harness.timing.clock import Clock
from harness.timing.instructions import no_garbage_collection


@dataclass(frozen=True)
class Samples:
    """Raw samples of single calls, in the order taken; `error` says why there are no more."""

    __pydantic_config__: ClassVar = {"extra": "forbid", "ser_json_inf_nan": "strings"}  # where a record holds them
    wall_s: tuple[float, ...] = ()
    cpu_s: tuple[float, ...] = ()
    error: str = ""

    def by(self, clock: str) -> tuple[float, ...]:
        """Seconds by one of the two clocks, `wall` or `cpu`."""
        return self.cpu_s if clock == "cpu" else self.wall_s

    @property
    def median_wall_s(self) -> float | None:
        """Median wall seconds of one call; None without samples."""
        return statistics.median(self.wall_s) if self.wall_s else None

    @property
    def median_cpu_s(self) -> float | None:
        """Median CPU seconds of one call; None without samples."""
        return statistics.median(self.cpu_s) if self.cpu_s else None


@dataclass(frozen=True)
class Effort:
    """How much to sample: at least `min_calls`, then until `budget_s` of the work's own time or `max_calls`.

    A turn is one untimed call, unless the last one took longer than `rewarm_below_s` (cold caches are
    microseconds), and `calls_per_turn` timed ones.
    """

    warm_up_calls: int = 2
    calls_per_turn: int = 3
    rewarm_below_s: float = 0.005
    min_calls: int = 7
    max_calls: int = 30
    budget_s: float = 0.15


UNTIMED = Effort(warm_up_calls=0, min_calls=0, max_calls=0)
"""No sample at all: a fit is made once, to be verified."""


@dataclass
class Work:
    """One thing to time: `call` does it, `synchronize` waits until the device is done, each turn is inside `around`.

    `before`: what each call needs and what is not timed.
    """

    call: Callable[[], object]
    synchronize: Callable[[], None] = lambda: None
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    error: str = ""
    before: Callable[[], object] = lambda: None

    def untimed(self) -> None:
        """One call that is not timed."""
        self.before()
        self.call()

    def sample(self, clock: Clock) -> None:
        """One timed call, synchronised at both ends; nothing that is called here can be assigned to from inside it."""
        self.before()
        call, synchronize, wall_s, cpu_s = self.call, self.synchronize, clock.wall_s, clock.cpu_s
        synchronize()
        wall, cpu = wall_s(), cpu_s()
        call()
        synchronize()
        cpu_after, wall_after = cpu_s(), wall_s()
        self.wall_s.append(wall_after - wall)
        self.cpu_s.append(cpu_after - cpu)

    def turn(self, clock: Clock, effort: Effort) -> None:
        """An untimed call where cold caches would show, then the turn's timed calls."""
        if not self.wall_s or self.wall_s[-1] < effort.rewarm_below_s:
            self.untimed()
        for _ in range(effort.calls_per_turn):
            if not self.enough(effort):
                self.sample(clock)

    def enough(self, effort: Effort) -> bool:
        """Whether no further call is wanted."""
        calls = len(self.wall_s)
        if self.error or calls >= effort.max_calls:
            return True
        return calls >= effort.min_calls and sum(self.wall_s) >= effort.budget_s


def sample_interleaved(works: Sequence[Work], clock: Clock, effort: Effort) -> list[Samples]:
    """Warm every work up, then give each its turn, round by round, until each has enough.

    The order is shuffled from round to round (seeded), so that no work always follows the same other.
    A work that raises keeps the samples it has and its error; the others go on.
    """
    order = random.Random(0)  # noqa: S311  # an order of turns, not a secret
    with no_garbage_collection():
        for work in works:
            for _ in range(effort.warm_up_calls):
                _guarded(work, work.untimed)
        while waiting := [work for work in works if not work.enough(effort)]:
            for work in order.sample(waiting, len(waiting)):
                _guarded(work, partial(work.turn, clock, effort))
    return [Samples(tuple(work.wall_s), tuple(work.cpu_s), work.error) for work in works]


def _guarded(work: Work, call: Callable[[], object]) -> None:
    if work.error:
        return
    try:
        with work.around():
            try:
                call()
            except (Exception, SystemExit) as error:  # noqa: BLE001  # any solver's any error ends its own sampling only
                work.error = said_by(error, whole=True)  # in its turn: to say it may take long, too
    except Exception as error:  # noqa: BLE001  # such as a device that is lost
        work.error = work.error or said_by(error, whole=True)
