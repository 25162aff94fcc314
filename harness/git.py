"""What git knows of a checkout. Nothing in it is changed."""

import re
import shutil
import subprocess
from pathlib import Path

from harness.errors import CannotMeasureError, UsageError

HASH = re.compile("[0-9a-f]{6,40}")


def git(checkout: Path, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run git with these words in the checkout, `text` as its input; its exit code is the caller's to look at.

    Raises CannotMeasureError where there is no git.
    """
    found = shutil.which("git")
    if found is None:
        raise CannotMeasureError("git is not on PATH: install it")
    command = [found, "-C", str(checkout), *words]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603  # a list of words


def printed(checkout: Path, *words: str, text: str | None = None) -> str | None:
    """What git prints; None where there is no git, no checkout, or git refuses."""
    try:
        done = git(checkout, *words, text=text)
    except CannotMeasureError:
        return None
    return done.stdout if done.returncode == 0 else None


def head_of(folder: Path) -> tuple[str | None, bool | None]:
    """The commit that the checkout around `folder` is at and whether its files differ from it; None outside a checkout.

    A file that git has not been told of is no change of the commit: so `git describe --dirty` has it.
    """
    commit = printed(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    return commit.strip(), bool(printed(folder, "status", "--porcelain", "--untracked-files=no"))


def commit_of(revision: str, checkout: Path) -> str:
    """The full hash of a revision. Raises UsageError for one that git does not know, or outside a checkout."""
    inside = git(checkout, "rev-parse", "--show-toplevel")
    if inside.returncode:
        raise UsageError(
            f"{checkout} is no git checkout ({inside.stderr.strip()}): go to one, or give --python-a and --python-b"
        )
    found = _commit(revision, checkout)
    if found is None:
        raise UsageError(f"unknown revision '{revision}': git rev-parse does not know it in {inside.stdout.strip()}")
    return found


def resolve_commit(name: str | None) -> str | None:
    """A revision of the working folder's checkout as its hash; a hash that git does not know stays as it is.

    Raises UsageError for a name that is neither.
    """
    if name is None:
        return None
    found = _commit(name, Path())
    if found is None and not HASH.fullmatch(name):
        raise UsageError(f"unknown commit '{name}': give a revision of this checkout or a commit's hash")
    return found or name


def _commit(revision: str, checkout: Path) -> str | None:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    found = printed(checkout, *words)
    return None if found is None else found.strip()
