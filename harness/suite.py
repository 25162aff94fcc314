"""One case as an asv benchmark uses it: the timed work, the clock, and lower-is-better numbers.

asv runs the current checkout's suites against the harness of every tested commit, so that what is here
stays as it is: names may be added, not changed.
"""

import math
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from harness.measure.plan import single
from harness.measure.run import Outcome, measure
from harness.problems import catalog as problems
from harness.records.record import Record
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import why_unsupported
from harness.solvers.status import Status
from harness.timing.device import synchronizer, unavailable
from harness.timing.threads import limited, pools_of
from harness.verify.accuracy import tolerance_name
from harness.verify.digits import MAX_DIGITS

_NO_GPU = not any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/dxg"))
"""Seen without importing torch: on a machine without the driver a skipped case costs no import."""


class SuiteCase:
    """A case on its threads, one unless said, prepared when it is made.

    Raises NotImplementedError, which asv takes as a skip, where the solver or the device cannot run it,
    and UsageError for an unknown name or a refused option, which fails the benchmark.
    """

    def __init__(self, problem: str, solver: str, device: str = "cpu", **options: object) -> None:
        """`problem` as `harness run --problem` takes it; `options` by the names of Options."""
        chosen = solvers.get(solver)
        if device not in chosen.devices or (device != "cpu" and (_NO_GPU or unavailable(device))):
            raise NotImplementedError(f"{solver} cannot run on {device} here")
        loaded = problems.load(problem)
        self.case = single(loaded, chosen, Options(device=device, **options))  # type: ignore[arg-type]
        reason = why_unsupported(chosen, loaded, self.case.options)
        if reason:
            raise NotImplementedError(reason)
        # The process is the benchmark's own: the limits hold until it ends.
        threads = self.case.options.threads
        with pools_of(threads):
            self._prepared = chosen.prepare(loaded, self.case.options)
        self._limits = limited(threads)
        self._limits.__enter__()
        self._synchronize = synchronizer(device)

    @property
    def timer(self) -> Callable[[], float]:
        """CPU seconds of the process on one thread of the CPU; else wall seconds, on CUDA after a synchronisation."""
        if self.case.options.threads > 1:
            return time.perf_counter
        if self.case.options.device == "cpu":
            return time.process_time

        def synchronised() -> float:
            self._synchronize()
            return time.perf_counter()

        return synchronised

    def run(self) -> None:
        """The timed work: one fit, or one epoch."""
        self._prepared.run()

    @cached_property
    def _outcome(self) -> Outcome:
        return measure(self.case)

    @property
    def record(self) -> Record:
        """The verified record. Raises RuntimeError if the case has no number to show: asv marks it failed."""
        record = self._outcome.record
        if record.status.failed and record.status is not Status.WRONG:
            raise RuntimeError(f"{record.case}: {record.status}: {record.message}")
        return record

    def digits_lost(self) -> float:
        """15 less the digits of the worst coefficient."""
        return _trackable(self.record.accuracy.digits, lambda digits: MAX_DIGITS - digits)

    def excess_loss(self) -> float:
        """Relative excess loss of the training rows."""
        return _trackable(self.record.accuracy.excess_loss, lambda excess: excess)

    def unexplained_variance(self) -> float:
        """1 - R² of the test rows, or of the training rows where there is no test split."""
        r2 = self.record.accuracy.r2
        return _trackable(r2.get("test", r2.get("train")), lambda value: max(0.0, 1.0 - value))

    def wrong(self) -> float:
        """1 if the harness calls the answer wrong, else 0."""
        return float(self.record.status is Status.WRONG)

    def epochs_to(self, tolerance: float) -> float:
        """Epochs to a relative excess loss. Raises RuntimeError if it was not reached: censored is no number."""
        epochs = self.record.accuracy.epochs_to.get(tolerance_name(tolerance))
        if epochs is None:
            raise RuntimeError(f"{self.case.key}: {tolerance:g} was not reached")
        return float(epochs)

    def device_peak_bytes(self) -> float:
        """Peak of the device's allocator during the fit; a skip on the CPU."""
        if self.record.device_peak_bytes is None:
            raise NotImplementedError("the CPU's memory is peakmem's")
        return float(self.record.device_peak_bytes)


def _trackable(value: float | None, change: Callable[[float], float]) -> float:
    """A finite, non-negative Python float, as asv's `track_` needs. Raises RuntimeError for anything else."""
    tracked = math.nan if value is None else float(change(value))
    if not (math.isfinite(tracked) and tracked >= 0):
        raise RuntimeError(f"{tracked} is no number to track")
    return tracked
