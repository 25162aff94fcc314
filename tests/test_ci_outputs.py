"""What a CI system reads: Markdown, JUnit XML, annotations, exit codes, and the action that joins them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.judge.gate.gate import GateReport
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.ab import judge_ab
from harness.records.ab import Measured
from harness.report.render import text as plain
from harness.report.render.annotations import MOST, annotations
from harness.report.render.formats import FORMATS
from harness.report.render.junit import FORBIDDEN, junit
from harness.report.render.markdown import NO_MENTION, escaped, markdown, table
from harness.report.render.text import REPLACEMENT
from harness.report.tables.column import Column
from harness.report.words.ab import compared
from harness.report.words.checks import Check, Outcome, ab_checks, failed, gate_checks
from harness.report.words.gate import verdict
from tests.ab_cells import Noise, cell
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_process")

yaml: Any = pytest.importorskip("yaml", reason="PyYAML, which pre-commit brings, is not installed")

ROOT = Path(__file__).resolve().parents[1]
QUIET = Noise(launch=0.005, call=0.01, delayed=0.0)
NASTY = "a|b `c` <!-- d --> &lt; @user [x](y) *z*\r\n::error:: 100% \x00\ud800\x1b ]]> \u2028"

TEXT = st.text(st.characters() | st.sampled_from("|`<>&@#\\[]()*_~$!-:%\r\n\t\x00\ufffe"), max_size=40)


def judgement(verdict: Verdict = Verdict.REGRESSION, **changes: str) -> Judgement:
    told = {"case": "case", "quantity": "digits", "measured": "5", "expected": ">= 6", **changes}
    return Judgement(verdict=verdict, **told)


def rendered(markdown: str) -> list[list[str]]:
    """The text of each cell of the first table, by rows, as a reader of GitHub's Markdown sees it."""
    rows: list[list[str]] = []
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    for token in takewhile(lambda token: token.type != "table_close", tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            assert {child.type for child in token.children or ()} <= {"text", "text_special"}, "markup got through"
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def visible(text: str) -> str:
    """The text as one line, which is all that Markdown's cells can hold."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


@given(st.lists(TEXT, min_size=2, max_size=3))
def test_no_text_breaks_out_of_its_cell(texts: list[str]) -> None:
    columns = [Column[list[str]](str(i), head="head", value=itemgetter(i)) for i in range(len(texts))]
    rows = rendered(table(columns, [texts, ["last"] * len(texts)]))
    assert [one.replace(NO_MENTION, "") for one in rows[1]] == [visible(text) for text in texts]
    assert rows[2] == ["last"] * len(texts)


def test_an_error_s_text_mentions_nobody() -> None:
    assert not re.search(r"@\w", escaped("thanks to @somebody"))


@given(st.lists(st.tuples(TEXT, TEXT, st.sampled_from(Outcome), TEXT), max_size=4))
def test_junit_is_well_formed_and_loses_only_what_xml_cannot_hold(
    told: list[tuple[str, str, Outcome, str]],
) -> None:
    checks = [Check(*one) for one in told]
    root = ET.fromstring(junit(checks, "suite"))  # noqa: S314  # ours
    cases = root.findall("./testsuite/testcase")
    assert len(cases) == len(checks) == int(root.attrib["tests"])
    for check, element in zip(checks, cases, strict=True):
        assert element.attrib["classname"] == FORBIDDEN.sub(REPLACEMENT, plain.visible(check.case))
        assert [child.tag for child in element] == ([] if check.outcome is Outcome.PASSED else [check.outcome.value])
        for child in element:
            assert child.attrib["message"] == FORBIDDEN.sub(REPLACEMENT, plain.visible(check.message))
    assert int(root.attrib["failures"]) == sum(check.outcome is Outcome.FAILED for check in checks)
    assert int(root.attrib["errors"]) == sum(check.outcome is Outcome.ERROR for check in checks)


def unescaped(text: str) -> str:
    """As GitHub's runner reads a command's data or property."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def seen(text: str) -> str:
    """Without what a terminal acts upon, line by line."""
    return "\n".join(map(plain.visible, text.split("\n")))


@given(TEXT, TEXT, TEXT.filter(bool))
def test_an_annotation_is_one_line_and_says_what_it_was_given(case: str, message: str, file: str) -> None:
    (line,) = annotations([Check(case, "digits", Outcome.FAILED, message)], file)
    assert not {"\r", "\n"} & set(line)
    found = re.fullmatch(r"::error file=([^:,]*),title=([^:,]*)::(.*)", line, re.DOTALL)
    assert found
    assert [unescaped(group) for group in found.groups()] == list(map(seen, (file, f"digits: {case}", message)))


def test_no_failure_is_lost_where_github_shows_ten() -> None:
    checks = [Check(f"{number}", "digits", Outcome.FAILED, "no") for number in range(MOST + 5)]
    lines = annotations([*checks, Check("fine", "digits", Outcome.PASSED)])
    assert len(lines) == MOST
    assert "6 more" in lines[-1]
    assert len(annotations(checks[:MOST])) == MOST


def test_the_gate_s_checks_are_its_judgements_and_what_is_missing() -> None:
    judged = (judgement(Verdict.UNCHANGED), judgement(), judgement(Verdict.IMPROVEMENT))
    checks = gate_checks(GateReport(judged, ("lost",), 0))
    outcomes = [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED, Outcome.ERROR]
    assert [check.outcome for check in checks] == outcomes, "a cured failure breaches the gate"


def test_the_gate_s_markdown_has_breaches_advice_and_known_failures() -> None:
    known = judgement(Verdict.UNCHANGED, quantity="status", expected="wrong", reason="upstream")
    breach = judgement(case=NASTY, detail="1 below", advice="look")
    text = markdown(verdict(GateReport((known, breach), ("lost",), 0), "run-1", "file.toml"))
    assert text.startswith("### ❌ gate failed: run run-1: 1 of 2 judgements hold")
    assert rendered(text)[1] == [visible(NASTY).replace("@", "@" + NO_MENTION), "digits", "5", ">= 6", "1 below"]
    assert "- do: look" in text
    assert "- no record: lost" in text
    assert "<summary>1 known failure</summary>" in text
    assert markdown(verdict(GateReport((known,), (), 0), "r", "f")).startswith("### ✅")
    assert markdown(verdict(GateReport((), (), 0), "r", "f")).startswith("### ⚠️")


def test_a_comparison_s_markdown_and_checks() -> None:
    rng = np.random.default_rng(1)
    neither = Measured(status="error", message=NASTY)
    made = [
        cell(rng, 1.2, case="slow|er", noise=QUIET),
        cell(rng, 0.8, case="faster", noise=QUIET),
        cell(rng, case="lossy", noise=QUIET, head=Measured(digits=3.0)),
        cell(rng, case="short", launches=2),
        cell(rng, case="neither", launches=0, base=neither, head=neither),
    ]
    report = judge_ab(made)
    text = markdown(compared(report))
    assert text.startswith("### ❌ harness ab: regression: 2 regression, 1 improvement, 2 undecided")
    assert [row[0] for row in rendered(text)[1:3]] == ["slow|er", "lossy"]
    assert "\x00" not in text
    checks = {(check.case, check.quantity): check.outcome for check in ab_checks(report)}
    assert checks["slow|er", "speed"] is Outcome.FAILED
    assert checks["faster", "speed"] is Outcome.PASSED
    assert checks["lossy", "digits"] is Outcome.FAILED
    assert checks["short", "speed"] is Outcome.SKIPPED
    assert checks["neither", "status"] is Outcome.ERROR
    assert len(failed(ab_checks(report))) == 3


EXPECTED = """
schema_version = 1
default_problems = ["four_points"]
margins = {{ digits = 1.0, excess_loss = 10.0, r2 = 0.1, mse = 0.1 }}
[[expect]]
problem = "four_points"
solver = "numpy_lstsq"
digits_min = {floor}
source = "made up"
"""


@pytest.fixture
def gated(run_cli: RunCli, store_path: Path, tmp_path: Path) -> RunCli:
    """`harness gate` over a run of one case, with a floor on its digits."""
    ran = run_cli("run", "--problem", "four_points", "--solver", "numpy_lstsq", "--store", store_path)
    assert ran.code == 0

    def run(floor: float, *words: object) -> Any:
        path = tmp_path / "expected.toml"
        path.write_text(EXPECTED.format(floor=floor))
        return run_cli("gate", "--store", store_path, "--expectations", path, *words)

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("floor", "code"), [(5.0, 0), (15.5, 1)])
def test_the_gate_writes_what_it_is_asked_for(gated: RunCli, tmp_path: Path, floor: float, code: int) -> None:
    ended = gated(floor, "--markdown", "gate.md", "--junit", "gate.xml", "--json")
    assert ended.code == code == json.loads(ended.stdout)["exit_code"]
    assert ended.stderr == ""
    assert (tmp_path / "gate.md").read_text().startswith("### ❌" if code else "### ✅")
    root = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314  # ours
    assert (int(root.attrib["tests"]), int(root.attrib["failures"])) == (2, code)


