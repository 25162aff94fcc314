"""Every check, with why it matters and what to do; and the judgement of a run, or of the machine as it is now.

Much of what is looked at, others look at too: `pyperf system show` at turbo, governors, address layouts and the power
supply; Google Benchmark at frequency scaling, debug builds and address layouts, and it prints the load; hyperfine
advises a quiet system where samples lie far out.
"""

from collections.abc import Sequence

from harness.judge.machine import machine_doubts as machine
from harness.judge.machine import process_doubts as process
from harness.judge.machine.doubts import Check, CheckResult, Doubt, Look, Meaning, doubt, worst
from harness.records.record import Record
from harness.records.sweep import Cell
from harness.store.conditions import Conditions

_BAR = "the project's bar, wall time a tenth above CPU time"
_ANY = "any at all: one such stop is longer than most calls"

LOOKS = (
    Check(
        machine.load,
        "load",
        "With more tasks than cores each runs a part of the time, and its caches are emptied in between.",
        "Wait until the load has gone down, or measure on a machine of its own.",
        f"{_BAR}: L tasks that share n cores have wall over CPU L / n; Google Benchmark prints the load",
    ),
    Check(
        machine.others,
        "other processes",
        "They take cores, memory bandwidth and the turbo's head room away from what is measured.",
        "End them (top shows who it is), or keep the measurement to a core that nobody uses (taskset).",
        f"{_BAR}: t threads on the n - o cores that others leave have wall over CPU t / (n - o)",
    ),
    Check(
        machine.stolen,
        "stolen time",
        "The host ran other guests on these cores, which may count as CPU time here, so that wall/CPU hides it.",
        "Measure on a dedicated machine, or let 'harness ab' compare in turns, which cancels what drifts.",
        f"{_BAR}, of the time that the cores were wanted; man 5 proc on steal",
    ),
    Check(
        machine.cpu_stalls,
        "waiting tasks",
        "Tasks that were ready had to wait for a core: it was busy, if only for moments.",
        "See who uses the cores (top); the check of waiting says whether a run's own cases had to wait.",
        f"a note, above {_BAR}, as a share of the time: 1 - 1/1.1; the kernel's pressure stall information",
    ),
    Check(
        machine.memory_stalls,
        "memory pressure",
        "Memory was so short that tasks waited for the kernel to free it.",
        "End what holds the memory, or fit smaller problems.",
        f"{_BAR}, as a share of the time: 1 - 1/1.1; the kernel's pressure stall information",
    ),
    Check(
        machine.swap,
        "swap",
        "A page that comes back from swap costs a read of the disk, a thousand times a cache miss.",
        "Free memory, or switch swap off while measuring (sudo swapoff -a).",
        "any page read back: each is waited for; pages that only leave, or stay, are a note",
    ),
    Check(
        machine.quota,
        "CPU quota",
        "A container that has used its quota stands still until its next period, in the midst of a call.",
        "Give the container whole cores (docker --cpuset-cpus) in place of a quota (--cpus).",
        f"{_ANY}: up to 100 ms, the default period (the kernel's scheduler/sched-bwc)",
    ),
    Check(
        machine.throttling,
        "heat",
        "A core that is too hot lowers its frequency until it has cooled down.",
        "Let it cool, see to its fans, or lower its highest frequency (cpupower frequency-set --max).",
        "any event between the readings (the kernel's intel_thermal_throttle)",
    ),
    Check(
        machine.frequency,
        "frequency scaling",
        "The frequency follows the load of the last milliseconds: a call's time depends on what ran before.",
        "sudo cpupower frequency-set --governor performance",
        "any governor but performance: as Google Benchmark warns and pyperf advises",
    ),
    Check(
        machine.turbo,
        "turbo",
        "How long a core may exceed its base frequency depends on heat and on the cores beside it.",
        "To be strict, switch it off: sudo pyperf system tune, or the firmware's setup.",
        "a note: pyperf advises it; versions measured in turns ('harness ab') share it",
    ),
    Check(
        machine.power,
        "power supply",
        "On battery the firmware lowers frequencies to last longer.",
        "Plug the machine in.",
        "as pyperf system show",
    ),
    Check(
        machine.layouts,
        "address layouts",
        "With one layout for all processes, repeated runs agree on a figure that another layout would change.",
        "sudo sysctl kernel.randomize_va_space=2, and not under setarch -R or a debugger.",
        "a note: as pyperf; Mytkowicz et al., Producing wrong data (ASPLOS 2009), on the bias of one layout",
    ),
    Check(
        machine.other_runs,
        "another measurement",
        "Two measurements at once measure each other.",
        "Let it end first, and run one at a time.",
        "any at all: each keeps a core busy and empties the caches that cores share",
    ),
    Check(
        process.threads,
        "threads",
        "More threads than cores take turns, and those that spin while they wait hold up those that work.",
        "Ask for at most as many --threads as there are cores; one is the default.",
        "more threads than cores: some must wait; with two threads on two busy cores a fit took 25 times as long",
    ),
    Check(
        process.watchers,
        "debugger, profiler, coverage",
        "What is called at each line or call slows Python's code by factors, and compiled code not at all.",
        "Run without it.",
        "any at all: what it slows is not what a user runs",
    ),
    Check(
        process.debug_modes,
        "debug mode",
        "The checks slow every object and every allocation of Python.",
        "Run a release build, without -X dev, PYTHONDEVMODE and PYTHONMALLOC.",
        "any at all, as Google Benchmark warns of a debug build",
    ),
    Check(
        process.device_variables,
        "device variables",
        "They change what libraries compute on a device, or hold there, whatever the harness asks of them.",
        "Unset them, or keep them the same in what is compared.",
        "NVIDIA_TF32_OVERRIDE but 0, which torch's switch does not show, and waiting at each launch; others a note",
    ),
)
"""What looks at the readings, in the order shown."""
TREE = Meaning(
    "dirty tree",
    "The commit that the run names is not what was measured: nobody can measure it again.",
    "Commit or stash first.",
    "git status --porcelain --untracked-files=no says anything at all",
)
WAITED = Meaning(
    "waiting",
    "A call that took more wall than CPU time was interrupted, or waited for memory or a disk.",
    "See the other checks for the cause, then run again.",
    f"{_BAR}, of the medians, less what reading the clocks takes",
)
SPREAD = Meaning(
    "stray threads",
    "A library that ignores its limit is faster here than on one core, and slower on a busy machine.",
    "Set its own variable (OMP_NUM_THREADS=1), or name its threads with --threads.",
    "CPU time a tenth above wall time times the threads asked for: impossible without more of them",
)

