"""Both sides of harness ab: a revision's wheel, the libraries that it was tested with, interpreters as they are."""

import hashlib
import os
import sys
import time
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from harness.ab import building, libraries, requirements, revisions
from harness.ab.building import BuildFailedError
from harness.ab.environments import of_interpreters, of_libraries, of_revisions
from harness.ab.process import identify
from harness.ab.sources import of_commit
from harness.errors import CannotMeasureError, UsageError
from harness.git import commit_of
from harness.report.words.ab import library
from tests.ab_sides import SUITE
from tests.conftest import RunCli
from tests.git_checkout import GitCheckout

pytestmark = pytest.mark.slow

PROJECT = """
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "ls-harness"
version = "0.0.1"
requires-python = ">=3.11"
dependencies = ["numpy>=1.0"]

[tool.hatch.build.targets.wheel]
packages = ["harness"]
"""


class Checkout(GitCheckout):
    """A version of the harness that is no more than its suite."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        (path / "harness").mkdir()
        self.write("harness/__init__.py", "")
        self.write("harness/suite.py", SUITE)
        self.write("pyproject.toml", PROJECT)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def told() -> list[str]:
    return []


def test_a_revision_is_built_once_and_the_checkout_is_only_read(checkout: Checkout, told: list[str]) -> None:
    commit = checkout.commit()
    before = sorted(checkout.path.rglob("*"))
    made = revisions.built(of_commit(commit_of("HEAD", checkout.path), checkout.path), told.append)
    assert made.commit == commit
    assert (made.package / "harness/suite.py").read_text() == SUITE
    assert made.requirements == ("numpy>=1.0",)
    assert told == [f"building {commit[:12]}"]
    assert revisions.built(of_commit(commit, checkout.path), told.append) == made
    assert len(told) == 1
    assert sorted(checkout.path.rglob("*")) == before
    assert not checkout.git("status", "--porcelain")


def test_what_is_not_committed_is_not_built_and_that_is_said(checkout: Checkout, told: list[str]) -> None:
    """And two commits that are one, or hold the same files, are said to be."""
    checkout.commit()
    checkout.commit("nothing changed")
    assert of_revisions("HEAD~1", "HEAD", checkout.path, told.append).same == "HEAD~1 and HEAD hold the same files"
    checkout.write("harness/suite.py", "raise SystemExit")
    sides = of_revisions("HEAD", "main", checkout.path, told.append)
    assert sides.base.package is not None
    assert (sides.base.package / "harness/suite.py").read_text() == SUITE
    assert sides.notes[0].startswith("1 changed file is in the checkout but in neither side")
    assert sides.same.startswith("HEAD and main are the same commit")
    assert identify(sides.base).commit == checkout.git("rev-parse", "HEAD")


def test_a_worker_runs_the_revisions_harness_and_not_the_installed_one(checkout: Checkout, told: list[str]) -> None:
    checkout.commit()
    checkout.write("harness/suite.py", "raise RuntimeError('this revision is broken')")
    checkout.commit()
    sides = of_revisions("HEAD~1", "HEAD", checkout.path, told.append)
    assert identify(sides.base).name == "HEAD~1"
    with pytest.raises(CannotMeasureError, match=r"HEAD has no harness.suite to measure with: .*revision is broken"):
        identify(sides.head)


def test_a_commit_that_does_not_build_shows_the_end_of_its_log(checkout: Checkout) -> None:
    checkout.commit()
    checkout.write("pyproject.toml", PROJECT.replace('version = "0.0.1"', ""))
    broken = checkout.commit()
    with pytest.raises(BuildFailedError) as raised:
        revisions.built(of_commit(broken, checkout.path), lambda _: None)
    assert raised.value.exit_code == 3
    assert str(raised.value).startswith(f"{broken[:12]} does not build: pip install exited 1: the log is ")
    assert raised.value.log.is_file()
    assert "version" in raised.value.tail
    assert not (building.folder("commits") / broken).exists()


def test_a_build_that_fails_is_exit_3_in_the_command(
    checkout: Checkout, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write("pyproject.toml", PROJECT.replace('version = "0.0.1"', ""))
    broken = checkout.commit()
    monkeypatch.setattr(Path, "cwd", lambda: checkout.path)
    ended = run_cli("ab", "HEAD")
    assert ended.code == 3
    lines = ended.stderr.strip().splitlines()
    assert lines[-1].startswith(f"harness: {broken[:12]} does not build: pip install exited")
    assert len(lines) > 1


def test_a_commit_of_something_else_is_named(checkout: Checkout) -> None:
    (checkout.path / "pyproject.toml").unlink()
    commit = checkout.commit()
    with pytest.raises(CannotMeasureError, match="is no version of the harness"):
        revisions.built(of_commit(commit, checkout.path), lambda _: None)


@pytest.mark.parametrize("name", ["nosuch", "deadbeef", "--all", ""])
def test_an_unknown_revision_is_refused(checkout: Checkout, name: str) -> None:
    checkout.commit()
    with pytest.raises(UsageError, match=f"unknown revision '{name}'"):
        commit_of(name, checkout.path)


def test_a_revision_for_another_python_is_refused(checkout: Checkout, told: list[str]) -> None:
    checkout.write("pyproject.toml", PROJECT.replace(">=3.11", ">=4"))
    checkout.commit()
    with pytest.raises(CannotMeasureError, match="needs Python >=4, this is"):
        of_revisions("HEAD", "HEAD", checkout.path, told.append)


def test_a_virtual_environments_python_is_kept_as_the_link_that_it_is(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    sides = of_interpreters(str(link), sys.executable)
    assert sides.base.python == link
    assert not sides.same
    assert of_interpreters(sys.executable, sys.executable).same


def test_no_libraries_are_what_is_installed(told: list[str]) -> None:
    sides = of_libraries((), (), told.append)
    assert sides.base.libraries == sides.head.libraries == ()
    assert sides.base.name == "as installed"
    assert sides.same == "both sides have the same libraries"
    assert not told


def test_a_requirement_that_is_installed_needs_nothing(told: list[str]) -> None:
    sides = of_libraries(("numpy>=1",), (), told.append)
    assert sides.base.libraries == ()
    assert [one.name for one in sides.base.held] == ["numpy"]
    assert sides.base.held[0].version
    assert sides.same == "both sides have the same libraries"


def test_what_was_installed_meanwhile_is_seen_behind_a_side_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed is read once, but where it has changed."""
    monkeypatch.syspath_prepend(tmp_path / "here")
    places = tmp_path / "here", tmp_path / "own"
    for place in places:
        place.mkdir()
    assert "late-library" not in requirements.installed()
    for place, version in zip(places, ("2.0", "3.0"), strict=True):
        info = place / f"late_library-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: late-library\nVersion: {version}\n")
        os.utime(place, ns=(time.time_ns(), time.time_ns()))
    assert requirements.installed()["late-library"].version == "2.0"
    assert requirements.installed(places[1:])["late-library"].version == "3.0"
    assert requirements.installed()["late-library"].version == "2.0"


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Distribution]:
    """`top` 1.0 requires `middle` at most 2 and, as an extra, `rare`; `middle` 2.0 requires `low`."""
    wanted = {
        "top": ("1.0", ["middle<=2", "rare; extra == 'all'", "elsewhere; sys_platform == 'plan9'"]),
        "middle": ("2.0", ["low"]),
        "low": ("3.0+cpu", []),
    }
    found: dict[str, Distribution] = {}
    for name, (version, requires) in wanted.items():
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {r}" for r in requires)]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
        found[name] = PathDistribution(folder)
    return found