@pytest.mark.parametrize("command", ["gate", "ab"])
def test_every_format_is_an_option_of_both_commands(command: str, run_cli: RunCli) -> None:
    help_text = " ".join(run_cli(command, "--help").stdout.split())
    for one in FORMATS:
        assert f"--{one.name} FILE" in help_text
        refused = run_cli(command, "a..b" if command == "ab" else "--fresh", f"--{one.name}", "no/such/folder.txt")
        assert f"--{one.name} no/such/folder.txt: cannot" in refused.stderr


@pytest.mark.slow
def test_on_github_the_summary_and_annotations_come_by_themselves(
    gated: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ended = gated(15.5, "--json")
    assert ended.code == 1
    assert json.loads(ended.stdout)
    assert re.match(r"::error file=[^,]*expected\.toml,title=digits%3A four_points", ended.stderr)
    assert summary.read_text().startswith("before\n### ❌ gate failed")


@pytest.mark.slow
def test_a_summary_that_cannot_be_written_changes_no_verdict(
    gated: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    ended = gated(5.0)
    assert ended.code == 0
    assert "cannot be written" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--markdown", "--junit"])
def test_a_file_that_cannot_be_made_is_usage(gated: RunCli, option: str) -> None:
    ended = gated(5.0, option, "absent/file")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"harness: {option} absent/file: cannot be written")


ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def uses(text: str) -> list[str]:
    return re.findall(r"uses: (\S+)", text)


@pytest.mark.parametrize("path", [ROOT / "action.yml", *WORKFLOWS], ids=lambda path: path.name)
def test_actions_are_pinned_to_a_major_version(path: Path) -> None:
    assert all(name == "./" or re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses(path.read_text()))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_give_the_action_inputs_that_it_has(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"], "what a token may do is said"
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    given_inputs = {name for step in steps if step.get("uses") == "./" for name in step.get("with", {})}
    assert given_inputs <= set(ACTION["inputs"])
    outputs = set(re.findall(r"steps\.harness\.outputs\.([\w-]+)", path.read_text()))
    assert outputs <= set(ACTION["outputs"])


def test_the_action_uses_every_input_it_has_and_no_other() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(STEPS)))
    assert used == set(ACTION["inputs"])


