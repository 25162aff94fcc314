import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, make_regression
from sklearn.model_selection import train_test_split

from harness.errors import UsageError
from harness.problems import catalog, ladder
from harness.problems.generators import everyday, synthetic
from harness.problems.problem import SPLITS, Problem, Split, design_matrix
from harness.problems.sidecar import load_stored, read_sidecar
from harness.problems.table import RankDeficientError, load_file

ROOT = Path(__file__).resolve().parents[1]
DATASETS = ROOT / "datasets"
STORED = sorted(path.stem for path in DATASETS.glob("*.toml") if path.stem != "ladder")

Write = Callable[[pd.DataFrame], Path]


def refusal(load: Callable[[], object], *pieces: str) -> UsageError:
    """The UsageError that `load` ends with: one line that says each of the pieces."""
    with pytest.raises(UsageError) as refused:
        load()
    text = str(refused.value)
    assert len(text.splitlines()) == 1
    assert text == text.strip()
    for piece in pieces:
        assert piece in text
    return refused.value


def lengths(problem: Problem) -> tuple[int, ...]:
    return tuple(len(getattr(problem.split, part)) for part in SPLITS)


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATASETS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# The stored data sets


def test_the_catalog_lists_every_sidecar_then_the_generators_then_the_rungs() -> None:
    assert STORED
    drawn = [
        "synthetic",
        "everyday",
        "conditioned",
        "shifted",
        "scaled",
        "collinear",
        "outlier",
        "deficient",
        "wide",
        "heavy",
        "correlated",
        "heavy_tails",
        "friedman",
    ]
    assert catalog.names() == [*STORED, *drawn, *ladder.rungs()]


@pytest.mark.parametrize("name", STORED)
def test_a_sidecar_says_what_its_file_is(name: str) -> None:
    sidecar = read_sidecar(DATASETS / f"{name}.toml")
    data = (DATASETS / sidecar.file).read_bytes()
    assert sidecar.name == name
    assert sidecar.sha256 == hashlib.sha256(data).hexdigest()
    assert sidecar.rows == len(rows_of(name))
    assert {sidecar.target, *sidecar.features} <= set(sidecar.units)
    assert all([sidecar.title, sidecar.source, sidecar.licence, sidecar.made_by, *sidecar.units.values()])
    assert sidecar.target not in sidecar.features


@pytest.mark.parametrize("name", STORED)
def test_a_stored_problem_holds_the_numbers_of_its_file_and_the_words_of_its_sidecar(name: str) -> None:
    sidecar, problem, rows = read_sidecar(DATASETS / f"{name}.toml"), catalog.load(name), rows_of(name)
    stored = np.array([[float(row[feature]) for feature in sidecar.features] for row in rows])
    formed = [stored]
    for _ in range(1, sidecar.degree):
        formed.append(formed[-1] * stored)
    assert problem.X.tolist() == np.hstack(formed).tolist()
    assert problem.y.tolist() == [float(row[sidecar.target]) for row in rows]
    assert (problem.n, problem.p) == (sidecar.rows, sidecar.degree * len(sidecar.features))
    assert (problem.name, problem.label, problem.title) == (name, name, sidecar.title)
    assert (problem.units, problem.recipe) == (sidecar.units, sidecar.recipe)
    assert (problem.family, problem.relation, problem.intercept) == (
        sidecar.family,
        sidecar.relation,
        sidecar.intercept,
    )
    assert (problem.truth is None) == (sidecar.truth is None)


