"""The noise of one machine: the same cells measured by many fresh processes, one after another, nothing changed.

Fresh processes of the same code differ by 2 to 4 %, and one after another they drift: what a history of unchanged
commits looks like. `python -m tools.change_points NOISE --record LAUNCHES` makes such a file; the comparison of
detectors draws from it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.errors import CannotMeasureError, UsageError
from harness.files.names import Name
from harness.files.reading import NoSuchFileError, read_json
from harness.files.writing import write
from harness.records.environment import Environment, environment
from harness.records.record import Kept
from harness.records.run import now

Floats = NDArray[np.float64]

CELLS = (
    ("synthetic:n=1000", "numpy_lstsq"),
    ("synthetic:n=1000", "sklearn"),
    ("synthetic:n=1000", "torch_sgd"),
    ("auto_mpg", "mlp_sgd"),
)
"""A closed form of 0.1 ms and one of 0.5 ms, an epoch of a line and one of a network."""
LAUNCH_S = 300.0
"""Seconds that one process may take; it takes 4 on two busy cores."""
FEWEST = 20
"""Launches below which there is no noise to draw blocks from."""


Nanoseconds = Annotated[int, Field(gt=0, le=10**9 * int(LAUNCH_S))]


class NoiseLaunch(Kept):
    """One fresh process: `at_s` seconds after the first began; single calls in whole nanoseconds, in order."""

    at_s: float
    wall_ns: tuple[Nanoseconds, ...]
    cpu_ns: tuple[Nanoseconds, ...]


class NoiseCell(Kept):
    """One cell over launches, in order."""

    problem: Name
    solver: Name
    launches: tuple[NoiseLaunch, ...]

    def medians(self, clock: Literal["wall", "cpu"] = "wall") -> Floats:
        """Median seconds of a call, by launch: (launches,)."""
        return np.array([1e-9 * np.median(one.wall_ns if clock == "wall" else one.cpu_ns) for one in self.launches])


class Noise(Kept):
    """What `--record` wrote; `recorded_at` ISO 8601."""

    schema_version: Literal[1] = 1
    recorded_at: str
    environment: Environment
    cells: tuple[NoiseCell, ...]


def record_noise(launches: int, told: Callable[[str], None]) -> Noise:
    """`launches` fresh processes, each timing every cell of CELLS as `harness run` does.

    Raises UsageError for fewer than FEWEST, CannotMeasureError if a process fails.
    """
    if launches < FEWEST:
        raise UsageError(f"--record takes at least {FEWEST} launches, not {launches}")
    taken: list[list[NoiseLaunch]] = [[] for _ in CELLS]
    recorded_at, began = now(), time.monotonic()
    for i in range(launches):
        told(f"launch {i + 1} of {launches}")
        at_s = round(time.monotonic() - began, 3)
        for kept, samples in zip(taken, _launch(), strict=True):
            kept.append(NoiseLaunch(at_s=at_s, wall_ns=tuple(samples["wall_ns"]), cpu_ns=tuple(samples["cpu_ns"])))
    cells = tuple(
        NoiseCell(problem=problem, solver=solver, launches=tuple(kept))
        for (problem, solver), kept in zip(CELLS, taken, strict=True)
    )
    return Noise(recorded_at=recorded_at, environment=environment(), cells=cells)


def _launch() -> list[dict[str, list[int]]]:
    words = [sys.executable, "-m", "tools.change_points.launch", json.dumps(CELLS)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LAUNCH_S, check=True)  # our own module
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise CannotMeasureError(f"a launch failed: {said[-1] if said else error}") from None
    samples: list[dict[str, list[int]]] = json.loads(done.stdout.splitlines()[-1])
    return samples


def write_noise(path: Path, noise: Noise) -> None:
    """A JSON file, one line a launch. Raises UsageError if it cannot be written."""
    head = noise.model_dump(mode="json", exclude={"cells"})
    cells = [_cell_text(cell) for cell in noise.cells]
    text = json.dumps(head, indent=1)[:-2] + ',\n "cells": [\n' + ",\n".join(cells) + "\n ]\n}\n"
    write(path, text, make_folder=True)


def _cell_text(cell: NoiseCell) -> str:
    lines = [json.dumps(one.model_dump(mode="json"), separators=(",", ":")) for one in cell.launches]
    head = f'  {{"problem": {json.dumps(cell.problem)}, "solver": {json.dumps(cell.solver)}, "launches": ['
    return head + "\n   " + ",\n   ".join(lines) + "\n  ]}"


def read_noise(path: Path) -> Noise:
    """The file that write_noise wrote. Raises UsageError, one line, if it is none or holds too few launches."""
    try:
        noise = read_json(Noise, path)
    except NoSuchFileError:
        raise UsageError(f"{path}: cannot be read: there is no such file") from None
    except UsageError as error:
        raise UsageError(f"{error}: it is no recorded noise") from None
    for cell in noise.cells:
        if len(cell.launches) < FEWEST or not all(one.wall_ns and one.cpu_ns for one in cell.launches):
            raise UsageError(f"{path}: {cell.problem} {cell.solver} has fewer than {FEWEST} launches with samples")
    return noise


def residuals(medians: Sequence[float] | Floats, window: int = 21) -> Floats:
    """log(medians) less their running median over `window` launches: (m,), around 0.

    A drift over hours (the machine's other users) stays out; what neighbouring launches share stays in.
    """
    from scipy.ndimage import median_filter

    logs = np.log(np.asarray(medians, dtype=np.float64))
    return np.asarray(logs - median_filter(logs, size=window, mode="nearest"))
