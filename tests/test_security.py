"""Nobody gets in: nothing runs what a file says, and a name from data stays a name wherever it is written."""

import ast
import csv
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from rich.table import Table

from harness.ab.calibrate import write_ratios
from harness.errors import UsageError
from harness.judge.studies.finding import read_finding
from harness.judge.studies.findings import judge
from harness.paths import datasets_folder, results_folder
from harness.problems import catalog
from harness.problems.sidecar import load_stored, read_sidecar
from harness.records.ab import AbCell, Comparison, Condition, Side
from harness.report.render.frame import FORMULA, inert_cell
from harness.report.render.markdown import NO_MENTION, escaped, markdown, table
from harness.report.tables.column import Column
from harness.report.terminal.console import inert, out
from harness.report.words.findings import every_one
from harness.store.store import Store
from tests.ab_cells import launch_of
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "harness").rglob("*.py")) + sorted((ROOT / "suites").rglob("*.py"))

# What would run, or build objects from, what a file says

MODULES = frozenset(
    {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "jsonpickle"}
)
CALLS = frozenset(
    {
        *("eval", "exec", "compile", "__import__"),
        *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"),
        *("torch.load", "torch.save", "pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.load_all"),
        *("yaml.unsafe_load", "yaml.full_load", "pd.eval", "pandas.eval", "np.fromregex", "tarfile.open"),
    }
)
METHODS = frozenset({"to_pickle", "read_pickle", "extractall"})
TRUE_WORDS = frozenset({"shell", "allow_pickle"})


def offences(source: str) -> Iterator[str]:
    """What is forbidden in a module's text, by line; a flag that is not plainly False counts as set."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (f"{node.lineno}: import {name}" for name in names if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS or name.rpartition(".")[2] in METHODS:
                yield f"{node.lineno}: {name}"
            for word in node.keywords:
                off = isinstance(word.value, ast.Constant) and word.value.value is False
                if word.arg in TRUE_WORDS and not off:
                    yield f"{node.lineno}: {word.arg}"


OWN_BYTES = {
    "harness/ab/benchmark_worker.py": {"import pickle"},
    "harness/solvers/brought/parcel.py": {"import cloudpickle"},
    "harness/testing/properties.py": {"import pickle"},
}
"""Modules that pickle: a person's own object goes to our own child process by a pipe, a fitted estimator is read back
from bytes that were made on the same line, and what a suite's setup_cache made is read from the scratch folder that
this comparison has made for nobody else, as asv does it."""
SCRATCH = {"harness/ab/benchmark_worker.py"}
TO_FILES = re.compile(r"\bopen\(|\bpickle\.(?:load|dump)\(|\.read_bytes\(|\.write_bytes\(")


def found(search: Callable[[str], Iterator[str]], sources: Iterable[Path]) -> dict[str, set[str]]:
    """By file what a search finds, without the lines."""
    every = {
        str(path.relative_to(ROOT)): {one.partition(": ")[2] for one in search(path.read_text(encoding="utf-8"))}
        for path in sources
    }
    return {name: offences for name, offences in every.items() if offences}


def test_nothing_runs_what_a_file_says() -> None:
    assert len(SOURCES) > 400
    assert found(offences, SOURCES) == OWN_BYTES
    to_files = {name for name in OWN_BYTES if TO_FILES.search((ROOT / name).read_text(encoding="utf-8"))}
    assert to_files == SCRATCH


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import marshal as m",
        "import joblib.externals",
        "x = eval('1')",
        "exec(text)",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=wanted)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "yaml.load(text)",
        "frame.to_pickle(path)",
    ],
)
def test_the_search_finds_what_is_planted(planted: str) -> None:
    assert list(offences(planted))


def test_the_search_lets_the_harmless_pass() -> None:
    assert not list(
        offences("import re\nre.compile('a')\nast.literal_eval('1')\nnp.load(p, allow_pickle=False)\nf(shell=False)")
    )


def sql_offences(source: str) -> Iterator[str]:
    """Statements put together from values: only this module's own constants may be pasted into SQL."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        said = node.args[0]
        if name not in ("execute", "executemany", "executescript", "exec_driver_sql", "text"):
            continue
        if isinstance(said, ast.JoinedStr):
            pasted = [ast.unparse(part.value) for part in said.values if isinstance(part, ast.FormattedValue)]
            yield from (f"{node.lineno}: {one}" for one in pasted if not re.fullmatch(r"_?[A-Z][A-Z0-9_]*", one))
        elif isinstance(said, ast.BinOp) or (isinstance(said, ast.Call) and ast.unparse(said.func).endswith(".format")):
            yield f"{node.lineno}: {ast.unparse(said)}"


