"""The cells of an asv suite, which asv_runner finds, and plain callables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from harness.ab.cells import Benchmark, CellSpec
from harness.ab.discovery import discovered
from harness.ab.environments import Sides
from harness.asv.selection import AsvSelection
from harness.errors import UsageError
from harness.files.asv_settings import ASV, asv_settings
from harness.records.asv_cells import AsvCell

TIMEOUT_S = 60.0
"""asv's default of default_benchmark_timeout."""
TYPES = ("time", "track", "memory", "peakmemory")
ANY_DEVICE = "any"
"""Of a cell that works wherever it likes, in other processes too: judged by the wall clock, as asv does."""


def without_harness(sides: Sides, scratch: Path) -> Sides:
    """Both sides, measured without the harness's own cases; each has a folder of its own in `scratch`."""
    base, head = scratch / "base", scratch / "head"
    base.mkdir()
    head.mkdir()
    return replace(sides, base=replace(sides.base, scratch=base), head=replace(sides.head, scratch=head))


def of_suite(sides: Sides, folder: Path, bench: str | None) -> tuple[list[CellSpec], list[str]]:
    """Every benchmark of the suite that the asv.conf.json in `folder` names, as either side has it; what is left out.

    As in asv the files of the suite are those of the checkout, the same for both sides. A file that neither side can
    import, and a benchmark that neither can make, is a cell that has failed. `bench`: as of AsvSelection.

    Raises UsageError where there is no suite, none of its benchmarks is asked for, or no file of it can be imported.
    """
    wanted = AsvSelection(bench=bench)
    root, timeout_s = _where(folder)
    base, head = discovered(sides.base, root), discovered(sides.head, root)
    every = [*head.benchmarks.values(), *base.benchmarks.values()]
    found = [spec for one in every if one["type"] in TYPES for spec in _cells(one, str(root), timeout_s, wanted)]
    specs = {spec.case: spec for spec in reversed(found)}  # a cell of both is the head's
    both = [name for name in head.failed if name in base.failed]
    failed = {name: {"base": base.failed[name], "head": head.failed[name]} for name in both}
    if not every and failed:
        name, why = next(iter(failed.items()))
        raise UsageError(f"the suite in {root} cannot be imported with {sides.head.name}: {name}: {why['head']}")
    notes = [f"{one['name']} is not measured: its type is {one['type']}" for one in every if one["type"] not in TYPES]
    notes += [f"{name} is not measured: that needs pympler, as in asv" for name in (*head.left, *base.left)]
    for name, why in failed.items():
        if wanted.wanted(name, ()):
            specs[name] = CellSpec(name, name, "", name, ANY_DEVICE, benchmark=Benchmark({}, failed=why))
        else:
            notes.append(f"{name} is not in --bench, and what it has is not known: {why['head']}")
    if not specs:
        asked = f" in which '{bench}' is found" if bench else ""
        raise UsageError(f"{root} has no time_, timeraw_, track_, mem_ or peakmem_ benchmark{asked}")
    return list(reversed(specs.values())), list(dict.fromkeys(notes))


def _where(folder: Path) -> tuple[Path, float]:
    """The suite of the asv.conf.json in `folder`, and the seconds that a benchmark has by default."""
    if not (folder / ASV).is_file():
        raise UsageError(f"--asv-suite: there is no {ASV} in {folder}")
    said = asv_settings(folder)
    root = (folder / str(said.get("benchmark_dir", "benchmarks"))).resolve()
    if not root.is_dir():
        raise UsageError(f"{ASV}: benchmark_dir: there is no folder {root}")
    timeout_s = said.get("default_benchmark_timeout", TIMEOUT_S)
    if not isinstance(timeout_s, int | float) or not timeout_s > 0:
        raise UsageError(f"{ASV}: default_benchmark_timeout is seconds above 0, not {timeout_s}")
    return root, float(timeout_s)


def of_calls(names: Sequence[str]) -> list[CellSpec]:
    """A cell a callable, each `package.module:function`. Raises UsageError for what is written otherwise."""
    for name in names:
        if not re.fullmatch(r"[\w.]+:[\w.]+", name):
            raise UsageError(f"--call '{name}': write it as package.module:function")
    return [
        CellSpec(name, name, "", name, ANY_DEVICE, benchmark=Benchmark({"call": name})) for name in dict.fromkeys(names)
    ]


def _cells(one: dict[str, Any], root: str, timeout_s: float, wanted: AsvSelection) -> Iterator[CellSpec]:
    """One cell a combination of its parameters that is wanted."""
    own_s = float(one["timeout_s"] or timeout_s)
    combinations = list(product(*one["params"]))
    for index in wanted.wanted(one["name"], tuple(map(tuple, one["params"]))):
        texts = combinations[index]
        params = tuple(zip(one["param_names"], texts, strict=True))
        order = {"root": root, "place": one["place"], "texts": list(texts)}
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
