"""What the fixture `measure` does: one case in a worker process, verified, timed and stored as a run of its own."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.api.request import asked
from harness.config import config
from harness.errors import UsageError
from harness.judge.machine.doubts import doubtful
from harness.measure.conditions import doubts_of
from harness.measure.isolation.isolated import Isolated
from harness.measure.plan import plan
from harness.measure.run import new_run
from harness.measure.session import measure_cases
from harness.records.record import Record
from harness.store.store import Store

AXES = ("n", "lr", "seeds")


@dataclass(frozen=True)
class Measured:
    """One measured fit: `record` has everything; `doubts` what makes its times doubtful, other tests beside it too."""

    record: Record
    run_id: str
    doubts: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """How it ended: ok, wrong, error, ..."""
        return self.record.status.value

    @property
    def digits(self) -> float | None:
        """Correct significant digits of the worst coefficient, at most 15; None where there are none to judge."""
        return self.record.accuracy.digits

    @property
    def excess_loss(self) -> float | None:
        """The loss above the least one possible, relatively."""
        return self.record.accuracy.excess_loss

    @property
    def fit_s(self) -> float | None:
        """Median wall seconds of a fit, on one thread; None where it was not timed."""
        return self.record.fit_s

    @property
    def peak_bytes(self) -> int | None:
        """Most memory of the host that the fit held."""
        return self.record.peak_bytes


class Session:
    """One worker process and one store for all that a session of tests measures."""

    def __init__(self, store: str | None, root: Path) -> None:
        """`store`: as `--store` has it, else what the repository around `root` says."""
        self._store = store_of(store, root)
        self._place = Isolated()

    def measure(self, test: str, solver: object, problem: object, options: Mapping[str, Any]) -> Measured:
        """The one case of this solver and problem. Raises UsageError for several, and as `harness.run` does."""
        said = dict(options)
        axes = {name: said.pop(name, ()) for name in AXES}
        named = {name: said.pop(name, None) for name in ("target", "weights")}
        intercept, device = said.pop("intercept", True), said.pop("device", "cpu")
        request, own, brought = asked(
            problem, solver, axes=axes, device=device, options=said, intercept=intercept, **named
        )
        cases = plan(request, own, brought)
        if len(cases) != 1:
            raise UsageError(f"measure takes one solver on one problem, which are {len(cases)} cases")
        run, records = measure_cases(
            new_run(request, cases, f"pytest {test}"), cases, self._store, self._place, lambda *_: nullcontext()
        )
        found = tuple(one.seen for one in doubtful(doubts_of(self._store, run, records)))
        return Measured(records[0], run.id, found)

    def close(self) -> None:
        """End the worker process."""
        self._place.close()
        self._store.close()


def store_of(store: str | None, root: Path) -> Store:
    """The store of a session of tests."""
    return Store(store or config(root).store)
