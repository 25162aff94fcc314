"""The cells of an asv suite, which asv_runner finds, and plain callables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from harness.ab.cells import Benchmark, CellSpec
from harness.ab.environments import Sides
from harness.ab.process import Process
from harness.ab.version import Version
from harness.asv.selection import AsvSelection
from harness.errors import CannotMeasureError, UsageError
from harness.files.asv_settings import ASV, asv_settings
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import START_S
from harness.records.asv_cells import AsvCell

DISCOVERY_S = 300.0
"""Seconds that a suite may take to be imported: pandas' has 2 500 benchmarks in 70 files, and takes a few."""
TIMEOUT_S = 60.0
"""asv's default of default_benchmark_timeout."""
TYPES = ("time", "track", "peakmemory")
ANY_DEVICE = "any"
"""Of a cell that works wherever it likes, in other processes too: judged by the wall clock, as asv does."""


def without_harness(sides: Sides, scratch: Path) -> Sides:
    """Both sides, measured without the harness's own cases; each has a folder of its own in `scratch`."""
    base, head = scratch / "base", scratch / "head"
    base.mkdir()
    head.mkdir()
    return replace(sides, base=replace(sides.base, scratch=base), head=replace(sides.head, scratch=head))


def of_suite(head: Version, folder: Path, bench: str | None) -> list[CellSpec]:
    """Every benchmark of the suite that the asv.conf.json in `folder` names, as the head's process finds it.

    As in asv the files of the suite are those of the checkout, the same for both sides. `bench`: as of
    AsvSelection.

    Raises UsageError where there is no suite, none of its benchmarks is asked for, or it cannot be imported.
    """
    wanted = AsvSelection(bench=bench)
    if not (folder / ASV).is_file():
        raise UsageError(f"--asv-suite: there is no {ASV} in {folder}")
    said = asv_settings(folder)
    root = (folder / str(said.get("benchmark_dir", "benchmarks"))).resolve()
    if not root.is_dir():
        raise UsageError(f"{ASV}: benchmark_dir: there is no folder {root}")
    timeout_s = said.get("default_benchmark_timeout", TIMEOUT_S)
    if not isinstance(timeout_s, int | float) or not timeout_s > 0:
        raise UsageError(f"{ASV}: default_benchmark_timeout is seconds above 0, not {timeout_s}")
    specs = []
    for one in _discovered(head, root):
        if one["type"] in TYPES:
            specs += list(_cells(one, str(root), float(timeout_s), wanted))
    if not specs:
        asked = f" in which '{bench}' is found" if bench else ""
        raise UsageError(f"{root} has no time_, timeraw_, track_ or peakmem_ benchmark{asked}")
    return specs


def of_calls(names: Sequence[str]) -> list[CellSpec]:
    """A cell a callable, each `package.module:function`. Raises UsageError for what is written otherwise."""
    for name in names:
        if not re.fullmatch(r"[\w.]+:[\w.]+", name):
            raise UsageError(f"--call '{name}': write it as package.module:function")
    return [
        CellSpec(name, name, "", name, ANY_DEVICE, benchmark=Benchmark({"call": name})) for name in dict.fromkeys(names)
    ]


def _discovered(head: Version, root: Path) -> list[dict[str, Any]]:
    with Process(head) as worker:
        try:
            greeting = worker.answer(START_S)
            if greeting["status"] != "ok":
                raise CannotMeasureError(f"{head.name}: {greeting['message']}")
            worker.order({"do": "discover", "root": str(root)})
            answer = worker.answer(DISCOVERY_S)
        except WorkerLostError as error:
            raise CannotMeasureError(f"{head.name}: the suite in {root}: {error}") from None
    if answer["status"] != "ok":
        message = str(answer["message"])
        if "No module named 'asv_runner'" in message:
            raise UsageError(f"--asv-suite needs asv_runner: {head.python} -m pip install 'ls-harness[asv]'")
        raise UsageError(f"the suite in {root} cannot be imported with {head.name}: {message}")
    found: list[dict[str, Any]] = answer["benchmarks"]
    return found


def _cells(one: dict[str, Any], root: str, timeout_s: float, wanted: AsvSelection) -> Iterator[CellSpec]:
    """One cell a combination of its parameters that is wanted."""
    own_s = float(one["timeout_s"] or timeout_s)
    combinations = list(product(*one["params"]))
    for index in wanted.wanted(one["name"], tuple(map(tuple, one["params"]))):
        texts = combinations[index]
        params = tuple(zip(one["param_names"], texts, strict=True))
        order = {"root": root, "benchmark": one["name"], "index": index if params else None, "texts": list(texts)}
        benchmark = Benchmark(
            order,
            params,
            is_time=one["type"] == "time",
            is_fresh=one["type"] == "peakmemory",
            unit=one["unit"],
            timeout_s=own_s,
            cache_timeout_s=float(one["cache_timeout_s"] or own_s),
        )
        case = AsvCell(name=one["name"], params=params, value=None, texts=texts).full_name
        yield CellSpec(case, one["name"], "", one["name"], ANY_DEVICE, benchmark=benchmark)
