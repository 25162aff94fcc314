"""How many planted faults the tests see: mutants of harness/, drawn by a seed, each against the tests that reach it.

    python -m tools.mutants --count 60 --seed 15
    python -m tools.mutants --count 60 --seed 15 --reach build/reach -- tests/test_gate.py tests/test_verify.py

A mutant is one place in the source changed as a person might get it wrong: a comparison, a number, an operator, a `not`
that is forgotten, a value that is not returned. All of it happens in a worktree in a temporary folder: first
the tests that are named (all, unless some are) once under coverage, which says for every line which tests reach it and
how long they take; then, mutant by mutant, those tests of its line, the quickest first, until one fails. A line that
runs when its module is imported is reached by every test that reaches the module.

A mutant survives if every test passes, and if no test reaches it. Whether one is equivalent, no other program at all,
a person must see: the changes of all survivors are printed as diffs. Exits 1 if more than a tenth survive.
"""

import argparse
import ast
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "harness"
MOST_SURVIVORS = 0.1
"""Of the mutants drawn; what the project asks of its tests."""
SLOWER = 10.0
"""Times the CPU seconds that its tests took unchanged, and LEAST_CPU_S at least: a mutant that takes more is hung."""
LEAST_CPU_S = 120
PRELOADED = ("torch", "scipy.stats", "sklearn.linear_model", "statsmodels.api", "pandas", "hypothesis", "altair")
SWAPPED: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Add: ("-",),
    ast.Sub: ("+",),
    ast.Mult: ("/",),
    ast.Div: ("*",),
    ast.FloorDiv: ("/",),
    ast.Mod: ("*",),
    ast.Pow: ("*",),
    ast.And: ("or",),
    ast.Or: ("and",),
}


@dataclass(frozen=True)
class Mutant:
    """What stands instead of the text between two offsets, in UTF-8 bytes, of a `source` at `path` from its root."""

    path: Path
    line: int
    source: bytes
    start: int
    end: int
    text: str

    @property
    def applied(self) -> bytes:
        """The file with it."""
        return self.source[: self.start] + self.text.encode() + self.source[self.end :]

    def diff(self) -> str:
        """The change as `diff -u` has it, without context."""
        before, after = (text.decode().splitlines(keepends=True) for text in (self.source, self.applied))
        return "".join(list(unified_diff(before, after, str(self.path), str(self.path), n=0))[2:])


