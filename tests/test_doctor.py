import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.cores.quota import Quota, quota
from harness.errors import UsageError
from harness.judge.machine.conditions import LOOKS, judge_now, judge_run
from harness.judge.machine.doubts import Doubt, State, doubtful
from harness.measure.conditions import doubts_in, doubts_now, doubts_of, probe, watched
from harness.records.record import Record, Samples
from harness.report.words.doubts import doubts_line
from harness.store.conditions import Conditions, conditions_of
from harness.store.store import Store
from harness.store.sweep_store import SweepStore
from harness.timing.conditions import kernel, processes, snapshot
from harness.timing.conditions.interpreter import THREAD_VARIABLES, debug_modes, thread_variables, watchers
from harness.timing.conditions.readings import Frequency, Readings, Stalls, Swap
from harness.timing.conditions.snapshot import clock_gap_s, known, read
from tests.conftest import RunCli
from tests.planted_machine import QUIET, Planted, files, planted, stretch, timed
from tests.sweep_data import cell, sweep

pytestmark = pytest.mark.usefixtures("in_process")

ROOT = Path(__file__).resolve().parents[1]
FOUR_POINTS = ("run", "--problem", "four_points", "--solver", "numpy_lstsq")
FINE, NOTE, DOUBTFUL, UNKNOWN = State.FINE, State.NOTE, State.DOUBTFUL, State.UNKNOWN
MACHINE = [check.name for check in LOOKS]


def found(doubts: Sequence[Doubt], name: str) -> Doubt:
    (one,) = [one for one in doubts if one.name == name]
    return one


def judged(watching: Conditions, name: str, records: Sequence[Record] = ()) -> Doubt:
    return found(judge_run([watching], records, dirty=False), name)


# Both sides of every limit

