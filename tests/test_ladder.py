"""The drawn designs are what their docstrings say, and the ladder's rungs are they, by name."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.measure.plan import Request, plan
from harness.problems import catalog, ladder
from harness.problems.ill_conditioned import collinear, conditioned, scaled, shifted
from harness.problems.irregular import deficient, outlier, wide
from harness.problems.problem import Problem, design_matrix
from harness.verify.reference import reference
from tests.conftest import RunCli

RUNGS = list(ladder.rungs())


def condition_of(problem: Problem) -> float:
    singular = np.linalg.svd(design_matrix(problem), compute_uv=False)
    return float(singular[0] / singular[-1])


# The designs


@pytest.mark.parametrize("condition", [1.0, 1e4, 1e8, 1e12, 1e14])
@pytest.mark.parametrize(("n", "p", "seed"), [(1000, 10, 0), (50, 4, 3), (6, 6, 1)])
def test_a_conditioned_design_has_the_condition_number_that_was_asked_for(
    condition: float, n: int, p: int, seed: int
) -> None:
    """To the rounding of X, which moves the least singular value by eps, a hundredth of it at 1e14."""
    problem = conditioned(n, p, condition, seed=seed)
    assert problem.X.shape == (n, p)
    assert condition_of(problem) == pytest.approx(condition, rel=1e-8 + 20 * np.finfo(float).eps * condition)
    assert reference(problem).columns == p


def test_the_singular_values_of_a_conditioned_design_are_a_geometric_sequence_from_1() -> None:
    singular = np.linalg.svd(conditioned(200, 5, 1e4).X, compute_uv=False)
    np.testing.assert_allclose(singular, [1, 1e-1, 1e-2, 1e-3, 1e-4], rtol=1e-10)


def test_without_noise_a_conditioned_design_has_coefficients_1() -> None:
    problem = conditioned(200, 5, 1e3, noise=0)
    assert problem.truth is not None
    assert (problem.truth.coef, problem.truth.intercept, problem.intercept) == ((1.0,) * 5, 0.0, False)
    np.testing.assert_allclose(np.linalg.lstsq(problem.X, problem.y, rcond=None)[0], 1, rtol=1e-11)


def test_shifted_columns_have_their_mean_over_their_sd_and_scaled_ones_their_scale() -> None:
    rng = np.random.default_rng(7)
    X = rng.standard_normal((400, 3))
    noise = rng.standard_normal(400)
    moved, wide_scales = shifted(400, 3, ratio=1e6, seed=7), scaled(400, 3, ratio=1e6, seed=7)
    assert np.array_equal(moved.X, 1e6 + X)
    assert np.array_equal(moved.y, 3 + moved.X.sum(axis=1) + noise)
    np.testing.assert_allclose(wide_scales.X, X * [1, 1e3, 1e6], rtol=1e-15)
    assert np.array_equal(wide_scales.y, 3 + X.sum(axis=1) + noise)
    assert wide_scales.truth is not None
    np.testing.assert_allclose(wide_scales.truth.coef, [1, 1e-3, 1e-6], rtol=1e-15)
    np.testing.assert_allclose(moved.X.mean(axis=0) / moved.X.std(axis=0), 1e6, rtol=0.1)


@pytest.mark.parametrize("p", [2, 5])
def test_collinear_columns_come_in_pairs_a_gap_apart(p: int) -> None:
    problem = collinear(2000, p, gap=1e-3, seed=2)
    drawn = np.random.default_rng(2).standard_normal((2000, p))
    for first in range(0, p - 1, 2):
        apart = (problem.X[:, first + 1] - problem.X[:, first]) / 1e-3
        np.testing.assert_allclose(apart, drawn[:, first + 1], atol=1e-9)
        assert np.array_equal(problem.X[:, first], drawn[:, first])
    assert p % 2 == 0 or np.array_equal(problem.X[:, -1], drawn[:, -1])
    assert condition_of(problem) == pytest.approx(2e3, rel=0.2)


def test_an_outlier_is_the_first_row_and_no_other() -> None:
    problem, rng = outlier(100, 3, size=1e5, seed=4), np.random.default_rng(4)
    X = rng.standard_normal((100, 3))
    y = 3 + X.sum(axis=1) + rng.standard_normal(100)
    assert problem.X[0].tolist() == [1e5] * 3
    assert problem.y[0] == -1e5
    assert np.array_equal(problem.X[1:], X[1:])
    assert np.array_equal(problem.y[1:], y[1:])
    A = design_matrix(problem)
    leverage = A[0] @ np.linalg.pinv(A)[:, 0]
    assert 0.99 < leverage <= 1 + 1e-9


@pytest.mark.parametrize(("n", "p", "rank"), [(1000, 10, 7), (60, 6, 1), (40, 9, 3), (30, 5, 4)])
def test_a_deficient_design_has_its_rank_exactly(n: int, p: int, rank: int) -> None:
    problem = deficient(n, p, rank, seed=5)
    assert np.array_equal(problem.X, np.rint(problem.X))
    assert problem.X.shape == (n, p)
    first = problem.X[:, :rank]
    for k in range(p - rank):
        total = first[:, k % rank] + first[:, (k + 1) % rank]
        assert np.array_equal(problem.X[:, rank + k], (1 + k // rank) * total)
    exact = reference(problem)
    assert (exact.rank, exact.columns) == (rank + 1, p + 1)


def test_a_wide_design_has_the_rank_of_its_rows() -> None:
    problem = wide(8, 12, seed=6)
    exact = reference(problem)
    assert problem.X.shape == (8, 12)
    assert (exact.rank, exact.columns) == (8, 13)


@pytest.mark.parametrize("spec", ["conditioned", "shifted", "scaled", "collinear", "outlier", "deficient", "wide"])
def test_a_design_is_drawn_again_from_its_label_and_otherwise_from_another_seed(spec: str) -> None:
    first = catalog.load(f"{spec}:n=30,p=40" if spec == "wide" else f"{spec}:n=60")
    again, other = catalog.load(first.label), catalog.load(first.label.replace("seed=0", "seed=1"))
    assert again.sha256 == first.sha256 != other.sha256
    assert first.family == spec
    assert first.source
    assert first.title


REFUSED = [
    ("conditioned:condition=0.5", "conditioned needs 1 <= condition <= 1e15"),
    ("conditioned:condition=1e16", "1 <= condition <= 1e15"),
    ("conditioned:condition=nan", "conditioned: condition takes a number, not 'nan'"),
    ("conditioned:n=5,p=6", "n >= p >= 2"),
    ("conditioned:p=1", "n >= p >= 2"),
    ("conditioned:noise=-1", "0 <= noise"),
    ("conditioned:seed=-1", "seed >= 0"),
    ("conditioned:rank=3", "unknown parameter of conditioned 'rank'"),
    ("shifted:ratio=-1", "0 <= ratio <= 1e15"),
    ("shifted:ratio=inf", "0 <= ratio <= 1e15"),
    ("shifted:n=1", "n >= 2"),
    ("shifted:p=0", "p >= 1"),
    ("scaled:ratio=0.1", "1 <= ratio <= 1e100"),
    ("scaled:p=1", "p >= 2"),
    ("collinear:gap=0", "0 < gap <= 1"),
    ("collinear:p=1", "p >= 2"),
    ("outlier:size=0", "0 < size <= 1e100"),
    ("deficient:rank=10", "1 <= rank < p"),
    ("deficient:rank=0", "1 <= rank < p"),
    ("deficient:n=8", "n > rank + 1"),
    ("wide:n=40", "2 <= n < p"),
    ("wide:n=1", "2 <= n < p"),
    ("conditioned:n=1e12", "is more than this machine can hold"),
]


@pytest.mark.parametrize(("spec", "said"), REFUSED, ids=[spec for spec, _ in REFUSED])
def test_parameters_that_make_no_such_design_are_refused_in_a_line(spec: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        catalog.load(spec)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_deficient_design_that_drew_less_than_its_rank_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numpy.linalg.matrix_rank", lambda _matrix: 2)
    with pytest.raises(UsageError, match="drew a rank below 3 with n=20"):
        deficient(20, 5, 3)


# The rungs


@pytest.mark.parametrize("name", RUNGS)
def test_a_rung_is_its_generators_problem_under_its_own_name(name: str) -> None:
    rung, problem = ladder.rungs()[name], catalog.load(name)
    spec = ",".join(f"{key}={value!r}" for key, value in rung.parameters.items())
    drawn = catalog.load(f"{rung.generator}:{spec}")
    assert (problem.name, problem.label, problem.family, problem.title) == (name, name, "ladder", rung.title)
    assert problem.sha256 == drawn.sha256
    assert problem.source.startswith(drawn.label)
    assert problem.truth == drawn.truth


@pytest.mark.parametrize("name", RUNGS)
def test_the_exact_rank_of_a_rung_is_the_one_its_name_says(name: str) -> None:
    exact = reference(catalog.load(name))
    expected = {"rank_7of10": 8, "wide_20x40": 20}.get(name, exact.columns)
    assert exact.rank == expected


@pytest.mark.parametrize("name", [name for name in RUNGS if name.startswith("condition_")])
def test_the_name_of_a_condition_rung_is_its_condition_number(name: str) -> None:
    asked = float(name.removeprefix("condition_"))
    assert condition_of(catalog.load(name)) == pytest.approx(asked, rel=0.05)


def test_the_ladder_goes_from_easy_to_hopeless_and_no_name_is_taken_twice() -> None:
    groups = ladder.groups()
    assert [len(groups[name].rungs) for name in ("condition", "shift", "scale")] == [8, 5, 6]
    assert {"condition_1e00", "condition_1e14", "shift_1e08", "scale_1e10", "collinear_1e-7"} < set(RUNGS)
    assert len(set(catalog.names())) == len(catalog.names())


def test_the_ladder_is_listed_and_is_not_in_the_default_grid(run_cli: RunCli) -> None:
    ended = run_cli("list", "problems")
    assert (ended.code, ended.stderr) == (0, "")
    words = ended.stdout.replace(",", " ").split()
    assert not {name.removeprefix(ladder.groups()["scale"].prefix()) for name in RUNGS if "scale_" in name} - set(words)
    assert {*catalog.GENERATORS, "condition_...", "rank_7of10", "wide_20x40"} <= set(words)
    assert "ladder" not in {case.problem.family for case in plan(Request(n=(20,), solvers=("numpy_lstsq",)))}
    assert not set(RUNGS) & set(catalog.sidecars())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fit", "condition_1e8", "numpy_lstsq"), "did you mean 'condition_1e08'?"),
        (("fit", "condition_1e08:n=5", "numpy_lstsq"), "condition_1e08 is a rung of ladder.toml"),
        (("fit", "condition_1e08", "numpy_lstsq", "--n", "50"), "condition_1e08 has the rows it has"),
    ],
)
def test_a_rung_takes_no_parameters(words: tuple[str, ...], said: str, run_cli: RunCli) -> None:
    ended = run_cli(*words)
    assert (ended.code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


# Another ladder


LADDER = """
schema_version = 1

