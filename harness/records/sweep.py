"""A sweep: one optimizer at one learning rate over seeds is a cell; everything that was seen of it is kept."""

from typing import Any, Literal

from pydantic import Field

from harness.records.environment import Environment
from harness.records.record import Count, Kept, Number, Samples, Worker
from harness.solvers.status import Status


class Cell(Kept):
    """S trainings that differ in nothing but their seed.

    By tolerance and seed (T, S): `epochs_to`, None where censored, and `predicted`, the same from the recurrences of
    gradient descent and Adam in float64 (empty where there are none). By seed (S,): `epochs_run`, `final` (relative
    excess loss at the end), `diverged`. By epochs done `at` (M,) and seed (M, S): `excess` and `loss`, NaN after a
    training's end. `stability_limit`: the learning rate above which gradient descent must diverge, and
    `curvature`, the Hessian's least eigenvalue above 0 and its largest in the units trained in, of gradient descent
    alone. `sharpness_over_limit`: of Adam the preconditioned Hessian's largest eigenvalue over its limit of
    stability (harness.solvers.training.oracle.adaptive), the most along the first seed's exact training. `status`
    is ok, unsupported or how the training of all went wrong, and `message` says why: the trainings' own ends are
    in the arrays.
    `suite`: the named suite and its version that it is a workload of, and what was changed of it; the tightest
    tolerance is then the workload's target.
    `trial`: the number of the try of a search, from 1, whose settings are its own; 0 of what is as released.
    `held_out_to` (S,): epochs until the held-out loss is its target but for a hundredth, None where censored; empty
    where nothing is held out or the target is not known. The target is what the optimum of a linear model leaves there,
    and of a network what harness.sweep.held_out says. `epoch_flops`: arithmetic operations of an epoch, None where not
    known.
    `max_s`: the seconds that a training may take, `prepare_s`, what the loop takes before its first epoch, included.
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
    curvature: tuple[Number, ...] = ()
    sharpness_over_limit: float | None = None
    suite: str = ""
    trial: Count | None = None
    held_out_to: tuple[Count | None, ...] = ()
    epoch_flops: float | None = None
    max_s: float | None = None
    prepare_s: float | None = None
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

    @property
    def suite(self) -> dict[str, Any]:
        """The named suite as its file has it, with its workloads; empty where none was named."""
        found = self.asked.get("suite")
        return found if isinstance(found, dict) else {}