SIDES: list[tuple[str, Planted, Planted, State, str]] = [
    # Two cores: wall over CPU is load / 2, so that 2.2 is a tenth too much.
    ("load", {"cpu.load_1min": 2.19}, {}, FINE, "load 2.2 on 2 cores"),
    ("load", {"cpu.load_1min": 2.21}, {}, DOUBTFUL, "load 2.2 on 2 cores"),
    ("load", {"cpu.load_1min": 1.2}, {"cpu.cores": 1}, FINE, "load 1.2 on 2 cores"),
    ("load", {"cpu.load_1min": 1.2}, {"cpu.all_cores": 1}, DOUBTFUL, "load 1.2 on 1 core"),
    # Ten seconds, this process at work in all of them: 2 - 1 / 1.1 = 1.091 cores may be used by others.
    ("other processes", {"cpu.busy_s": 70.90}, {}, NOTE, "others used 1.1 of 2 cores"),
    ("other processes", {"cpu.busy_s": 70.92}, {}, DOUBTFUL, "others used 1.1 of 2 cores"),
    ("other processes", {"cpu.busy_s": 60.90}, {}, FINE, "others used 0.1 of 2 cores"),
    ("other processes", {"cpu.busy_s": 60.92}, {}, NOTE, "others used 0.1 of 2 cores"),
    ("other processes", {"cpu.busy_s": 59.0}, {}, FINE, "others used 0.0 of 2 cores"),
    ("other processes", {"cpu.busy_s": 60.92}, {"cpu.cores": 1}, DOUBTFUL, "of 1 core"),
    ("other processes", {"cpu.numbers": (1,)}, {"cpu.numbers": (0,)}, UNKNOWN, "moved to other cores"),
    ("stolen time", {"cpu.numbers": (1,)}, {"cpu.numbers": (0,)}, UNKNOWN, "moved to other cores"),
    # Ten seconds of work: with one taken, a machine that is at work needs a tenth longer.
    ("stolen time", {"cpu.stolen_s": 0.99}, {}, NOTE, "the host took 9.0 % of the CPU time"),
    ("stolen time", {"cpu.stolen_s": 1.01}, {}, DOUBTFUL, "the host took 9.2 % of the CPU time"),
    ("stolen time", {}, {"cpu.stolen_s": 7.0}, FINE, "the host took 0.0 % of the CPU time"),
    ("waiting tasks", {"stalls.cpu_s": 1.90}, {}, FINE, "waited for a core 9.0 % of the time"),
    ("waiting tasks", {"stalls.cpu_s": 1.92}, {}, NOTE, "waited for a core 9.2 % of the time"),
    ("memory pressure", {"stalls.memory_s": 0.90}, {}, FINE, "waited for memory 9.0 % of the time"),
    ("memory pressure", {"stalls.memory_s": 0.92}, {}, DOUBTFUL, "waited for memory 9.2 % of the time"),
    ("swap", {}, {}, FINE, "none in use"),
    ("swap", {}, {"swap": Swap(2**30, 7, 9)}, NOTE, "1024 MiB in swap, none moved"),
    ("swap", {"swap": Swap(0, 0, 2**20)}, {}, NOTE, "1 MiB written to swap"),
    ("swap", {"swap": Swap(0, 4096, 0)}, {}, DOUBTFUL, "4 KiB read back from swap"),
    ("CPU quota", {}, {}, FINE, "no CPU quota"),
    ("CPU quota", {}, {"quota": Quota(1.0, 3, 0.3)}, NOTE, "a CPU quota of 1 core for 1 thread"),
    ("CPU quota", {}, {"quota": Quota(0.5)}, DOUBTFUL, "a CPU quota of 0.5 cores for 1 thread"),
    ("CPU quota", {"quota": Quota(2.0, 1, 0.08)}, {}, DOUBTFUL, "stopped 1 time by the CPU quota, 0.08 s together"),
    ("heat", {}, {}, FINE, "none"),
    ("heat", {}, {"throttled": 12}, NOTE, "slowed down by heat 12 times since the start, not now"),
    ("heat", {"throttled": 13}, {"throttled": 12}, DOUBTFUL, "slowed down by heat 1 time"),
    ("frequency scaling", {}, {}, FINE, "CPU governor performance, 1.0 to 4.0 GHz"),
    ("frequency scaling", {"frequency": Frequency(("powersave",))}, {}, DOUBTFUL, "CPU governor powersave"),
    ("frequency scaling", {"frequency.governors": ("performance", "schedutil")}, {}, DOUBTFUL, "and schedutil, 1.0"),
    ("turbo", {}, {}, FINE, "turbo is off"),
    ("turbo", {"frequency.turbo": True}, {}, NOTE, "turbo is on"),
    ("turbo", {"frequency.turbo": None}, {}, UNKNOWN, "no switch"),
    ("power supply", {}, {}, FINE, "not on battery"),
    ("power supply", {}, {"on_battery": True}, DOUBTFUL, "on battery"),
    ("power supply", {"on_battery": False}, {"on_battery": True}, DOUBTFUL, "on battery"),
    ("address layouts", {}, {}, FINE, "drawn for each process"),
    ("address layouts", {"layouts": 1}, {}, NOTE, "the same"),
    ("address layouts", {"layouts": 0}, {}, NOTE, "the same"),
    ("another measurement", {}, {}, FINE, "no other"),
    (
        "another measurement",
        {"other_runs": ("harness ab (process 7)",)},
        {},
        DOUBTFUL,
        "running: harness ab (process 7)",
    ),
    ("another measurement", {"other_runs": ()}, {"other_runs": ("asv run (process 8)",)}, DOUBTFUL, "asv run"),
    ("threads", {}, {}, FINE, "1 thread on 2 cores"),
    ("threads", {"quota": Quota(0.5)}, {}, DOUBTFUL, "1 thread on 0.5 cores"),
    ("threads", {"interpreter.pool_threads": 2}, {}, FINE, "1 thread on 2 cores"),
    ("threads", {"interpreter.pool_threads": 64}, {}, NOTE, "1 thread on 2 cores; the largest pool 64"),
    ("threads", {"interpreter.thread_variables": {"OMP_NUM_THREADS": 3}}, {}, NOTE, "OMP_NUM_THREADS 3"),
    ("debugger, profiler, coverage", {}, {}, FINE, "none attached"),
    ("debugger, profiler, coverage", {"interpreter.watchers": ("pydevd",)}, {}, DOUBTFUL, "pydevd"),
    ("debugger, profiler, coverage", {}, {"interpreter": None}, UNKNOWN, "could not be looked at"),
    ("debug mode", {}, {"interpreter": None}, UNKNOWN, "could not be looked at"),
    ("threads", {}, {"interpreter": None}, UNKNOWN, "1 thread on 2 cores; the interpreter"),
    ("debug mode", {}, {}, FINE, "off"),
    ("debug mode", {}, {"interpreter.checks": ("PYTHONMALLOC=debug",)}, DOUBTFUL, "PYTHONMALLOC=debug"),
    ("device variables", {}, {"interpreter": None}, UNKNOWN, "could not be looked at"),
    ("device variables", {}, {}, FINE, "none set"),
    ("device variables", {"interpreter.device_variables": {"NVIDIA_TF32_OVERRIDE": "1"}}, {}, DOUBTFUL, "can be false"),
    ("device variables", {"interpreter.device_variables": {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}}, {}, NOTE, ":16:8"),
]


