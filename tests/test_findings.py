"""Every finding, reproduced by its case and by its script where the installed version is said to have it."""

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.version import Version
from rich.console import Console

import harness.studies.findings
from harness.errors import CannotMeasureError, UsageError
from harness.judge.studies.finding import BY_SCRIPT, Finding, Kind, Nature, read_finding
from harness.judge.studies.findings import Ending, Present, judge, presence
from harness.judge.studies.symptom import ERROR, Expected, Measurement, Shows
from harness.measure.run import measure
from harness.report.render.markdown import markdown as as_markdown
from harness.report.render.terminal import print_document
from harness.report.words.findings import every_one, in_full, natures, overview
from harness.solvers import catalog as solvers
from harness.studies.findings import failed, finding_files, findings, installed, measured, reproduce, run_script, survey
from harness.timing.threads import ONE_THREAD
from tests.conftest import RunCli

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = findings()
QUICK = """
schema_version = 1
id = "quick"
title = "four points fitted well"
library = "numpy"
kind = "wrong answer without a warning"
nature = "defect"
documentation = "lstsq: it solves the equation."
what = "Nothing is wrong here."
bad = ">=2.0"
good = "<2.0"
problem = "four_points"
solver = "numpy_lstsq"
upstream = ""
workaround = "None."
script = '''
print("off by 0.5")
'''

[expect]
status = "ok"
digits_min = 10.0

[measured]
"2.1.0" = { status = "ok", digits = 15.0, prints = "off by 0.5" }
"1.26.4" = { digits = 2.0 }

[shows]
least = 0.4
most = 0.6
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of findings in the place of the project's, with one in it."""
    monkeypatch.setattr(harness.studies.findings, "results_folder", lambda: tmp_path)
    (tmp_path / "findings").mkdir()
    (tmp_path / "findings" / "quick.toml").write_text(QUICK)
    return tmp_path / "findings"


def change(folder: Path, old: str, new: str) -> Path:
    assert old in QUICK
    path = folder / "quick.toml"
    path.write_text(QUICK.replace(old, new))
    return path


def shown(print_it: Any, *arguments: object) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_it(console, *arguments)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # it is the StringIO above


# The project's findings


FORKED = {"numpy", "scikit-learn", "statsmodels", "torch", "pyfixest"}
"""glum, linearmodels and polars-ols start threads as they are imported, and jax warns of forks: a fork could wait for
ever for what a thread held."""
ALONE = (Kind.IMPORT, Kind.NOT_REPRODUCIBLE)
"""What depends on what a process has imported and allocated before."""
FORKS = """
import json, os, re, sys, traceback

def text_of(descriptor):
    os.lseek(descriptor, 0, os.SEEK_SET)
    return open(descriptor, encoding="utf-8").read()

for script, imported in json.load(sys.stdin):
    if imported:
        exec("\\n".join(re.findall("^(?:import|from) .*", script, re.MULTILINE)), {})
        if "torch" in sys.modules:
            import torch._dynamo  # as the first optimizer does
    kept = [os.memfd_create(name) for name in ("stdout", "stderr")]
    pid = os.fork()
    if not pid:
        code = 1
        try:
            for number, descriptor in enumerate(kept, 1):
                os.dup2(descriptor, number)
            exec(compile(script, "script", "exec"), {"__name__": "__main__"})
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(json.dumps([code, *map(text_of, kept)]), flush=True)
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """How scripts ended, by their text: forks of one process, which imports a library once for all of its scripts.

    Those that are alone come first, while it has imported none.
    """
    here = [one for one in FINDINGS if one.library in FORKED and installed(one.library)]
    scripts = [(one.script, one.kind not in ALONE) for one in sorted(here, key=lambda one: one.kind not in ALONE)]
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        input=json.dumps(scripts),
        cwd=tmp_path_factory.mktemp("scripts"),
        env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = map(json.loads, done.stdout.splitlines())
    return {
        script: subprocess.CompletedProcess(script, code, said, errors)
        for (script, _), (code, said, errors) in zip(scripts, lines, strict=True)
    }


@pytest.mark.slow
@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.id)
def test_the_finding_is_as_its_file_says(
    finding: Finding, ended: dict[str, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the case in this process and by the script in another, with the installed version."""
    if finding.script in ended:
        process = SimpleNamespace(run=lambda *_, **__: ended[finding.script], TimeoutExpired=subprocess.TimeoutExpired)
        monkeypatch.setattr(harness.studies.findings, "subprocess", process)
    (line,) = reproduce([finding])
    if line.present is Present.ABSENT:
        pytest.skip(f"{finding.library} is not installed")
    assert line.outcome in (Ending.REPRODUCED, Ending.NOT_THERE), line.reason
    assert (line.outcome is Ending.REPRODUCED) is finding.is_bad(str(line.installed))


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.id)
def test_the_script_uses_the_library_alone(finding: Finding) -> None:
    modules = set(re.findall(r"(?:^|\n)(?:import|from) (\w+)", finding.script))
    assert "harness" not in finding.script
    own = {"numpy", "scipy", "pandas", "polars", "warnings", "logging"}
    assert len(modules - own) <= 1
    assert len(finding.script.strip().splitlines()) <= 10


