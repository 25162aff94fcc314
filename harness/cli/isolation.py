"""The options that say where cases are measured: a worker process with its limits, or this process."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cli.groups import Group, flag, option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.measure.session import Where


@dataclass(frozen=True)
class LimitsGroup(Group):
    """What a case may take of time and memory."""

    timeout: float | None = option(
        metavar="SECONDS", help="What a case may take, and each timed call; by default the size of the case decides."
    )
    memory: str | None = option(
        metavar="BYTES", help="What the worker process may hold, as 4GiB, libraries included: CUDA's take about 4 GiB."
    )

    def where(self, threads: int = 1) -> "Where":
        """What was said. Raises UsageError for a limit that is none, and for more `threads` than cores here."""
        from harness.measure.session import Where

        said = self.given()
        memory = None if self.memory is None else bytes_of(self.memory)
        cluster = said.get("on"), said.get("connect_timeout")
        found = Where(self.timeout, memory, said.get("in_process", False), *cluster)
        found.check_threads(threads)
        return found


@dataclass(frozen=True)
class HereGroup(LimitsGroup):
    """And by which process of this machine."""

    in_process: bool = flag(help="Measure in this process, to debug: what hangs or crashes takes all along.")


@dataclass(frozen=True)
class PlaceGroup(HereGroup):
    """And on which machines."""

    on: str | None = option(
        metavar="ADDRESS",
        help="Measure by the workers of a Dask cluster, as tcp://HOST:8786 or tls://HOST:8786, or of this machine, "
        "as local:4.",
    )
    connect_timeout: float | None = option(
        metavar="SECONDS",
        help="How long --on waits for a scheduler and a worker, 30 by default, and for another "
        "where all are lost, 300.",
    )


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
