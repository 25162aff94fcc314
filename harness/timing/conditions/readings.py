"""What is read of the machine at one moment. None, and nothing else, is what could not be read.

Counters (`_s`, events, bytes moved) run since the machine or the process started: two readings and a difference say
what happened between them.
"""

from dataclasses import dataclass, field

from harness.cores.quota import Quota


@dataclass(frozen=True)
class Cpu:
    """Of the `cores` that this process may use, in seconds summed over them; `numbers` says which, where that is known.

    `busy_s`: everybody's time at work there; `stolen_s`: time in which a host ran somebody else's machine instead;
    `own_s`: CPU time of this process and its descendants, ended ones included; `load_1min`: tasks that ran, waited for
    a core or for a disk, a mean over a minute of the whole machine, which has `all_cores`.
    """

    cores: int
    all_cores: int
    numbers: tuple[int, ...] = ()
    busy_s: float | None = None
    stolen_s: float | None = None
    own_s: float | None = None
    load_1min: float | None = None


@dataclass(frozen=True)
class Frequency:
    """Who sets the cores' frequency, between which limits in Hz; `turbo`: whether it may exceed the base frequency."""

    governors: tuple[str, ...] = ()
    lowest_hz: float | None = None
    highest_hz: float | None = None
    turbo: bool | None = None


@dataclass(frozen=True)
class Swap:
    """Bytes in swap now, and bytes moved in and out of it since the machine started."""

    used_bytes: int = 0
    in_bytes: int = 0
    out_bytes: int = 0


@dataclass(frozen=True)
class Stalls:
    """Seconds in which at least one task of the machine waited for a core, and for memory (the kernel's PSI)."""

    cpu_s: float | None = None
    memory_s: float | None = None


@dataclass(frozen=True)
class Interpreter:
    """The process that measures. `watchers`: debuggers, profilers, coverage; `checks`: what debug modes are on.

    `thread_variables`: the variables that size pools of threads, where they are set; `pool_threads`: threads of the
    largest pool that is loaded, None without one; `device_variables`: those that change what is computed on a device.
    """

    watchers: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    thread_variables: dict[str, int] = field(default_factory=dict)
    pool_threads: int | None = None
    device_variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Readings:
    """Everything at one moment; `wall_s` is a monotonic clock, `clock_gap_s` wall less CPU seconds of an empty sample.

    `throttled`: how often cores were slowed down because of heat, since the machine started; `on_battery`: False also
    where there is no battery; `layouts`: 2 where each process gets its addresses by chance (man 5 proc,
    randomize_va_space), 0 where none does; `other_runs`: the harness's or asv's commands of other process families.
    """

    wall_s: float
    clock_gap_s: float
    cpu: Cpu
    interpreter: Interpreter | None = None
    stalls: Stalls = Stalls()
    quota: Quota | None = None
    frequency: Frequency | None = None
    throttled: int | None = None
    swap: Swap | None = None
    on_battery: bool | None = None
    layouts: int | None = None
    other_runs: tuple[str, ...] | None = None