def test_each_finding_says_what_a_maintainer_needs() -> None:
    for finding in FINDINGS:
        sentences = re.findall(r"[.;](?:\s|$)", finding.what)
        assert 2 <= len(sentences) <= 6, finding.id
        assert len(finding.workaround) > 10, finding.id
        assert finding.kind in BY_SCRIPT or solvers.get(str(finding.solver))
        assert (finding.kind is Kind.REGRESSION) <= any(finding.is_good(name) for name in finding.measured), finding.id


def test_the_regression_of_the_readme_is_a_finding_of_this_scikit_learn() -> None:
    (line,) = survey(findings("sklearn_tol_drops_a_column"))
    assert line.present is (Present.YES if Version(str(installed("scikit-learn"))) >= Version("1.9") else Present.NO)


def test_the_wheel_carries_the_findings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["results/findings"] == "harness/results/findings"
    assert finding_files().keys() == {path.stem for path in (ROOT / "results" / "findings").glob("*.toml")}


# Presence by the version


@pytest.mark.parametrize(
    ("version", "present"),
    [
        ("1.8.0", Present.NO),
        ("2.0", Present.YES),
        ("2.1.0+cpu", Present.YES),
        ("3.0", Present.CURED),
        ("2.5", Present.NO),
        (None, Present.ABSENT),
    ],
)
def test_presence(folder: Path, version: str | None, present: Present) -> None:
    path = change(folder, '>=2.0"\ngood = "<2.0"', '>=2.0,<2.5"\ngood = "!=2.*"')
    assert presence(read_finding(path), version) is present


@pytest.mark.slow
def test_what_is_not_said_to_be_here_must_not_be_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.studies.findings, "installed", lambda _: "1.26.4")
    (line,) = reproduce(findings())
    assert (line.present, line.outcome) == (Present.NO, Ending.NOT_AS_SAID)
    assert line.reason == "the script shows it; the case shows it"
    assert failed([line])