[groups.condition]
title = "mine"
rungs.condition_3e3 = { generator = "conditioned", condition = 3e3, n = 40, p = 4, title = "condition number 3000" }
"""
TWICE = "[groups.a]\ntitle = 'a'\nrungs.condition_3e3 = { generator = 'wide', title = 'w' }\n"


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of data whose ladder is LADDER."""
    monkeypatch.setattr(ladder, "datasets_folder", lambda: tmp_path)
    ladder.groups.cache_clear()
    path = tmp_path / ladder.FILE
    path.write_text(LADDER)
    yield path
    ladder.groups.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("another")
def test_one_more_rung_is_one_line(run_cli: RunCli) -> None:
    ended = run_cli("fit", "condition_3e3", "numpy_lstsq")
    assert (ended.code, ended.stderr) == (0, "")
    assert "condition number 3000: numpy.linalg.lstsq" in ended.stdout
    assert "condition number 3.0e+03" in ended.stdout
    assert "rank 4 (exact 4)" in ended.stdout


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("schema_version = 1", "schema_version = 2", ["schema_version"]),
        ('title = "mine"', "", ["groups.condition.title", "required"]),
        (', title = "condition number 3000"', "", ["condition_3e3.title", "required"]),
        ('title = "mine"', 'title = "mine"\ncolour = "red"', ["colour"]),
        ("condition = 3e3", 'condition = "high"', ["condition_3e3.parameters.condition"]),
        ("rungs.condition_3e3 = {", "rungs.condition_3e3 = [", ["line 6"]),
        ('title = "mine"', 'title = "mine"\nrungs.x = 3', ["groups.condition.rungs.x"]),
        ("[groups.condition]", f"{TWICE}[groups.condition]", ["'condition_3e3' names two rungs"]),
        ('"conditioned"', '"condition"', ["condition_3e3", "unknown generator", "did you mean 'conditioned'?"]),
        ("condition = 3e3", "rank = 3", ["condition_3e3", "unknown parameter of conditioned 'rank'"]),
        ("p = 4", "p = 1", ["condition_3e3", "n >= p >= 2"]),
    ],
)
def test_a_mistake_in_the_ladder_is_one_line_that_names_it(
    old: str, new: str, pieces: list[str], another: Path
) -> None:
    assert old in LADDER
    another.write_text(LADDER.replace(old, new, 1))
    with pytest.raises(UsageError) as refused:
        catalog.load("condition_3e3")
    text = str(refused.value)
    assert len(text.splitlines()) == 1
    assert [piece for piece in (ladder.FILE, *pieces) if piece not in text] == []


def test_a_broken_ladder_leaves_stored_problems_alone(another: Path) -> None:
    another.unlink()
    assert catalog.load("four_points").n == 4
    with pytest.raises(UsageError, match="no such file"):
        catalog.load("condition_3e3")
