"""`harness.compare` and `harness.gate`: what records say side by side, and whether a run is as it is expected to be."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from harness.api.frames import Comparison, Results, Verdicts
from harness.api.runs import load
from harness.config import expectations_file
from harness.errors import UsageError
from harness.history.naming import of_problems
from harness.judge.gate.expectations import read_expectations
from harness.judge.gate.gate import gate as judge
from harness.judge.speed.comparison import compare as side_by_side
from harness.judge.speed.devices import compare_devices
from harness.report.tables import devices

Given = Results | str | None
StoreName = str | PathLike[str] | None


def compare(
    results: Given | Sequence[Results | str] = None,
    by: str = "solver",
    *,
    baseline: str | None = None,
    problems: str | Sequence[str] = (),
    store: StoreName = None,
) -> Comparison:
    """Cases side by side that differ along one axis alone, as ratios to a baseline; one row a case.

    `results`: what `run` or `load` gave, a run's id in `store`, or several of them; the newest run by default.
    `by`: solver, device, optimizer, lr, size or threads; by device a row is a size of a series, with the crossover.
    `baseline`: the value that the others are ratios to. `problems`: only these, by name with or without parameters.

    Raises UsageError for an unknown axis, problem, baseline or run, and for a frame that is no whole run;
    CannotMeasureError if no two cases differ in the axis alone.
    """
    several: Sequence[Any] = results if isinstance(results, list | tuple) else [results]
    found = [_run_of(one, store) for one in several]
    records = [record for one in found for record in one.records]
    chosen = of_problems(records, (problems,) if isinstance(problems, str) else tuple(problems))
    if by == "device":
        return Comparison(by, devices.placed(compare_devices(chosen, baseline)), devices.FRAME, devices.FRAME)
    return Comparison(by, side_by_side(chosen, by, baseline))


def gate(
    results: Given = None, expectations: str | PathLike[str] | None = None, *, store: StoreName = None
) -> Verdicts:
    """A run against the expectations; one row a judgement, what failed first, and `exit_code` for a script.

    `results`: what `run` or `load` gave, or a run's id in `store`; the newest run by default. `expectations`: a file
    as results/expectations.toml, which it is by default. Raises UsageError for an unreadable file, an unknown run,
    or a frame that is no whole run; CannotMeasureError where nothing is stored.
    """
    found = _run_of(results, store)
    expected = read_expectations(expectations_file() if expectations is None else Path(expectations))
    return Verdicts(found.run_id, judge(found.made, found.records, expected))


def _run_of(given: Given, store: StoreName) -> Results:
    if isinstance(given, Results):
        return given
    if isinstance(given, pd.DataFrame):
        raise UsageError(
            "a plain frame is no whole run: give what harness.run or harness.load returned, and filter what comes back"
        )
    if not isinstance(given, str | None):
        raise UsageError(f"give what harness.run or harness.load returned, or a run's id, not {type(given).__name__}")
    return load(store, given)
