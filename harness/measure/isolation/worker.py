"""A process of its own, until the harness is imported: run as a script, it needs nothing but the standard library.

Its arguments are the module that serves, what it is passed, and the connection: numbers of descriptors. The first
message says what to put on sys.path, which is its parent's, so that both run the same harness; `-P` keeps this folder
off it.
"""

import ctypes
import gc
import json
import resource
import signal
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""<linux/prctl.h>: a signal for this process when its parent dies."""
PR_SET_CHILD_SUBREAPER = 36
"""Same: a descendant whose parent has ended becomes this process's child, so that a daemon of a solver's is seen."""
EXPENDABLE = "1000"
"""man 5 proc_pid_oom_score_adj: the kernel kills the highest first when memory is exhausted."""


def main() -> None:
    """Die with the parent and before it; then serve its orders."""
    *passed, descriptor = map(int, sys.argv[2:])
    with suppress(OSError, AttributeError):  # another libc: the end of the orders ends the worker, a little later
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is a row: it leaves no file behind
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(EXPENDABLE)
    connection = Connection(descriptor)
    try:
        setup = json.loads(connection.recv_bytes())
    except EOFError:  # the parent has gone
        return
    sys.path[:] = setup["paths"]
    gc.disable()  # an import makes next to nothing that could be collected, and looking for it is a sixth of its time
    serving = import_module(sys.argv[1])
    gc.enable()
    serving.serve(connection, *passed, **setup["arguments"])


if __name__ == "__main__":
    main()