@pytest.mark.parametrize(
    ("wanted", "constraints", "missing"),
    [
        ("top", "", []),
        ("top>=1", "low==3.0\nmiddle==2.0 # tested\n", []),
        ("top", "low==2.9", ["low==2.9"]),
        ("top==1.1", "low==2.9", ["top==1.1"]),
        ("top", "middle==1.9\nlow==2.9", ["middle<=2,==1.9"]),
        ("top[all]", "", ["rare"]),
        ("top[all]", "rare==0.1", ["rare==0.1"]),
        ("absent>=2", "absent<3", ["absent<3,>=2"]),
    ],
)
def test_what_is_missing_is_what_is_not_as_required_and_pinned(
    made: dict[str, Distribution], wanted: str, constraints: str, missing: list[str]
) -> None:
    found = requirements.unsatisfied([Requirement(wanted)], requirements.pins(constraints), made)
    assert found == [Requirement(one) for one in missing]


def test_a_library_is_installed_in_front_of_the_interpreters_own_once(
    monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """pip is played by a function that writes what pip would, so that no index is asked."""
    asked = []

    def install(what: str, words: list[str], log: Path) -> None:
        asked.append(what)
        target = Path(words[words.index("--target") + 1])
        requires = "Requires-Dist: strange-dependency>=2\n" if len(asked) == 1 else ""
        name = ("strange-library", "strange-dependency")[len(asked) - 1]
        folder = target / f"{name}-2.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n{requires}")
        (target / "shared" / name).mkdir(parents=True)

    monkeypatch.setattr(building, "logged", install)
    wanted = [Requirement("strange-library==2.0")]
    (folder,) = libraries.stand_ins(wanted, "", told.append)
    assert asked == ["pip install strange-library==2.0", "pip install strange-dependency>=2"]
    assert libraries.stand_ins(wanted, "", told.append) == (folder,)
    assert len(asked) == 2
    assert {path.name for path in folder.iterdir()} == {
        libraries.REPORT,
        "strange-library-2.0.dist-info",
        "strange-dependency-2.0.dist-info",
        "shared",
    }
    both = {path.name for path in (folder / "shared").iterdir()}
    assert both == {"strange-library", "strange-dependency"}, "a namespace of several libraries"


