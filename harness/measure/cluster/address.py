"""Where a cluster is: the address of a scheduler that runs, or workers of this machine; and who there measures."""

import logging
import re
from typing import Any

from harness.errors import CannotMeasureError, UsageError, one_line

RESOURCE = "harness"
"""The resource of a worker that measures. A case takes one of it, so that a worker with one has one at a time."""
CONNECT_S = 30.0
"""Seconds to wait for a scheduler, and for the first of its workers."""
RESTART_S = 300.0
"""Seconds to wait for another worker where all are lost: what starts it (a nanny) imports the harness anew, in seconds
on an idle machine and in many more on a busy one. How many was not measured: this is ten times CONNECT_S."""
LOCAL = re.compile(r"local:([1-9]\d{0,3})")
REMOTE = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+")
MISSING = "needs dask and distributed, which are not installed: pip install 'ls-harness[dask]'"


def check_address(on: str) -> None:
    """Raises UsageError for what is no address, CannotMeasureError where Dask is not installed."""
    if not (LOCAL.fullmatch(on) or REMOTE.fullmatch(on)):
        raise UsageError(f"--on takes a scheduler's address, as tcp://HOST:8786, or local:4, not '{on}'")
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise CannotMeasureError(f"--on {MISSING}") from None


def connected(on: str, connect_s: float = CONNECT_S) -> tuple[Any, Any]:
    """A client of the cluster, and the cluster if it was started here.

    Raises UsageError and CannotMeasureError, one line, as `check_address` and where nobody answers in `connect_s`.
    """
    check_address(on)
    from distributed import Client, LocalCluster

    # What happens to workers and to the connection is said by the place, in its own words.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    count = LOCAL.fullmatch(on)
    cluster = None
    if count is not None:
        cluster = LocalCluster(
            n_workers=int(count[1]),
            threads_per_worker=1,
            resources={RESOURCE: 1},
            dashboard_address=":0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
    try:
        at = on if cluster is None else cluster
        return _client(Client, at, connect_s), cluster
    except (OSError, TimeoutError):
        raise CannotMeasureError(
            f"--on {on}: no scheduler answers within {connect_s:g} s: start one with 'dask scheduler', "
            "or give --connect-timeout more seconds"
        ) from None
    except (TypeError, ValueError, RuntimeError) as error:  # of TLS without certificates, a port that is none
        raise UsageError(f"--on {on}: {one_line(str(error))}") from None


def measuring(client: Any) -> set[str]:
    """The addresses of the workers of a cluster that measure now. Raises OSError where the scheduler does not answer.

    The scheduler is asked, and not `Client.scheduler_info`: what that returns a timer of the client's may have
    overwritten meanwhile by a shorter answer, without any worker (distributed 2026.8).
    """
    known = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
    return {address for address, worker in known.items() if worker["resources"].get(RESOURCE)}


def _client(made_by: Any, at: object, connect_s: float) -> Any:
    """A client, by a second try where its event loop's thread does not run within the 10 s that distributed waits.

    It has no error for that but an assertion (distributed.utils.LoopRunner).
    """
    try:
        return made_by(at, timeout=connect_s, set_as_default=False)
    except AssertionError:
        return made_by(at, timeout=connect_s, set_as_default=False)
