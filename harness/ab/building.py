"""Commands that build: everything that they print in a log, and its end where one fails."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_dir

from harness.errors import CannotMeasureError, without_credentials
from harness.verify.reference_cache import FOLDER_VARIABLE

SHOWN_LINES = 15
NO_COMMAND = 127
"""What a shell exits with where there is no such command."""
Notify = Callable[[str], None]


class BuildFailedError(CannotMeasureError):
    """A version cannot be built; `log` is where everything is that was printed, `tail` its last lines."""

    def __init__(self, what: str, code: int, log: Path) -> None:
        super().__init__(f"{what} exited {code}: the log is {log}")
        self.log = log
        self.tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-SHOWN_LINES:])


def folder(name: str) -> Path:
    """A folder of what was built, made if need be: below $HARNESS_CACHE_DIR, or the user's cache folder.

    Raises CannotMeasureError where it cannot be made.
    """
    made = Path(os.environ.get(FOLDER_VARIABLE) or user_cache_dir("ls-harness")) / "ab" / name
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotMeasureError(f"{made} cannot be made: {error.strerror}; set {FOLDER_VARIABLE}") from None
    return made


def logged(what: str, words: Sequence[str], log: Path, folder: Path | None = None) -> None:
    """Run a command in `folder`, appending what it prints to `log`. Raises BuildFailedError naming `what`."""
    with log.open("a") as file:
        file.write(f"$ {without_credentials(' '.join(words))}\n")
        file.flush()
        try:
            code = subprocess.run(  # noqa: S603  # of a project's own build
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
            ).returncode
        except OSError as error:
            file.write(f"{words[0]}: {error.strerror}\n")
            code = NO_COMMAND
    if code:
        raise BuildFailedError(what, code, log)


def pip(*words: str) -> list[str]:
    """The running interpreter's pip, with words. Raises CannotMeasureError where it has none."""
    from importlib.util import find_spec

    if find_spec("pip") is None:
        raise CannotMeasureError(f"{sys.executable} has no pip to build with: run '{sys.executable} -m ensurepip'")
    return [sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check", "--no-input"]


def install(sources: Sequence[Path], target: Path, what: str, log: Path, *, isolated: bool = False) -> None:
    """Install wheels, or folders that are built, into a folder, without what they require. Raises BuildFailedError.

    `isolated`: built apart from what is installed here. One pip that builds and unpacks takes half of what two take.
    """
    apart = [] if isolated else ["--no-build-isolation"]
    words = pip("install", "--no-deps", *apart, "--target", str(target), *map(str, sources))
    logged(what + "pip install", words, log)


def cached(name: str, content: str, make: Callable[[Path, Path], None]) -> Path:
    """What `make(folder, log)` made of this content, once, in a folder of folder(`name`). Raises what `make` does."""
    key = hashlib.sha256(content.encode()).hexdigest()[:16]
    target = folder(name) / key
    if not target.is_dir():
        log = folder("logs") / f"{key}.log"
        log.write_text("")
        with complete_folder(target) as made:
            make(made, log)
    return target


BUILDING = ".building-"


def without_building(address: str) -> str:
    """Where a library came from: of a wheel that was built in a complete_folder, and is gone, its name alone."""
    return address.rpartition("/")[2] if f"/{BUILDING}" in address else address


@contextmanager
def complete_folder(target: Path) -> Iterator[Path]:
    """A folder to build in, which becomes `target` once everything went well: what is cached is complete.

    Where somebody else was quicker, theirs stays.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=BUILDING) as made:
        building = Path(made) / target.name
        building.mkdir()
        yield building
        try:
            building.rename(target)
        except OSError:
            if not target.is_dir():
                raise
