"""The checks that look at the machine: each a pure function of one stretch's readings and the threads asked for."""

from harness.errors import counted
from harness.judge.machine.doubts import LOST, WAITED, CheckResult, State, against, fine, note, unknown
from harness.store.conditions import Conditions

SHORTEST_S = 0.2
"""The kernel counts CPU time in ticks of 10 ms: in 0.2 s a tenth is two ticks."""
RANDOM = 2
"""randomize_va_space: stack, libraries and heap by chance (man 5 proc)."""
MOVED = "the process was moved to other cores meanwhile (taskset)"
NO_END = "the run was cut off: only its beginning was read"


def lasted_s(stretch: Conditions) -> float | None:
    """Wall seconds between the readings; None where there is one only, or too little between them to say anything."""
    if stretch.after is None:
        return None
    passed = stretch.after.wall_s - stretch.before.wall_s
    return passed if passed >= SHORTEST_S else None


def _no_interval(stretch: Conditions) -> CheckResult:
    return unknown(NO_END if stretch.after is None else f"less than {SHORTEST_S:g} s: too short to say")


def cores(count: float) -> str:
    """1 core, 2 cores, 0.5 cores."""
    return f"{count:g} core" + ("" if count == 1 else "s")


def load(stretch: Conditions, _threads: int) -> CheckResult:
    """The newest mean of a minute. L tasks on a machine's n cores run n / L of the time: wall over CPU is L / n."""
    cpu = stretch.newest.cpu
    if cpu.load_1min is None:
        return unknown("no load average here")
    return against(f"load {cpu.load_1min:.1f} on {cores(cpu.all_cores)}", if_=cpu.load_1min > WAITED * cpu.all_cores)


def others(stretch: Conditions, threads: int) -> CheckResult:
    """Cores that others kept busy, o of n. t threads share what is left: wall over CPU is t / (n - o)."""
    elapsed, after, before = lasted_s(stretch), stretch.newest.cpu, stretch.before.cpu
    if elapsed is None:
        return _no_interval(stretch)
    if before.numbers != after.numbers:
        return unknown(MOVED)
    if after.busy_s is None or before.busy_s is None or after.own_s is None or before.own_s is None:
        return unknown("no CPU times of the machine or of this process here")
    used = max(0.0, (after.busy_s - before.busy_s) - (after.own_s - before.own_s)) / elapsed
    text = f"others used {used:.1f} of {cores(after.cores)}"
    if used > after.cores - min(threads, after.cores) / WAITED:
        return CheckResult(State.DOUBTFUL, text)
    return note(text) if used > LOST else fine(text)


def stolen(stretch: Conditions, _threads: int) -> CheckResult:
    """Of the time that the cores were wanted, the share in which a host ran another machine on them."""
    after, before = stretch.newest.cpu, stretch.before.cpu
    if lasted_s(stretch) is None:
        return _no_interval(stretch)
    if before.numbers != after.numbers:
        return unknown(MOVED)
    if after.stolen_s is None or before.stolen_s is None or after.busy_s is None or before.busy_s is None:
        return unknown("no counter of stolen time here")
    taken = after.stolen_s - before.stolen_s
    wanted = after.busy_s - before.busy_s + taken
    share = taken / wanted if wanted > 0 else 0.0
    text = f"the host took {100 * share:.1f} % of the CPU time"
    if share > LOST:
        return CheckResult(State.DOUBTFUL, text)
    return note(text) if share > 0 else fine(text)


def cpu_stalls(stretch: Conditions, _threads: int) -> CheckResult:
    """The share of the time in which a task, any of the machine's, waited for a core.

    A note at most: on many cores somebody always waits for one of them, and whether it was this process its own wall
    and CPU time say. Measured on two cores: 93 % of the time, and none of the run's twelve cases had waited.
    """
    return _stalled(stretch, stretch.before.stalls.cpu_s, stretch.newest.stalls.cpu_s, "for a core", State.NOTE)


def memory_stalls(stretch: Conditions, _threads: int) -> CheckResult:
    """The share of the time in which a task waited for memory: to be freed, or read back. All tasks share that lack."""
    before_s, after_s = stretch.before.stalls.memory_s, stretch.newest.stalls.memory_s
    return _stalled(stretch, before_s, after_s, "for memory", State.DOUBTFUL)


