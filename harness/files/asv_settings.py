"""asv.conf.json of a project: what asv reads, with its comments."""

import json
import re
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files.reading import LARGEST_TOML_BYTES, NoSuchFileError, text_of

ASV = "asv.conf.json"


def asv_settings(folder: Path) -> dict[str, Any]:
    """The settings in a project's folder; none without the file. Raises UsageError for what asv could not read either.

    asv takes comments of whole lines, and commas before an end (asv.util.load_json).
    """
    try:
        text = text_of(folder / ASV, LARGEST_TOML_BYTES)
    except NoSuchFileError:
        return {}
    plain = re.sub(r",(\s*[}\]])", r"\1", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{ASV}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{ASV}: cannot be read: it is no object")
    return found
