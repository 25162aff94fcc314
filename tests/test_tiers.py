"""What `make quick` leaves out is marked slow; what is left uses every room, and all of the solvers' table."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
CONFTEST = ROOT / "tests" / "conftest.py"
ROOMS = sorted({path.parent for path in (ROOT / "harness").rglob("*.py") if path.name != "__init__.py"})


class Source(NamedTuple):
    """A file of the tests: what each of its names is made of, and where the names come from that it imports."""

    defined: dict[str, ast.stmt]
    imported: dict[str, str]
    slow: bool


@cache
def source(path: Path) -> Source:
    defined: dict[str, ast.stmt] = {}
    imported: dict[str, str] = {}
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            imported |= {name.asname or name.name.partition(".")[0]: name.name for name in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            imported |= {name.asname or name.name: f"{statement.module}.{name.name}" for name in statement.names}
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            defined |= {target.id: statement for target in targets if isinstance(target, ast.Name)}
    return Source(defined, imported, "pytestmark" in defined and is_slow(defined["pytestmark"]))


def is_slow(statement: ast.stmt) -> bool:
    marks = statement.decorator_list if isinstance(statement, ast.FunctionDef) else [statement]
    return any("pytest.mark.slow" in ast.unparse(mark) for mark in marks)


def quick_tests() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        found = source(path)
        for name, statement in found.defined.items():
            if name.startswith("test_") and not found.slow and not is_slow(statement):
                yield path, name


def fixtures_of(statement: ast.stmt) -> list[str]:
    """The arguments of a test and of a fixture."""
    if not isinstance(statement, ast.FunctionDef):
        return []
    is_fixture = any("pytest.fixture" in ast.unparse(mark) for mark in statement.decorator_list)
    wanted = is_fixture or statement.name.startswith("test_")
    return [one.arg for one in statement.args.args] if wanted else []


@cache
def used() -> set[str]:
    """Dotted names that quick tests import and use, themselves or through their fixtures and helpers."""
    todo, seen, dotted = list(quick_tests()), set(), set()
    while todo:
        path, name = place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        here = source(path)
        if name in here.defined:
            statement = here.defined[name]
            todo += [(path, node.id) for node in ast.walk(statement) if isinstance(node, ast.Name)]
            todo += [(path if fixture in here.defined else CONFTEST, fixture) for fixture in fixtures_of(statement)]
        elif name in here.imported:
            module, _, attribute = here.imported[name].rpartition(".")
            dotted.add(here.imported[name])
            if module.startswith("tests.") and (ROOT / f"{module.replace('.', '/')}.py").is_file():
                todo.append((ROOT / f"{module.replace('.', '/')}.py", attribute))
    return dotted


def room_of(dotted: str) -> Path:
    """The folder of the module that a dotted name is in."""
    parts = dotted.split(".")
    while not (place := ROOT.joinpath(*parts)).is_dir():
        if place.with_suffix(".py").is_file():
            return place.parent
        parts.pop()
    return place


def test_quick_tests_use_every_room() -> None:
    assert len(ROOMS) > 20
    assert set(ROOMS) - {room_of(name) for name in used() if name.startswith("harness.")} == set()


def test_every_property_of_the_solvers_is_in_the_quick_tier() -> None:
    found = source(ROOT / "tests" / "test_solvers.py")
    properties = {name for name in found.defined if name.startswith("test_")}
    assert len(properties) > 20
    assert properties == {name for path, name in quick_tests() if path.name == "test_solvers.py"}


def test_no_quick_test_wants_a_database_server_a_browser_or_the_network() -> None:
    assert not used() & {"tests.postgres.running", "tests.browser.browser", "tests.browser.npm_package"}
