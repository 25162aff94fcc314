"""What of the interpreter slows the code that it runs: watchers, debug modes, pools of threads."""

import os
import sys
from collections.abc import Iterator, Mapping

from harness.timing.conditions.readings import Interpreter
from harness.timing.device_state import device_variables
from harness.timing.threads import SIZED_ONCE

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", *SIZED_ONCE)
DEBUGGERS = ("pydevd", "debugpy")
"""PyCharm's and VS Code's: they are loaded where a debugger is attached. pdb shows as sys.settrace."""
TOOL_IDS = range(6)
"""sys.monitoring's, of which debuggers, coverage, profilers and optimizers have one each (PEP 669)."""


def interpreter(tracer: int | None = None) -> Interpreter:
    """What is on in this process. `tracer`: the process that traces it from outside, 0 or None for none."""
    return Interpreter(
        tuple([f"process {tracer} traces this one"] if tracer else []) + tuple(watchers()),
        tuple(debug_modes(os.environ)),
        thread_variables(os.environ),
        pool_threads(),
        device_variables(os.environ),
    )


def watchers() -> Iterator[str]:
    """What is called at lines, calls or allocations: sys.settrace, sys.setprofile, sys.monitoring, tracemalloc."""
    for name, hook in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        if hook is not None:
            yield f"{name} by {getattr(hook, '__module__', None) or type(hook).__module__}"
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    if monitoring is not None:
        for tool in (monitoring.get_tool(number) for number in TOOL_IDS):
            if tool is not None:
                yield f"sys.monitoring by {tool}"
    coverage = sys.modules.get("coverage")
    if coverage is not None and coverage.Coverage.current() is not None:
        yield "coverage"
    yield from (name for name in DEBUGGERS if name in sys.modules)
    tracemalloc = sys.modules.get("tracemalloc")
    if tracemalloc is not None and tracemalloc.is_tracing():
        yield "tracemalloc"


def debug_modes(variables: Mapping[str, str]) -> Iterator[str]:
    """Checks that a release does not make: a debug build, the development mode, an allocator that checks."""
    if hasattr(sys, "gettotalrefcount"):  # only a build with --with-pydebug has it
        yield "a debug build of Python"
    if sys.flags.dev_mode:
        yield "Python's development mode"
    allocator = variables.get("PYTHONMALLOC", "")
    if "debug" in allocator:
        yield f"PYTHONMALLOC={allocator}"


def thread_variables(variables: Mapping[str, str]) -> dict[str, int]:
    """The variables that size pools, where they are set to a number; of nested levels, as 4,2, the outer one."""
    outer = {name: variables.get(name, "").partition(",")[0].strip() for name in THREAD_VARIABLES}
    return {name: int(text) for name, text in outer.items() if text.isdigit()}


def pool_threads() -> int | None:
    """Threads of the largest pool of BLAS or OpenMP that is loaded in this process; None without one."""
    from threadpoolctl import threadpool_info

    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=None)
