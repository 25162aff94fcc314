"""Whole stores of asv's: the time of a scan beside asv's detector, what is found where nothing is, planted steps.

    python -m tools.change_points.stores FOLDER results/change_points/noise_two_cores.json

FOLDER is a results folder of asv's, of a project that publishes one. asv's detector is as it ships; of planted steps
every detector has the threshold with which one in a hundred shuffled series has a step.
"""

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from harness.judge.history.scan import scan
from harness.judge.history.watch import SMALLEST
from harness.judge.medians import Floats
from harness.records.asv_history import AsvTable, table_of_store
from harness.records.asv_results import every_commit
from tools.change_points.noise import Noise, read_noise, residuals
from tools.change_points.rivals import RIVALS, Rival
from tools.change_points.trial import HALVINGS, draw_series

RATE = 0.01
"""Of shuffled series with a step: what each detector's threshold is set to."""
STEP = 0.10
COMMITS, MARGIN, NEAR = 50, 5, 2
"""Of a series; between a planted step and its ends; between a reported place and the planted one."""
SERIES = 400
"""With a step, and as many without."""
LAUNCHES = (1, 5, 15)


def main(folder: str, noise: str) -> None:
    """Print everything as JSON."""
    table, read_s = timed_table(Path(folder))
    found = {"store": store(table, read_s), "planted": dict(planted(table, read_noise(Path(noise))))}
    print(json.dumps(found, indent=1))


def timed_table(folder: Path) -> tuple[AsvTable, float]:
    """All of it, and the CPU seconds that it took."""
    before = time.process_time()
    table = table_of_store(every_commit(folder, None, []))
    return table, time.process_time() - before


def store(table: AsvTable, read_s: float) -> Mapping[str, object]:
    """Times, and series with a step, as they are and shuffled: of the scan, and of asv's detector as it ships."""
    values = table.values[np.isfinite(table.values).sum(axis=1) > 0]
    mixed = shuffled(values, np.random.default_rng(7))
    begun = time.process_time()
    own = scan(values, SMALLEST)
    scan_s = time.process_time() - begun
    asv_steps, asv_s = asv_finds(values)
    return {
        "commits": len(table.commits),
        "series": len(values),
        "read_cpu_s": round(read_s, 2),
        "scan_cpu_s": round(scan_s, 2),
        "asv_detector_cpu_s": round(asv_s, 2),
        "searched": own.tested,
        "with_a_step": {"scan": own.stepped, "asv": asv_steps},
        "with_a_step_shuffled": {"scan": scan(mixed, SMALLEST, seed=1).stepped, "asv": asv_finds(mixed)[0]},
    }


def shuffled(values: Floats, rng: np.random.Generator) -> Floats:
    """Each row's numbers in another order, where it has some."""
    mixed = values.copy()
    for row in mixed:
        there = np.isfinite(row)
        row[there] = rng.permutation(row[there])
    return mixed


def asv_finds(values: Floats) -> tuple[int, float]:
    """How many rows asv's detect_steps sees more than one level in, and the CPU seconds of the detector alone."""
    from asv.step_detect import detect_steps

    rows = [[None if math.isnan(one) else one for one in row] for row in values.tolist()]
    begun = time.process_time()
    count = sum(len(detect_steps(row)) > 1 for row in rows)
    return count, time.process_time() - begun


def planted(table: AsvTable, noise: Noise) -> Iterator[tuple[str, Mapping[str, float]]]:
    """By noise and detector: the share of steps of STEP that is found within NEAR commits of its place."""
    rng = np.random.default_rng(0)
    for name, quiet in noises(table, noise, rng):
        places = rng.integers(MARGIN, COMMITS - MARGIN, SERIES)
        stepped = quiet[SERIES:].copy()
        for row, place in zip(stepped, places, strict=True):
            row[place:] *= 1 + STEP
        found = {}
        for rival in (rival for rival in RIVALS if rival.version):
            threshold = tuned(rival, rng.permuted(quiet[:SERIES], axis=1))
            hits = (
                any(abs(at - place) <= NEAR for at in rival.find(row, threshold))
                for row, place in zip(stepped, places, strict=True)
            )
            found[rival.name] = sum(hits) / SERIES
        yield name, found


def noises(table: AsvTable, noise: Noise, rng: np.random.Generator) -> Iterator[tuple[str, Floats]]:
    """(2 SERIES, COMMITS) values: of the store's own series without a step, and of launches that were recorded here."""
    values = table.values
    stepped = {step.row for step in scan(values, 0.0).steps}
    quiet = [
        row
        for place, row in enumerate(values[:, -COMMITS:])
        if place not in stepped and np.isfinite(row).all() and row.min() > 0 and len(np.unique(row)) > COMMITS // 2
    ]
    if len(quiet) >= 2 * SERIES:
        yield "the store's series without a step", np.array(quiet)[rng.permutation(len(quiet))[: 2 * SERIES]]
    pools = [residuals(cell.medians()) for cell in noise.cells]
    for launches in LAUNCHES:
        drawn = [draw_series(pools[i % len(pools)], COMMITS, launches, rng) for i in range(2 * SERIES)]
        yield f"recorded launches, the median of {launches} a commit", np.array(drawn)[rng.permutation(2 * SERIES)]


def tuned(rival: Rival, series: Floats) -> float:
    """The least threshold of its range with which at most RATE of these series have a step, by halving."""
    low, high = math.log(rival.low), math.log(rival.high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        count = sum(bool(rival.find(row, math.exp(middle))) for row in series)
        low, high = (middle, high) if count > RATE * len(series) else (low, middle)
    return math.exp(high)


if __name__ == "__main__":
    main(*sys.argv[1:])