@pytest.mark.parametrize("name", STORED)
def test_the_parts_of_a_split_are_every_row_once(name: str) -> None:
    problem, rows = catalog.load(name), rows_of(name)
    parts = [getattr(problem.split, part) for part in SPLITS]
    assert sorted(np.concatenate(parts).tolist()) == list(range(problem.n))
    for part, index in zip(SPLITS, parts, strict=True):
        assert {rows[i].get("split", "train") for i in index} <= {part}
        X, y = problem.rows(part)
        assert np.array_equal(X, problem.X[index])
        assert np.array_equal(y, problem.y[index])


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("auto_mpg", (398, 0, 0)),
        ("four_points", (4, 0, 0)),
        ("make_regression", (800, 200, 200)),
        ("noiseless_line", (80, 0, 20)),
        ("sine", (800, 200, 200)),
    ],
)
def test_a_tutorial_is_split_as_it_splits(name: str, split: tuple[int, ...]) -> None:
    assert lengths(catalog.load(name)) == split


def test_four_points_lie_on_a_line_through_the_origin() -> None:
    problem = catalog.load("four_points")
    assert problem.X.tolist() == [[1.0], [2.0], [3.0], [3.5]]
    assert problem.y.tolist() == [2.0, 4.0, 6.0, 7.0]
    assert problem.truth is not None
    assert (problem.truth.coef, problem.truth.intercept) == ((2.0,), 0.0)


def test_noiseless_line_is_its_tutorials_float32_line_to_the_last_bit() -> None:
    problem = catalog.load("noiseless_line")
    x = torch.arange(0, 2, 0.02)
    assert problem.X[:, 0].tolist() == x.double().tolist()
    assert problem.y.tolist() == (0.8 * x + 0.2).double().tolist()
    assert problem.split.train.tolist() == list(range(80))
    assert problem.recipe["loss"] == "l1"


def test_auto_mpg_is_398_cars_in_the_files_own_order() -> None:
    rows, problem = rows_of("auto_mpg"), catalog.load("auto_mpg")
    assert problem.n == len(rows) == 398
    assert problem.y[:5].tolist() == [18, 15, 18, 16, 17]
    assert problem.X[:5, 0].tolist() == [307, 350, 318, 304, 302]
    assert problem.features == ("displacement",)
    assert not [row["name"] for row in rows if row["name"] != row["name"].lower()]


def test_make_regression_and_sine_are_drawn_as_their_sidecars_say() -> None:
    X, y, coef = make_regression(n_samples=1200, n_features=1, bias=3.0, noise=2, random_state=42, coef=True)
    train, val = train_test_split(np.arange(1000), test_size=0.2, random_state=42, shuffle=True)
    order = np.concatenate([train, val, np.arange(1000, 1200)])
    line, sine = catalog.load("make_regression"), catalog.load("sine")
    np.testing.assert_allclose(line.X, X[order], rtol=1e-12)
    np.testing.assert_allclose(line.y, y[order], rtol=1e-12)
    assert line.truth is not None
    assert (*line.truth.coef, line.truth.intercept) == pytest.approx((float(coef), 3.0), rel=1e-12)
    assert np.array_equal(sine.X, line.X)
    curve = np.sin(2 * X[:, 0]) + np.random.default_rng(42).normal(0, 0.1, 1200)
    np.testing.assert_allclose(sine.y, curve[order], rtol=0, atol=1e-12)
    assert (line.relation, sine.relation) == ("linear", "nonlinear")


def test_diabetes_is_scikit_learns_unscaled_data() -> None:
    problem, bunch = catalog.load("diabetes"), load_diabetes(scaled=False)
    assert np.array_equal(problem.X, bunch.data)
    assert np.array_equal(problem.y, bunch.target)
    assert list(problem.features) == list(bunch.feature_names)


# What a problem promises


@pytest.mark.parametrize("spec", [*STORED, "synthetic:n=50,p=3", "everyday:n=50"])
def test_no_solver_can_write_into_a_problem(spec: str) -> None:
    problem = catalog.load(spec)
    for part in SPLITS:
        for array in (problem.X, problem.y, *problem.rows(part)):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_the_design_matrix_is_the_training_rows_behind_a_column_of_ones() -> None:
    X, y = np.arange(6.0).reshape(3, 2), np.arange(3.0)
    split = Split(np.array([0, 2]), np.array([1]), np.array([], dtype=np.int64))
    with_intercept = Problem("a", X, y, ("u", "v"), "y", split)
    without = Problem("a", X, y, ("u", "v"), "y", split, intercept=False)
    assert design_matrix(with_intercept).tolist() == [[1, 0, 1], [1, 4, 5]]
    assert design_matrix(without).tolist() == [[0, 1], [4, 5]]