@pytest.mark.parametrize(("name", "after", "before", "state", "words"), SIDES)
def test_a_planted_reading_is_judged(name: str, after: Planted, before: Planted, state: State, words: str) -> None:
    one = judged(stretch(after, before), name)
    assert (one.state, words in one.seen) == (state, True), one.seen


def test_every_check_is_planted_fine_and_otherwise() -> None:
    for name in MACHINE:
        states = {state for check, _, _, state, _ in SIDES if check == name}
        assert FINE in states, name
        assert states & {NOTE, DOUBTFUL}, name


def test_a_quiet_machine_is_fine_in_all_checks() -> None:
    doubts = judge_now(stretch(), dirty=False)
    assert {one.state for one in doubts} == {FINE}
    assert [one.name for one in doubts] == [*MACHINE, "dirty tree"]
    assert doubts_line(doubts, "harness doctor --run r") == ""


def test_every_check_says_why_it_matters_what_to_do_and_where_its_limit_is_from() -> None:
    for one in judge_run([], [], dirty=None):
        assert one.why.endswith("."), one.name
        assert len(one.advice) > 10, one.name
        assert len(one.source) > 10, one.name


@pytest.mark.parametrize(
    ("wall_s", "cpu_s", "gap_s", "state"),
    [
        (1.09, 1.0, 0.0, FINE),
        (1.11, 1.0, 0.0, DOUBTFUL),
        (0.5, 1.0, 0.0, FINE),
        (3.0e-6, 2.0e-6, 1.0e-6, FINE),  # the clocks' own time is not waiting
        (3.0e-6, 2.0e-6, 0.5e-6, DOUBTFUL),
    ],
)
def test_wall_against_cpu_time_of_the_median_call(wall_s: float, cpu_s: float, gap_s: float, state: State) -> None:
    watching = stretch(before={"clock_gap_s": gap_s})
    assert judged(watching, "waiting", [timed(wall_s, cpu_s)]).state is state


def test_cases_that_waited_are_counted_among_those_timed_on_the_cpu() -> None:
    records = [
        timed(1.0, 1.0),
        timed(1.8, 1.0),
        timed(2.0, 1.0),
        timed(5.0, 1.0, device="cuda"),  # the host waits for the device by design
        timed(5.0, 0.0),  # a clock too coarse to say
        timed(5.0, 1.0, calls=0),
    ]
    one = judged(stretch(), "waiting", records)
    assert (one.state, one.seen) == (DOUBTFUL, "2 of 3 cases waited (wall/CPU above 1.1, up to 2)")
    assert judged(stretch(), "waiting", records[3:]).state is UNKNOWN


def test_one_interrupted_call_among_many_is_no_waiting() -> None:
    record = timed(1.0, 1.0)
    samples = Samples((1.0, 9.0, 1.0), (1.0, 1.0, 1.0))
    assert judged(stretch(), "waiting", [record.model_copy(update={"samples": samples})]).state is FINE


@pytest.mark.parametrize(
    ("cpu_s", "threads", "state"), [(1.09, 1, FINE), (1.11, 1, DOUBTFUL), (2.19, 2, FINE), (2.21, 2, DOUBTFUL)]
)
def test_more_cpu_time_than_the_threads_asked_for_can_take_is_seen(cpu_s: float, threads: int, state: State) -> None:
    assert judged(stretch(), "stray threads", [timed(1.0, cpu_s, threads=threads)]).state is state


@pytest.mark.parametrize(("threads", "state"), [(2, FINE), (3, DOUBTFUL)])
def test_more_threads_than_cores_are_doubtful(threads: int, state: State) -> None:
    assert judged(stretch(), "threads", [timed(1.0, 1.0, threads=threads)]).state is state


