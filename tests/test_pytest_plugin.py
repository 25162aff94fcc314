"""The pytest plugin: names of tests, expected failures, one line for what is wrong; the fixture `measure`."""

import subprocess
import sys
from pathlib import Path

import pytest
import sklearn.linear_model  # noqa: F401
import statsmodels.api  # noqa: F401
import torch  # noqa: F401

# pytester takes away what a session in this process has imported, and numpy cannot be imported twice: it is here.
import harness.testing.measuring
import harness.testing.parametrize
import harness.testing.summary  # noqa: F401
from harness.store.store import Store

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow  # sessions of pytest, some with a worker process
ROOT = Path(__file__).parents[1]
PLUGIN = ("-p", "harness.testing.plugin")

CHECKS = """
from sklearn.linear_model import LinearRegression
from harness.testing import parametrize_with_problems

@parametrize_with_problems({solvers}{more})
def test_least_squares(check):
    check()
"""
MEASURE = """
import numpy as np

def lstsq(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0] * {factor}

def test_longley(measure):
    measured = measure(lstsq, "nist_norris")
    assert measured.status == "ok" and measured.doubts is not None
    assert {least} < measured.digits < 16 and measured.excess_loss < 1e-6
    assert 0 < measured.fit_s < 60 and measured.peak_bytes >= 0
"""


@pytest.fixture(autouse=True)
def own_plugins_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def collected(pytester: pytest.Pytester, solvers: str, more: str = "") -> pytest.RunResult:
    pytester.makepyfile(CHECKS.format(solvers=solvers, more=more))
    return pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q")


def test_ids_are_written_as_scikit_learn_writes_them(pytester: pytest.Pytester) -> None:
    out = collected(pytester, "[LinearRegression(), LinearRegression(tol=0), 'numpy_lstsq']").outlines
    for name in ("LinearRegression()", "LinearRegression(tol=0)", "numpy_lstsq"):
        assert any(line.endswith(f"::test_least_squares[{name}-scaled_columns]") for line in out)


def test_one_solver_needs_no_list(pytester: pytest.Pytester) -> None:
    assert "[LinearRegression()-exact_line]" in collected(pytester, "LinearRegression()").stdout.str()


def test_outcomes_are_those_of_the_checks(pytester: pytest.Pytester) -> None:
    reasons = "{'scaled_columns': 'tol is a cut-off', 'exact_line': 'it is right'}"
    pytester.makepyfile(CHECKS.format(solvers="LinearRegression(tol=1e-6)", more=f", expected_failed_checks={reasons}"))
    run = pytester.runpytest_inprocess(
        *PLUGIN, "-q", "-rxX", "-k", "scaled_columns or exact_line or wampler1 or nan_refused"
    )
    run.assert_outcomes(failed=1, xfailed=1, xpassed=1, passed=1)
    run.stdout.fnmatch_lines(
        [
            "E       *CheckFailedError: LinearRegression() fails nist_wampler1: wrong on nist_wampler1",
            "E         digits: 0.* of x, where a solver by svd must have *",
            "E         whose fault: the solver's. *",
            "XFAIL *scaled_columns] - tol is a cut-off",
        ]
    )
    assert "subject.right(" not in run.stdout.str(), "frames of the harness are not shown"


def test_expected_failures_by_solver_and_strictly(pytester: pytest.Pytester) -> None:
    expected = "lambda solver: {'exact_line': 'never'} if solver.tol == 0 else {}"
    more = f", expected_failed_checks={expected}, xfail_strict=True"
    pytester.makepyfile(CHECKS.format(solvers="[LinearRegression(tol=0), LinearRegression(tol=1e-9)]", more=more))
    run = pytester.runpytest_inprocess(*PLUGIN, "-q", "-k", "exact_line")
    run.assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize(
    ("solvers", "more", "said"),
    [
        ("[]", "", "no solver was given"),
        ("[3]", "", "int is no solver: give an estimator*"),
        ("['numpy_lstq']", "", "unknown solver 'numpy_lstq': did you mean 'numpy_lstsq'?"),
        ("['nowhere:Thing']", "", "'nowhere:Thing': there is no module nowhere"),
        ("LinearRegression()", ", method='lu'", "unknown method 'lu': known: *"),
        ("LinearRegression()", ", expected_failed_checks={'a': 'b'}", "unknown check 'a': known: *"),
    ],
)
def test_one_line_for_what_is_wrong(pytester: pytest.Pytester, solvers: str, more: str, said: str) -> None:
    run = collected(pytester, solvers, more)
    run.stdout.fnmatch_lines([f"parametrize_with_problems: {said}"])
    assert "Traceback" not in run.stdout.str()
    assert "harness/testing" not in run.stdout.str()


