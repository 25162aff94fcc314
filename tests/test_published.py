"""The tutorials' printed figures, each a test of its own, and what the comparison refuses."""

import io
import json
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from rich.console import Console
from scipy import stats
from sklearn.datasets import make_regression
from sklearn.model_selection import train_test_split
from typer.testing import CliRunner

import harness.studies.published
from harness.cli.groups import spread
from harness.cli.published import published
from harness.errors import CannotMeasureError, UsageError
from harness.judge.studies.published import Ending, Figure, Line, Tolerance, compare, read_tutorial, summarize
from harness.measure.plan import single
from harness.measure.run import measure
from harness.paths import results_folder
from harness.problems import catalog as problems
from harness.report.render.terminal import print_document
from harness.report.words import published as words
from harness.solvers import catalog as solvers
from harness.solvers.fit import Fit
from harness.solvers.options import Options
from harness.solvers.training.batched.engine import fits_of
from harness.solvers.training.training import Training
from harness.studies.published import published_files, reproduce

TUTORIALS = {name: read_tutorial(path) for name, path in published_files().items()}
FIGURES = [
    pytest.param(name, figure, id=f"{name}: {figure.name}")
    for name, tutorial in TUTORIALS.items()
    for figure in tutorial.figures
]
ONE_LOSS = """
schema_version = 1
tutorial = "one loss"
source = "this test"

[[case]]
id = "sgd"
problem = "four_points"
solver = "torch_sgd"
options = { epochs = 2, init = [-0.14932823181152344, -0.5369853973388672] }

[[figure]]
name = "first loss"
case = "sgd"
quantity = "trace.train_loss"
at = [0]
printed = 36.08680725097656
tolerance = { rel = 1e-5, source = "this test" }
"""