class Source:
    """A file's bytes and where each of its lines begins, so that what the parser places can be replaced."""

    def __init__(self, root: Path, path: Path) -> None:
        """`path`: from `root`."""
        self.path, self.text = path, (root / path).read_bytes()
        self._starts = [0]
        for line in self.text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def instead(self, node: ast.expr, text: str) -> Mutant:
        """`text` in place of an expression."""
        return Mutant(self.path, node.lineno, self.text, self._start(node), self._end(node), text)

    def between(self, left: ast.expr, right: ast.expr, word: str) -> Mutant:
        """`word` in place of the operator between two operands, brackets and line ends aside."""
        start, end = self._end(left), self._start(right)
        gap = self.text[start:end]
        start += len(gap) - len(gap.lstrip(b" )\n"))
        end -= len(gap) - len(gap.rstrip(b" (\n"))
        return Mutant(self.path, left.end_lineno or left.lineno, self.text, start, end, word)

    def _start(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    """Every mutant of a file, `path` from `root`; annotations and what is inside strings stay as they are."""
    source = Source(root, path)
    for node in code(ast.parse(source.text)):
        operands, operators = operation(node)
        for operator, left, right in zip(operators, operands, operands[1:], strict=False):
            for word in SWAPPED.get(type(operator), ()):
                yield source.between(left, right, word)
        place = node.value if isinstance(node, ast.Return) else node
        text = replaced(node)
        if text is not None and isinstance(place, ast.expr):
            yield source.instead(place, text)


def operation(node: ast.AST) -> tuple[list[ast.expr], Sequence[ast.AST]]:
    """The operands of a comparison, a sum, an `and`, and the operators between them; both empty of anything else."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators], node.ops
    if isinstance(node, ast.BinOp):
        return [node.left, node.right], [node.op]
    return (node.values, [node.op] * (len(node.values) - 1)) if isinstance(node, ast.BoolOp) else ([], [])


def replaced(node: ast.AST) -> str | None:
    """What stands for a `not`, a number, a truth value, a returned value; None where it is left alone."""
    if isinstance(node, ast.UnaryOp):
        return f"({ast.unparse(node.operand)})" if isinstance(node.op, ast.Not) else None
    if isinstance(node, ast.Return):
        none = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        return None if none else "None"
    if not isinstance(node, ast.Constant):
        return None
    if isinstance(node.value, bool):
        return str(not node.value)
    if isinstance(node.value, int):
        return str(node.value + 1)
    return repr(node.value * 10 if node.value else 1.0) if isinstance(node.value, float) else None


def code(node: ast.AST) -> Iterator[ast.AST]:
    """A tree's nodes in order, without annotations, strings with fields, and blocks for type checkers."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            checked = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            skipped = name in ("annotation", "returns") or isinstance(child, ast.JoinedStr) or checked
            if isinstance(child, ast.AST) and not skipped:
                yield child
                yield from code(child)


def drawn(root: Path, count: int, seed: int) -> list[Mutant]:
    """So many mutants, by chance and without replacement, of all places in the sources at `root`."""
    paths = sorted(path.relative_to(root) for path in (root / PACKAGE).rglob("*.py"))
    every = [mutant for path in paths for mutant in mutants_of(root, path)]
    return random.Random(seed).sample(every, count)  # noqa: S311  # repeatable, no secret


class Tests:
    """The tests that passed in a copy of the sources, the seconds that each took, and the lines that it reached."""

    def __init__(self, data: Path, report: Path) -> None:
        """`data`: coverage's, by test; `report`: pytest's, as JUnit's XML."""
        from coverage import CoverageData

        self.seconds = _passed(report)
        self._data = CoverageData(str(data))
        self._data.read()
        self._measured = self._data.measured_files()

    def of(self, mutant: Mutant) -> list[str]:
        """The tests of its line, the quickest first; of a line that only its import reaches, those of its module."""
        place = next((name for name in self._measured if name.endswith(f"/{mutant.path}")), "")
        lines = self._data.contexts_by_lineno(place)
        reached = {context.rpartition("|")[0] for context in lines.get(mutant.line, ())}
        if "" in reached or not reached & self.seconds.keys():
            reached = {context.rpartition("|")[0] for contexts in lines.values() for context in contexts}
        return sorted(reached & self.seconds.keys(), key=lambda test: self.seconds[test])


def _passed(report: Path) -> dict[str, float]:
    """By node id the seconds of every test that passed."""
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest wrote it just now
        if not {child.tag for child in case} & {"failure", "error", "skipped"}:
            found[f"{case.get('file')}::{case.get('name')}"] = float(case.get("time") or 0)
    return found


def reached(copy: Path, folder: Path, wanted: Sequence[str]) -> Tests:
    """Run the tests once under coverage in `copy`, unless `folder` keeps what came of it."""
    data, report = folder / "coverage", folder / "tests.xml"
    if not data.exists():
        words = ["--cov", PACKAGE, "--cov-context=test", "--cov-report=", f"--junitxml={report}"]
        pytest_in(copy, [*words, "-o", "junit_family=xunit1", *wanted])
        shutil.move(copy / ".coverage", data)
    return Tests(data, report)


def pytest_in(copy: Path, words: Sequence[str], cpu_s: int | None = None) -> int:
    """Run pytest over the copy's sources in a fork of this process, and return how that ended.

    The fork has PRELOADED, which take ten times as long to import as most mutants' tests take. With `cpu_s` it is
    silent, and ended, with a negative status, where it uses more CPU seconds than that.
    """
    child = os.fork()
    if not child:
        os.chdir(copy)
        os.environ["PYTHONPATH"] = sys.path[0] = str(copy)
        if cpu_s is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
            silence = os.open(os.devnull, os.O_RDWR)
            for stream in (1, 2):
                os.dup2(silence, stream)
        os._exit(pytest.main(["-q", "-p", "no:cacheprovider", *words]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def outcome(copy: Path, mutant: Mutant, tests: Tests) -> str:
    """killed, survived, or not reached."""
    chosen = tests.of(mutant)
    if not chosen:
        return "not reached"
    place, names = copy / mutant.path, copy / "mutants-chosen.txt"
    names.write_text("\n".join(chosen))
    cpu_s = int(max(LEAST_CPU_S, SLOWER * sum(tests.seconds[test] for test in chosen)))
    place.write_bytes(mutant.applied)
    try:
        ended = pytest_in(copy, ["-x", f"@{names}"], cpu_s)
    finally:
        place.write_bytes(mutant.source)
    return "survived" if ended == 0 else f"killed ({len(chosen)} tests reach it)"


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """A copy of a commit that is gone afterwards."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        subprocess.run([*git, "add", "--quiet", "--detach", str(copy), commit], check=True)
        try:
            yield copy
        finally:
            subprocess.run([*git, "remove", "--force", str(copy)], check=False)


def main() -> int:
    """Draw, run and report."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--count", type=int, default=60, help="how many are drawn")
    reader.add_argument("--seed", type=int, default=15, help="of the draw")
    reader.add_argument("--only", type=int, nargs="*", default=[], help="numbers of the draw; all unless given")
    reader.add_argument("--commit", default="HEAD", help="what is changed and tested")
    reader.add_argument("--reach", type=Path, help="a folder for which tests reach what, to be used again")
    reader.add_argument("tests", nargs="*", default=["tests"], help="what pytest is asked to run")
    asked = reader.parse_args()
    for name in PRELOADED:
        with suppress(ImportError):
            import_module(name)
    survivors = []
    with worktree(asked.commit) as copy:
        folder = asked.reach or copy.parent
        folder.mkdir(parents=True, exist_ok=True)
        mutants, tests = drawn(copy, asked.count, asked.seed), reached(copy, folder.resolve(), asked.tests)
        chosen = [(n, mutant) for n, mutant in enumerate(mutants, 1) if n in asked.only or not asked.only]
        for number, mutant in chosen:
            ended = outcome(copy, mutant, tests)
            print(f"{number} {ended}: {mutant.path}:{mutant.line}\n{mutant.diff()}", flush=True)
            survivors += [] if ended.startswith("killed") else [mutant]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed, seed {asked.seed}")
    return int(len(survivors) > MOST_SURVIVORS * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
