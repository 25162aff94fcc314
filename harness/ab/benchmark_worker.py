"""What is timed of an asv suite, or a plain callable, in a worker: loaded by worker.py from beside it.

It needs the standard library, and asv_runner for a suite: the library by which asv finds and runs benchmarks.
`setup` and `teardown` are called around each call of a `time_` benchmark that has them, and `setup_cache` runs once a
version in a process of its own, as in asv (asv_runner/benchmarks/time.py, setup_cache.py).
"""

import gc
import hashlib
import math
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

SAMPLE_S = 1e-4
"""One timed call is as many calls of the function as take 0.1 ms: a clock's reading is a thousandth of that."""
TURN_S = 0.05
"""A turn ends early once its calls and their setups have taken this long."""
MOST_CALLS = 100_000

Answer = dict[str, Any]


class SkippedError(Exception):
    """The suite skips it: its setup raised NotImplementedError, or skip_for_params names its parameters."""


class PlainCall:
    """`package.module:function`, called without arguments."""

    def __init__(self, order: Answer) -> None:
        """Import it, call it twice, and find how many calls are timed at once."""
        module, _, path = order["call"].partition(":")
        found: Any = import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        if not callable(found):
            raise TypeError(f"{order['call']} is no function")
        self.call: Callable[[], object] = found
        self.number = _number(self.call)

    def times(self, calls: int) -> Answer:
        """`calls` samples after an untimed call: seconds of one call by the wall and this process's CPU."""
        self.call()
        return _sampled(self.call, calls, self.number, lambda: None)

    def release(self) -> None:
        """Nothing is held."""


class AsvBenchmark:
    """One benchmark with one combination of its parameters, set up."""

    def __init__(self, benchmark: Any, scratch: str) -> None:
        """Load the suite's cache, set asv_runner's `benchmark` up. Raises SkippedError, whatever the suite raises."""
        self.benchmark = benchmark
        os.chdir(self._folder(scratch))
        self.timed: Callable[[], object] | None = None
        if self.benchmark.do_setup():
            raise SkippedError("skipped by the suite")
        self.is_raw = type(self.benchmark).__name__ == "TimerawBenchmark"
        if self.benchmark.type != "time" or self.is_raw:
            return
        self.timed = partial(self.benchmark.func, *self.benchmark._build_params())  # noqa: SLF001  # asv's
        _told(self.timed)
        self.is_renewed = bool(self.benchmark._setups)  # noqa: SLF001  # as its own run() asks
        self.number = 1 if self.is_renewed else self.benchmark.number or _number(self.timed)

    def times(self, calls: int) -> Answer:
        """`calls` samples, set up anew before each where there is a setup; of a `timeraw_` one of a new process."""
        if self.is_raw:
            number = self.benchmark.number or 1
            timer = self.benchmark._get_timer(*self.benchmark._build_params())  # noqa: SLF001  # asv's
            wall_s = timer.timeit(number) / number
            return {"wall_s": [wall_s], "cpu_s": [wall_s]}
        if self.timed is None:
            raise RuntimeError(f"{self.benchmark.name} is no benchmark of a time")
        renew: Callable[[], None] = self._renew if self.is_renewed else lambda: None
        renew()
        self.timed()
        return _sampled(self.timed, calls, self.number, renew)

    def value(self) -> Answer:
        """What a `track_` returns, or the peak resident bytes of this process with a `peakmem_`."""
        found: Any = _told(self.benchmark.do_run)
        if self.benchmark.type == "peakmemory":
            found = _peak_bytes(found)
        number = math.nan if found is None else float(found)
        return {"value": number if math.isfinite(number) else str(number)}

    def release(self) -> None:
        """Tear it down."""
        self.benchmark.do_teardown()

    def _renew(self) -> None:
        self.benchmark.do_teardown()
        self.benchmark.do_setup()

    def _folder(self, scratch: str) -> str:
        """Where it runs: a new folder, or that of its cache, which is made by the first who needs it."""
        key = self.benchmark.setup_cache_key
        if key is None:
            return tempfile.mkdtemp(dir=scratch)
        folder = Path(scratch) / hashlib.sha256(key.encode()).hexdigest()
        if not folder.is_dir():
            folder.mkdir()
            process = get_context("fork").Process(target=_make_cache, args=(self.benchmark, folder))
            process.start()
            process.join()
        failed = folder / "failed"
        if failed.is_file():
            raise RuntimeError(failed.read_text())
        if not (folder / "cache.pickle").is_file():
            raise RuntimeError("the process of setup_cache died")
        self.benchmark.set_cache(pickle.loads((folder / "cache.pickle").read_bytes()))  # noqa: S301  # just written
        return str(folder)


def _told(call: Callable[[], object]) -> object:
    """What the call returns; another NotImplementedError than asv's own is a failure, as in asv."""
    from asv_runner.benchmarks.mark import SkipNotImplemented

    try:
        return call()
    except SkipNotImplemented as error:
        raise SkippedError(str(error) or "skipped by the benchmark") from None
    except NotImplementedError as error:
        raise RuntimeError(f"NotImplementedError: {error}") from None


def _peak_bytes(asvs: object) -> object:
    """Of this program alone: what asv asks, ru_maxrss, is at least what its parent held when it was started.

    VmHWM (man 5 proc_pid_status) begins anew at each exec. Where there is no such file it is asv's.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else ()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), asvs)


def _make_cache(benchmark: Any, folder: Path) -> None:
    os.chdir(folder)
    try:
        made = pickle.dumps(benchmark.do_setup_cache())
    except BaseException as error:  # noqa: BLE001  # of a suite: it is the status of its benchmarks
        Path("failed").write_text(f"setup_cache: {type(error).__name__}: {error}")
    else:
        Path("cache.pickle").write_bytes(made)


def _number(call: Callable[[], object]) -> int:
    """How many calls take SAMPLE_S."""
    call()
    number, taken_s = 1, 0.0
    while number < MOST_CALLS:
        begun = time.perf_counter()
        for _ in range(number):
            call()
        taken_s = time.perf_counter() - begun
        if taken_s >= SAMPLE_S:
            break
        number *= 2
    return number


def _sampled(call: Callable[[], object], calls: int, number: int, before: Callable[[], None]) -> Answer:
    """Seconds of one call in each sample of `number`, without what is done before each sample."""
    wall_s, cpu_s = [], []
    begun = time.perf_counter()
    gc.disable()
    try:
        for _ in range(calls):
            before()
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(number):
                call()
            cpu_after, wall_after = time.process_time(), time.perf_counter()
            wall_s.append((wall_after - wall) / number)
            cpu_s.append((cpu_after - cpu) / number)
            if wall_after - begun > TURN_S:
                break
    finally:
        gc.enable()
    return {"wall_s": wall_s, "cpu_s": cpu_s}