@pytest.fixture(scope="module")
def lines() -> dict[tuple[str, str], Line]:
    return {(line.tutorial, line.figure): line for line in reproduce()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of published figures in the place of the project's."""
    monkeypatch.setattr(harness.studies.published, "results_folder", lambda: tmp_path)
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


def fitted(problem: str, solver: str, **options: object) -> Fit:
    outcome = measure(single(problems.load(problem), solvers.get(solver), Options(**options)))  # type: ignore[arg-type]
    assert outcome.fit is not None, outcome.record.message
    return outcome.fit


def losses(figure: str = "losses", printed: object = (1.0, 2.0), **tolerance: object) -> Figure:
    kind = tolerance or {"abs": 0.1}
    return Figure.model_validate(
        {"name": figure, "case": "c", "quantity": "q", "printed": printed, "tolerance": kind | {"source": "here"}}
    )


@pytest.mark.slow
@pytest.mark.parametrize(("tutorial", "figure"), FIGURES)
def test_figure(lines: dict[tuple[str, str], Line], tutorial: str, figure: Figure) -> None:
    line = lines[tutorial, figure.name]
    assert line.outcome is (Ending.REPRODUCED if figure.reproducible else Ending.NOT_REPRODUCIBLE), line.reason
    assert figure.reproducible or line.reason


@pytest.mark.slow
def test_every_figure_is_a_line_and_every_case_is_used(lines: dict[tuple[str, str], Line]) -> None:
    assert len(lines) == len(FIGURES)
    for tutorial in TUTORIALS.values():
        assert {case.id for case in tutorial.cases} == {figure.case for figure in tutorial.figures} - {None}


@pytest.mark.slow
def test_the_report_fits_a_hundred_columns(lines: dict[tuple[str, str], Line]) -> None:
    summary = summarize(list(lines.values()))
    console = Console(file=io.StringIO(), width=100)
    print_document(console, words.published(summary))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    assert max(map(len, text.splitlines())) <= 100
    assert all(f.name in text for tutorial in TUTORIALS.values() for f in tutorial.figures)
    assert text.splitlines()[-1].strip() == words.conclusion(summary)
    assert re.fullmatch(
        r"\d+ reproduced, 0 not reproduced, \d+ not reproducible \(with reasons\)", words.conclusion(summary)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("angle", "lr"), [(0.0, 0.01), (1.0, 0.001), (2.5, 0.01), (4.0, 0.001)])
def test_auto_mpg_losses_follow_their_closed_form(angle: float, lr: float) -> None:
    # Of standardised data the Hessian of the mean squared error is 2 I: each step shrinks the distance
    # to the optimum by 1 - 2 lr, wherever on the circle the training starts.
    X, y = problems.load("auto_mpg").rows("train")
    correlation = float(np.corrcoef(X[:, 0], y)[0, 1])
    radius = 0.9308824773299796
    assert 0.866492 <= radius**2 <= 0.866592
    init = (correlation + radius * math.cos(angle), radius * math.sin(angle))
    trace = fitted("auto_mpg", "torch_sgd", lr=lr, epochs=1001, init=init).trace
    assert trace is not None
    steps = np.arange(1001)
    expected = 1 - correlation**2 + radius**2 * (1 - 2 * lr) ** (2 * steps)
    np.testing.assert_allclose(trace.train_loss, expected, rtol=1e-6)


def test_auto_mpg_summary_against_the_formulas() -> None:
    fit = fitted("auto_mpg", "statsmodels_pinv")
    assert fit.coef is not None
    assert fit.inference is not None
    X, y = problems.load("auto_mpg").rows("train")
    line = stats.linregress(X[:, 0], y)
    residual = y - line.intercept - line.slope * X[:, 0]
    n, rss = len(y), float(residual @ residual)
    log_likelihood = -n / 2 * (math.log(2 * math.pi * rss / n) + 1)
    skew, kurtosis = stats.skew(residual), stats.kurtosis(residual, fisher=False)
    r_squared = line.rvalue**2
    expected = {
        "r_squared": r_squared,
        "adj_r_squared": 1 - (1 - r_squared) * (n - 1) / (n - 2),
        "f_statistic": (line.slope / line.stderr) ** 2,
        "prob_f": line.pvalue,
        "log_likelihood": log_likelihood,
        "aic": 4 - 2 * log_likelihood,
        "bic": 2 * math.log(n) - 2 * log_likelihood,
        "durbin_watson": float(np.sum(np.diff(residual) ** 2)) / rss,
        "jarque_bera": n / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4),
        "skew": skew,
        "kurtosis": kurtosis,
        "omnibus": stats.normaltest(residual).statistic,
        "cond_no": np.linalg.cond(np.column_stack([np.ones(n), X])),
    }
    assert {name: fit.inference.statistics[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert [fit.intercept, *fit.coef] == pytest.approx([line.intercept, line.slope], rel=1e-6)
    assert fit.inference.standard_errors == pytest.approx([line.intercept_stderr, line.stderr], rel=1e-6)


def test_make_regression_is_what_scikit_learn_draws() -> None:
    X, y, coef = make_regression(
        n_samples=1200, n_features=1, bias=3.0, noise=2, random_state=42, shuffle=True, coef=True
    )
    parts = train_test_split(X[:1000], y[:1000], test_size=0.2, random_state=42, shuffle=True)
    drawn = {"train": (parts[0], parts[2]), "val": (parts[1], parts[3]), "test": (X[1000:], y[1000:])}
    problem = problems.load("make_regression")
    for part, (features, target) in drawn.items():
        stored = problem.rows(part)
        # The last bit is the linear algebra library's.
        np.testing.assert_allclose(stored[0], features, rtol=1e-14)
        np.testing.assert_allclose(stored[1], target, rtol=1e-14)
    assert problem.truth is not None
    assert problem.truth.coef == pytest.approx((float(coef),), rel=1e-14)


@pytest.mark.parametrize(
    ("tolerance", "near", "far"),
    [
        ({"abs": 0.1}, 2.05, 2.2),
        ({"rel": 0.1}, 2.15, 2.25),
        ({"decimals": 1}, 2.04, 2.06),
        ({"digits": 2}, 1.96, 1.94),
        ({"band": [1.5, 2.5]}, 2.4, 2.6),
        ({"float32": True}, 2.00000001, 2.000001),
    ],
)
def test_tolerances(tolerance: dict[str, object], near: float, far: float) -> None:
    kind = Tolerance.model_validate(tolerance | {"source": "here"})
    assert kind.holds(2.0, near)
    assert not kind.holds(2.0, far)
    assert not any(kind.holds(2.0, value) for value in (math.nan, math.inf, -math.inf))
    assert len(kind.text) <= 14


def test_tiny_figures_are_compared_by_their_digits() -> None:
    kind = Tolerance(digits=3, source="here")
    assert kind.holds(1.66e-91, 1.6558889e-91)
    assert not kind.holds(1.66e-91, 1.6548889e-91)


@pytest.mark.parametrize(
    ("values", "matched", "says"),
    [
        ([math.nan, 2.0], 1, "first at 0: nan reproduced, 1 printed"),
        ([1.0, math.inf], 1, "first at 1: inf reproduced, 2 printed"),
        ([1.0, 2.5], 1, "first at 1: 2.5 reproduced, 2 printed"),
        ([1.0], 1, "2 values printed, 1 reproduced"),
        ([1.0, 2.0, 3.0], 2, "2 values printed, 3 reproduced"),
        ([], 0, "2 values printed, 0 reproduced"),
    ],
)
def test_what_is_not_finite_missing_or_off_is_not_reproduced(values: list[float], matched: int, says: str) -> None:
    line = compare("t", losses(), values)
    assert (line.outcome, line.matched, line.reason) == (Ending.NOT_REPRODUCED, matched, says)
    # JSON has no NaN: whatever came out must still be JSON.
    json.loads(summarize([line]).model_dump_json(), parse_constant=pytest.fail)


def test_a_list_is_one_line_with_its_worst_deviation() -> None:
    line = compare("t", losses(rel=0.1), [1.01, 2.1])
    assert (line.outcome, line.matched, line.count) == (Ending.REPRODUCED, 2, 2)
    assert line.deviation == pytest.approx(0.05)


@pytest.mark.parametrize(("old", "new"), [("36.08680725097656", "36.09"), ("printed = 36", "printed = 37")])
def test_a_perturbed_printed_value_is_not_reproduced(folder: Path, old: str, new: str) -> None:
    (folder / "one.toml").write_text(ONE_LOSS)
    assert [line.outcome for line in reproduce()] == [Ending.REPRODUCED]
    (folder / "one.toml").write_text(ONE_LOSS.replace(old, new))
    (line,) = reproduce()
    assert line.outcome is Ending.NOT_REPRODUCED
    assert line.reason.startswith("36.08680725 reproduced, 3")


def test_every_printed_loss_counts() -> None:
    figure = next(f for f in TUTORIALS["four_points"].figures if f.name == "100 losses")
    off = (*figure.values[:99], figure.values[99] * 1.001)
    line = compare("four_points", figure.model_copy(update={"printed": off}), figure.values)
    assert (line.outcome, line.matched) == (Ending.NOT_REPRODUCED, 99)
    assert line.reason.startswith("first at 99: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("init = [-0.14932823181152344, ", "init = [0.1, 0.2, ", "no trace.train_loss: init has 3 values"),
        ("at = [0]", "at = [2]", "no trace.train_loss: index 2 is out of bounds"),
        ("trace.train_loss", "trace.val_loss", "no trace.val_loss: there is no val_loss"),
        ("trace.train_loss", "r2.test", "no r2.test: test"),
        ("trace.train_loss", "predictions.future", "no predictions.future: there is no split future"),
        ("trace.train_loss", "t.const", "no t.const: the solver makes no inference"),
        ("trace.train_loss", "coef.first", "no coef.first: "),
        ("trace.train_loss", "data.y", "2 reproduced, 36.08680725 printed"),
    ],
)
def test_what_a_case_does_not_give_is_not_reproduced(folder: Path, old: str, new: str, says: str) -> None:
    (folder / "one.toml").write_text(ONE_LOSS.replace(old, new))
    (line,) = reproduce()
    assert line.outcome is Ending.NOT_REPRODUCED
    assert line.reason.startswith(says)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "sgd"', "id = ", "Invalid value"),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ("printed =", "prined = 1\nprinted =", "figure.0.prined: Extra inputs"),
        ("printed = 36.08680725097656", "printed = nan", "nan is no number that can be compared"),
        ("printed = 36.08680725097656", 'printed = "36"', "valid number"),
        ("printed = 36.08680725097656", "printed = [36.1, 26.2]", "2 printed values"),
        ("rel = 1e-5", "rel = 1e-5, abs = 1", "a tolerance is one of"),
        ("rel = 1e-5", "band = [2, 1]", "upside down"),
        ("rel = 1e-5", "band = [1, 2]", "leaves the printed value out"),
        (', source = "this test" }', " }", "source: Field required"),
        ('case = "sgd"', 'case = "adam"', "names the case 'adam'"),
        ('case = "sgd"', 'case = "sgd"\nreproducible = false\nreason = "why"', "needs a case"),
        ('case = "sgd"', 'case = "sgd"\nbest = "max"', "go together"),
        ("[[figure]]", "seeds = [1, 2]\n[[figure]]", "go together"),
        ("[[case]]", '[[case]]\nid = "sgd"\nproblem = "p"\nsolver = "s"\n[[case]]', "case sgd is there 2 times"),
        ('solver = "torch_sgd"', 'solver = "torch_sdg"', "did you mean 'torch_sgd'"),
        ('problem = "four_points"', 'problem = "for_points"', "did you mean 'four_points'"),
        ("epochs = 2", "epoch = 2", "did you mean 'epochs'"),
        ("epochs = 2", "threads = 2", "unknown option 'threads'"),
        ("epochs = 2", "hidden = [8]", "takes no hidden"),
        ("epochs = 2", "lr = -1", "positive"),
        ("epochs = 2", 'epochs = "two"', "epochs cannot be 'two'"),
        ('"trace.train_loss"', '"trac.train_loss"', "did you mean 'trace'"),
    ],
)
def test_a_bad_file_is_one_line(folder: Path, old: str, new: str, says: str) -> None:
    assert old in ONE_LOSS
    path = folder / "one.toml"
    path.write_text(ONE_LOSS.replace(old, new))
    with pytest.raises(UsageError) as caught:
        reproduce()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert "\n" not in message


def test_a_figure_that_cannot_be_had_has_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a case, quantity and tolerance, or else"):
        Figure.model_validate({"name": "lost", "printed": 1.0, "reproducible": False})


def test_no_files_at_all(folder: Path) -> None:
    with pytest.raises(CannotMeasureError, match=re.escape(str(folder))):
        reproduce()


def test_an_unknown_tutorial_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown tutorial 'auto_mgp': did you mean 'auto_mpg'"):
        reproduce(["auto_mgp"])


@pytest.mark.parametrize(("engine", "batches"), [("loop", []), ("batched", [[1, 2, 3]])])
def test_best_of_seeds_and_one_thread(
    engine: str, batches: list[list[int]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ONE_LOSS.replace("init = [-0.14932823181152344, -0.5369853973388672]", f'engine = "{engine}"')
    text = text.replace("[[figure]]", 'seeds = [1, 2, 3]\n\n[[figure]]\nbest = "min"').replace(
        "rel = 1e-5", "abs = 1e9"
    )
    (folder / "one.toml").write_text(text)
    told: list[tuple[str, int]] = []
    trained: list[list[int]] = []

    def counted(training: Training, seeds: list[int]) -> list[Fit]:
        trained.append(seeds)
        return fits_of(training, seeds)

    monkeypatch.setattr(harness.studies.published, "fits_of", counted)
    (line,) = reproduce(on_case=lambda case: told.append((case, torch.get_num_threads())))
    assert told == [(f"one: sgd, seed {seed}", 1) for seed in (1, 2, 3)]
    assert trained == batches
    each = [fitted("four_points", "torch_sgd", epochs=2, seed=seed, engine=engine).trace for seed in (1, 2, 3)]
    assert line.reproduced == min(trace.train_loss[0] for trace in each if trace is not None)


def test_a_batch_that_cannot_be_trained_is_each_case_s_status(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Fit]:
        raise MemoryError("too many models")

    monkeypatch.setattr(harness.studies.published, "fits_of", fail)
    text = ONE_LOSS.replace("init = [-0.14932823181152344, -0.5369853973388672]", 'engine = "batched"')
    (folder / "one.toml").write_text(text.replace("[[figure]]", 'seeds = [1, 2]\n\n[[figure]]\nbest = "min"'))
    (line,) = reproduce()
    assert line.outcome is Ending.NOT_REPRODUCED
    assert line.reason == "no trace.train_loss: too many models; too many models"


def test_the_command(folder: Path) -> None:
    app = typer.Typer()
    app.command()(spread(published))
    runner = CliRunner()
    (folder / "one.toml").write_text(ONE_LOSS)
    fine = runner.invoke(app, ["one"])
    assert fine.exit_code == 0, fine.output
    assert "1 reproduced, 0 not reproduced" in fine.stdout
    assert "0 not reproducible" in fine.stdout
    (folder / "one.toml").write_text(ONE_LOSS.replace("printed = 36", "printed = 37"))
    wrong = runner.invoke(app, ["--json"])
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["not_reproduced"] == 1


def test_every_tolerance_has_a_source() -> None:
    for path in sorted((results_folder() / "published").glob("*.toml")):
        for figure in tomllib.loads(path.read_text(encoding="utf-8"))["figure"]:
            assert figure.get("reason") or len(figure["tolerance"]["source"]) > 3, (path, figure["name"])