def test_no_value_is_pasted_into_sql() -> None:
    assert found(sql_offences, sorted((ROOT / "harness").rglob("*.py"))) == {}


@pytest.mark.parametrize(
    "planted",
    ["c.execute(f'select {name}')", "c.execute('select ' + name)", "text('a %s' % name)", "c.execute('{}'.format(n))"],
)
def test_the_search_finds_pasted_sql(planted: str) -> None:
    assert list(sql_offences(planted))
    assert not list(sql_offences("c.execute(f'PRAGMA busy_timeout={BUSY_TIMEOUT_MS}')"))


def test_ruff_s_security_rules_are_on_for_the_package() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    for_package = [
        code for path, codes in lint["per-file-ignores"].items() if path.startswith("harness") for code in codes
    ]
    assert not [code for code in (*lint["ignore"], *for_package) if re.fullmatch(r"S\d*", code)]


def test_dependencies_are_audited_apart_from_the_tests() -> None:
    workflows = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    assert [name for name, text in workflows.items() if "make audit" in text] == ["audit.yml"]
    rules = dict(re.findall(r"^(\w+):(?!=)(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert "audit" in rules
    assert "audit" not in rules["test"]


# Names and paths

ELSEWHERE = [
    *("../../etc/passwd", "/etc/passwd", "below/data.csv", "..", ".", "", " ", "..\\data.csv", "C:\\data.csv"),
    *("data.csv\0.png", "a\nb.csv", "\u202efdc.atad"),
]


def sidecar_with(folder: Path, **changes: str) -> Path:
    """four_points' sidecar beside its data, with other values."""
    text = (datasets_folder() / "four_points.toml").read_text(encoding="utf-8")
    for key, value in changes.items():
        found = re.search(rf"^{key} = .*$", text, flags=re.MULTILINE)
        assert found
        text = text.replace(found[0], f"{key} = {json.dumps(value)}", 1)
    (folder / "four_points.csv").write_bytes((datasets_folder() / "four_points.csv").read_bytes())
    path = folder / "four_points.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_sidecar_names_a_file_beside_it_and_no_other(name: str, tmp_path: Path) -> None:
    assert load_stored(sidecar_with(tmp_path)).n == 4
    with pytest.raises(UsageError, match="file"):
        load_stored(sidecar_with(tmp_path, file=name))


@pytest.mark.parametrize("name", ["../up", "/abs", "a/b", "-rf", ".hidden", "a b", "a\n", "a\0", "", "a" * 101, "é"])
def test_a_problem_s_name_may_become_a_file_s(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name"):
        read_sidecar(sidecar_with(tmp_path, name=name))


@pytest.mark.parametrize(
    "spec", ["../../etc/passwd", "/etc/passwd", "..", "datasets/../four_points", "a\0b", "four_points.toml"]
)
def test_a_problem_s_name_is_no_path(spec: str) -> None:
    with pytest.raises(UsageError, match="unknown problem"):
        catalog.load(spec)


def test_a_name_out_of_a_file_opens_no_table(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("x,y\n1,2\n3,5\n")
    assert catalog.load(str(path), target="y").n == 2
    with pytest.raises(UsageError, match="unknown problem"):
        catalog.named(str(path))


# Names through everything that is printed, stored and exported

FEATURES = (
    "[bold red]loud[/bold red]",
    "[/]",
    "a|b `code` *star* _under_",
    "<script>alert(1)</script>",
    "[link](http://x.example) &lt;b&gt; @somebody",
    "=cmd|' /C calc'!A0",
    "x'); DROP TABLE records; --",
    "::error title=pwned::%0A",
    "$\\mathrm{tex}$",
    "café λ 数",
    ":heart:",
)
FILE = "[bold]'); DROP TABLE runs; -- `x` <b>[!] & ::error::.csv"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A file with a hostile name and columns of hostile names; the last one, y, is the target."""
    path = tmp_path / FILE
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*FEATURES, "y"])
        for i in range(1, 31):
            rows.writerow([(i * (j + 2) * 7919) % 101 + i / 7 for j in range(len(FEATURES))] + [(i * 31) % 17])
    return path


@pytest.mark.slow
def test_hostile_names_are_shown_as_they_are(hostile: Path, run_cli: RunCli, store_path: Path) -> None:
    words = ("--problem", hostile, "--target", "y", "--solver", "numpy_lstsq", "--store", store_path)
    ended = run_cli("run", *words)
    assert ended.code == 0, ended.stderr
    flat = "".join(ended.stdout.split())
    assert "".join(FILE.split()) in flat
    shown = run_cli("fit", hostile, "numpy_lstsq", "--target", "y")
    assert shown.code == 0, shown.stderr
    flat = "".join(shown.stdout.split())
    for name in FEATURES:
        assert "".join(name.split()) in flat


@pytest.mark.slow
def test_hostile_names_are_stored_as_they_are(hostile: Path, run_cli: RunCli, store_path: Path) -> None:
    solvers = ("--solver", "numpy_lstsq", "--solver", "statsmodels_qr")
    words = ("--problem", hostile, "--target", "y", *solvers, "--store", store_path)
    assert run_cli("run", *words).code == 0
    assert run_cli("run", *words).code == 0
    store = Store(str(store_path), create=False)
    assert len(store.runs()) == 2, "no table was dropped"
    record, _ = store.records(store.runs()[-1].id)
    assert record.problem == f"{hostile.relative_to(Path.cwd())}:y"
    assert record.solution is not None
    assert record.solution.terms[-len(FEATURES) :] == FEATURES
    for name in ("x' OR '1'='1", '"; DROP TABLE runs; --', "%", "_"):
        ended = run_cli("compare", "--by", "solver", "--store", store_path, "--run", name)
        assert ended.code != 0
        assert name in ended.stderr
    assert run_cli("compare", "--by", "solver", "--store", store_path).code == 0


EXPECTED = """
schema_version = 1
default_problems = []
margins = { digits = 1.0, excess_loss = 10.0, r2 = 0.1, mse = 0.1 }
[[expect]]
problem = %s
solver = "numpy_lstsq"
digits_min = 15.5
source = "made up"
"""


@pytest.mark.slow
def test_hostile_names_are_reported_as_they_are(
    hostile: Path, run_cli: RunCli, store_path: Path, tmp_path: Path
) -> None:
    words = ("--problem", hostile, "--target", "y", "--solver", "numpy_lstsq", "--store", store_path)
    assert run_cli("run", *words).code == 0
    (tmp_path / "expected.toml").write_text(EXPECTED % json.dumps(hostile.stem, ensure_ascii=False), encoding="utf-8")
    told = ("--expectations", "expected.toml", "--markdown", "gate.md", "--junit", "gate.xml")
    ended = run_cli("gate", "--store", store_path, *told)
    assert ended.code == 1, "15.5 digits are never reached"
    root = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314  # ours
    assert any(FILE in (test.get("classname") or "") for test in root.iter("testcase"))
    assert not tokens((tmp_path / "gate.md").read_text(encoding="utf-8")) & MARKUP


# Formats, each with what it takes for more than text

MARKUP = frozenset(
    {"html_inline", "html_block", "link_open", "image", "code_inline", "em_open", "strong_open", "s_open", "entity"}
)


def tokens(markdown: str) -> set[str]:
    """The types of all tokens, as GitHub's Markdown is read."""
    found: set[str] = set()
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown):
        found |= {token.type} | {child.type for child in token.children or ()}
    return found


@pytest.mark.parametrize(
    "name", [*FEATURES, FILE, "~~s~~", "![i](j)", "<!-- c -->", "a\n# b\n\n```\nc", "\x1b[31m", "&#60;b&#62;"]
)
def test_markdown_holds_a_name_and_nothing_else(name: str) -> None:
    for text in (
        f"a {escaped(name)}",
        f"### {escaped(name)}",
        table([Column[dict[str, str]]("head")], [{"head": name}]),
    ):
        assert not tokens(text) & MARKUP
        assert "\x1b" not in text
    body = MarkdownIt("commonmark").render(f"a {escaped(name)}")
    shown = re.fullmatch(r"<p>(.*)</p>\n", body)
    assert shown, "one paragraph"
    visible = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    unmentioned = visible.replace("@", "@" + NO_MENTION)
    assert ET.fromstring(f"<p>{shown[1]}</p>").text == f"a {unmentioned}"  # noqa: S314  # rendered here


def test_a_script_cannot_end_its_block() -> None:
    found = read_finding(results_folder() / "findings" / "onedal_large_mean.toml")
    planted = found.model_copy(update={"script": "print(1)\n```\n<script>alert(1)</script>\n````\n"})
    assert "html_block" not in tokens(markdown(every_one([planted], [judge(planted, None)])))


@pytest.mark.parametrize(
    "control", ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\x08", "\r", "\u202e", "\u2066", "\x7f"]
)
def test_a_terminal_is_told_nothing(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Table("head")
    rows.add_row(f"a{control}b")
    for printed in (f"a{control}b", rows):
        out().print(printed, markup=False)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", capsys.readouterr().out)
    assert inert(f"a{control}b\n").endswith("b\n")


def test_colours_are_still_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    out().print("[red]red[/]")
    assert capsys.readouterr().out == "\x1b[31mred\x1b[0m\n"


@pytest.mark.parametrize(
    "text", ["::stop-commands::x", "  ::error::x", "a\n::add-mask::x", "##[error]x", "a ##[debug]x"]
)
def test_github_s_runner_is_told_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes lines that begin with :: and ##[ anywhere for commands (actions/runner, ActionCommand.cs)."""
    assert inert(text) == text
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert not [line for line in inert(text).splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert inert("a::b") == "a::b"


@pytest.mark.parametrize("begin", FORMULA)
def test_a_spreadsheet_computes_nothing(begin: str) -> None:
    assert inert_cell(f"{begin}1+1") == f"'{begin}1+1"
    assert inert_cell(f"  {begin}1") == f"'  {begin}1"
    assert inert_cell(f"a{begin}1") == f"a{begin}1"


def test_the_ratios_of_a_calibration_hold_no_formula(tmp_path: Path) -> None:
    launch = launch_of(base_wall_s=(1.0,), base_cpu_s=(1.0,), head_wall_s=(2.0,), head_cpu_s=(2.0,))
    cell = AbCell(case=FEATURES[5], problem="p", solver="s", launches=(launch,))
    compared = Comparison(base=Side(name="a"), head=Side(name="b"), cells=(cell,), budget_s=1.0, spent_s=1.0)
    write_ratios({Condition(1.0): [compared]}, tmp_path / "ratios.csv")
    heads, row = csv.reader(StringIO((tmp_path / "ratios.csv").read_text()))
    assert dict(zip(heads, row, strict=True))["case"] == "'" + FEATURES[5]


def test_whoever_writes_csv_makes_its_texts_inert() -> None:
    writers = ("csv.writer", "csv.DictWriter", ".to_csv(", "write_csv(")
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "harness").rglob("*.py"))}
    wrote = {path.name: text for path, text in texts.items() if any(writer in text for writer in writers)}
    assert "calibrate.py" in wrote
    assert [name for name, text in wrote.items() if "inert_cell(" not in text] == []
