"""Readings of machines that do not exist: quiet ones, with what a test plants in them."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.cores.quota import Quota
from harness.records.record import Record, Samples
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.store.conditions import Conditions
from harness.timing.conditions.readings import Cpu, Frequency, Interpreter, Readings, Stalls, Swap

QUIET = Readings(
    wall_s=100.0,
    clock_gap_s=0.0,
    cpu=Cpu(cores=2, all_cores=2, busy_s=50.0, stolen_s=0.0, own_s=10.0, load_1min=0.5),
    interpreter=Interpreter(),
    stalls=Stalls(cpu_s=1.0, memory_s=0.0),
    quota=Quota(),
    frequency=Frequency(("performance",), 1e9, 4e9, turbo=False),
    throttled=0,
    swap=Swap(),
    on_battery=False,
    layouts=2,
    other_runs=(),
)
"""Two cores of which nobody uses any."""
Planted = Mapping[str, Any]
"""Readings by name, those of a part with its name before them: `cpu.load_1min`."""


def planted(readings: Readings, changes: Planted) -> Readings:
    """The readings with these changed."""
    for name, value in changes.items():
        part, _, inner = name.partition(".")
        readings = replace(readings, **{part: replace(getattr(readings, part), **{inner: value}) if inner else value})
    return readings


def stretch(after: Planted | None = None, before: Planted | None = None, seconds: float = 10.0) -> Conditions:
    """A stretch of so many seconds, in which this process worked all the time and nothing else happened but what is
    planted: `before` holds in both readings unless `after` says otherwise."""
    first = planted(QUIET, before or {})
    worked = {} if first.cpu.busy_s is None or first.cpu.own_s is None else _worked(first, seconds)
    return Conditions(before=first, after=planted(first, {"wall_s": first.wall_s + seconds, **worked, **(after or {})}))


def _worked(first: Readings, seconds: float) -> dict[str, Any]:
    times = asdict(first.cpu)
    return {f"cpu.{name}": times[name] + seconds for name in ("busy_s", "own_s")}


def timed(wall_s: float, cpu_s: float, *, device: str = "cpu", threads: int = 1, calls: int = 7) -> Record:
    """A case whose calls took so long by both clocks."""
    return Record(
        case="p s",
        problem="p",
        problem_name="p",
        family="drawn",
        relation="linear",
        problem_sha256="",
        n=10,
        p=1,
        solver="s",
        kind=Kind.CLOSED_FORM,
        optimizer=None,
        device=device,
        threads=threads,
        options={},
        status=Status.OK,
        unit="fit",
        samples=Samples((wall_s,) * calls, (cpu_s,) * calls),
    )


def files(root: Path, texts: Mapping[str, str]) -> Path:
    """A file system with these files, by their paths below its root."""
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root