@pytest.mark.parametrize(
    ("row", "intercept", "same"),
    [(1, True, True), (0, True, False), (1, False, False)],
    ids=["held-out row", "training row", "intercept"],
)
def test_the_hash_is_of_what_is_fitted(row: int, intercept: bool, same: bool) -> None:
    split = Split(np.array([0, 2]), np.array([1]), np.array([], dtype=np.int64))

    def problem(y: list[float], *, intercept: bool = True) -> Problem:
        return Problem("a", np.arange(3.0)[:, None], np.array(y), ("x",), "y", split, intercept=intercept)

    changed = [0.0, 1.0, 2.0]
    if intercept:
        changed[row] += 1e-15
    assert (problem([0.0, 1.0, 2.0]).sha256 == problem(changed, intercept=intercept).sha256) is same


# The catalog's specs


@pytest.mark.parametrize(
    ("spec", "n", "label"),
    [
        ("synthetic", None, "synthetic:n=1000,p=10,noise=1,seed=0"),
        ("synthetic:n=50,p=3", None, "synthetic:n=50,p=3,noise=1,seed=0"),
        ("synthetic:n=5e1,noise=0.5,seed=7", None, "synthetic:n=50,p=10,noise=0.5,seed=7"),
        ("synthetic:p=3", 20, "synthetic:n=20,p=3,noise=1,seed=0"),
        ("everyday:n=30", None, "everyday:n=30,seed=0"),
    ],
)
def test_a_generators_spec_sets_its_parameters_and_its_label_loads_the_same_problem(
    spec: str, n: int | None, label: str
) -> None:
    problem = catalog.load(spec, n=n)
    assert problem.label == label
    assert problem.n == problem.parameters["n"]
    assert problem.p == problem.parameters.get("p", 2)
    assert catalog.load(label).sha256 == problem.sha256


@pytest.mark.parametrize(
    ("spec", "asked", "pieces"),
    [
        ("auto_mgp", {}, ["unknown problem 'auto_mgp'", "did you mean 'auto_mpg'?"]),
        ("quadratic", {}, ["unknown problem 'quadratic'", "known: auto_mpg, ", " more"]),
        ("synthetic:rows=5", {}, ["unknown parameter of synthetic 'rows'", "known: n, noise, p, seed"]),
        ("everyday:p=3", {}, ["unknown parameter of everyday 'p'"]),
        ("synthetic:n=1.5", {}, ["synthetic: n", "whole number", "'1.5'"]),
        ("synthetic:n=many", {}, ["synthetic: n", "whole number", "'many'"]),
        ("synthetic:n=inf", {}, ["synthetic: n", "whole number", "'inf'"]),
        ("synthetic:n", {}, ["synthetic: n", "whole number", "''"]),
        ("synthetic:noise=nan", {}, ["synthetic: noise", "number", "'nan'"]),
        ("synthetic:noise=inf", {}, ["noise=inf"]),
        ("synthetic:noise=-1", {}, ["noise=-1"]),
        ("synthetic:n=1", {}, ["n >= 2"]),
        ("synthetic:p=0", {}, ["p >= 1"]),
        ("everyday", {"n": 1}, ["n >= 2"]),
        ("auto_mpg", {"n": 100}, ["auto_mpg", "--n", "synthetic, everyday"]),
        ("cars.csv", {"n": 100, "target": "y"}, ["cars.csv", "--n"]),
        ("auto_mpg:n=100", {}, ["auto_mpg", "takes no parameters", "'n=100'"]),
        ("auto_mpg", {"target": "mpg"}, ["auto_mpg", "--target"]),
        ("synthetic", {"target": "y"}, ["synthetic", "--target"]),
    ],
)
def test_a_wrong_spec_is_refused_in_a_line(spec: str, asked: dict[str, object], pieces: list[str]) -> None:
    refusal(lambda: catalog.load(spec, **asked), *pieces)  # type: ignore[arg-type]


