"""Least squares of Dask arrays beside others, and how its cost grows: `python -m tools.many_machines compare 5`.

    python -m tools.many_machines compare ROUNDS      4e6 x 10 in 16 partitions, each way in turn, by two workers
    python -m tools.many_machines scale ROWS WORKERS  one size by so many workers of 1 GiB
    python -m tools.many_machines draw                the picture of what `scale` has kept

Data are drawn in the partitions. Samples are added to results/many_machines/samples.json, with the load of the machine.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from harness.report.figures import axes
from harness.report.figures.figure import Figure
from harness.report.figures.files import drawn
from harness.report.figures.panels import layered
from harness.solvers.streaming import least_squares

FOLDER = Path("results/many_machines")
SAMPLES = FOLDER / "samples.json"
COLUMNS = 10
PARTITION_ROWS = 500_000
"""Of `scale`: 44 MB of numbers."""


def main() -> None:
    what, *given = sys.argv[1:]
    commands: dict[str, Callable[..., None]] = {"compare": compare, "scale": scale, "draw": draw}
    commands[what](*given)


def compare(rounds: str) -> None:
    import dask

    with ExitStack() as stack:
        _cluster(stack, 2, "6GiB")
        X, y = _drawn(4_000_000, 250_000)
        ways: dict[str, Callable[[], Any]] = {
            "least_squares": lambda: least_squares(X, y, intercept=False),
            "least_squares, with an intercept": lambda: least_squares(X, y),
            "dask.array.linalg.lstsq": lambda: _lstsq(X, y),
            "drawing alone": lambda: dask.compute(X.sum(), y.sum()),
        }
        with suppress(ImportError):
            LinearRegression = import_module("dask_glm.estimators").LinearRegression

            ways["dask-glm LinearRegression"] = lambda: LinearRegression(fit_intercept=False).fit(X, y)
        samples: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(int(rounds)):
            for name, way in ways.items():
                samples[name].append(_timed(way))
    base = statistics.median(samples["dask.array.linalg.lstsq"])
    for name, found in samples.items():
        median = statistics.median(found)
        print(f"{name}: {median:.3f} s, {median / base:.2f} of lstsq's")
    _keep({"kind": "compare", "rows": 4_000_000, "columns": COLUMNS, "workers": 2, "seconds": samples})


def scale(rows: str, workers: str) -> None:
    import dask

    n, count = int(float(rows)), int(workers)
    with ExitStack() as stack:
        client = _cluster(stack, count, "1GiB")
        X, y = _drawn(n, min(PARTITION_ROWS, n // (4 * count)))
        seconds = _timed(lambda: least_squares(X, y, intercept=False))
        peak_bytes = max(client.run(_peak_bytes).values())
        drawing = _timed(lambda: dask.compute(X.sum(), y.sum()))
    sample = {"kind": "scale", "rows": n, "columns": COLUMNS, "workers": count}
    _keep({**sample, "seconds": seconds, "drawing_s": drawing, "worker_peak_bytes": peak_bytes})


def draw() -> None:
    rows = [
        {**one, "series": f"{one['workers']} {what}", "at_s": one[key]}
        for one in json.loads(SAMPLES.read_text())
        if one["kind"] == "scale"
        for key, what in (("seconds", "worker(s)"), ("drawing_s", "worker(s), drawing alone"))
    ]
    x = axes.number(
        "rows", "rows, of 10 columns, drawn in the partitions", axes.log_labels("x", axes.COUNT), **axes.LOG
    )
    y = axes.number("at_s", "seconds", axes.seconds("y"), **axes.LOG)
    marks = {"color": axes.category("series")}
    layers = [axes.layer("line", marks, strokeWidth=2), axes.layer("point", marks, filled=True, size=60)]
    description = "Seconds of least_squares of a Dask array against its rows, both logarithmic, by workers."
    figure = Figure(
        "many-machines",
        "Least squares by Dask's workers",
        description,
        layered(layers, {"x": x, "y": y}, [], 300),
        rows,
    )
    (FOLDER / "scaling.svg").write_bytes(drawn(figure, ".svg"))


def _cluster(stack: ExitStack, workers: int, memory: str) -> Any:
    from distributed import Client, LocalCluster

    made = stack.enter_context(
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", memory_limit=memory, silence_logs=50
        )
    )
    return stack.enter_context(Client(made))


def _drawn(n: int, rows: int) -> tuple[Any, Any]:
    import dask.array as da

    random = da.random.default_rng(1)
    X = random.standard_normal((n, COLUMNS), chunks=(rows, COLUMNS))
    return X, X @ np.arange(1.0, COLUMNS + 1) + random.standard_normal(n, chunks=rows)


def _lstsq(X: Any, y: Any) -> Any:
    import dask.array as da

    return da.linalg.lstsq(X, y)[0].compute()


def _timed(way: Callable[[], Any]) -> float:
    before = time.perf_counter()
    way()
    return time.perf_counter() - before


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _keep(sample: dict[str, Any]) -> None:
    sample["load_1min"] = os.getloadavg()[0]
    print(json.dumps(sample))
    FOLDER.mkdir(parents=True, exist_ok=True)
    before = json.loads(SAMPLES.read_text()) if SAMPLES.exists() else []
    SAMPLES.write_text(json.dumps([*before, sample], indent=1) + "\n")


if __name__ == "__main__":
    main()
