"""benchmarks.json of asv's results folder: what the suite holds."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.errors import UsageError
from harness.files.names import Name
from harness.files.reading import checked, json_of
from harness.records.asv_cells import Params
from harness.records.asv_columns import MOST_CELLS, params_of

LISTING = "benchmarks.json"
"""What the suites hold: asv writes it anew at each run, into the folder of all machines, so that it is not committed
there; beside committed results it is in their machine's own folder, where asv does not look."""


class Listed(BaseModel):
    """What is read of a benchmark; asv's kinds and plugins keep keys of their own beside it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    param_names: list[Name] = []
    params: Any = None
    unit: str | None = None
    direction: str = ""

    @property
    def texts(self) -> Params:
        """The values of its parameters; none where they cannot be read, or are too many to go through."""
        try:
            found = params_of(self.params or [])
        except UsageError:
            return ()
        return found if math.prod(map(len, found)) <= MOST_CELLS else ()


Listing = Mapping[str, Listed | UsageError]
"""Of each benchmark what benchmarks.json says, or why that cannot be read."""
Wanted = Callable[[str, Params], tuple[int, ...]]
"""Of a benchmark and its parameters' values which of their combinations are wanted."""


def object_of(path: Path) -> dict[str, Any]:
    """The JSON of a file; asv writes NaN for a skip. Raises UsageError as json_of does, and if it is no object."""
    loaded = json_of(path, constants=True)
    if not isinstance(loaded, dict):
        raise UsageError(f"{path}: is no file of asv's: it holds no object")
    return loaded


def listed_benchmarks(folder: Path, wanted: Wanted | None = None) -> frozenset[str]:
    """The benchmarks that the suite has, by the LISTING of the folder's newest run; of which something is wanted."""
    texts = {name: one.texts if isinstance(one, Listed) else () for name, one in listing_of(folder).items()}
    return frozenset(name for name, params in texts.items() if wanted is None or wanted(name, params))


def listing_of(folder: Path) -> Listing:
    """What LISTING says of each benchmark; nothing where there is none."""
    written = folder / LISTING
    committed = [] if written.is_file() else sorted(folder.glob(f"*/{LISTING}"))
    return {
        name: _listed(body)
        for path in committed or ([written] if written.is_file() else [])
        for name, body in object_of(path).items()
        if isinstance(body, dict)
    }


def _listed(body: Mapping[str, Any]) -> Listed | UsageError:
    try:
        return checked(Listed, body, LISTING)
    except UsageError as error:
        return error
