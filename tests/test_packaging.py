import os
import re
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from harness import __version__

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is not installed")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built offline."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"ls_harness-{__version__}.dist-info/METADATA").decode())


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files in a folder of their own."""
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(unpacked: Path, cwd: Path, *words: str) -> str:
    """What Python writes when it runs these words with the wheel's files, far from the checkout."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name == f"ls_harness-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_module_and_every_data_file(names: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "harness").rglob("*.py")}
    files = [path for path in (ROOT / "datasets").rglob("*") if path.is_file()]
    data = {f"harness/{path.relative_to(ROOT).as_posix()}" for path in files}
    published = {f"harness/results/published/{path.name}" for path in (ROOT / "results" / "published").glob("*.toml")}
    assert modules
    assert data
    assert modules | data | published | {"harness/results/expectations.toml"} <= names


def test_the_wheel_holds_nothing_but_the_package_and_its_metadata(names: set[str]) -> None:
    assert {name.partition("/")[0] for name in names} == {"harness", f"ls_harness-{__version__}.dist-info"}
    paths = list(map(PurePosixPath, names))
    assert [path for path in paths if path.suffix in {".pyc", ".pyo", ".so", ".pyd", ".sqlite", ".ipynb"}] == []
    tests = [path for path in paths if path.name.startswith("test_") or path.name == "conftest.py"]
    assert [path for path in tests if path.parent != PurePosixPath("harness/init/templates")] == []
    assert [path for path in paths if {"tests", "__pycache__"} & set(path.parts)] == []
    assert {path.parent.as_posix() for path in paths if "suites" in path.parts} == {"harness/datasets/suites"}


def test_the_licence_is_in_the_wheel_word_for_word(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        packed = archive.read(f"ls_harness-{__version__}.dist-info/licenses/LICENSE")
    assert packed == (ROOT / "LICENSE").read_bytes()


def test_the_metadata_say_what_the_package_needs(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("ls-harness", __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    needed = metadata.get_all("Requires-Dist") or []
    assert "torch>=2.6" in needed
    assert [line for line in needed if re.match(r"(pytest|ruff|mypy)\b", line) and "extra == 'dev'" not in line] == []
    assert {"parquet", "dev"} <= set(metadata.get_all("Provides-Extra") or [])


def test_the_wheel_brings_the_command(unpacked: Path) -> None:
    points = (unpacked / f"ls_harness-{__version__}.dist-info" / "entry_points.txt").read_text()
    assert "harness = harness.cli:script" in points.splitlines()


def test_the_package_finds_its_data_inside_itself(unpacked: Path, tmp_path: Path) -> None:
    script = "from harness import paths; print(paths.datasets_folder(), paths.results_folder(), sep='\\n')"
    found = python(unpacked, tmp_path, "-c", script).splitlines()
    assert found == [str(unpacked / "harness" / "datasets"), str(unpacked / "harness" / "results")]


def test_the_package_lists_its_problems_far_from_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    listed = python(unpacked, tmp_path, "-m", "harness", "list", "problems")
    assert re.search(r"^auto_mpg +398 x 1", listed, re.MULTILINE)


def test_the_package_fits_a_stored_problem_far_from_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    page = python(unpacked, tmp_path, "-m", "harness", "fit", "auto_mpg", "numpy_lstsq")
    assert re.search(r"^displacement +-0\.0602824", page, re.MULTILINE)
    assert page.splitlines()[-1] == "status ok"
    assert list(tmp_path.iterdir()) == []