@pytest.mark.slow
def test_a_version_without_the_defect_is_reported_as_such(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = QUICK.replace("digits_min = 10.0", "digits_max = 3.0").replace("least = 0.4", "least = 0.55")
    text = text.replace('digits = 15.0, prints = "off by 0.5"', "digits = 2.0").replace(
        "{ digits = 2.0 }", "{ digits = 9.0 }"
    )
    (folder / "quick.toml").write_text(text)
    monkeypatch.setattr(harness.studies.findings, "installed", lambda _: "1.26.4")
    (line,) = reproduce(findings())
    assert (line.present, line.outcome, line.reason) == (Present.NO, Ending.NOT_THERE, "")
    assert not failed([line])


def test_an_absent_library_is_a_line_and_nothing_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(folder, 'library = "numpy"', 'library = "no-such-library"')
    monkeypatch.setattr(harness.studies.findings, "run_script", lambda _: pytest.fail("it was run"))
    (line,) = reproduce(findings())
    assert (line.present, line.installed, line.outcome) == (Present.ABSENT, None, Ending.NOT_CHECKED)
    assert not failed([line])
    assert not measured([line])


# Reproducing


@pytest.mark.slow
def test_what_holds_is_reproduced(folder: Path) -> None:
    told: list[str] = []
    (line,) = reproduce(findings(), on_finding=told.append)
    assert (line.outcome, line.script_says, told) == (Ending.REPRODUCED, "off by 0.5", ["quick"])
    assert line.case_says.startswith("ok, 15.0 digits, rank 2, without a warning")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("digits_min = 10.0", "digits_max = 15.0\nrank = 1", "the case: rank 2, not 1"),
        ('status = "ok"\ndigits_min = 10.0', 'message = "Singular"', "the case: message , not Singular"),
        ("digits_min = 10.0", "different_min = 2", "the case: different None, not at least 2"),
        ("digits_min = 10.0", "standard_error_digits_max = 15.0", "standard error digits None, not at most 15.0"),
        ("digits_min = 10.0", "warned = true", "the case: warned False, not True"),
        ('print("off by 0.5")', 'print("off by 0.7")', "'off by 0.7' is not at least 0.4 and at most 0.6"),
        ('print("off by 0.5")', 'print("off by nan")', "is not at least 0.4"),
        ('print("off by 0.5")', 'print("fine")', "is not at least 0.4"),
        ('print("off by 0.5")', "pass", "the script printed nothing"),
        ('print("off by 0.5")', "raise ValueError(0.5)", "the script: error: ValueError: 0.5"),
        ('print("off by 0.5")', "import sys; sys.exit(3)", "the script: error: exit code 3"),
        ("least = 0.4\nmost = 0.6", 'says = "by 0.6"', "'by 0.6' is not in 'off by 0.5'"),
        ("least = 0.4\nmost = 0.6", 'raises = "ValueError"', "it raises nothing: 'off by 0.5'"),
    ],
)
def test_what_is_cured_is_not_as_said(folder: Path, old: str, new: str, says: str) -> None:
    measured_here = '"2.1.0" = { status = "ok", digits = 15.0, prints = "off by 0.5" }\n"1.26.4" = { digits = 2.0 }'
    text = QUICK.replace(measured_here, '"2.1.0" = { status = "ok" }')
    text = text.replace('"2.1.0" = { status = "ok" }', '"2.1.0" = { rank = 1 }') if "rank" in new else text
    if "message" in new:
        text = text.replace('"2.1.0" = { status = "ok" }', '"2.1.0" = { message = "Singular matrix" }')
    (folder / "quick.toml").write_text(text.replace(old, new))
    (line,) = reproduce(findings())
    assert line.outcome is Ending.NOT_AS_SAID
    assert says in line.reason
    assert failed([line])


@pytest.mark.slow
def test_a_solver_that_raises_shows_what_it_says(folder: Path) -> None:
    change(
        folder, 'problem = "four_points"\nsolver = "numpy_lstsq"', 'problem = "wide_20x40"\nsolver = "statsmodels_qr"'
    )
    text = (folder / "quick.toml").read_text()
    text = text.replace('status = "ok"\ndigits_min = 10.0', 'status = "error"\nmessage = "LinAlgError"')
    text = re.sub(r"\[measured\].*?\n\n", '[measured]\n"2.1.0" = { status = "error" }\n\n', text, flags=re.DOTALL)
    (folder / "quick.toml").write_text(text)
    assert [line.outcome for line in reproduce(findings())] == [Ending.REPRODUCED]


@pytest.mark.slow
def test_a_script_that_hangs_is_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = change(folder, 'print("off by 0.5")', "import time; print(0.5, flush=True); time.sleep(60)")
    monkeypatch.setattr(harness.studies.findings, "TIMEOUT_S", 1)
    assert run_script(read_finding(path)) == f"{ERROR}still running after 1 s"


