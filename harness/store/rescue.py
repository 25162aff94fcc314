"""What was measured into a store whose file was deleted or replaced meanwhile: SQLite still has it, until this ends."""

import re
from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.store.entries import Entry, belongs_to
from harness.store.exchange_files import JSON_LINES, write_entries
from harness.store.open_store import OpenStore
from harness.store.salvage import Salvage


def rescued(store: OpenStore, path: Path) -> str:
    """Write the runs and sweeps that the process measures beside the store's path; where they are, for a person."""
    if not store.started:
        return "nothing of what was taken is there"
    name = re.sub(r"[^\w.-]", "_", min(store.started))  # of a run that is resumed it came from a file
    target = path.with_name(f"{path.stem}.{name}{JSON_LINES}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with store.engine.connect() as connection:
            write_entries(target, _measured(Salvage(connection, store.url), store.started))
    except (HarnessError, OSError) as error:
        return f"what was measured is lost: {error}"
    return f"what was measured is in {target}: harness store import {target}"


def _measured(found: Salvage, started: set[str]) -> Iterator[Entry]:
    for entry in found.entries():
        if belongs_to(entry) in started:
            yield entry
