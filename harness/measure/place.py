"""Where cases are measured: this process, a worker process that can be killed, or the workers of a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from harness.errors import counted
from harness.measure.plan import Case
from harness.records.record import Record
from harness.timing.sampling import Effort

if TYPE_CHECKING:
    from harness.store.store import Store


class Listener(Protocol):
    """Who is told how it goes; `harness.records.observer.Observer` is one."""

    def noted(self, line: str) -> None:
        """Something that a person should know."""

    def working(self, what: str) -> None:
        """What is being measured now."""


class Keeper(Listener, Protocol):
    """Who is told what comes of a group of cases, by their places in it, too, and keeps it."""

    def fitted(self, index: int, record: Record) -> None:
        """A case has been verified; its samples are to come. One that was begun anew is verified once more."""


class Place(Protocol):
    """What `harness.measure.run.execute` needs of it."""

    def watched(self, store: "Store", run_id: str, *, timed: bool = True) -> AbstractContextManager[None]:
        """While it measures a run: the conditions that its times depend on, if there are any, are kept with the run."""

    def measured(
        self, groups: Sequence[Sequence[Case]], keepers: Sequence[Keeper], effort: Effort
    ) -> Iterator[tuple[int, list[Record]]]:
        """Fit, verify and time the cases of each group: its number and its records, as each ends."""

    def close(self) -> None:
        """Let go of it."""


class InTurn(Protocol):
    """A Place that measures one group after the other."""

    def fit(self, case: Case) -> Record:
        """Prepare, fit and verify one case of a group, which is timed with the others later."""

    def prepare(self, case: Case) -> None:
        """Add a case to the group that is only to be timed: its record says no more than that, or why it cannot be."""

    @property
    def waiting(self) -> int:
        """How many cases wait to be timed."""

    def time(self, effort: Effort) -> list[Record]:
        """Time what waits, in turn: the record of each case since the last call, in their order.

        A record may then have another status: a solver can go wrong when it is called again.
        """

    def close(self) -> None:
        """Let go of it."""

    def watched(self, store: "Store", run_id: str, *, timed: bool = True) -> AbstractContextManager[None]:
        """The conditions of this machine, before and after."""
        from harness.measure.conditions import watched

        return watched(store, run_id) if timed else nullcontext()

    def measured(
        self, groups: Sequence[Sequence[Case]], keepers: Sequence[Keeper], effort: Effort
    ) -> Iterator[tuple[int, list[Record]]]:
        """Each group in its turn."""
        for number, (group, keeper) in enumerate(zip(groups, keepers, strict=True)):
            yield number, measure_group(self, group, keeper, effort)


def measure_group(place: InTurn, group: Sequence[Case], keeper: Keeper, effort: Effort) -> list[Record]:
    """Fit and verify each case of a group, then time them in turn: their records."""
    for index, case in enumerate(group):
        keeper.working(case.key)
        keeper.fitted(index, place.fit(case))
    keeper.working(f"timing {counted(place.waiting, 'case')} in turn")
    return place.time(effort)
