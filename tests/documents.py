"""The documents' blocks: read, run as they are printed, and their output compared with what is printed below.

`python -m tools.documents docs/tutorial.md` writes the outputs that differ into a page.
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.shown import alike

ROOT = Path(__file__).resolve().parent.parent
PAGES = tuple(sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)?(?P<more>[^`]*)$")
REASON = re.compile(r"<!-- not run: (?P<reason>.+?) -->\s*$")
TITLE = re.compile(r'title="([^"]+)"')
PROMPT, FOLLOWS = "$ ", "> "
CONSOLE, SESSION, PYTHON = "console", "pycon", "python"


@dataclass(frozen=True)
class Block:
    """A fenced block. `line`: of its first line, from 1; `reason`: why it is not run; `title`: the file that it is."""

    page: str
    line: int
    language: str
    title: str
    reason: str
    indent: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Step:
    """A command with the output printed below it, lines [first, last) of the block."""

    command: str
    first: int
    last: int
    shown: str


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order; a comment `not run` stands before its fence."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    reason, begun = "", 0
    inside: list[str] = []
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, begun, inside = fence, number + 1, []
            elif line.strip():
                said = REASON.search(line)
                reason = said["reason"] if said else ""
        elif fence and not fence["language"]:
            title = TITLE.search(opened["more"])
            indent = len(opened["indent"])
            kept = tuple(one[indent:] for one in inside)
            name = title[1] if title else ""
            found.append(Block(page, begun, opened["language"] or "", name, reason, indent, kept))
            opened, reason = None, ""
        else:
            inside.append(line)
    assert opened is None, f"{page}:{begun}: a block without an end"
    return found


def steps(block: Block) -> Iterator[Step]:
    """The commands of a console block, continued lines joined."""
    starts = [at for at, line in enumerate(block.lines) if line.startswith(PROMPT)]
    assert starts[:1] == [0], f"{block.page}:{block.line}: a console block begins with '$ '"
    for start, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        first, command = start + 1, block.lines[start].removeprefix(PROMPT)
        while command.endswith("\\"):
            command = command[:-1] + block.lines[first].removeprefix(FOLLOWS).strip()
            first += 1
        # A comment of the document is no part of the command.
        yield Step(re.sub(r"\s+#\s.*", "", command), first, end, "\n".join(block.lines[first:end]))


@dataclass
class Session:
    """A reader's terminal, and Python, in a folder of their own."""

    folder: Path
    code: int = 0
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "page"})

    def __post_init__(self) -> None:
        """Put what a checkout has committed into the folder; copies, because commands may write there."""
        shutil.copytree(ROOT / "results", self.folder / "results", ignore=shutil.ignore_patterns("harness.sqlite*"))

    def follow(self, page: Sequence[Block]) -> Iterator[tuple[Block, Step | None, str]]:
        """Do what the page says; what differs from it: the block, the step and what came instead."""
        for block in page:
            if block.reason:
                continue
            if block.title:
                (self.folder / block.title).write_text(block.text, encoding="utf-8")
            elif block.language == CONSOLE:
                for step in steps(block):
                    got = self.run(step.command)
                    if not alike(step.shown, got):
                        yield block, step, got
            elif block.language in (PYTHON, SESSION):
                got = self.execute(block)
                if got:
                    yield block, None, got

    def run(self, command: str) -> str:
        """What a command prints. Raises AssertionError for one that the documents have no way to run."""
        program, *words = shlex.split(command)
        if command == "echo $?":
            return str(self.code)
        if program == "harness":
            return self._harness(words)
        known = {"python": sys.executable, "cat": "cat", "head": "head", "ls": "ls"}
        assert program in known, f"'{command}' is not run, and no comment says why"
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [known[program], *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        self.code = done.returncode
        return done.stdout or done.stderr

    def _harness(self, words: list[str]) -> str:
        """The command in this process: its results, and where there are none what it says of errors."""
        from harness.cli import main

        out, err, before = io.StringIO(), io.StringIO(), sys.argv
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            sys.argv = ["harness", *words]
            try:
                main()
            except SystemExit as ended:
                self.code = ended.code if isinstance(ended.code, int) else 1
            finally:
                sys.argv = before
        said = err.getvalue().splitlines()
        errors = [line for line in said if line.startswith("harness: ")]
        return out.getvalue() + "\n".join(errors) if out.getvalue() else err.getvalue()

    def execute(self, block: Block) -> str:
        """Run a Python block with the names of those before it; what differs from what it shows."""
        with contextlib.chdir(self.folder):
            if block.language == PYTHON:
                exec(compile(block.text, f"{block.page}:{block.line}", "exec"), self.names)  # noqa: S102
                return ""
            said = io.StringIO()
            parsed = doctest.DocTestParser().get_doctest(block.text, self.names, block.page, block.page, block.line)
            parsed.globs = self.names
            doctest.DocTestRunner(checker=_Checker(), verbose=False).run(parsed, out=said.write, clear_globs=False)
            return said.getvalue()


class _Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, _flags: int) -> bool:
        return alike(want, got)
