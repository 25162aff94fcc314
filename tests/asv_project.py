"""A clone of this project in which asv runs: commits planted in it, results and a site made in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINE = "test"
NUMPY_SOLVER = "harness/solvers/closed_forms/numpy_lstsq.py"
ANSWER = "return np.asarray(beta), int(rank)"
CONFIG = "asv.test.conf.json"
"""The project's configuration with results of its own, beside the committed ones of the reference machine."""


@dataclass(frozen=True)
class AsvProject:
    """A clone at `path`; `home` is its own, so that no machine file of a person's is touched."""

    path: Path
    home: Path

    @classmethod
    def clone(cls, folder: Path) -> "AsvProject":
        """Clone the checkout's HEAD and name the machine."""
        project = cls(folder / "clone", folder / "home")
        project.home.mkdir()
        # Where the distribution's git is configured to refuse other owners' folders, this one is meant.
        subprocess.run(
            [_git(), "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(project.path)],
            check=True,
        )
        project.git("checkout", "--quiet", "-B", "main")
        for name, value in (("user.name", "A Tester"), ("user.email", "tester@example.org")):
            project.git("config", name, value)
        text = (project.path / "asv.conf.json").read_text()
        (project.path / CONFIG).write_text(text.replace('"results/asv"', '".asv/results"'))
        project.asv("machine", "--machine", MACHINE, "--os", "Linux", "--cpu", "any", "--num_cpu", "1")
        return project

    @property
    def results(self) -> Path:
        return self.path / ".asv/results"

    def git(self, *words: str) -> str:
        done = subprocess.run([_git(), *words], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; the hash."""
        self.git("commit", "--quiet", "--all", "--message", message)
        return self.git("rev-parse", "HEAD")

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{file} has no '{old}' to plant a fault in"
        path.write_text(text.replace(old, new))

    def asv(self, *words: str, stdin: str = "") -> str:
        """Run asv in the clone; its output. Fails the test, with that output, unless asv exits 0."""
        done = subprocess.run(
            [sys.executable, "-m", "asv", "--config", CONFIG, *words],
            cwd=self.path,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-5000:]
        return output

    def run(self, *commits: str, bench: str | None = None) -> str:
        """Run the suite, or a part of it, over commits: one sample a benchmark, libraries imported once."""
        narrowed = ["--bench", bench] if bench else []
        launch = ["--quick", "--launch-method", "forkserver", "--show-stderr", "--machine", MACHINE]
        return self.asv("run", *launch, *narrowed, "HASHFILE:-", stdin="\n".join(commits) + "\n")

    def _environment(self) -> Mapping[str, str]:
        cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache/pip")
        return os.environ | {"HOME": str(self.home), "PIP_CACHE_DIR": cache, "HARNESS_SUITE_PREIMPORT": "1"}


def _git() -> str:
    found = shutil.which("git")
    assert found, "the tests of asv need git"
    return found
