"""References on disk, so that one that took long to compute is computed once a machine."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_dir

from harness.files.writing import replacing

VERSION = 3
"""Raise it when anything that a Reference holds is computed or named differently: older files are then replaced."""
WORTH_KEEPING_S = 0.25
"""A reference that took less is computed again: reading and checking a file takes some milliseconds, and
hundreds of small problems should not leave hundreds of files."""
FOLDER_VARIABLE = "HARNESS_CACHE_DIR"


def folder() -> Path:
    """Where references are kept: below $HARNESS_CACHE_DIR, or the user's cache folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or user_cache_dir("ls-harness")) / "references"


def read(sha256: str) -> dict[str, Any] | None:
    """What was written for the problem with this hash; None if nothing was, or if the file is not as it was written."""
    try:
        stored = json.loads((folder() / f"{sha256}.json").read_text())
        content = stored["content"]
        if stored["checksum"] != _checksum(sha256, content):
            return None
        return {name: _decoded(value) for name, value in content.items()}
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError):
        return None


def write(sha256: str, content: Mapping[str, Any]) -> None:
    """Keep numbers, arrays, text and None by name; a folder that cannot be written to is left alone.

    The file appears whole or not at all, whichever of several processes is last.
    """
    encoded = {name: _encoded(value) for name, value in content.items()}
    text = json.dumps({"checksum": _checksum(sha256, encoded), "content": encoded})
    with suppress(OSError), replacing(folder() / f"{sha256}.json", make_folder=True) as made:
        made.write_text(text)


def _checksum(sha256: str, content: object) -> str:
    """Of the content, the problem that it belongs to and the version that wrote it."""
    return hashlib.sha256(json.dumps([VERSION, sha256, content], sort_keys=True).encode()).hexdigest()


def _encoded(value: Any) -> Any:
    """Floats as hexadecimal text, which is exact; arrays with their shape; tuples as lists of such."""
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "hex": " ".join(map(float.hex, value.ravel().tolist()))}
    if isinstance(value, float):
        return {"hex": value.hex()}
    return [_encoded(entry) for entry in value] if isinstance(value, tuple) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    numbers = [float.fromhex(text) for text in value["hex"].split()]
    return np.array(numbers).reshape(value["shape"]) if "shape" in value else numbers[0]