@pytest.mark.slow
def test_a_script_has_one_thread_and_a_folder_of_its_own(folder: Path) -> None:
    script = "import os; print(os.environ['OMP_NUM_THREADS'], os.listdir(), len(os.getcwd()) > 1)"
    path = change(folder, 'print("off by 0.5")', script)
    assert run_script(read_finding(path)) == "1 [] True"


@pytest.mark.slow
def test_the_error_is_the_first_line_after_the_traceback(folder: Path) -> None:
    path = change(folder, 'print("off by 0.5")', 'raise RuntimeError("first\\nsecond\\n\\tthird")')
    assert run_script(read_finding(path)) == f"{ERROR}RuntimeError: first"


@pytest.mark.slow
def test_repeats_are_compared_by_their_coefficients(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(1.0, 2.0), (1.0, 2.0), (1.0, 3.0)])

    def other(case: Any) -> Any:
        outcome = measure(case)
        solution = outcome.record.solution.model_copy(update={"computed": next(answers)})  # type: ignore[union-attr]
        return replace(outcome, record=outcome.record.model_copy(update={"solution": solution}))

    monkeypatch.setattr("harness.measure.run.measure", other)
    change(folder, 'solver = "numpy_lstsq"', 'solver = "numpy_lstsq"\nrepeats = 3')
    (line,) = reproduce(findings())
    assert "2 different answers" in line.case_says


# Judging


def test_a_case_that_was_not_run_is_not_reproduced() -> None:
    finding = next(finding for finding in FINDINGS if finding.expect is not None and finding.shows.says)
    version = next(name for name in finding.measured if finding.is_bad(name))
    assert judge(finding, version, None, str(finding.shows.says)).outcome is Ending.NOT_AS_SAID
    assert judge(finding, version).outcome is Ending.NOT_CHECKED


@pytest.mark.parametrize(
    ("shows", "proof", "not_proof"),
    [
        ({"says": "rank 1"}, "rank 1 of 2", "rank 2 of 2"),
        ({"says": "rank 1"}, "rank 1 of 2", f"{ERROR}rank 1"),
        ({"raises": "Singular"}, f"{ERROR}LinAlgError: Singular matrix", "Singular"),
        ({"most": 0.9}, "ratio 0.1 to 0.5", "ratio 0.1 to 1.2"),
        ({"least": 1e6}, "largest 3e+14", "largest 12"),
        ({"least": -2, "most": -1}, "slope -1.5", "slope 1.5"),
        ({"least": 0.5}, "off by inf", "off by nan"),
    ],
)
def test_what_proves_it(shows: dict[str, Any], proof: str, not_proof: str) -> None:
    rule = Shows.model_validate(shows | {key: float(value) for key, value in shows.items() if key in ("most", "least")})
    assert rule.missed(proof) == ""
    assert rule.missed(not_proof)
    assert str(next(iter(shows.values())))[:3] in rule.text or "e+" in rule.text


def test_what_was_not_measured_is_passed_over_only_in_the_table() -> None:
    expected = Expected(digits_max=1.0, rank=3)
    assert expected.missed(Measurement(rank=3), partial=True) == []
    assert expected.missed(Measurement(rank=3)) == ["digits None, not at most 1.0"]


