"""The files of a side: a commit's, or the working tree's with what is not committed. The checkout is only read."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.ab import building
from harness.errors import CannotMeasureError
from harness.git import git
from harness.records.bisection import SHORT


@dataclass(frozen=True)
class Source:
    """`key`: names its files, for the cache; `commit`: where they are one's; `checkout`: the folder of the checkout."""

    key: str
    commit: str | None
    checkout: Path

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return "what is not committed" if self.commit is None else self.commit[:SHORT]

    def write(self, target: Path, log: Path) -> None:
        """All files into the folder `target`, which is made: a repository, as asv builds in.

        Setuptools-scm and its like ask git for the version, and which files belong to the package. The objects are
        those of the checkout, which is only read. Raises BuildFailedError.
        """
        wanted = self.commit or "HEAD"
        self._git(log, self.checkout, "init", "--quiet", str(target))
        objects = git(self.checkout, "rev-parse", "--path-format=absolute", "--git-path", "objects").stdout.strip()
        (target / ".git/objects/info/alternates").write_text(f"{objects}\n")
        self._git(log, target, "fetch", "--quiet", "--tags", "--update-shallow", str(self.checkout), wanted)
        if self.commit is not None:
            self._git(log, target, "checkout", "--quiet", "--detach", "FETCH_HEAD")
            return
        self._git(log, target, "reset", "--quiet", "FETCH_HEAD")
        for name in files(self.checkout):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.checkout / name, target / name, follow_symlinks=False)
        self._git(log, target, "add", "--all")

    def _git(self, log: Path, folder: Path, *words: str) -> None:
        done = git(folder, *words)
        if done.returncode:
            log.write_text(done.stderr)
            raise building.BuildFailedError(f"{self.shown} does not build: git {words[0]}", done.returncode, log)


def of_commit(commit: str, checkout: Path) -> Source:
    """A commit, by its full hash."""
    return Source(commit, commit, _top(checkout))


def of_working_tree(checkout: Path) -> Source:
    """The files as they are now, those that git does not ignore; its key is a hash of their names and contents."""
    top, digest = _top(checkout), hashlib.sha256()
    for name in files(top):
        path = top / name
        digest.update(f"{name}\0{path.lstat().st_mode:o}\0".encode())
        digest.update(str(path.readlink()).encode() if path.is_symlink() else path.read_bytes())
    return Source(f"dirty-{digest.hexdigest()}", None, top)


def changes(checkout: Path) -> int:
    """How many files of the checkout differ from HEAD."""
    return len(git(checkout, "status", "--porcelain").stdout.splitlines())


def files(top: Path) -> Iterator[str]:
    """Every file of a working tree that is there and not ignored, sorted. Raises CannotMeasureError where git fails."""
    listed = git(top, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode:
        raise CannotMeasureError(f"{top}: git ls-files: {listed.stderr.strip()}")
    for name in sorted(set(filter(None, listed.stdout.split("\0")))):
        path = top / name
        if path.is_symlink() or path.is_file():
            yield name


def _top(checkout: Path) -> Path:
    return Path(git(checkout, "rev-parse", "--show-toplevel").stdout.strip())
