"""The options that say where cases are measured: a worker process with its limits, or this process."""

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.measure.isolation.isolated import Isolated
    from harness.measure.isolation.limits import Limits
    from harness.measure.run import InProcess
    from harness.sweep.measuring import Place as SweepPlace

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="What a case may take, and each timed call; by its size unless said.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option("--memory", metavar="BYTES", help="What the worker process may hold, as 4GiB; libraries included."),
]
Here = Annotated[
    bool, typer.Option("--in-process", help="Measure in this process, to debug: what hangs or crashes takes all along.")
]


@dataclass(frozen=True)
class Where:
    """Where cases are measured."""

    timeout_s: float | None = None
    memory_bytes: int | None = None
    in_process: bool = False

    def place(self) -> "InProcess | Isolated":
        """The place, to be closed. Raises CannotMeasureError where no worker process can be started."""
        from harness.measure.isolation.isolated import Isolated
        from harness.measure.run import InProcess

        return InProcess() if self.in_process else Isolated(self.limits)

    def sweep_place(self) -> "SweepPlace":
        """That of a sweep, whose cases are what is trained together; raises as `place` does."""
        from harness.sweep.isolated import Isolated
        from harness.sweep.measuring import InProcess

        return InProcess() if self.in_process else Isolated(self.limits)

    @property
    def limits(self) -> "Limits":
        """What a worker may take."""
        from harness.measure.isolation.limits import Limits

        return Limits(self.timeout_s, self.memory_bytes)


ISOLATED = Where()
"""A worker process, with limits by the size of each case."""


def where(timeout: float | None, memory: str | None, in_process: bool) -> Where:
    """What was said. Raises UsageError for a limit that is none, or that nothing could enforce."""
    if in_process and (timeout is not None or memory is not None):
        raise UsageError("--timeout and --memory need a worker process: drop --in-process, or them")
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise UsageError(f"--timeout is a positive number of seconds, not {timeout:g}")
    return Where(timeout, None if memory is None else bytes_of(memory), in_process)


def bytes_of(text: str) -> int:
    """A number of bytes as people write it: 4GiB, 500MB, 1e9. Raises UsageError for anything else."""
    from pydantic import ByteSize, TypeAdapter

    found = 0
    with suppress(OverflowError, ValueError):  # pydantic's ValidationError is one
        found = int(TypeAdapter(ByteSize).validate_python(text))
    with suppress(OverflowError, ValueError):  # ByteSize knows no exponents
        found = int(float(text))
    if found < 1:
        raise UsageError(f"--memory is a number of bytes, as 4GiB or 500MB, not '{text}'")
    return found
