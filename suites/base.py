"""What the families share. asv does not look at names that begin with an underscore."""

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from harness.suite import SuiteCase

DEVICES = ["cpu", "cuda"]

_made: "dict[tuple[Any, ...], SuiteCase]" = {}
"""asv calls setup before every timed call: a case is prepared once in its process."""


class _Suite:
    """`case_of` turns a benchmark's parameters into a case."""

    version = "1"
    timeout = 120.0
    param_names: ClassVar[list[str]]
    params: ClassVar[list[list[Any]]]
    options: ClassVar[dict[str, Any]] = {}
    case: "SuiteCase"

    def case_of(self, *values: Any) -> "SuiteCase":
        """The case for these parameters, prepared; what is not problem, solver, n or device is an option."""
        from harness.suite import SuiteCase

        named = dict(zip(self.param_names, values, strict=True))
        solver, device = named.pop("solver"), named.pop("device")
        problem = named.pop("problem", None) or f"synthetic:n={named.pop('n')}"
        return SuiteCase(problem, solver, device, **self.options, **named)

    def setup(self, *values: Any) -> None:
        """Make the case, or take the one that this process has made; asv reads `timer` afterwards."""
        key = (type(self).__name__, *values)
        if key not in _made:
            _made[key] = self.case_of(*values)
        self.case = _made[key]
        self.timer = self.case.timer


class _Timed(_Suite):
    """Single calls (number = 1), each a sample; asv reports their median."""

    number = 1
    repeat = (5, 30, 0.5)
    rounds = 2
    warmup_time = 0.05
    min_run_count = 5


class _Fit(_Timed):
    """One whole fit of a drawn problem with ten columns."""

    param_names: ClassVar = ["solver", "n", "device"]

    def time_fit(self, *_: Any) -> None:
        """Seconds of one fit: CPU on the CPU, synchronised wall on CUDA."""
        self.case.run()


class _Memory(_Suite):
    """Memory of one fit of a drawn problem."""

    param_names: ClassVar = ["solver", "n", "device"]

    def peakmem_fit(self, *_: Any) -> None:
        """Peak resident bytes of the process, libraries included."""
        self.case.run()


class _DeviceMemory(_Suite):
    """Memory of the device during one fit or training; the CPU's is peakmem's."""

    param_names: ClassVar = ["solver", "n", "device"]
    unit = "bytes"

    def track_device_peak_bytes(self, *_: Any) -> float:
        """Peak bytes of the device's allocator."""
        return self.case.device_peak_bytes()


class _Digits(_Suite):
    """How right a closed form is. One number a case, lower is better, 0 the best there is."""

    param_names: ClassVar = ["solver", "problem", "device"]

    def track_digits_lost(self, *_: Any) -> float:
        """15 less the digits of the worst coefficient."""
        return self.case.digits_lost()

    def track_wrong(self, *_: Any) -> float:
        """1 if the answer is wrong, else 0."""
        return self.case.wrong()


class _Loss(_Suite):
    """What a closed form leaves on the table, in loss and in variance."""

    param_names: ClassVar = ["solver", "problem", "device"]

    def track_excess_loss(self, *_: Any) -> float:
        """Relative excess loss."""
        return self.case.excess_loss()

    def track_unexplained_variance(self, *_: Any) -> float:
        """1 - R²."""
        return self.case.unexplained_variance()


class _Epoch(_Timed):
    """One epoch of a training."""

    param_names: ClassVar = ["solver", "n", "device"]

    def time_epoch(self, *_: Any) -> None:
        """Seconds of one epoch: CPU on the CPU, synchronised wall on CUDA."""
        self.case.run()


class _Convergence(_Suite):
    """How far a training of the linear model gets in 1000 epochs of the full batch."""

    param_names: ClassVar = ["solver", "problem", "device", "lr"]
    options: ClassVar = {"epochs": 1000}

    def track_excess_loss(self, *_: Any) -> float:
        """Relative excess loss after the last epoch."""
        return self.case.excess_loss()

    def track_epochs_to_tolerance(self, *_: Any) -> float:
        """Epochs to a relative excess loss of 1e-4."""
        return self.case.epochs_to(1e-4)

    def track_unexplained_variance(self, *_: Any) -> float:
        """1 - R²."""
        return self.case.unexplained_variance()