# Files


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "quick"', "id = ", "Invalid value"),
        ('id = "quick"', 'id = "slow"', "id: 'slow' is not the file's name"),
        ('id = "quick"', 'id = "Quick!"', "id: String should match"),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ('workaround = "None."', 'workaround = "None."\nworkround = "None."', "workround: Extra inputs"),
        ('workaround = "None."\n', "", "workaround: Field required"),
        ('title = "four points fitted well"', 'title = "two\\nlines"', "title: String should match"),
        ('kind = "wrong answer without a warning"', 'kind = "wrong"', "kind: Input should be"),
        ('bad = ">=2.0"', 'bad = ""', "bad: "),
        ('bad = ">=2.0"', 'bad = "2.0 and later"', "'2.0 and later' is no version specifier"),
        ('upstream = ""', 'upstream = "issue 12"', "upstream: String should match"),
        ('"2.1.0" =', '"two" =', "'two' is no version"),
        ('"2.1.0" =', '"1.0" =', "no version in >=2.0 was measured"),
        (
            '{ status = "ok", digits = 15.0, prints = "off by 0.5" }',
            "{ digits = 2.0 }",
            "2.1.0 is in bad, but digits 2.0",
        ),
        ('prints = "off by 0.5"', 'prints = "off by 5"', "2.1.0 is in bad, but the last number of 'off by 5'"),
        ("{ digits = 2.0 }", "{ digits = 12.0 }", "1.26.4 is in good, but shows the defect"),
        ("{ digits = 2.0 }", "{ }", "nothing was measured of 1.26.4"),
        ('good = "<2.0"', 'good = ">=2.1"', "2.1.0 is in bad and in good"),
        ("{ digits = 2.0 }", '{ digits = "2" }', "measured.1.26.4.digits"),
        ('status = "ok"\ndigits_min = 10.0', "", "at least one thing is expected"),
        ("digits_min", "digits_mni", "expect.digits_mni: Extra inputs"),
        ('solver = "numpy_lstsq"\n', "", "problem, solver and expect go together"),
        (
            'kind = "wrong answer without a warning"',
            'kind = "changes the process that imports it"',
            "go together, except",
        ),
        ("least = 0.4\nmost = 0.6", "", "shows is one of says, raises, and most or least"),
        ("most = 0.6", 'says = "0.5"', "shows is one of"),
        ("most = 0.6", "most = nan", "shows.most: nan is no number that can be compared"),
        ('upstream = ""', 'upstream = ""\nrepeats = 0', "repeats: "),
    ],
)
def test_a_malformed_file_is_one_line(folder: Path, old: str, new: str, says: str) -> None:
    path = change(folder, old, new)
    with pytest.raises(UsageError) as caught:
        findings()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('solver = "numpy_lstsq"', 'solver = "numpy_lstq"', "did you mean 'numpy_lstsq'"),
        ('problem = "four_points"', 'problem = "for_points"', "did you mean 'four_points'"),
    ],
)
def test_an_unknown_case_is_one_line_before_anything_is_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    monkeypatch.setattr(harness.studies.findings, "run_script", lambda _: pytest.fail("it was run"))
    path = change(folder, old, new)
    with pytest.raises(UsageError, match=says) as caught:
        reproduce(findings())
    assert str(caught.value).startswith(f"{path}: ")


def test_no_files_at_all(folder: Path) -> None:
    (folder / "quick.toml").unlink()
    with pytest.raises(CannotMeasureError, match=re.escape(str(folder))):
        findings()


# The command


def test_the_table(run_cli: RunCli) -> None:
    ended = run_cli("findings")
    assert ended.code == 0
    assert max(map(len, ended.stdout.splitlines())) <= 100
    for finding in FINDINGS:
        (row,) = (line for line in ended.stdout.splitlines() if line.startswith(finding.id + " "))
        assert finding.bad in row
    here = sum(line.present is Present.YES for line in survey(FINDINGS))
    assert f"{len(FINDINGS)} findings, {here} in" in ended.stdout


def test_one_in_full_has_the_script_to_copy(run_cli: RunCli) -> None:
    ended = run_cli("findings", "sklearn_tol_drops_a_column")
    assert ended.code == 0
    (finding,) = findings("sklearn_tol_drops_a_column")
    assert finding.script.strip() in ended.stdout
    for text in (
        "harness fit everyday sklearn",
        finding.upstream,
        finding.workaround,
        "1.8.0",
        "rank 2 of 2, R2 0.969",
    ):
        assert text in ended.stdout


