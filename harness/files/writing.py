"""Files that people get, written at once: where something fails, what was there before stays as it was.

While a file is written it has another name beside its own, and a lock (flock(2)) that ends with its process. What a
process leaves that was killed is locked by nobody: the next that writes the same file takes it away.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from harness.errors import CannotWriteError, UsageError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MISNAMED = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""What is wrong with a path, not with the disk."""
COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite puts beside a file (fileformat2.html)."""


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
    with beside(place) as made:
        yield made
        with made.open("rb") as file:
            os.fsync(file.fileno())
        if place.is_file():
            shutil.copymode(place, made)
        made.replace(place)


@contextmanager
def beside(place: Path, mode: int = 0o666) -> Iterator[Path]:
    """An empty file beside `place`, locked while this lasts and then gone; of `mode`, less the umask.

    What earlier processes left there is taken away first. Raises OSError.
    """
    clear_strays(place)
    made, lock = _locked(place, mode)
    try:
        yield made
    finally:
        _unlink(made)
        os.close(lock)


def clear_strays(place: Path) -> None:
    """Take away what processes left beside `place` that were killed while they wrote it; nothing is raised."""
    ours = re.compile(rf"({re.escape(_prefix(place))}[0-9a-f]{{8}})(?:{'|'.join(COMPANIONS)})")
    with suppress(OSError):
        strays = {place.with_name(found[1]) for path in place.parent.iterdir() if (found := ours.fullmatch(path.name))}
        for stray in strays:
            with suppress(OSError), _unlocked(stray):
                _unlink(stray)


def _unlink(made: Path) -> None:
    for ending in COMPANIONS:
        with suppress(OSError):
            made.with_name(made.name + ending).unlink(missing_ok=True)


def _prefix(place: Path) -> str:
    return f".{place.name[:100]}."


def _locked(place: Path, mode: int) -> tuple[Path, int]:
    """A new file and its descriptor, which holds the lock; another name where somebody took it for a stray."""
    while True:
        made = place.with_name(_prefix(place) + secrets.token_hex(4))
        descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with suppress(OSError):  # a file system without locks: nobody takes it for a stray there
            flock(descriptor, LOCK_EX | LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return made, descriptor
        os.close(descriptor)


@contextmanager
def _unlocked(path: Path) -> Iterator[None]:
    """While this process holds the file, if it is still there. Raises OSError where another one does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def write_errors(what: object) -> Iterator[None]:
    """Turn what fails of writing `what` into one line.

    Raises UsageError for a path that no file can have, CannotWriteError for everything else: no room, no permission.
    """
    try:
        yield
    except OSError as error:
        kind = UsageError if error.errno in MISNAMED else CannotWriteError
        room = ": make room" if error.errno in FULL else ""
        raise kind(f"{what}: cannot be written: {error.strerror or error}{room}") from None


def write(path: Path, content: str | bytes, *, what: str = "", make_folder: bool = False) -> None:
    """Write a file, text as UTF-8. Raises what write_errors does, which begins with `what` (the path)."""
    with write_errors(what or path), replacing(path, make_folder=make_folder) as made:
        made.write_bytes(content.encode() if isinstance(content, str) else content)


def check_file(what: object, path: Path) -> None:
    """Raise UsageError, before minutes of measuring and not after them, for a path where no file can be made."""
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{what}: cannot be written: it is a folder, or its folder does not exist")