def test_no_expression_is_pasted_into_a_script() -> None:
    """A branch's name may be a command: scripts read the environment."""
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert "${{" not in step.get("with", {}).get("script", "")
        assert "run" not in step or step["shell"] == "bash"


JUDGE = next(step["run"] for step in STEPS if step.get("id") == "judge")
INSTALL = next(step["run"] for step in STEPS if "pip install" in step.get("run", ""))
FAKE = """#!/bin/sh
echo "$@" > "$SEEN"
exit "$CODE"
"""


REAL = f"""#!/bin/sh
echo "$@" > "$SEEN"
exec env PYTHONPATH={ROOT} {sys.executable} -m harness "$@"
"""


def judged(
    tmp_path: Path, code: int = 0, program: str = FAKE, folder: Path | None = None, step: str = JUDGE, **inputs: str
) -> tuple[int, str, dict[str, str]]:
    """A step of the action with a harness that ends with `code`: its exit code, what was called, its outputs."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash to run the action's step with")
    for name in ("harness", "python"):
        fake = tmp_path / "harness" / "bin" / name
        fake.parent.mkdir(parents=True, exist_ok=True)
        fake.write_text(program)
        fake.chmod(0o755)
    output, seen = tmp_path / "output", tmp_path / "seen"
    for path in (output, seen):
        path.write_text("")
    told = {"RUNNER_TEMP": tmp_path, "GITHUB_OUTPUT": output, "SEEN": seen, "CODE": code, "GITHUB_BASE_REF": ""}
    said = {"COMMAND": "gate", "BASE": "", "BUDGET": "60", "ARGS": "", "EXPECTATIONS": "", **inputs}
    environment = {"PATH": os.environ["PATH"]} | {name: str(value) for name, value in {**told, **said}.items()}
    done = subprocess.run(
        [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", step],
        env=environment,
        cwd=folder or tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, seen.read_text().strip(), outputs


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_action_keeps_the_exit_code_apart(tmp_path: Path, code: int) -> None:
    ended, seen, outputs = judged(tmp_path, code)
    assert ended == 0, "the comment comes first"
    assert outputs["exit-code"] == str(code)
    assert seen == f"gate --fresh --markdown {tmp_path}/harness-gate.md --junit {tmp_path}/harness-gate.xml"


@pytest.mark.slow
def test_the_action_passes_more_options_and_no_command_of_theirs(tmp_path: Path) -> None:
    _, seen, _ = judged(tmp_path, ARGS="--run 1 $(touch x) ; touch y", COMMAND="ab", BASE="main", BUDGET="30")
    assert seen.startswith("ab main HEAD --budget 30 --run 1 $(touch x) ; touch y --markdown")
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "y").exists()


@pytest.mark.slow
def test_the_action_refuses_another_command(tmp_path: Path) -> None:
    assert judged(tmp_path, COMMAND="rm")[:2] == (2, "")


@pytest.mark.slow
def test_the_action_compares_with_the_merge_base(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git to make a repository with")

    def run(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        done = subprocess.run([git, *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch", "main")
    run("commit", "--quiet", "--allow-empty", "--message", "base")
    base = run("rev-parse", "HEAD")
    run("update-ref", "refs/remotes/origin/main", base)
    run("commit", "--quiet", "--allow-empty", "--message", "head")
    assert judged(tmp_path, COMMAND="ab", GITHUB_BASE_REF="main")[1].startswith(f"ab {base} HEAD --budget 60")
    assert judged(tmp_path, COMMAND="ab", GITHUB_BASE_REF="absent")[:2] == (3, "")


@pytest.mark.slow
def test_the_action_installs_the_harness_that_it_is_and_what_the_project_wants(tmp_path: Path) -> None:
    _, seen, _ = judged(tmp_path, step=INSTALL, PYTHON="true", ACTION=str(ROOT), INSTALL=". my-solvers")
    words = seen.split()
    assert words[:3] == ["-m", "pip", "install"]
    assert Path(words[words.index("--constraint") + 1]).is_file()
    assert words[-3:] == [f"{ROOT}[parquet]", ".", "my-solvers"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "parquet" in extras


@pytest.mark.slow
def test_the_action_gates_another_project_by_its_own_file(
    tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    rows = np.column_stack([X, X @ [1.0, 2.0] + rng.normal(size=40)])
    jobs, file = project / "jobs.csv", project / "gate/expected.toml"

    def written(values: np.ndarray) -> None:
        np.savetxt(jobs, values, delimiter=",", header="hours,size,margin", comments="")

    written(rows)
    file.parent.mkdir()
    words = ["--problem", f"{jobs}:margin", "--solver", "numpy_lstsq", "--expectations", file]
    assert run_cli("gate", "--init", *words, "--store", tmp_path / "first.sqlite").code == 0

    def gated() -> tuple[int, str, dict[str, str]]:
        return judged(tmp_path, program=REAL, folder=project, EXPECTATIONS="gate/expected.toml", HOME=str(tmp_path))

    ended, seen, outputs = gated()
    assert (ended, outputs["exit-code"]) == (0, "0"), outputs
    assert "--expectations gate/expected.toml" in seen
    checks = ET.fromstring(Path(outputs["junit"]).read_text()).iter("testcase")  # noqa: S314  # our own file
    assert {one.get("classname") or one.get("name") for one in checks} == {
        "jobs.csv:margin numpy_lstsq cpu threads=1 dtype=float64"
    }
    rows[0, 2] += 1.0
    written(rows)
    assert gated()[2]["exit-code"] == "3", "the data changed"