def _stalled(
    stretch: Conditions, before_s: float | None, after_s: float | None, for_what: str, above: State
) -> CheckResult:
    elapsed = lasted_s(stretch)
    if elapsed is None:
        return _no_interval(stretch)
    if before_s is None or after_s is None:
        return unknown("no /proc/pressure here")
    share = (after_s - before_s) / elapsed
    return CheckResult(
        above if share > LOST else State.FINE, f"tasks waited {for_what} {100 * share:.1f} % of the time"
    )


def swap(stretch: Conditions, _threads: int) -> CheckResult:
    """Whoever touches a page in swap waits for the disk; what only lies there slows nobody."""
    before, after = stretch.before.swap, stretch.newest.swap
    if before is None or after is None:
        return unknown("no counters of swapping here")
    if stretch.after is None:
        return unknown(NO_END)
    if read := after.in_bytes - before.in_bytes:
        return CheckResult(State.DOUBTFUL, f"{_size(read)} read back from swap")
    if written := after.out_bytes - before.out_bytes:
        return note(f"{_size(written)} written to swap")
    return note(f"{_size(after.used_bytes)} in swap, none moved") if after.used_bytes else fine("none in use")


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def quota(stretch: Conditions, threads: int) -> CheckResult:
    """A group that has used its quota stands still until the next period: 100 ms unless set otherwise."""
    before, after = stretch.before.quota, stretch.newest.quota
    if before is None or after is None:
        return unknown("no control groups here")
    if stops := after.stops - before.stops:
        stopped = f"stopped {counted(stops, 'time')} by the CPU quota"
        return CheckResult(State.DOUBTFUL, f"{stopped}, {after.stopped_s - before.stopped_s:.2g} s together")
    if after.cores is None:
        return fine("no CPU quota")
    if stretch.after is None and after.cores >= threads:
        return unknown(NO_END)
    text = f"a CPU quota of {cores(after.cores)} for {counted(threads, 'thread')}"
    return CheckResult(State.DOUBTFUL, text) if after.cores < threads else note(text)


def throttling(stretch: Conditions, _threads: int) -> CheckResult:
    """Events of heat between the readings; earlier ones say that the machine can get there."""
    before, after = stretch.before.throttled, stretch.newest.throttled
    if before is None or after is None:
        return unknown("no counters of thermal throttling here")
    if stretch.after is None:
        return unknown(NO_END)
    if events := after - before:
        return CheckResult(State.DOUBTFUL, f"slowed down by heat {counted(events, 'time')}")
    if not after:
        return fine("none since the start")
    return note(f"slowed down by heat {counted(after, 'time')} since the start, not now")


def frequency(stretch: Conditions, _threads: int) -> CheckResult:
    """Any governor but `performance` chooses the frequency by what ran just before."""
    found = stretch.newest.frequency
    if found is None:
        return unknown("the frequency is not set here: a guest's host or the firmware does it")
    text = f"CPU governor {' and '.join(found.governors)}"
    if found.lowest_hz and found.highest_hz:
        text += f", {found.lowest_hz / 1e9:.1f} to {found.highest_hz / 1e9:.1f} GHz"
    return against(text, if_=found.governors != ("performance",))


def turbo(stretch: Conditions, _threads: int) -> CheckResult:
    """Above its base frequency a core stays as long as heat and its neighbours allow."""
    found = stretch.newest.frequency
    if found is None or found.turbo is None:
        return unknown("no switch of turbo frequencies here")
    return note("turbo is on") if found.turbo else fine("turbo is off")


def power(stretch: Conditions, _threads: int) -> CheckResult:
    """At either reading."""
    found = (stretch.before.on_battery, stretch.newest.on_battery)
    if True in found:
        return CheckResult(State.DOUBTFUL, "on battery")
    return unknown("no report of the power supply here") if None in found else fine("not on battery")


def layouts(stretch: Conditions, _threads: int) -> CheckResult:
    """Where addresses are not drawn by chance, every process has the same one, good or bad."""
    found = stretch.newest.layouts
    if found is None:
        return unknown("no setting of address layouts here")
    return fine("drawn for each process") if found == RANDOM else note("the same, or nearly, in each process")


def other_runs(stretch: Conditions, _threads: int) -> CheckResult:
    """At either reading."""
    found = (stretch.before.other_runs, stretch.newest.other_runs)
    if known := [one for one in found if one]:
        return CheckResult(State.DOUBTFUL, "also running: " + ", ".join(dict.fromkeys(sum(known, ()))))
    return unknown("the processes of this machine are hidden") if None in found else fine("no other")