MACHINES = Meaning(
    "machines",
    "Each machine of a cluster has its own speed: the time of one over that of another says little of the solvers.",
    "Compare within a problem: its cases are timed by one worker. Or give the cluster machines of one kind.",
    "more than one machine: two of one kind differ, too, by what else runs there",
)


def judge_stretch(stretch: Conditions, threads: int = 1) -> tuple[Doubt, ...]:
    """The machine between two readings, for work on so many threads; nothing of what was timed meanwhile."""
    return tuple(_looks([stretch], threads))


def judge_now(stretch: Conditions, *, dirty: bool | None) -> tuple[Doubt, ...]:
    """The machine between two readings, for a run with one thread that is still to come."""
    return (*judge_stretch(stretch), doubt(TREE, process.tree(dirty)))


def judge_run(stretches: Sequence[Conditions], records: Sequence[Record], *, dirty: bool | None) -> tuple[Doubt, ...]:
    """A run by its readings, each check at its worst stretch, by its samples and its checkout; every check is there."""
    threads = max((record.threads for record in records), default=1)
    return (
        *_measured(stretches, process.timed_records(records), threads, dirty),
        doubt(MACHINES, process.machines(one for one in records if one.call_s is not None)),
    )


def judge_sweep(stretches: Sequence[Conditions], cells: Sequence[Cell], *, dirty: bool | None) -> tuple[Doubt, ...]:
    """A sweep in the same way, by its samples of the textbook loop's epoch."""
    timed = process.timed_cells(cells)
    return (
        *_measured(stretches, timed, max((one.threads for one in timed), default=1), dirty),
        doubt(MACHINES, process.machines(one for one in cells if one.loop_epoch.wall_s)),
    )


def _measured(
    stretches: Sequence[Conditions], timed: Sequence[process.ClockMedians], threads: int, dirty: bool | None
) -> tuple[Doubt, ...]:
    gaps = [one.clock_gap_s for stretch in stretches for one in (stretch.before, stretch.newest)]
    return (
        doubt(WAITED, process.waited(timed, min(gaps, default=0.0))),
        doubt(SPREAD, process.spread(timed)),
        *_looks(stretches, threads),
        doubt(TREE, process.tree(dirty)),
    )


def _looks(stretches: Sequence[Conditions], threads: int) -> list[Doubt]:
    return [doubt(check, worst([_look(check.look, one, threads) for one in stretches])) for check in LOOKS]


def _look(look: Look, stretch: Conditions, threads: int) -> CheckResult:
    """What was seen of a stretch; of a cluster's worker with the name of its machine."""
    seen = look(stretch, threads)
    return seen._replace(text=f"{seen.text} on {stretch.machine}") if stretch.machine else seen