def test_threads_of_the_run_leave_less_room_for_others() -> None:
    """One core of two for others is fine beside one thread, and not beside two."""
    watching = stretch({"cpu.busy_s": 70.0})
    assert judged(watching, "other processes", [timed(1.0, 1.0, threads=1)]).state is NOTE
    assert judged(watching, "other processes", [timed(1.0, 1.0, threads=2)]).state is DOUBTFUL


@pytest.mark.parametrize(("dirty", "state"), [(False, FINE), (True, DOUBTFUL), (None, UNKNOWN)])
def test_the_tree_is_dirty_or_not(dirty: bool | None, state: State) -> None:
    assert found(judge_now(stretch(), dirty=dirty), "dirty tree").state is state


@pytest.mark.parametrize(("seconds", "state"), [(0.19, UNKNOWN), (0.21, FINE)])
def test_too_short_a_time_says_nothing_of_shares(seconds: float, state: State) -> None:
    for name in ("other processes", "stolen time", "waiting tasks", "memory pressure"):
        assert judged(stretch(seconds=seconds), name).state is state, name


def test_a_run_that_was_killed_is_judged_by_its_beginning() -> None:
    doubts = judge_run([Conditions(before=planted(QUIET, {"cpu.load_1min": 9.0}))], [], dirty=False)
    assert found(doubts, "load").state is DOUBTFUL
    for name in ("other processes", "swap", "heat"):
        assert found(doubts, name).state is UNKNOWN
    assert found(doubts, "frequency scaling").state is FINE


def test_of_a_resumed_run_the_worst_stretch_counts() -> None:
    doubts = judge_run([stretch({"cpu.load_1min": 9.0}), stretch(), stretch({"swap": None})], [], dirty=False)
    assert found(doubts, "load").seen == "load 9.0 on 2 cores"
    assert found(doubts, "swap").state is UNKNOWN
    assert found(doubts, "turbo").state is FINE


def test_a_run_without_readings_is_unknown_not_fine() -> None:
    doubts = judge_run([], [timed(1.0, 1.0)], dirty=False)
    assert {one.state for one in doubts if one.name in MACHINE} == {UNKNOWN}


# What is read


PSI = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=99"


def test_stalls_are_read_in_seconds(tmp_path: Path) -> None:
    root = files(tmp_path, {"proc/pressure/cpu": PSI.format(1_500_000), "proc/pressure/memory": PSI.format(0)})
    assert kernel.stalls(root) == Stalls(1.5, 0.0)
    assert kernel.stalls(tmp_path / "nowhere") == Stalls(None, None)
    assert kernel.stalls(files(tmp_path / "odd", {"proc/pressure/cpu": "some\nsome total=x"})) == Stalls(None, None)


CPUFREQ = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_{}"


def test_governors_limits_and_turbo_are_read(tmp_path: Path) -> None:
    texts = {CPUFREQ.format(core, "governor"): name for core, name in enumerate(("powersave", "performance"))}
    texts |= {CPUFREQ.format(core, f"{end}_freq"): khz for core in (0, 1) for end, khz in LIMITS_KHZ.items()}
    root = files(tmp_path, texts)
    assert kernel.frequency(root) == Frequency(("performance", "powersave"), 8e8, 4.2e9, None)
    files(root, {"sys/devices/system/cpu/cpufreq/boost": "1"})
    assert kernel.frequency(root) == Frequency(("performance", "powersave"), 8e8, 4.2e9, True)
    files(root, {"sys/devices/system/cpu/intel_pstate/no_turbo": "1"})
    assert kernel.frequency(root) == Frequency(("performance", "powersave"), 8e8, 4.2e9, False)
    assert kernel.frequency(tmp_path / "nowhere") is None


LIMITS_KHZ = {"min": "800000", "max": "4200000"}


