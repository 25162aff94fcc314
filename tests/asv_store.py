"""Small stores of asv's of any project, made of numbers."""

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.test_asv_results import body, write

Floats = NDArray[np.float64]


def store(folder: Path, values: dict[str, Floats], machine: str = "here") -> Path:
    """A store with a commit a column: benchmark -> (c,) numbers or (c, k) of k parameters; None where it is NaN."""
    count = len(next(iter(values.values())))
    for at in range(count):
        rows = {
            name: [
                [None if math.isnan(one) else one for one in np.atleast_1d(column[at]).tolist()],
                [[f"'{i}'" for i in range(column.shape[1])]] if column.ndim > 1 else [],
                "1",
            ]
            for name, column in values.items()
        }
        content = body(f"{at:08x}" + "0" * 32, date=1_700_000_000_000 + 86_400_000 * at) | {"results": rows}
        write(folder, machine, content)
    listed = {name: {"param_names": ["n"] * (values[name].ndim - 1)} for name in values}
    (folder / "benchmarks.json").write_text(json.dumps(listed | {"version": 2}))
    return folder
