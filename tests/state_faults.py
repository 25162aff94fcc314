"""What a solver may leave changed in its process: one function a thing, each called by a solver of `tests.faults`."""

import contextlib
import ctypes
import decimal
import faulthandler
import functools
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness.problems.problem import Problem

FOREVER_S = 3600
FE_UPWARD = 0x800
"""<fenv.h> of x86-64."""


def _assign(owner: Any, name: str, value: object) -> None:
    """As a solver does it that patches a library; not `setattr` alone, so that linters see no constant."""
    setattr(owner, name, value)


def replace_the_clock(_: object) -> None:
    _assign(time, "perf_counter", lambda: 0.0)
    _assign(time, "process_time", lambda: 0.0)


def replace_the_clock_by_another(_: object) -> None:
    _assign(time, "perf_counter", time.time)


def replace_the_harness_s_clock(_: object) -> None:
    from harness.timing.clock import SystemClock

    _assign(SystemClock, "wall_s", staticmethod(lambda: 0.0))


def replace_qr(_: object) -> None:
    _assign(np.linalg, "qr", np.linalg.svd)


def replace_inside_scipy(_: object) -> None:
    import scipy.linalg

    _assign(scipy.linalg, "lstsq", functools.partial(scipy.linalg.lstsq, cond=0.5))


def replace_a_builtin(_: object) -> None:
    _assign(sys.modules["builtins"], "sum", lambda *_: 0.0)


def hide_a_builtin(_: object) -> None:
    _assign(sys.modules["harness.verify.digits"], "len", lambda _: 0)


def replace_a_limit_of_the_harness(_: object) -> None:
    _assign(sys.modules["harness.verify.settle"], "MAX_DIGITS", 0)


def replace_a_module(_: object) -> None:
    sys.modules["numpy.linalg"] = sys.modules["math"]


def replace_a_method_of_torch(_: object) -> None:
    import torch

    _assign(torch.nn.Linear, "forward", lambda _self, x: x)


def leave_a_profile_function(_: object) -> None:
    sys.setprofile(lambda *_: None)
    threading.setprofile(lambda *_: None)


def leave_a_trace_function(_: object) -> None:
    sys.settrace(lambda *_: None)


def round_upward(_: object) -> None:
    ctypes.CDLL(None).fesetround(FE_UPWARD)


def flush_to_zero(_: object) -> None:
    import torch

    torch.set_flush_denormal(True)


def turn_gradients_off(_: object) -> None:
    import torch

    torch.set_grad_enabled(False)


def set_a_default_device(_: object) -> None:
    import torch

    torch.set_default_device("meta")


def enter_inference_mode(_: object) -> None:
    import torch

    _HELD.append(torch.inference_mode())
    _HELD[-1].__enter__()


def set_deterministic_algorithms(_: object) -> None:
    import torch

    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_float32_matmul_precision("medium")


def set_other_switches_of_torch(_: object) -> None:
    import torch

    torch.autograd.set_detect_anomaly(True)
    torch.set_autocast_enabled("cpu", True)
    torch.nn.modules.module.register_module_forward_hook(lambda *_: None)


_HELD: list[Any] = []


def use_up_descriptors(_: object) -> None:
    with contextlib.suppress(OSError):
        while True:
            _HELD.append(os.open(os.devnull, os.O_RDONLY))


def leave_a_socket(_: object) -> None:
    _HELD.append(socket.socket().detach())


def lower_the_descriptors(_: object) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def lower_a_limit_for_good(_: object) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def be_nice(_: object) -> None:
    os.nice(1)


def set_the_umask(_: object) -> None:
    os.umask(0)


def set_timers(_: object) -> None:
    signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_VIRTUAL, FOREVER_S)


def block_signals(_: object) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})


def ask_for_a_dump(_: object) -> None:
    faulthandler.dump_traceback_later(0.5, exit=True, file=2)
    faulthandler.enable(file=2)


def set_the_decimal_context(_: object) -> None:
    decimal.getcontext().prec = 3


def set_the_interpreter_s_limits(_: object) -> None:
    sys.set_int_max_str_digits(700)
    sys.setswitchinterval(1.0)


def close_the_streams(_: object) -> None:
    sys.stderr = sys.stdout = None


def set_numpy(_: object) -> None:
    np.set_printoptions(precision=1)
    np.setbufsize(1024)


def leave_an_unknown_thread(_: object) -> None:
    import _thread

    _thread.start_new_thread(time.sleep, (FOREVER_S,))
    time.sleep(0.01)  # until it has begun


def leave_a_daemon(_: object) -> None:
    """In a session of its own, its parent gone: no group and no parent leads to it."""
    script = f"import os, time\nif os.fork(): os._exit(0)\nos.setsid()\ntime.sleep({FOREVER_S})"
    subprocess.run([sys.executable, "-S", "-c", script], check=True)


def leave_a_daemon_and_die(problem: Problem) -> None:
    leave_a_daemon(problem)
    os.abort()


def _files() -> dict[str, int]:
    """The descriptors of this process by what they are."""
    found = {}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  # names are wanted
        with contextlib.suppress(OSError):
            found[str(Path(f"/proc/self/fd/{name}").readlink())] = int(name)
    return found


def shrink_the_page(_: object) -> None:
    """The page that the harness reads: beyond the end of its file it would be killed by SIGBUS."""
    for name, descriptor in _files().items():
        if "harness-note" in name:
            os.ftruncate(descriptor, 0)
    _shrink_what_is_mapped()


def _shrink_what_is_mapped() -> None:
    """The descriptor may have been closed: a mapping leads to the file, too."""
    for link in Path("/proc/self/map_files").iterdir():
        if "harness-note" in str(link.readlink()):
            with link.open("r+b") as file:
                os.ftruncate(file.fileno(), 0)


def write_over_the_page(_: object) -> None:
    """The time says that the case begins in the far future: it would never take too long."""
    for link in Path("/proc/self/map_files").iterdir():
        if "harness-note" in str(link.readlink()):
            with link.open("r+b") as file, mmap.mmap(file.fileno(), mmap.PAGESIZE) as page:
                page[8:16] = (2**62).to_bytes(8, "little")
    time.sleep(FOREVER_S)


def cut_off_the_data(_: object) -> None:
    """The file that problems come in; the next worker reads it."""
    for name, descriptor in _files().items():
        if "(deleted)" in name and "memfd" not in name:
            with open(f"/proc/self/fd/{descriptor}", "r+b") as file:  # noqa: PTH123  # a path to a descriptor
                file.truncate(10)
    os.abort()
