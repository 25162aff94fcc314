"""A small checkout that a test makes commits in."""

import shutil
import subprocess
from pathlib import Path


class GitCheckout:
    """A folder under git, with somebody to commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        for name, value in (("user.name", "A Tester"), ("user.email", "tester@example.org")):
            self.git("config", name, value)

    def git(self, *words: str) -> str:
        git = shutil.which("git")
        assert git
        done = subprocess.run([git, *words], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def commit(self, message: str = "a change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")
