"""harness.toml and [tool.harness]: what is read, where it is looked for, and one line for whatever is wrong."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

import harness
from harness.config import Config, config, expectations_file
from harness.errors import UsageError
from harness.measure.plan import Request, with_defaults
from harness.paths import results_folder
from harness.store.address import store_url
from tests.conftest import RunCli

CONTENT = """
solvers = ["numpy_lstsq"]
problems = ["longley", "everyday:n=100"]
store = "kept/here.sqlite"
expectations = "limits.toml"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_said(folder: Path) -> None:
    assert config() == Config()
    assert store_url(None) == "sqlite:///results/harness.sqlite"
    assert expectations_file() == results_folder() / "expectations.toml"
    assert with_defaults(Request()) == Request()


def test_what_is_said(folder: Path) -> None:
    (folder / "harness.toml").write_text(CONTENT)
    assert store_url(None) == "sqlite:///kept/here.sqlite"
    assert expectations_file() == Path("limits.toml")
    asked = with_defaults(Request())
    assert (asked.problems, asked.solvers) == (("longley", "everyday:n=100"), ("numpy_lstsq",))


def test_what_is_asked_for_goes_first(folder: Path) -> None:
    (folder / "harness.toml").write_text(CONTENT)
    assert with_defaults(Request(problems=("norris",))).problems == ("norris",)
    assert with_defaults(Request(solvers=("sklearn",))).solvers == ("sklearn",)
    assert with_defaults(Request(n=(50,))).problems == ()
    assert store_url("mine.sqlite") == "sqlite:///mine.sqlite"


def test_the_table_of_pyproject(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.harness]\nproblems = ["longley"]\n[tool.other]\nx = inf\n')
    assert config().content.problems == ("longley",)


def test_a_pyproject_without_the_table_says_nothing(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("tool = 1\n")
    assert config() == Config()


def test_from_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "harness.toml").write_text(CONTENT)
    below = folder / "src" / "package"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert config() == Config(), "outside of a checkout the working folder alone counts"
    (folder / ".git").mkdir()
    assert config().content.problems == ("longley", "everyday:n=100")
    assert store_url(None) == f"sqlite:///{folder}/kept/here.sqlite"
    assert expectations_file() == folder / "limits.toml"


def test_nothing_above_the_checkout_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "harness.toml").write_text(CONTENT)
    (folder / "inner" / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder / "inner")
    assert config() == Config()


def test_a_url_is_no_path(folder: Path) -> None:
    (folder / "harness.toml").write_text('store = "postgresql://me@host/name"\n')
    assert store_url(None) == "postgresql://me@host/name"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("solver = ['a']\n", "harness.toml: unknown key 'solver': did you mean 'solvers'?"),
        ("solvers = 'a'\n", "harness.toml: solvers: Input should be a valid tuple"),
        ("solvers = [1]\n", "harness.toml: solvers.0: Input should be a valid string"),
        ("solvers = ['\\u001b']\n".replace("'", '"'), "harness.toml: solvers.0: Value error, a name is visible text"),
        ("solvers = [\n", "harness.toml: Invalid value"),
        ("asv = 1\n", "harness.toml: asv: Input should be a valid dictionary"),
        ("[asv]\nx = nan\n", "harness.toml: asv.x: nan is no number that can be compared"),
        ("\xff", "harness.toml: cannot be read: byte 0 is 0xff, which is not UTF-8"),
    ],
)
def test_one_line_for_what_is_wrong(folder: Path, text: str, said: str) -> None:
    (folder / "harness.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as error:
        config()
    assert str(error.value).startswith(said)


def test_an_unknown_key_of_pyproject_is_named_with_its_table(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.harness]\nstores = 'x'\n")
    with pytest.raises(UsageError, match=r"^pyproject.toml: tool.harness: unknown key 'stores': did you mean 'store'"):
        config()


def test_two_files_are_one_too_many(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.harness]\n")
    (folder / "harness.toml").write_text("")
    with pytest.raises(UsageError, match="keep one of them"):
        config()


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    match: str


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rules: tuple[Rule, ...] = ()


def test_a_table_is_read_by_its_owner(folder: Path) -> None:
    assert config().table("asv", Rules) == Rules()
    (folder / "harness.toml").write_text('[[asv.rules]]\nmatch = "time_"\n')
    assert config().table("asv", Rules).rules == (Rule(match="time_"),)
    (folder / "harness.toml").write_text('[[asv.rules]]\nmatch = "time_"\nmax = 3\n')
    with pytest.raises(UsageError, match=r"^harness.toml: asv: rules.0.max: "):
        config().table("asv", Rules)


def test_a_run_of_command_and_python_is_what_the_file_says(folder: Path, run_cli: RunCli) -> None:
    (folder / "harness.toml").write_text('problems = ["nist_longley"]\nsolvers = ["numpy_lstsq"]\nstore = "s.sqlite"\n')
    assert run_cli("run", "--in-process", "--quiet").code == 0
    assert harness.load("s.sqlite").case.tolist() == ["nist_longley numpy_lstsq cpu threads=1 dtype=float64"]
    assert harness.run(in_process=True).case.tolist() == ["nist_longley numpy_lstsq cpu threads=1 dtype=float64"]


def test_a_command_says_what_is_wrong_with_the_file(folder: Path, run_cli: RunCli) -> None:
    (folder / "harness.toml").write_text("solver = 1\n")
    ended = run_cli("run")
    assert ended.code == 2
    assert ended.stderr.count("\n") == 1
    assert all(one in ended.stderr for one in ("harness.toml", "'solver'", "'solvers'"))
