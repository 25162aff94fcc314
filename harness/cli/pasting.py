"""Commands that are said to come next, so that they can be pasted: with the store and the files that they are about."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.store.store import Store


def pasted(*words: str, store: "Store | None" = None, expectations: Path | None = None) -> str:
    """`harness` and the words; `--store` where it is not the one that is opened without, without its password.

    `expectations`: what was named, None where nothing was.
    """
    more = [] if expectations is None else ["--expectations", str(expectations)]
    return shlex.join(["harness", *words, *more, *([] if store is None else store_words(store))])


def store_words(store: "Store") -> list[str]:
    """`--store` and what opens it again; nothing where that needs no saying."""
    from harness.errors import without_password
    from harness.store.address import store_url
    from harness.store.database import sqlite_file

    if store.url == without_password(store_url(None)):
        return []
    return ["--store", str(sqlite_file(store.engine) or store.url)]