def wheel_of(folder: Path, version: str, word: str = "") -> str:
    """The URL of a wheel of the library `planted`, which no index has."""
    path = folder / f"planted-{version}-py3-none-any.whl"
    info = f"planted-{version}.dist-info"
    with ZipFile(path, "w") as file:
        file.writestr("planted.py", f"WORD = {word!r}\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: planted\nVersion: {version}\n")
        tag = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{info}/WHEEL", tag)
        file.writestr(f"{info}/RECORD", "")
    return path.as_uri()


@pytest.mark.slow
def test_a_file_that_is_named_is_what_is_installed(tmp_path: Path, told: list[str]) -> None:
    """Not whatever an index has under the same name, and not an earlier content of the file.

    Sides with the same files are alike, whatever they came from.
    """
    urls = [wheel_of(tmp_path, version) for version in ("1.0", "2.0")]
    sides = of_libraries((f"planted @ {urls[0]}",), (f"planted @ {urls[1]}",), told.append)
    assert not sides.same
    for side, version, url in zip((sides.base, sides.head), ("1.0", "2.0"), urls, strict=True):
        (held,) = side.held
        content = Path(url.removeprefix("file://")).read_bytes()
        expected = ("planted", version, url, hashlib.sha256(content).hexdigest())
        assert (held.name, held.version, held.origin, held.sha256) == expected
        assert f"planted {version} from {url}, sha256 {held.sha256[:12]}" in library(held)
    assert identify(sides.head).libraries == sides.head.held
    assert of_libraries((f"planted @ {urls[0]}",), (f"planted @ {urls[0]}",), told.append).same
    (tmp_path / "copy").mkdir()
    one, other = f"planted @ {urls[0]}", f"planted @ {wheel_of(tmp_path / 'copy', '1.0')}"
    copied = of_libraries((one,), (other,), told.append)
    assert copied.same
    wheel_of(tmp_path / "copy", "1.0", "edited")
    edited = of_libraries((one,), (other,), told.append)
    assert not edited.same
    assert edited.base.libraries == sides.base.libraries
    (folder,), (again,) = copied.head.libraries, edited.head.libraries
    assert again != folder
    assert "edited" in (again / "planted.py").read_text()


@pytest.mark.slow
def test_a_file_that_is_not_there_is_no_installed_library(tmp_path: Path, told: list[str]) -> None:
    missing = f"scikit-learn @ {(tmp_path / 'scikit_learn-9.0-py3-none-any.whl').as_uri()}"
    with pytest.raises(BuildFailedError):
        of_libraries((missing,), (), told.append)


def test_a_url_stays_as_it_was_given(made: dict[str, Distribution]) -> None:
    wanted = Requirement("top[all] @ git+https://example.org/top@v1")
    assert requirements.unsatisfied([wanted], requirements.pins("top==1.0"), made) == [wanted]
    assert requirements.unsatisfied([wanted], requirements.pins("top==1.0"), made, ["top"]) == [Requirement("rare")]


def test_a_library_of_a_url_is_never_had_from_an_index(made: dict[str, Distribution]) -> None:
    wanted = [Requirement("Middle @ file:///middle.whl"), Requirement("middle==3")]
    assert requirements.unsatisfied(wanted, {}, made) == [wanted[0]]
    with pytest.raises(CannotMeasureError, match=r"middle 2\.0 of its URL is not what 'middle==3' wants"):
        requirements.unsatisfied(wanted, {}, made, ["middle"])


