"""Solvers with one fault each, of the kind that takes a process along; the worker process imports them by this name.

`python -m tools.fault_table` prints what becomes of each, and what isolation costs a case.
"""

import ctypes
import gc
import locale
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from harness.measure.isolation.limits import Limits
from harness.measure.plan import Case
from harness.problems.problem import Floats, Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options
from harness.solvers.solver import Solver
from harness.solvers.status import Status
from tests import answer_faults as answers
from tests import state_faults as left
from tests.planted import exact_line

Fault = Callable[[Problem], object]
FOREVER_S = 3600
FLOOD_BYTES = 2**26
ENDLESS_BYTES = 2**32
"""Where a solver that takes ever more memory stops by itself, so that a harness without a limit does not take all."""


@dataclass
class Faulty(ClosedForm):
    """A right answer, after `fault` has been called; from the `first` call of the solver on."""

    name: str
    fault: Fault
    first: int = 1
    title: str = "planted"
    requires: tuple[str, ...] = ()

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        calls = 0

        def solve() -> Floats:
            nonlocal calls
            calls += 1
            if calls >= self.first:
                self.fault(problem)
            return exact_line(problem)

        return ClosedFormPrepared(solve, lambda beta: fit_from_design(beta, problem.intercept))


class FailsWhileItIsPrepared(Faulty):
    """The fault comes with the preparation."""

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Floats]:
        self.fault(problem)
        return super().prepare(problem, options)


class FailsToSayWhatItTakes(Faulty):
    """The fault comes with the question whether it suits the problem."""

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        self.fault(problem)
        return None


def _sleep(_: object) -> None:
    time.sleep(FOREVER_S)


def _hold_the_gil(_: object) -> None:
    ctypes.PyDLL(None).sleep(FOREVER_S)  # PyDLL keeps the lock while C runs