def test_thermal_events_of_cores_and_package_are_added(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu/cpu{}/thermal_throttle/{}_throttle_count"
    counts = {folder.format(0, "core"): "2", folder.format(1, "core"): "3", folder.format(1, "package"): "10"}
    assert kernel.throttled(files(tmp_path, counts)) == 15
    assert kernel.throttled(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.stat": "usage_usec 17"}, Quota()),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/cpu.max": "150000 100000",
                "sys/fs/cgroup/cpu.stat": "usage_usec 17\nnr_periods 9\nnr_throttled 4\nthrottled_usec 250000",
            },
            Quota(1.5, 4, 0.25),
        ),
        (  # the tightest of a group and those above it; the outermost has no limit
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/cpu.stat": "",
                "sys/fs/cgroup/a/cpu.max": "50000 100000",
                "sys/fs/cgroup/a/cpu.stat": "nr_throttled 2",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000",
                "sys/fs/cgroup/a/b/cpu.stat": "nr_throttled 1",
            },
            Quota(0.5, 3, 0.0),
        ),
        (  # the first version, whose path is the host's and is not there in a container
            {
                "proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/docker/abc\n0::/",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_throttled 1\nthrottled_time 3000000000",
            },
            Quota(2.0, 1, 3.0),
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpu/cpu.stat": "nr_throttled 0",
            },
            Quota(),
        ),
    ],
    ids=["no groups", "hidden", "the machine's own", "limited", "nested", "first version", "first version, free"],
)
def test_quotas_of_control_groups_are_read(texts: dict[str, str], expected: Quota | None, tmp_path: Path) -> None:
    assert quota(files(tmp_path, texts)) == expected


def test_a_tracer_and_the_address_layouts_are_read(tmp_path: Path) -> None:
    texts = {
        "proc/self/status": "Name:\tpython\nTracerPid:\t41\nUid:\t0",
        "proc/self/personality": "00000000",
        "proc/sys/kernel/randomize_va_space": "2",
    }
    root = files(tmp_path, texts)
    assert (kernel.tracer(root), kernel.layouts(root)) == (41, 2)
    files(root, {"proc/self/personality": "00040000"})  # setarch -R
    assert kernel.layouts(root) == 0
    nowhere = tmp_path / "nowhere"
    assert (kernel.tracer(nowhere), kernel.layouts(nowhere)) == (None, None)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["/usr/bin/harness", "run"], "harness run"),
        (["/x/python3.12", "/x/bin/harness", "--version", "sweep", "--lr", "1"], "harness sweep"),
        (["python", "-X", "dev", "-P", "-m", "harness", "ab", "a", "b"], "harness ab"),
        (["python", "-m", "asv", "run"], "asv run"),
        (["harness", "doctor"], ""),
        (["harness", "compare"], ""),
        (["harness"], ""),
        (["vim", "harness", "run"], ""),
        (["python", "-c", "harness run"], ""),
        (["python", "-X", "dev"], ""),
        (["python"], ""),
        ([], ""),
    ],
)
def test_measurements_are_known_by_their_command_lines(words: list[str], command: str) -> None:
    assert processes.command_of(words) == command
    assert processes.measurements([(7, words)]) == ((f"{command} (process 7)",) if command else ())


PARENT = """
import subprocess
import sys
made = subprocess.Popen(["harness", "run"], executable="/bin/sh")
if sys.argv[1] == "stays":
    made.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("leaves", [True, False], ids=["of another family", "of this family"])
def test_only_another_family_s_run_is_another_measurement(leaves: bool, tmp_path: Path) -> None:
    """A process that calls itself `harness run` and waits for its input to end; its parent leaves it, or does not."""
    # It says its own id: what its parent knows of it may come before the kernel can be asked for its command.
    (tmp_path / "run").write_text("echo $$\nread line\n")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, "leaves" if leaves else "stays"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    try:
        pid = int(parent.stdout.readline())
        if leaves:
            parent.wait()
        runs = processes.other_runs()
    finally:
        parent.stdin.close()
        parent.wait()
        parent.stdout.close()
    assert (f"harness run (process {pid})" in runs) is leaves


BURN = """
import sys, time
while time.process_time() < 0.3:
    pass
