"""One case as it ended: raw samples, accuracy, status, and enough of the fit to show it again."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.problems.problem import OWN, SPLITS
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from harness.verify.accuracy import ENOUGH_DIGITS, Accuracy, tolerance_name
from harness.verify.dependences import Dependence
from harness.verify.digits import MAX_DIGITS
from harness.verify.excess_loss import TOLERANCES

__all__ = [
    "ENOUGH_DIGITS",
    "MAX_DIGITS",
    "SPLITS",
    "TOLERANCE_NAMES",
    "Accuracy",
    "Dependence",
    "Kept",
    "Record",
    "Samples",
    "Solution",
    "Status",
    "TraceRecord",
    "Worker",
]  # what judges may see

SCHEMA_VERSION: Literal[1] = 1
"""Of records; the store's tables have their own (store.migrations)."""

TOLERANCE_NAMES = tuple(map(tolerance_name, TOLERANCES))
"""The keys of `Accuracy.epochs_to`, the loosest first."""


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")  # noqa: TRY004  # which pydantic turns into its own
    return float(value)


Number = Annotated[float, BeforeValidator(_number)]
"""A float that may be NaN or infinite: JSON has no such numbers, so they are written as strings."""


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""How many of something: of 64 bits, as databases and arrays have them."""


class Kept(BaseModel):
    """What every stored model has: frozen, strict about names, non-finite numbers as strings."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings", allow_inf_nan=True)


class TraceRecord(Kept):
    """A thinned training trace: `epoch[i]` and the losses there, in the units trained in."""

    epochs: Count
    epoch: tuple[Count, ...]
    train_loss: tuple[Number, ...]
    val_loss: tuple[Number, ...] | None = None
    val_split: str | None = None
    excess_loss: tuple[Number, ...] | None = None


class Solution(Kept):
    """The fit in the problem's units; `exact`, `computed` and `standard_errors` (empty if none) are by `terms`."""

    terms: tuple[str, ...] = ()
    computed: tuple[Number, ...] = ()
    exact: tuple[Number, ...] | None = None
    standard_errors: tuple[Number, ...] = ()
    statistics: dict[str, Number] = {}
    summary: str = ""


class HeadRow(Kept):
    """One of the first rows: features, target, prediction."""

    x: tuple[Number, ...]
    y: Number
    predicted: Number


class Worker(Kept):
    """What measured a case that was sent away: its address, its machine's name, and the id of its environment."""

    address: str
    machine: str
    environment: str


class Record(Kept):
    """One case. Times in seconds, memory in bytes; `unit`: what is timed, a fit or an epoch.

    `problem_sha256`: of the training rows; `data_sha256`: of all rows and their split, empty in older records.
    `source_sha256`: of the source of a solver that somebody brought, empty for the harness's own.
    `left_out` names each column of a person's table that is not used, with the reason; `notes` says what else was done
    to it, and `table` what was said of it (harness.problems.table_options), by name.
    A sample is one call: of a training, `epochs_per_call` epochs. `tf32`: whether products of float32 might be
    rounded to TF32 while the case ran, None on the CPU. `transfer_in_s`, `transfer_out_s`: the median copy of the
    training rows to the device, and of the result back; None on the CPU. `capture_s`: what recording a CUDA
    graph took, a part of `prepare_s`; None where there is none. `device_start_s`: what the device's context, libraries
    and first product took in the process of the case, once; no part of `prepare_s`. `draw_s`: the median time to draw
    the order of an epoch's rows and copy it to the device, no part of a sample; None where there is none.
    `device_peak_bytes` is above `device_held_bytes`, what torch's allocator had handed out when the fit began; None
    where another allocator was used. `device_clock_hz`: of the device at work, after it was timed. `dependences`: of
    the data's columns, named. `plateau`: which nearly equal columns hold a training far above the least loss.
    `worker`: of a cluster, that measured it; None at home. `thinned_from`: how many calls were timed, where only some
    samples are kept (harness.store.thinning); None where all are.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    case: str
    problem: str
    problem_name: str
    family: str
    relation: str
    problem_sha256: str
    data_sha256: str = ""
    n: Count
    p: Count
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    table: dict[str, str | bool | tuple[str, ...]] = {}
    solver: str
    source_sha256: str = ""
    kind: Kind
    optimizer: str | None
    device: str
    threads: Count
    options: dict[str, str | int | float | tuple[int | float, ...]]
    status: Status
    message: str = ""
    warnings: tuple[str, ...] = ()
    unit: str = ""
    epochs_per_call: int = Field(default=1, ge=1)
    prepare_s: float | None = None
    capture_s: float | None = None
    device_start_s: float | None = None
    draw_s: float | None = None
    tf32: bool | None = None
    transfer_in_s: float | None = None
    transfer_out_s: float | None = None
    peak_bytes: Count | None = None
    device_peak_bytes: Count | None = None
    device_held_bytes: int | None = None
    device_clock_hz: float | None = None
    accuracy: Accuracy = Accuracy()
    dependences: tuple[Dependence, ...] = ()
    plateau: str = ""
    solution: Solution | None = None
    trace: TraceRecord | None = None
    head: tuple[HeadRow, ...] = ()
    samples: Samples = Samples()
    worker: Worker | None = None
    thinned_from: Count | None = None

    @property
    def advice(self) -> str:
        """What to do about the status; empty for ok."""
        if self.status is Status.RANK_DEFICIENT and self.dependences:
            named = "; ".join(one.text for one in self.dependences)
            return f"The coefficients are not unique: drop one column of each dependence ({named})."
        return self.status.advice

    @property
    def machine(self) -> str:
        """The name of the machine of a cluster's worker that measured it; empty at home."""
        return "" if self.worker is None else self.worker.machine

    @property
    def columns_left_out(self) -> list[str]:
        """Each column that is not used, with the reason: "name (text)"."""
        return [f"{name} ({reason})" for name, reason in self.left_out]

    @property
    def is_own(self) -> bool:
        """Whether the data are a person's own: a file or what was in memory, no problem of the catalog."""
        return self.family == OWN

    @property
    def label(self) -> str:
        """The solver, and the engine of a training where it is not the loop: torch_sgd [batched]."""
        engine = self.options.get("engine", "loop")
        return self.solver if engine == "loop" else f"{self.solver} [{engine}]"

    @property
    def measured(self) -> bool:
        """Whether it ended with a result that can be judged as it is."""
        return self.status.measured

    @property
    def failed(self) -> bool:
        """Whether the case ended wrong: by its status, or because it raised while it was timed."""
        return self.status.failed or bool(self.samples.error)

    @property
    def fit_s(self) -> float | None:
        """Median seconds of the whole fit: of one call, or of an epoch times the epochs asked for."""
        if self.call_s is None or self.unit == "fit":
            return self.call_s
        epochs = self.options.get("epochs")
        return None if epochs is None else self.call_s * int(str(epochs))

    @property
    def call_s(self) -> float | None:
        """Median seconds of one `unit`: wall, or CPU where only that was measured (asv's timer on the CPU)."""
        wall = self.samples.median_wall_s
        found = self.samples.median_cpu_s if wall is None else wall
        return None if found is None else found / self.epochs_per_call

    @property
    def seconds_to(self) -> Mapping[str, float | None]:
        """Median epoch seconds times the epochs to each tolerance; None where censored or not timed by epoch."""
        epoch_s = None if self.unit == "fit" else self.call_s
        return {
            name: None if epochs is None or epoch_s is None else epoch_s * epochs
            for name, epochs in self.accuracy.epochs_to.items()
        }