# The generators


def test_synthetic_is_drawn_by_its_formula() -> None:
    problem = synthetic(n=50, p=3, noise=0.5, seed=7)
    rng = np.random.default_rng(7)
    X, w = rng.standard_normal((50, 3)), rng.standard_normal(3)
    assert np.array_equal(problem.X, X)
    np.testing.assert_allclose(problem.y, 3 + X @ w + 0.5 * rng.standard_normal(50), rtol=1e-14)
    assert problem.truth is not None
    assert (problem.truth.coef, problem.truth.intercept) == (tuple(w), 3.0)
    assert problem.features == ("x0", "x1", "x2")
    assert lengths(problem) == (50, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_fit_of_noiseless_synthetic_data_recovers_the_truth(seed: int) -> None:
    problem = synthetic(n=50, p=5, noise=0.0, seed=seed)
    assert problem.truth is not None
    beta = np.linalg.lstsq(design_matrix(problem), problem.y, rcond=None)[0]
    np.testing.assert_allclose(beta, [problem.truth.intercept, *problem.truth.coef], rtol=1e-11)


@pytest.mark.parametrize(("problem", "sd"), [(synthetic(n=4000, p=4, noise=2.0), 2.0), (everyday(n=4000), 1.0)])
def test_a_fit_of_noisy_drawn_data_finds_the_truth_within_its_standard_errors(problem: Problem, sd: float) -> None:
    A = design_matrix(problem)
    beta = np.linalg.lstsq(A, problem.y, rcond=None)[0]
    assert problem.truth is not None
    errors = (beta - np.array([problem.truth.intercept, *problem.truth.coef])) / np.sqrt(
        np.diag(np.linalg.inv(A.T @ A))
    )
    assert np.abs(errors).max() < 4 * sd
    assert np.std(problem.y - A @ beta) == pytest.approx(sd, rel=0.05)


def test_everyday_is_drawn_as_its_docstring_says() -> None:
    problem = everyday(n=100, seed=3)
    rng = np.random.default_rng(3)
    income = rng.normal(6e4, 2.5e4, 100)
    rate = rng.normal(0.05, 0.01, 100)
    assert np.array_equal(problem.X, np.column_stack([income, rate]))
    assert problem.y.tolist() == (1e-4 * income + 500 * rate + rng.normal(0, 1, 100)).tolist()
    assert problem.features == ("income", "rate")


def test_everyday_has_the_r2_of_its_docstring_with_the_rate_and_without() -> None:
    problem = everyday()

    def r2(*columns: int) -> float:
        A = np.column_stack([np.ones(problem.n), problem.X[:, columns]])
        residual = problem.y - A @ np.linalg.lstsq(A, problem.y, rcond=None)[0]
        return 1 - float(residual.var() / problem.y.var())

    assert round(r2(0, 1), 3) == 0.969
    assert round(r2(0), 3) == 0.185


@pytest.mark.parametrize("spec", ["synthetic:n=20,p=2", "everyday:n=20"])
def test_a_seed_draws_the_same_data_again_and_another_seed_other_data(spec: str) -> None:
    first, again, other = (catalog.load(f"{spec},seed={seed}") for seed in (1, 1, 2))
    assert first.X.tobytes() + first.y.tobytes() == again.X.tobytes() + again.y.tobytes()
    assert not np.intersect1d(first.X, other.X).size
    assert not np.intersect1d(first.y, other.y).size


# A user's table


@pytest.fixture(params=[".csv", ".parquet"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Write a frame as cars.csv or cars.parquet."""
    path = tmp_path / f"cars{request.param}"

    def to_file(frame: pd.DataFrame) -> Path:
        if path.suffix == ".csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path)
        return path

    return to_file


def cars(**columns: object) -> pd.DataFrame:
    """Six cars; a column that is None is left out."""
    known = {
        "make": ["fiat", "opel", "seat", "saab", "audi", "mini"],
        "size": [100.5, 200.25, 0.1, 7e-300, 1e300, -0.0],
        "doors": [3, 5, 2, 4, 5, 3],
        "colour": ["red", "red", "blue", "red", "", "grey"],
        "mpg": [20.5, 18.0, 33.3, 1 / 3, 15.0, 12.0],
    }
    return pd.DataFrame({name: values for name, values in (known | columns).items() if values is not None})


def test_a_users_table_is_a_problem_of_its_numeric_columns(write: Write) -> None:
    path, frame = write(cars()), cars()
    problem = catalog.load(str(path), target="mpg")
    assert (problem.name, problem.family, problem.target) == ("cars", "user", "mpg")
    assert problem.features == ("size", "doors")
    assert problem.X.tobytes() == frame[["size", "doors"]].to_numpy(dtype=np.float64).tobytes()
    assert problem.y.tolist() == frame["mpg"].tolist()
    assert lengths(problem) == (6, 0, 0)
    assert problem.title == f"{path.name}: mpg on size, doors (left out: make (text), colour (text))"
    assert problem.left_out == (("make", "text"), ("colour", "text"))
    assert problem.source == str(path)
    assert not problem.X.flags.writeable
    assert not problem.y.flags.writeable


def test_a_table_without_text_columns_leaves_none_out(write: Write) -> None:
    problem = load_file(write(cars(make=None, colour=None)), "mpg")
    assert problem.title.endswith("mpg on size, doors")


def test_a_text_column_named_split_is_the_split(write: Write) -> None:
    labels = ["train", "val", "train", "test", "train", "val"]
    problem = load_file(write(cars(split=labels)), "mpg")
    assert [getattr(problem.split, part).tolist() for part in SPLITS] == [[0, 2, 4], [1, 5], [3]]
    assert problem.features == ("size", "doors")
    assert "split" not in problem.title


def test_a_numeric_column_named_split_is_a_feature(write: Write) -> None:
    problem = load_file(write(cars(split=[1, 2, 3, 5, 8, 13])), "mpg")
    assert problem.features == ("size", "doors", "split")
    assert lengths(problem) == (6, 0, 0)


@pytest.mark.parametrize(
    ("columns", "target", "pieces"),
    [
        ({"size": None, "doors": None, "mpg": None}, "mpg", ["no numeric column"]),
        ({"size": None, "doors": None}, "mpg", ["no numeric column besides the target 'mpg'"]),
        ({"doors": [3, 5, np.nan, 4, np.nan, 3]}, "mpg", ["column 'doors' has 2 missing or infinite"]),
        ({"mpg": [20.5, 18, np.nan, 31, 15, 12]}, "mpg", ["column 'mpg' has 1 missing or infinite"]),
        ({"size": [1, np.inf, 3, 4, 5, 6]}, "mpg", ["column 'size' has 1 missing or infinite"]),
        ({"size": [1, -np.inf, np.inf, 4, 5, 6]}, "mpg", ["column 'size' has 2 missing or infinite"]),
        ({}, None, ["--target", "size, doors, mpg"]),
        ({}, "price", ["target 'price'", "numeric: size, doors, mpg"]),
        ({}, "make", ["target 'make' is not a numeric column"]),
        ({"split": ["train", "val", "train", "holdout", "train", "test"]}, "mpg", ["column 'split'", "'holdout'"]),
        ({"split": ["train", "val", None, "val", "train", "test"]}, "mpg", ["column 'split'"]),
        ({"split": ["train", "val", "test", "val", "val", "test"]}, "mpg", ["column 'split'", "1 training row"]),
    ],
)
def test_a_table_that_cannot_be_fitted_is_refused_in_a_line_that_names_the_file(
    columns: dict[str, object], target: str | None, pieces: list[str], write: Write
) -> None:
    path = write(cars(**columns))
    refusal(lambda: load_file(path, target), str(path), *pieces)


@pytest.mark.parametrize(
    ("columns", "pieces"),
    [
        ({"doors": [4] * 6}, ["column 'doors' is constant"]),
        ({"wheels": [3, 5, 2, 4, 5, 3]}, ["'wheels'", "'doors'"]),
        ({"wheels": [3.0, 5.0, 2.0, 4.0, 5.0, 3.0]}, ["'wheels'", "'doors'"]),
    ],
    ids=["constant", "repeated", "repeated as floats"],
)
def test_columns_that_do_not_determine_the_fit_are_named_and_called_rank_deficient(
    columns: dict[str, object], pieces: list[str], write: Write
) -> None:
    path = write(cars(**columns))
    error = refusal(lambda: load_file(path, "mpg"), str(path), "rank_deficient", *pieces)
    assert isinstance(error, RankDeficientError)


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_are_refused(rows: int, write: Write) -> None:
    path = write(cars(make=None, colour=None).head(rows))
    refusal(lambda: load_file(path, "mpg"), str(path))


@pytest.mark.parametrize(
    ("name", "content", "pieces"),
    [
        ("cars.csv", b"", ["cannot be read"]),
        ("cars.parquet", b"", ["cannot be read"]),
        ("cars.csv", b"x,y\n1,2\n1,2,3\n", ["cannot be read", "line 3"]),
        ("cars.csv", b'x,y\n"1,2\n3,4\n', ["cannot be read"]),
        ("cars.csv", b"\xff\xfe\x00x,y\n1,2\n", ["cannot be read"]),
        ("cars.parquet", b"PAR1 is not all of it", ["cannot be read"]),
        ("cars.xlsx", b"x,y\n1,2\n3,4\n", [".csv or .parquet", "'.xlsx'"]),
        ("cars", b"x,y\n1,2\n3,4\n", [".csv or .parquet", "''"]),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_line_that_names_it(
    name: str, content: bytes, pieces: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refusal(lambda: load_file(path, "y"), str(path), *pieces)


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "folder.csv"])
def test_a_missing_file_is_refused_in_a_line_that_names_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    refusal(lambda: catalog.load(str(tmp_path / name), target="y"), "no such file", str(tmp_path / name))


INTEGERS = st.integers(-(2**64), 2**64)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.slow
@given(rows=st.lists(st.tuples(INTEGERS, FLOATS, FLOATS), min_size=2, max_size=12))
def test_every_number_in_a_csv_is_read_as_the_nearest_double(
    rows: list[tuple[int, float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole, real, target = (np.array([float(value) for value in column]) for column in zip(*rows, strict=True))
    assume(all(len(set(column)) > 1 for column in (whole, real, target)))
    assume(whole.tobytes() != real.tobytes())
    path = tmp_path_factory.mktemp("drawn") / "drawn.csv"
    path.write_text("\n".join(["whole,real,target", *(f"{i},{x!r},{y!r}" for i, x, y in rows)]) + "\n")
    problem = load_file(path, "target")
    assert problem.X.tobytes() == np.column_stack([whole, real]).tobytes()
    assert problem.y.tobytes() == target.tobytes()


# Sidecars


DATA = b"x,y\n1,2\n2,3\n3,5\n"
SIDECAR = f"""\
schema_version = 1
name = "three"
title = "Three points"
file = "three.csv"
sha256 = "{hashlib.sha256(DATA).hexdigest()}"
rows = 3
source = "typed in"
licence = "facts"
made_by = "hand"
target = "y"
features = ["x"]
family = "tests"

[units]
x = "1"
y = "1"
"""


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    """three.toml beside three.csv."""
    (tmp_path / "three.csv").write_bytes(DATA)
    path = tmp_path / "three.toml"
    path.write_text(SIDECAR)
    return path


def test_a_sidecar_and_its_file_are_a_problem(sidecar: Path) -> None:
    problem = load_stored(sidecar)
    assert problem.X.tolist() == [[1], [2], [3]]
    assert problem.y.tolist() == [2, 3, 5]
    assert (problem.name, problem.truth, problem.relation, problem.recipe) == ("three", None, "linear", {})


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("rows = 3", "rows = 3\ncolour = 'red'", ["colour"]),
        ("[units]", "[truth]\ncoef = [1.0]\nintercept = 0.0\norigin = 'x'\nsd = 1\n[units]", ["truth.sd"]),
        ("rows = 3", "rows = 'three'", ["rows", "integer"]),
        ('features = ["x"]', 'features = "x"', ["features"]),
        ("schema_version = 1", "schema_version = 2", ["schema_version"]),
        ("family", "relation = 'curved'\nfamily", ["relation"]),
        ('licence = "facts"\n', "", ["licence", "required"]),
        ("rows = 3", "rows == 3", ["line 6"]),
        ("rows = 3", "rows = 3\nrows = 3", []),
        ('title = "', 'title = """', []),
    ],
    ids=[
        "unknown key",
        "unknown key of a table",
        "text for a number",
        "text for a list",
        "another version",
        "a word that is none of two",
        "key missing",
        "no TOML",
        "key twice",
        "text without an end",
    ],
)
def test_a_sidecar_with_a_mistake_is_refused_in_a_line_that_names_it(
    old: str, new: str, pieces: list[str], sidecar: Path
) -> None:
    assert old in SIDECAR
    sidecar.write_text(SIDECAR.replace(old, new, 1))
    refusal(lambda: load_stored(sidecar), str(sidecar), *pieces)


def test_a_sidecar_that_is_missing_or_not_text_is_refused_in_a_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    refusal(lambda: read_sidecar(path), str(path))
    path.write_bytes(b'title = "caf\xe9"')
    refusal(lambda: read_sidecar(path), str(path))


def test_a_data_file_that_is_missing_or_changed_is_refused_in_a_line_that_names_it(sidecar: Path) -> None:
    data = sidecar.with_suffix(".csv")
    data.write_bytes(DATA.replace(b"5", b"6"))
    refusal(lambda: load_stored(sidecar), str(data), "sha256", sidecar.name)
    data.unlink()
    refusal(lambda: load_stored(sidecar), str(data), "no such file")


def test_a_row_with_more_fields_than_the_header_is_refused(tmp_path: Path) -> None:
    """pandas would take the first field for an index and shift the columns without a word."""
    path = tmp_path / "ragged.csv"
    path.write_text("x,y\n1,2,3\n4,5,7\n8,9,1\n")
    with pytest.raises(UsageError, match="more fields than its header"):
        catalog.load(str(path), target="y")


def test_a_constant_target_is_no_rank_deficiency(tmp_path: Path) -> None:
    path = tmp_path / "flat.csv"
    path.write_text("x,y\n1,5\n2,5\n4,5\n")
    with pytest.raises(UsageError, match="target 'y' is constant"):
        catalog.load(str(path), target="y")


@pytest.mark.parametrize("spec", ["synthetic:seed=-1", "everyday:seed=-1", "synthetic:n=1e15", "synthetic:n=1e300"])
def test_a_problem_that_cannot_be_drawn_is_one_line(spec: str) -> None:
    with pytest.raises(UsageError):
        catalog.load(spec)


def test_labels_tell_every_problem_from_every_other(tmp_path: Path) -> None:
    labels = {catalog.load(f"synthetic:n={n},p=1").label for n in (100001, 100002, 100000)}
    assert labels == {f"synthetic:n={n},p=1,noise=1,seed=0" for n in (100001, 100002, 100000)}
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d.csv").write_text("x,y\n1,5\n2,4\n4,5\n")
    assert len({catalog.load(str(tmp_path / folder / "d.csv"), target="y").label for folder in ("a", "b")}) == 2
