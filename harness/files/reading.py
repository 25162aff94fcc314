"""Files that people hand around, read strictly: a regular file, of a bounded size, in UTF-8, without surprises inside.

Whatever is wrong with one is a UsageError of one line that names the file, the place and, where it is not plain, what
to do; no content makes a reader hang, run out of memory or end in a traceback.
"""

import math
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UsageError
from harness.files.strict_json import parsed_json

Model = TypeVar("Model", bound=BaseModel)


class NoSuchFileError(UsageError):
    """There is nothing at a path."""


LARGEST_JSON_BYTES = 32 * 2**20
"""The largest that the project writes are 0.3 MB. Python's objects take up to 21 times the text (an empty list, three
characters with its comma, is 64 bytes with its place in the outer one): so at most 0.7 GB."""
LARGEST_TOML_BYTES = 2**20
"""Written by hand: the largest of the project's is 60 kB, and tomllib reads a megabyte in 0.3 s."""
MOST_DOTS = 1000
"""On one line of TOML. A key of k parts costs tomllib k squared steps: 0.6 s for 8000, so 40 minutes for a megabyte."""
MOST_LEVELS = 64
"""Of tables in tables: the deepest of the project's files has 4."""
LARGEST_INTEGER = 2**63 - 1
"""TOML 1.0: 64-bit integers must be taken, and what cannot be held losslessly must be refused."""


@contextmanager
def opened(path: Path, most_bytes: int, what: str = "") -> Iterator[BufferedReader]:
    """The regular file at `path`, open for reading bytes.

    Raises UsageError if there is none, if it is a folder, a FIFO or a device (which may never end), larger than
    `most_bytes` (with `what` to do instead), or not to be read.
    """
    if "\0" in str(path):
        raise UsageError(f"no such file: {path}: a path has no NUL in it")
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise UsageError(f"no such file: {path}: it is {_kind(kind)}")
        # What was a file a moment ago may be a FIFO now: then opening it does not wait.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(f"no such file: {path}: it is {_kind(found.st_mode)}")
            if found.st_size > most_bytes:
                raise UsageError(too_large(path, found.st_size, most_bytes, what))
            yield file
    except FileNotFoundError:
        dangling = ": the link leads nowhere" if path.is_symlink() else ""
        raise NoSuchFileError(f"no such file: {path}{dangling}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None


def too_large(path: Path, size: int, most: int, what: str = "") -> str:
    """The words for a file that is larger than what is read of its kind."""
    return f"{path}: is {size} bytes, and no more than {most} of such a file are read" + (f": {what}" if what else "")


def text_of(path: Path, most_bytes: int) -> str:
    """The file as text, UTF-8 with or without a byte order mark. Raises UsageError as `opened` does, and if it is not.

    A file that grows while it is read, or that states no size (/proc), is cut off at the limit and refused.
    """
    with opened(path, most_bytes) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise UsageError(too_large(path, len(content), most_bytes))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: {not_utf8(error)}") from None


def not_utf8(error: UnicodeDecodeError) -> str:
    """Where a file is not UTF-8, and what to do."""
    byte = error.object[error.start]
    return f"cannot be read: byte {error.start} is 0x{byte:02x}, which is not UTF-8: save it as UTF-8"


def read_toml(model: type[Model], path: Path) -> Model:
    """The TOML file at `path` as `model`. Raises UsageError, one line, as `text_of` does, and if it is not one."""
    content = toml_of(path)
    within_limits(content, path)
    return checked(model, content, path)


def toml_of(path: Path) -> dict[str, Any]:
    """What the TOML file at `path` holds. Raises UsageError, one line, as `text_of` does, and if it is not TOML."""
    text = text_of(path, LARGEST_TOML_BYTES)
    crowded = next((i for i, line in enumerate(text.split("\n"), start=1) if line.count(".") > MOST_DOTS), None)
    if crowded:
        raise UsageError(f"{path}: line {crowded} has more than {MOST_DOTS} dots: break it into several lines")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one; so is what int() says of thousands of digits
        raise UsageError(f"{path}: {str(error).partition(';')[0]}") from None


def read_json(model: type[Model], path: Path) -> Model:
    """The JSON file at `path` as `model`. Raises UsageError, one line, as `json_of` does, and if it is not one."""
    return checked(model, json_of(path), path)


def json_of(path: Path, *, constants: bool = False, most_bytes: int = LARGEST_JSON_BYTES) -> Any:
    """What the JSON file at `path` holds, as parsed_json reads it. Raises UsageError as `text_of` does, and for it."""
    text = text_of(path, most_bytes)
    try:
        return parsed_json(text, constants=constants)
    except ValueError as error:
        raise UsageError(f"{path}: cannot be read as JSON: {error}") from None


def checked(model: type[Model], content: object, where: object) -> Model:
    """The content as `model`; `where`, a file or a line of one, begins what is said. Raises UsageError, one line.

    `true` is no number, which it is to pydantic and to Python.
    """
    try:
        found = model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(": ".join(filter(None, [str(where), place, first["msg"]]))) from None
    except RecursionError:
        raise UsageError(f"{where}: is nested too deeply") from None
    wrong = _truth_as_number(content, found)
    if wrong is not None:
        raise UsageError(f"{where}: {wrong}: a number is wanted, not true or false")
    return found


def _truth_as_number(given: object, taken: object) -> str | None:
    """Where a truth value was taken for a number; None if it nowhere was."""
    if given is taken:  # nothing in it was taken for something else
        return None
    if isinstance(given, bool):
        return "" if isinstance(taken, int | float) and not isinstance(taken, bool) else None
    parts: list[tuple[str, object, object]] = []
    if isinstance(given, dict):
        held = taken if isinstance(taken, dict) else getattr(taken, "__dict__", {})
        parts = [(str(name), value, held.get(name)) for name, value in given.items()]
    elif isinstance(given, list) and isinstance(taken, list | tuple) and len(given) == len(taken):
        parts = [(str(i), value, taken[i]) for i, value in enumerate(given)]
    for name, value, other in parts:
        inner = _truth_as_number(value, other)
        if inner is not None:
            return f"{name}.{inner}".rstrip(".")
    return None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def within_limits(content: object, where: object) -> None:
    """Refuse what TOML can write and nothing here can use: large integers, NaN, infinity, endless nesting.

    Raises UsageError, one line, which begins with `where`.
    """
    waiting: list[tuple[object, int, str]] = [(content, 0, "")]
    while waiting:
        value, level, place = waiting.pop()
        if level > MOST_LEVELS:
            raise UsageError(f"{where}: {place[:100]}: is nested too deeply")
        if isinstance(value, dict):
            waiting += [(inner, level + 1, f"{place[:100]}.{key[:100]}".lstrip(".")) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(inner, level + 1, place) for inner in value]
        elif isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{where}: {place}: {value} is no number that can be compared")
        elif isinstance(value, int) and not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
            raise UsageError(f"{where}: {place}: an integer beyond 64 bits")