def test_sessions_without_it_show_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing():\n    pass\n")
    run = pytester.runpytest_inprocess(*PLUGIN)
    run.assert_outcomes(passed=1)
    head = ("rootdir: ", "plugins: ")  # pytest lists what is installed, and this is
    assert not [line for line in run.outlines if "harness" in line and not line.startswith(head)]


def test_the_plugin_imports_nothing_until_it_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_nothing():
            loaded = {name for name in sys.modules if name.partition(".")[0] in ("harness", "numpy", "pydantic")}
            assert loaded == {"harness", "harness.errors", "harness.testing", "harness.testing.plugin"}
        """
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:hypothesispytest", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_measured_fit_is_kept_compared_and_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MEASURE.format(factor=1.0, least=11))
    (pytester.path / "harness.toml").write_text('store = "kept.sqlite"\n')
    first = pytester.runpytest_inprocess(*PLUGIN, "--junit-xml=tests.xml")
    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines(["*harness: measured fits*", "*lstsq*ok*", "kept in sqlite:///*kept.sqlite"])
    kept = Store(str(pytester.path / "kept.sqlite"))
    (run,) = kept.runs()
    assert run.command == "pytest test_a_measured_fit_is_kept_compared_and_shown.py::test_longley"
    assert f'name="harness_run" value="{run.id}"' in (pytester.path / "tests.xml").read_text()
    same = pytester.runpytest_inprocess(*PLUGIN, "--harness-compare")
    assert same.ret == 0
    same.stdout.fnmatch_lines(["1 of 1 fit compared with earlier ones*"])
    pytester.makepyfile(**{run.command.split()[1].partition(".py")[0]: MEASURE.format(factor="(1 + 1e-9)", least=8)})
    worse = pytester.runpytest_inprocess(*PLUGIN, "--harness-compare")
    worse.stdout.fnmatch_lines(["worse nist_norris lstsq *: digits 1* before, 9* now"])
    assert worse.ret == 1, "the tests passed, and a fit is worse"


def test_nothing_to_compare_with_is_said_and_exits_3(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing():\n    pass\n")
    run = pytester.runpytest_inprocess(*PLUGIN, "--harness-compare", "--harness-store", "kept.sqlite")
    run.stdout.fnmatch_lines(["0 of 0 fits compared with earlier ones*"])
    assert run.ret == 3


def test_times_beside_other_tests_are_doubtful(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    monkeypatch.setenv("COLUMNS", "500")  # a doubt names what else runs on the machine: one line, however much that is
    pytester.makepyfile(MEASURE.format(factor=1.0, least=11))
    run = pytester.runpytest_inprocess(*PLUGIN, "--harness-store", "kept.sqlite")
    run.stdout.fnmatch_lines(["*doubtful*", "doubtful times *tests in 3 more processes (pytest-xdist)*"])


def test_what_xdist_measures_is_shown_by_its_first_process(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    pytester.makepyfile(
        MEASURE.format(factor=1.0, least=11) + "\ndef test_other(measure):\n    measure('numpy_lstsq', 'nist_norris')\n"
    )
    run = pytester.runpytest_subprocess(*PLUGIN, "-n", "2", "--harness-store", "kept.sqlite")
    run.assert_outcomes(passed=2)
    run.stdout.fnmatch_lines(["*lstsq*doubtful*ok*", "*tests in 1 more process (pytest-xdist)*"])
    assert len(Store(str(pytester.path / "kept.sqlite")).runs()) == 2


def test_several_cases_are_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_two(measure):\n    measure(['numpy_lstsq', 'sklearn'], 'nist_norris')\n")
    run = pytester.runpytest_inprocess(*PLUGIN, "--harness-store", "kept.sqlite")
    run.stdout.fnmatch_lines(["*UsageError: measure takes one solver on one problem, which are 2 cases"])
