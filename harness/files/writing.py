"""Files that people get, written at once: where something fails, what was there before stays as it was."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import UsageError


@contextmanager
def replacing(path: Path, *, make_folder: bool = False) -> Iterator[Path]:
    """Where to write what becomes the file at `path` once the block has ended well and all of it is on the disk.

    A link stays a link to what it leads to, and a file keeps its permissions. What is no regular file (/dev/stdout, a
    FIFO) is written to as it is: it must not be replaced. `make_folder`: with the folders above it. Raises OSError.
    """
    place = path
    if path.is_symlink():
        with suppress(FileNotFoundError):
            path.stat()  # raises for a link that leads to itself, as `resolve` does not in every Python
        place = path.resolve()
    if make_folder:
        place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not (place.is_file() or place.is_dir()):
        yield place
        return
    made = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}")
    try:
        yield made
        with made.open("rb") as file:
            os.fsync(file.fileno())
        if place.is_file():
            shutil.copymode(place, made)
        made.replace(place)
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)


def write(path: Path, content: str | bytes, *, what: str = "", make_folder: bool = False) -> None:
    """Write a file, text as UTF-8. Raises UsageError, which begins with `what` (the path), if that cannot be."""
    try:
        with replacing(path, make_folder=make_folder) as made:
            made.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UsageError(f"{what or path}: cannot be written: {error.strerror or error}") from None
