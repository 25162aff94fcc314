"""A sweep: one optimizer at one learning rate over seeds is a cell; everything that was seen of it is kept."""

from typing import Literal

from pydantic import Field

from harness.records.environment import Environment
from harness.records.record import Count, Kept, Number, Samples, Worker
from harness.solvers.status import Status


class Cell(Kept):
    """S trainings that differ in nothing but their seed.

    By tolerance and seed (T, S): `epochs_to`, None where censored, and `predicted`, the same from the closed
    form of gradient descent (empty where there is none). By seed (S,): `epochs_run`, `final` (relative excess
    loss at the end), `diverged`. By epochs done `at` (M,) and seed (M, S): `excess` and `loss`, NaN after a
    training's end. `stability_limit`: the learning rate above which gradient descent must diverge. `status`
    is ok, unsupported or how the training of all went wrong, and `message` says why: the trainings' own ends are
    in the arrays.
    `source_sha256`: of the source of what somebody brought to it, empty where nothing is.
    `together`: how many trainings the engine did in the `engine_s` wall seconds that these were part of.
    `loop_epoch`: what an epoch of the textbook loop costs one training alone, on the same device, timed in turns
    with the sweep's other optimizers. `worker`: of a cluster, that trained it; None at home.
    """

    problem: str
    problem_name: str
    problem_sha256: str
    n: Count
    p: Count
    solver: str
    source_sha256: str = ""
    optimizer: str
    lr: float
    seeds: tuple[int, ...]
    epochs: Count
    engine: str
    device: str
    options: dict[str, str | int | float | tuple[int | float, ...]]
    status: Status = Status.OK
    message: str = ""
    scale: str = ""
    tolerances: tuple[float, ...] = ()
    epochs_to: tuple[tuple[Count | None, ...], ...] = ()
    epochs_run: tuple[Count, ...] = ()
    final: tuple[Number, ...] = ()
    diverged: tuple[bool, ...] = ()
    at: tuple[Count, ...] = ()
    excess: tuple[tuple[Number, ...], ...] = ()
    loss: tuple[tuple[Number, ...], ...] = ()
    predicted: tuple[tuple[Count | None, ...], ...] = ()
    stability_limit: float | None = None
    engine_s: float | None = None
    together: Count | None = None
    loop_epoch: Samples = Samples()
    worker: Worker | None = None

    @property
    def failed(self) -> bool:
        """Whether its trainings could not be made; one that diverged is a result."""
        return self.status.failed

    @property
    def measured(self) -> bool:
        """Whether its trainings were made."""
        return self.status.measured


class Sweep(Kept):
    """What was asked for, as `harness sweep --resume` goes on with it; `finished_at` None: it was cut off."""

    schema_version: Literal[1] = 1
    id: str
    started_at: str
    finished_at: str | None = None
    command: str
    asked: dict[str, object] = Field(default_factory=dict)
    environment: Environment

    @property
    def tables(self) -> dict[str, list[str]]:
        """By a problem's label what was done to a person's table: columns and rows left out."""
        found = self.asked.get("tables")
        return found if isinstance(found, dict) else {}