def _ignore_signals(_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _stop_itself(_: object) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _segfault(_: object) -> None:
    ctypes.string_at(0)


def _abort(_: object) -> None:
    os.write(2, b"free(): invalid pointer\n")
    os.abort()


def _exit(code: int, words: str = "") -> Fault:
    def fault(_: object) -> None:
        os.write(2, words.encode())
        os._exit(code)

    return fault


def _raise(error: BaseException) -> Fault:
    def fault(_: object) -> None:
        raise error

    return fault


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def _allocate_at_once(_: object) -> None:
    np.ones(2**59)


def _allocate_bit_by_bit(_: object) -> None:
    held = []
    for _ in range(ENDLESS_BYTES // 2**24):
        held.append(np.ones(2**21))
        time.sleep(0.005)
    raise AssertionError(f"nobody minded {len(held)} blocks")


def _recurse(problem: Problem) -> None:
    _recurse(problem)


def _flood(descriptor: int) -> Fault:
    def fault(_: object) -> None:
        for _ in range(FLOOD_BYTES // 2**16):
            os.write(descriptor, b"x" * 2**16)

    return fault


def _close_everything(_: object) -> None:
    os.closerange(0, 256)


def _fork_and_come_back(_: object) -> None:
    os.fork()


def _leave_a_child(_: object) -> None:
    subprocess.Popen(["sleep", str(FOREVER_S)])  # noqa: S607  # wherever sleep is


def _leave_a_child_and_exit(problem: Problem) -> None:
    _leave_a_child(problem)
    os._exit(5)


def _leave_a_thread(_: object) -> None:
    def spin() -> None:
        while True:
            time.sleep(0.001)

    threading.Thread(target=spin, daemon=True).start()


def _set_numpy_errors(_: object) -> None:
    np.seterr(all="raise")


def _seed_everything(_: object) -> None:
    np.random.seed(1)  # noqa: NPY002  # the fault
    random.seed(1)


def _set_torch(_: object) -> None:
    import torch

    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(7)


def _set_environment(_: object) -> None:
    os.environ["OMP_NUM_THREADS"] = "7"
    os.environ.pop("PATH", None)


def _go_elsewhere(_: object) -> None:
    os.chdir("/")


def _set_locale(_: object) -> None:
    locale.setlocale(locale.LC_ALL, "C")


def _set_signals(_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(1)


def _set_interpreter(_: object) -> None:
    sys.setrecursionlimit(500)
    gc.disable()
    sys.path.insert(0, "/nowhere")
    warnings.simplefilter("ignore")


def _write_to_x(problem: Problem) -> None:
    problem.X.flags.writeable = True
    problem.X[0, 0] += 1.0


def _write_to_y(problem: Problem) -> None:
    ctypes.memset(problem.y.ctypes.data, 0, 8)


HEALTHY = Faulty("healthy", lambda _: None)
TORCH, SCIPY = ("torch",), ("scipy.linalg",)

LEFT: tuple[tuple[str, Fault, str], ...] = (
    ("the clock", left.replace_the_clock, "time.process_time, time.perf_counter"),
    ("the clock is another", left.replace_the_clock_by_another, "time.perf_counter"),
    ("the harness's clock", left.replace_the_harness_s_clock, "harness.timing.clock.SystemClock.wall_s"),
    ("numpy.linalg.qr", left.replace_qr, "numpy.linalg.qr"),
    ("scipy.linalg.lstsq", left.replace_inside_scipy, "scipy.linalg.lstsq"),
    ("a builtin", left.replace_a_builtin, "builtins.sum"),
    ("a builtin is hidden", left.hide_a_builtin, "harness.verify.digits.len"),
    ("a limit of the harness", left.replace_a_limit_of_the_harness, "harness.verify.settle.MAX_DIGITS"),
    ("a module", left.replace_a_module, "numpy.linalg;"),
    ("a profile function", left.leave_a_profile_function, "a profile or trace function"),
    ("a trace function", left.leave_a_trace_function, "a profile or trace function"),
    ("the rounding mode", left.round_upward, "the floating-point environment"),
    ("open descriptors, all", left.use_up_descriptors, "open files"),
    ("a socket", left.leave_a_socket, "open files"),
    ("RLIMIT_NOFILE", left.lower_the_descriptors, "resource limits"),
    ("RLIMIT_FSIZE for good", left.lower_a_limit_for_good, "resource limits"),
    ("nice", left.be_nice, "the priority"),
    ("umask", left.set_the_umask, "the umask"),
    ("timers", left.set_timers, "signal handlers, an alarm"),
    ("blocked signals", left.block_signals, "signal handlers"),
    ("a dump to come", left.ask_for_a_dump, "the fault handler"),
    ("the decimal context", left.set_the_decimal_context, "the decimal context"),
    ("the interpreter's limits", left.set_the_interpreter_s_limits, "the interpreter's limits"),
    ("standard streams", left.close_the_streams, "standard streams"),
    ("numpy's settings", left.set_numpy, "numpy's error state, numpy's print options"),
    ("a thread that is not listed", left.leave_an_unknown_thread, "threads left running"),
    ("a daemon", left.leave_a_daemon, "processes left behind"),
)
"""What a solver leaves as it should not, and how its record's warning names it."""

LEFT_BY_A_TIMED_CALL = (
    *("the clock", "the harness's clock", "scipy.linalg.lstsq", "a profile function", "open descriptors, all"),
    *("timers", "standard streams"),
)
"""Those of LEFT that come at a timed call, too: one of each kind. After a fit and after the timing one guard looks.

Of what stays changed it is the descriptors, without which it cannot be asked what the timed calls gave.
"""

LEFT_IN_TORCH: tuple[tuple[str, Fault, str], ...] = (
    (
        "torch's seed, dtype, threads",
        _set_torch,
        "torch's random state, torch's default dtype, thread counts",
    ),
    ("a method of torch", left.replace_a_method_of_torch, "torch.nn.modules.linear.Linear.forward"),
    ("flush to zero", left.flush_to_zero, "the floating-point environment"),
    ("gradients off", left.turn_gradients_off, "torch's gradient mode"),
    (
        "torch's other switches",
        left.set_other_switches_of_torch,
        "torch's anomaly detection, torch's autocast, torch's global hooks",
    ),
    ("a default device", left.set_a_default_device, "torch's default device"),
    ("inference mode", left.enter_inference_mode, "torch's modes"),
    (
        "deterministic algorithms",
        left.set_deterministic_algorithms,
        "torch's deterministic mode, torch's precision of products",
    ),
)
"""The same of torch's; last what only a new worker is rid of, since each of those imports torch."""

PLANTED: tuple[tuple[str, Solver, Status, str, str], ...] = (
    ("hangs", Faulty("hangs", _sleep), Status.TIMEOUT, "longer than", ""),
    ("hangs with the GIL", Faulty("hangs_gil", _hold_the_gil), Status.TIMEOUT, "longer than", ""),
    ("hangs and ignores SIGTERM", Faulty("hangs_ignoring", _ignore_signals), Status.TIMEOUT, "longer than", ""),
    ("stops itself", Faulty("stops", _stop_itself), Status.TIMEOUT, "longer than", ""),
    ("hangs while it is prepared", FailsWhileItIsPrepared("hangs_preparing", _sleep), Status.TIMEOUT, "longer", ""),
    ("hangs at its 3rd call", Faulty("hangs_timed", _hold_the_gil, first=3), Status.TIMEOUT, "while it was timed", ""),
    ("segfault", Faulty("segfaults", _segfault), Status.CRASHED, "SIGSEGV", ""),
    ("segfault at its 3rd call", Faulty("segfaults_timed", _segfault, first=3), Status.CRASHED, "was timed", ""),
    ("abort", Faulty("aborts", _abort), Status.CRASHED, "SIGABRT): free(): invalid pointer", ""),
    ("os._exit(0)", Faulty("exits_0", _exit(0)), Status.CRASHED, "exit code 0", ""),
    ("os._exit(7), last words", Faulty("exits_7", _exit(7, "first\nlast\n")), Status.CRASHED, "exit code 7: last", ""),
    ("sys.exit(3)", Faulty("sys_exit", _raise(SystemExit(3))), Status.ERROR, "SystemExit: 3", ""),
    ("KeyboardInterrupt", Faulty("interrupts", _raise(KeyboardInterrupt())), Status.ERROR, "KeyboardInterrupt", ""),
    (
        "sys.exit at its 3rd call",
        Faulty("sys_exit_timed", _raise(SystemExit(3)), first=3),
        Status.ERROR,
        "while it was timed: SystemExit: 3",
        "",
    ),
    ("an error without words", Faulty("unspeakable", _raise(_UnspeakableError())), Status.ERROR, "no words", ""),
    ("an error when asked", FailsToSayWhatItTakes("asked", _raise(KeyError("p"))), Status.ERROR, "KeyError", ""),
    ("asks for 4 EiB", Faulty("asks_for_all", _allocate_at_once), Status.OUT_OF_MEMORY, "allocate", ""),
    ("takes ever more memory", Faulty("takes_more", _allocate_bit_by_bit), Status.OUT_OF_MEMORY, "more than", ""),
    ("infinite recursion", Faulty("recurses", _recurse), Status.ERROR, "RecursionError", ""),
    ("floods standard output", Faulty("floods_out", _flood(1)), Status.OK, "", ""),
    ("floods standard error", Faulty("floods_err", _flood(2)), Status.OK, "", ""),
    ("closes every descriptor", Faulty("closes", _close_everything), Status.CRASHED, "", ""),
    ("forks and comes back", Faulty("forks", _fork_and_come_back), Status.OK, "", "processes left behind"),
    ("leaves a child", Faulty("leaves_a_child", _leave_a_child), Status.OK, "", "processes left behind"),
    ("a child holds its pipes", Faulty("child_exit", _leave_a_child_and_exit), Status.CRASHED, "exit code 5", ""),
    ("leaves a thread", Faulty("leaves_a_thread", _leave_a_thread), Status.OK, "", "threads left running"),
    ("numpy's error state", Faulty("sets_errors", _set_numpy_errors), Status.OK, "", "numpy's error state"),
    ("seeds", Faulty("seeds", _seed_everything), Status.OK, "", "numpy's random state, Python's random state"),
    ("the environment", Faulty("sets_environment", _set_environment), Status.OK, "", "the environment"),
    ("the working folder", Faulty("goes_elsewhere", _go_elsewhere), Status.OK, "", "the working folder"),
    ("the locale", Faulty("sets_locale", _set_locale), Status.OK, "", "the locale"),
    ("signals and an alarm", Faulty("sets_signals", _set_signals), Status.OK, "", "signal handlers, an alarm"),
    (
        "the interpreter",
        Faulty("sets_interpreter", _set_interpreter),
        Status.OK,
        "",
        "the garbage collector, the recursion limit, the import path, warnings filters",
    ),
    (
        "numpy's error state, 3rd call",
        Faulty("sets_errors_timed", _set_numpy_errors, first=3),
        Status.OK,
        "",
        "numpy's error state",
    ),
    ("writes to X", Faulty("writes_x", _write_to_x), Status.ERROR, "wrote to the problem's X", ""),
    ("writes to y by a pointer", Faulty("writes_y", _write_to_y), Status.ERROR, "wrote to the problem's y", ""),
    ("writes to X at its 3rd call", Faulty("writes_timed", _write_to_x, first=3), Status.ERROR, "was timed", ""),
    ("shrinks the page", Faulty("shrinks", left.shrink_the_page), Status.ERROR, "PermissionError", ""),
    ("writes over the page", Faulty("overwrites", left.write_over_the_page), Status.CRASHED, "wrote over", ""),
    ("cuts off the data", Faulty("cuts_off", left.cut_off_the_data), Status.CRASHED, "SIGABRT", ""),
    ("a daemon, and dies", Faulty("daemon_dies", left.leave_a_daemon_and_die), Status.CRASHED, "SIGABRT", ""),
    *answers.ANSWERS,
    ("50 MB of text", Faulty("lengthy", answers.lengthy), Status.ERROR, "LengthyError: xxx", ""),
    ("50 MB, 3rd call", Faulty("lengthy_timed", answers.lengthy, first=3), Status.ERROR, "timed: LengthyError", ""),
    ("half a character", Faulty("surrogate", answers.surrogate), Status.ERROR, "\\ud800 is half", ""),
    ("colours", Faulty("colours", answers.colours), Status.ERROR, "\\x1b[31mred\\x1b]0;title\\x07 and \\u202eback", ""),
    ("an endless text", Faulty("endless", answers.endless), Status.TIMEOUT, "longer than", ""),
    ("an endless text, 3rd", Faulty("endless_3", answers.endless, first=3), Status.TIMEOUT, "while it was timed", ""),
    ("silence", Faulty("silent", answers.silent), Status.ERROR, "its text cannot be read", ""),
    ("very many warnings", Faulty("warns", answers.warn_very_often), Status.OK, "", "which are not kept"),
    ("a warning of no text", Faulty("warns_half", answers.warn_half_a_character), Status.OK, "", "\\udfff"),
    ("raises at its 3rd call", Faulty("raises_timed", _raise(ValueError("no")), first=3), Status.ERROR, "timed: V", ""),
    ("loads and patches", Faulty("loads_and_patches", left.replace_inside_scipy), Status.OK, "", "scipy.linalg.lstsq"),
    *(
        (name, Faulty(f"leaves: {name}", fault, requires=SCIPY if "scipy" in warning else ()), Status.OK, "", warning)
        for name, fault, warning in LEFT
    ),
    *(
        (
            f"{name}, 3rd call",
            Faulty(f"leaves, timed: {name}", fault, first=3, requires=SCIPY if "scipy" in warning else ()),
            Status.OK,
            "",
            warning,
        )
        for name, fault, warning in LEFT
        if name in LEFT_BY_A_TIMED_CALL
    ),
    *(
        (name, Faulty(f"leaves: {name}", fault, requires=TORCH), Status.OK, "", warning)
        for name, fault, warning in LEFT_IN_TORCH
    ),
)
"""What it is, the solver, the status that it ends as, and a part of its message and of its record's warnings."""

SOLVERS: dict[str, Solver] = {one.name: one for one in (answers.KEEPING, answers.POISONING)}
SOLVERS |= {HEALTHY.name: HEALTHY}
SOLVERS |= {solver.name: solver for _, solver, *_ in PLANTED}
MODULE = "tests.faults"
SHORT_S = 0.3
"""What those may take that hang: whenever that is, it is the same status."""
PATIENCE_S = 120.0
"""What all others may take: on the busiest machine half a gigabyte takes many seconds to come."""
HANGS = {solver.name for _, solver, status, *_ in PLANTED if status is Status.TIMEOUT}


@dataclass(frozen=True)
class FaultLimits(Limits):
    """Short for what hangs, long for all that only takes its time: the fit, too, of what hangs as it is timed.

    `fitted`: the names of those whose fit has been asked about; a place's first question is about that.
    """

    fitted: set[str] = field(default_factory=set)

    def allowed_s(self, case: Case, trainings: int = 1, turns: int = 1) -> float:
        """Seconds that a case may take."""
        name = case.solver.name
        fits = name not in self.fitted and getattr(case.solver, "first", 1) > 1
        self.fitted.add(name)
        return PATIENCE_S if fits or name not in HANGS else SHORT_S


MEMORY_BYTES = 2**30
"""The worker holds 0.1 GiB, with torch 0.3, with a CUDA build of torch 0.7."""


def limits() -> FaultLimits:
    """For one place."""
    return FaultLimits(memory_bytes=MEMORY_BYTES)


def fault_named(name: str) -> Fault:
    """What a Faulty solver of that name does."""
    solver = SOLVERS[name]
    assert isinstance(solver, Faulty)
    return solver.fault