def test_a_constraint_s_url_stays_as_it_was_given(made: dict[str, Distribution]) -> None:
    pinned = requirements.pins("low @ file:///low.whl\nmiddle==1; sys_platform == 'plan9'\nmiddle==2.0\n")
    assert requirements.unsatisfied([Requirement("top")], pinned, made) == [Requirement("low @ file:///low.whl")]


def test_constraints_of_one_library_hold_together() -> None:
    assert str(requirements.pins("a<3\nA>=2; python_version > '3'\n")["a"].specifier) == "<3,>=2"


def test_two_sources_of_one_library_are_refused(told: list[str]) -> None:
    with pytest.raises(UsageError, match="are two sources of one library"):
        of_libraries(("a @ file:///1.whl", "A @ file:///2.whl"), (), told.append)


@pytest.mark.parametrize(
    "text",
    [
        *("./dist/planted-1.0-py3-none-any.whl", "planted-1.0-py3-none-any.whl", "file:///planted.whl"),
        *(
            "git+https://example.org/x",
            "-r other.txt",
            "--index-url=https://example.org",
            "-e .",
            "-e git+file:///x#egg=x",
        ),
        *(
            "a @ file:///x.whl --index-url https://example.org",
            "a==1 --hash=sha256:00",
            "a -r other.txt",
            "a\n-r b",
            "",
        ),
    ],
)
def test_what_is_no_requirement_reaches_no_pip(text: str, told: list[str]) -> None:
    with pytest.raises(UsageError, match="is no requirement"):
        of_libraries((text,), (), told.append)
    assert not told


def test_a_marker_that_does_not_hold_is_refused(told: list[str]) -> None:
    with pytest.raises(UsageError, match="its marker does not hold here"):
        of_libraries(("numpy==1.0; sys_platform == 'plan9'",), (), told.append)


@pytest.mark.parametrize(
    "text",
    [
        "Strange.Library[fast,Other]==2.0",
        "strange_library @ https://example.org/strange_library-2.0-py3-none-any.whl#sha256=00ff",
        "strange-library @ git+https://git@example.org/x.git@v1#subdirectory=python",
        "strange-library @ git+file:///repository@main",
        "strange-library @ https://user:secret@example.org/x.zip",
        "strange-library[fast] @ file:///x.whl ; python_version > '3'",
    ],
)
def test_pip_gets_what_was_given_and_nobody_else_its_password(
    text: str, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    asked: list[str] = []

    def install(what: str, words: list[str], _log: Path) -> None:
        asked.extend(words[words.index("--report") + 2 : -3])
        assert "secret" not in what
        folder = Path(words[words.index("--target") + 1]) / "strange_library-2.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-library\nVersion: 2.0\n")

    monkeypatch.setattr(building, "logged", install)
    sides = of_libraries((text,), (), told.append)
    assert [Requirement(one).url for one in asked] == [Requirement(text).url]
    assert Requirement(text).url or str(Requirement(asked[0]).specifier) == "==2.0"
    assert "secret" not in " ".join([sides.base.name, *told])
    assert sides.base.held[0].version == "2.0"
    assert not sides.same


def test_requirements_that_contradict_one_another_are_named(monkeypatch: pytest.MonkeyPatch, told: list[str]) -> None:
    monkeypatch.setattr(building, "logged", lambda *_: None)
    with pytest.raises(CannotMeasureError, match=r"strange-library==2.0 cannot be had together with"):
        libraries.stand_ins([Requirement("strange-library==2.0")], "", told.append)
    assert len(told) == libraries.MOST_PASSES


def test_constraints_that_are_none_are_named() -> None:
    with pytest.raises(CannotMeasureError, match=r"constraints.txt: 'a==' is no constraint"):
        requirements.pins("numpy==2.0\na==\n")


def test_an_interpreter_without_pip_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(CannotMeasureError, match="-m ensurepip"):
        building.pip("install")


def test_a_wheel_that_was_built_and_is_gone_is_named_without_its_folder(tmp_path: Path) -> None:
    with building.complete_folder(tmp_path / "kept") as made_in:
        built = (made_in / "wheels" / "a-1.0-py3-none-any.whl").as_uri()
    assert building.without_building(built) == "a-1.0-py3-none-any.whl"
    given = (tmp_path / "a-1.0-py3-none-any.whl").as_uri()
    assert building.without_building(given) == given


def test_a_build_that_fails_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    target = tmp_path / "kept"

    def fail() -> None:
        with building.complete_folder(target) as made_in:
            (made_in / "half").write_text("")
            raise CannotMeasureError("no")

    with pytest.raises(CannotMeasureError):
        fail()
    assert not list(tmp_path.iterdir())