def test_an_unknown_finding_names_the_nearest(run_cli: RunCli) -> None:
    ended = run_cli("findings", "sklearn_tol_drops_a_colum")
    assert (ended.code, ended.stdout) == (2, "")
    assert "did you mean 'sklearn_tol_drops_a_column'?" in ended.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_check_exits_0_if_it_holds_and_1_if_it_does_not(folder: Path, run_cli: RunCli) -> None:
    ended = run_cli("findings", "--check")
    assert ended.code == 0
    assert "reproduced: off by 0.5" in ended.stdout
    assert "1 reproduced, 0 not there" in ended.stdout
    assert "0 not as said" in ended.stdout
    change(folder, 'print("off by 0.5")', 'print("off by 0.001")')
    for words in (("findings", "--check"), ("findings", "--check", "quick")):
        ended = run_cli(*words)
        assert ended.code == 1
        assert "the script: " in ended.stdout
        assert "not as said" in ended.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_check_without_any_library_could_not_measure(folder: Path, run_cli: RunCli) -> None:
    change(folder, 'library = "numpy"', 'library = "no-such-library"')
    assert run_cli("findings").code == 0
    ended = run_cli("findings", "--check")
    assert ended.code == 3
    assert "library absent" in ended.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_json(folder: Path, run_cli: RunCli) -> None:
    (line,) = json.loads(run_cli("findings", "--json").stdout)
    assert (line["id"], line["present"], line["outcome"]) == ("quick", "yes", "not checked")
    assert "script" not in line
    (full,) = json.loads(run_cli("findings", "quick", "--check", "--json").stdout)
    assert (full["outcome"], full["measured"]["1.26.4"]) == ("reproduced", {"digits": 2.0})
    assert "off by" in full["script"]


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_markdown(folder: Path, run_cli: RunCli) -> None:
    text = run_cli("findings", "--markdown").stdout
    assert "| quick | numpy | wrong answer without a warning | defect | \\>=2.0 |" in text
    assert '```python\nprint("off by 0.5")\n```' in text
    assert "checked" not in text.splitlines()[0]
    assert "checked" in run_cli("findings", "--markdown", "--check").stdout.splitlines()[0]
    assert run_cli("findings", "--markdown", "--json").code == 2


def test_every_finding_fits_a_hundred_columns_and_is_markdown() -> None:
    lines = [line.model_copy(update={"outcome": Ending.NOT_AS_SAID, "reason": "r [x]"}) for line in survey(FINDINGS)]
    table = shown(print_document, overview(lines))
    assert table.count("not as said: r [x]") == len(FINDINGS)
    markdown = as_markdown(every_one(FINDINGS, lines))
    for finding, line in zip(FINDINGS, lines, strict=True):
        page = shown(print_document, in_full(finding, line))
        assert finding.script.strip() in page
        assert all(len(text) <= 100 for text in page.partition("bad: ")[0].splitlines())
        assert f"```python\n{finding.script.strip()}\n```" in markdown


def test_each_finding_is_a_defect_or_a_documented_limit_by_a_sentence_of_the_documentation(
    folder: Path, run_cli: RunCli
) -> None:
    limits = {finding.id for finding in FINDINGS if finding.nature is Nature.LIMIT}
    assert {"numpy_lstsq_cutoff_grows_with_rows", "torch_gelsd_cutoff", "sklearn_tol_drops_a_column"} <= limits
    assert "glum_standard_errors" not in limits
    assert natures(survey(FINDINGS)) == f"{len(FINDINGS) - len(limits)} defects, {len(limits)} documented limits"
    assert all(finding.documentation for finding in FINDINGS)
    printed = run_cli("findings", "quick").stdout
    assert "against its documentation" in printed
    assert "defect: lstsq: it solves" in printed
    (line,) = json.loads(run_cli("findings", "--json").stdout)
    assert (line["nature"], line["documentation"]) == ("defect", "lstsq: it solves the equation.")
    assert "| wrong answer without a warning | defect |" in run_cli("findings", "--markdown").stdout
    change(folder, 'nature = "defect"\n', "")
    assert "nature" in run_cli("findings").stderr
