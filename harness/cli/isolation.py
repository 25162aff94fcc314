"""The options that say where cases are measured: a worker process with its limits, or this process."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.measure.session import Where

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="What a case may take, and each timed call; by default the size of the case decides.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="BYTES",
        help="What the worker process may hold, as 4GiB, libraries included: CUDA's take about 4 GiB.",
    ),
]
Here = Annotated[
    bool, typer.Option("--in-process", help="Measure in this process, to debug: what hangs or crashes takes all along.")
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS",
        help="Measure by the workers of a Dask cluster, as tcp://HOST:8786 or tls://HOST:8786, or of this machine, as "
        "local:4.",
    ),
]
Connect = Annotated[
    float | None,
    typer.Option(
        "--connect-timeout", metavar="SECONDS", help="How long --on waits for a scheduler and a worker; 30 by default."
    ),
]


def where(
    timeout: float | None,
    memory: str | None,
    in_process: bool,
    on: str | None = None,
    connect_timeout: float | None = None,
) -> "Where":
    """What the options say. Raises UsageError for a limit that is none, or that nothing could enforce."""
    from harness.measure.session import Where

    return Where(timeout, None if memory is None else bytes_of(memory), in_process, on, connect_timeout)


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