print("burnt", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_the_family_s_cpu_time_has_its_children_s_living_and_ended() -> None:
    before = processes.own_cpu_s()
    child = subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "burnt\n"
    living = processes.own_cpu_s()
    child.stdin.close()
    child.wait()
    child.stdout.close()
    ended = processes.own_cpu_s()
    assert living - before >= 0.25
    assert ended - before >= 0.25


def hooked(name: str) -> Callable[[], Any]:
    return {"sys.settrace": sys.gettrace, "sys.setprofile": sys.getprofile}[name]


@pytest.mark.parametrize("name", ["sys.settrace", "sys.setprofile"])
def test_a_hook_is_seen(name: str) -> None:
    set_hook = getattr(sys, name.removeprefix("sys."))
    before = hooked(name)()

    def hook(*_: object) -> None:
        return None

    set_hook(hook)
    try:
        seen = list(watchers())
    finally:
        set_hook(before)
    assert f"{name} by {__name__}" in seen
    assert f"{name} by {__name__}" not in list(watchers())


def test_coverage_debuggers_and_tracemalloc_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    on = SimpleNamespace(Coverage=SimpleNamespace(current=object))
    off = SimpleNamespace(Coverage=SimpleNamespace(current=lambda: None))
    monkeypatch.setitem(sys.modules, "coverage", off)
    assert "coverage" not in list(watchers())  # loaded is not on
    monkeypatch.setitem(sys.modules, "coverage", on)
    monkeypatch.setitem(sys.modules, "pydevd", on)
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        seen = list(watchers())
    finally:
        if not was_tracing:
            tracemalloc.stop()
    assert {"coverage", "pydevd", "tracemalloc"} <= set(seen)


def test_tools_of_sys_monitoring_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted, so that it is tested on Python 3.11 too, which has none."""
    tools = {1: "coverage", 5: "an optimizer"}
    monkeypatch.setattr(sys, "monitoring", SimpleNamespace(get_tool=tools.get), raising=False)
    assert {"sys.monitoring by coverage", "sys.monitoring by an optimizer"} <= set(watchers())
    monkeypatch.delattr(sys, "monitoring")
    assert not [one for one in watchers() if "monitoring" in one]


@pytest.mark.slow
def test_debug_modes_are_seen() -> None:
    ask = "from harness.timing.conditions.interpreter import debug_modes; print(*debug_modes({}), sep=chr(10))"
    said = {}
    for options in ((), ("-X", "dev")):
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONDEVMODE"}
        environment["PYTHONPATH"] = str(ROOT)
        done = subprocess.run(
            [sys.executable, *options, "-c", ask], env=environment, capture_output=True, text=True, check=True
        )
        said[options] = done.stdout.splitlines()
    assert "Python's development mode" in said["-X", "dev"]
    assert "Python's development mode" not in said[()]
    assert "PYTHONMALLOC=pymalloc_debug" in list(debug_modes({"PYTHONMALLOC": "pymalloc_debug"}))
    assert list(debug_modes({"PYTHONMALLOC": "pymalloc"})) == list(debug_modes({}))


def test_variables_that_size_pools_are_read() -> None:
    assert "OMP_NUM_THREADS" in THREAD_VARIABLES
    assert "POLARS_MAX_THREADS" in THREAD_VARIABLES
    given = {"OMP_NUM_THREADS": "4,2", "MKL_NUM_THREADS": "all", "OPENBLAS_NUM_THREADS": "", "PATH": "7"}
    assert thread_variables(given) == {"OMP_NUM_THREADS": 4}


def test_the_clock_s_own_gap_is_the_median_of_empty_samples() -> None:
    class Clock:
        """Each reading of the wall clock comes 3 units after the last, each of the CPU clock 2."""

        wall = cpu = 0.0

        def wall_s(self) -> float:
            self.wall += 3.0
            return self.wall

        def cpu_s(self) -> float:
            self.cpu += 2.0
            return self.cpu

    assert clock_gap_s(Clock()) == 1.0


@pytest.mark.slow
def test_this_machine_is_read_and_judged() -> None:
    watching = probe(0.3)
    assert watching.after is not None
    assert watching.after.wall_s - watching.before.wall_s >= 0.3
    assert 0 < watching.before.cpu.cores <= watching.before.cpu.all_cores
    assert 0 <= watching.before.clock_gap_s < 1.0
    again = Conditions.model_validate_json(watching.model_dump_json())
    assert again == watching
    assert [one.name for one in doubts_now(again)] == [*MACHINE, "dirty tree"]


ABSENT = (
    psutil.AccessDenied(),
    OSError("no such file"),
    AttributeError("no such function"),
    NotImplementedError("not on this platform"),
    RuntimeError("no idea"),
    IndexError("an offline core"),
)


@pytest.mark.parametrize("error", ABSENT, ids=lambda error: type(error).__name__)
def test_a_platform_that_says_nothing_is_unknown_and_no_crash(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        for name in ("cpu_times", "getloadavg", "swap_memory", "sensors_battery", "process_iter", "Process"):
            patched.setattr(psutil, name, absent)
        patched.setattr(os, "sched_getaffinity", absent)
        readings = read(tmp_path)
    assert readings.cpu.cores == (os.cpu_count() or 1)
    assert (readings.swap, readings.on_battery, readings.other_runs, readings.quota) == (None, None, None, None)
    doubts = judge_now(
        Conditions(before=readings, after=planted(readings, {"wall_s": readings.wall_s + 1})), dirty=None
    )
    told = {one.name for one in doubts if one.state is not UNKNOWN}
    assert told == {"threads", "debugger, profiler, coverage", "debug mode", "device variables"}
    assert all(one.seen for one in doubts)


def test_a_value_that_psutil_warns_it_made_up_is_unknown() -> None:
    def made_up() -> int:
        import warnings

        warnings.warn("couldn't be determined and was set to 0", RuntimeWarning, stacklevel=2)
        return 0

    assert known(made_up) is None


def test_a_platform_without_counters_of_stolen_time_has_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [SimpleNamespace(user=3.0, nice=0.0, system=1.0, idle=9.0)] * 2  # macOS's fields
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: times)
    monkeypatch.delattr(os, "sched_getaffinity")
    readings = snapshot.cpu()
    assert (readings.busy_s, readings.stolen_s) == (8.0, None)


# What is kept


def readings(*after: Planted) -> Callable[[], Readings]:
    """A reader that finds a quiet machine, then these."""
    looks: Iterator[Readings] = iter([QUIET, *(stretch(one).newest for one in after)])
    return lambda: next(looks)


def test_the_readings_of_a_run_are_kept_stretch_by_stretch(store_path: Path) -> None:
    store = Store(str(store_path))
    with watched(store, "r1", readings({"cpu.load_1min": 4.1})):
        assert conditions_of(store, "r1") == (Conditions(before=QUIET),)
    with pytest.raises(KeyboardInterrupt), watched(store, "r1", readings({"throttled": 3})):
        raise KeyboardInterrupt
    kept = conditions_of(Store(str(store_path), create=False), "r1")
    assert kept == (stretch({"cpu.load_1min": 4.1}), stretch({"throttled": 3}))
    assert conditions_of(store, "another") == ()


def test_a_store_that_can_no_longer_be_written_hides_no_other_error(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(store_path))

    def full(*_: object) -> None:
        raise UsageError("the disk is full")

    monkeypatch.setattr("harness.measure.conditions.end", full)
    with pytest.raises(ZeroDivisionError), watched(store, "r", readings({})):
        raise ZeroDivisionError
    with pytest.raises(UsageError), watched(store, "r", readings({})):
        pass


def test_a_store_made_before_conditions_were_kept_is_unknown(store_path: Path) -> None:
    from harness.store import tables
    from tests.test_store import small_run

    store = Store(str(store_path))
    store.start(small_run())
    tables.conditions.drop(store.engine)
    old = Store(str(store_path), create=False)
    assert conditions_of(old, small_run().id) == ()
    assert found(doubts_of(old, small_run()), "load").state is UNKNOWN
    Store(str(store_path))  # opened to be written, it gets the table
    with watched(old, small_run().id, readings({})):
        pass
    assert len(conditions_of(old, small_run().id)) == 1


def test_a_sweep_is_judged_by_its_readings_and_its_epochs(store_path: Path) -> None:
    store = Store(str(store_path))
    kept, made = SweepStore(store), sweep()
    kept.start(made)
    late = Samples(wall_s=(1.8, 1.8, 1.8), cpu_s=(1.0, 1.0, 1.0))
    prompt = Samples(wall_s=(1.0, 1.0, 1.0), cpu_s=(1.0, 1.0, 1.0))
    timings = {("sgd", 0.1): late, ("sgd", 0.2): late, ("adam", 0.1): prompt, ("momentum", 0.1): Samples(error="no")}
    kept.add(made.id, [cell(name, lr, loop_epoch=timing) for (name, lr), timing in timings.items()])
    with watched(store, made.id, readings({"cpu.load_1min": 4.1})):
        pass
    name, doubts = doubts_in(store, made.id)
    assert name == made.id
    seen = found(doubts, "waiting").seen
    assert "1 of 2 cases" in seen
    assert "up to 1.8" in seen
    assert found(doubts, "load").state is DOUBTFUL
    with pytest.raises(UsageError, match="no run 'another'"):
        doubts_in(store, "another")


# What a person sees


def test_the_line_under_a_table_names_what_is_doubtful_and_where_it_is_explained() -> None:
    records = [timed(1.0, 1.0), timed(1.8, 1.0)]
    doubts = judge_run([stretch({"cpu.load_1min": 4.1})], records, dirty=False)
    waiting, load = doubts_line(doubts, "harness doctor --run r1").split("; ")
    assert waiting == f"doubtful: {found(doubts, 'waiting').seen}"
    assert load == f"{found(doubts, 'load').seen}: harness doctor --run r1"
    assert "up to 1.8" in waiting
    assert "4.1" in load


def test_the_line_stays_short_however_much_is_doubtful() -> None:
    bad = {"cpu.load_1min": 9.0, "cpu.busy_s": 90.0, "cpu.stolen_s": 9.0, "throttled": 3, "on_battery": True}
    doubts = judge_run([stretch(bad)], [], dirty=True)
    assert len(doubtful(doubts)) == 6
    assert "; 2 more: harness doctor" in doubts_line(doubts, "harness doctor --run r1")


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a load of 4.1 on two cores, whatever it is really."""
    monkeypatch.setattr("harness.timing.conditions.snapshot.read", lambda: planted(QUIET, {"cpu.load_1min": 4.1}))


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing else runs, whatever it is really."""
    monkeypatch.setattr("harness.timing.conditions.snapshot.read", lambda: QUIET)


@pytest.mark.slow
def test_doctor_lists_every_check_of_this_machine(run_cli: RunCli) -> None:
    done = run_cli("doctor")
    assert done.code == 0
    for name in (*MACHINE, "dirty tree"):
        assert name in done.stdout
    assert "this machine now: " in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_doctor_says_why_and_what_to_do(run_cli: RunCli) -> None:
    done = run_cli("doctor")
    assert done.code == 0
    text = " ".join(done.stdout.split())
    assert "load doubtful load 4.1 on 2 cores With more tasks than cores" in text
    assert "Wait until the load has gone down" in text
    assert "doubtful because of load" in text


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_doctor_is_strict_where_it_is_asked_to_be(run_cli: RunCli) -> None:
    assert run_cli("doctor", "--strict").code == 3


@pytest.mark.slow
@pytest.mark.usefixtures("idle")
def test_doctor_is_content_with_a_quiet_machine(run_cli: RunCli) -> None:
    done = run_cli("doctor", "--strict", "--json")
    assert done.code == 0
    said = json.loads(done.stdout)
    assert (said["run"], said["doubtful"]) == (None, [])
    assert {one["name"] for one in said["checks"]} == {*MACHINE, "dirty tree"}
    assert said["readings"][0]["before"]["cpu"]["cores"] == 2


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_a_run_says_what_is_doubtful_and_doctor_explains_it_later(run_cli: RunCli, store_path: Path) -> None:
    done = run_cli(*FOUR_POINTS, "--store", store_path)
    assert done.code == 0
    run_id = Store(str(store_path), create=False).run().id
    said = " ".join(done.stdout.split())
    assert "load 4.1 on 2 cores" in said
    assert f"harness doctor --run {run_id}" in said

    explained = run_cli("doctor", "--run", "newest", "--store", store_path, "--json", "--strict")
    assert explained.code == 3
    told = json.loads(explained.stdout)
    assert told["run"] == run_id
    assert "load" in told["doubtful"]
    assert len(told["readings"]) == 1
    assert "waiting" in {one["name"] for one in told["checks"]}
    shown = run_cli("doctor", "--run", run_id, "--store", store_path)
    assert f"run {run_id}: " in " ".join(shown.stdout.split())


@pytest.mark.slow
@pytest.mark.usefixtures("busy")
def test_json_of_a_run_stays_a_list_of_records(run_cli: RunCli, store_path: Path) -> None:
    done = run_cli(*FOUR_POINTS, "--store", store_path, "--json")
    assert [record["solver"] for record in json.loads(done.stdout)] == ["numpy_lstsq"]
    assert "doubtful" not in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--store", "x.sqlite"), 2, "--store goes with --run"),
        (("--run", "newest", "--store", "x.sqlite"), 3, "x.sqlite: no store there yet"),
    ],
)
def test_doctor_refuses_in_one_line(words: tuple[str, ...], code: int, said: str, run_cli: RunCli) -> None:
    done = run_cli("doctor", *words)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
