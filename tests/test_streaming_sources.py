"""Where streamed rows come from: arrays, memory maps, Parquet, chunks; and what is refused."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.measure.plan import single
from harness.measure.run import measure
from harness.solvers.catalog import get
from harness.solvers.options import Options
from harness.solvers.streaming import Arrays, Chunks, Parquet, Source, least_squares, rows
from tests.streaming_data import (
    PATHS,
    RESPONSE,
    WHOLE,
    arrays,
    chunks,
    mapped,
    problem_of,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def parquet(folder: Path, columns: dict[str, Any], **options: Any) -> Parquet:
    pq.write_table(pa.table(columns), folder / "t.parquet")
    return Parquet(folder / "t.parquet", "y", **options)


def named(X: Any, y: Any) -> dict[str, Any]:
    return {"a": X[:, 0], "y": y, "b": X[:, 1], "c": X[:, 2]}


SOURCES: dict[str, Callable[[Any, Any, Path], Source]] = {
    "Fortran order": lambda X, y, _: Arrays(np.asfortranarray(X), y),
    "float32": lambda X, y, _: Arrays(X.astype(np.float32), y.astype(np.float32)),
    "float16": lambda X, y, _: Arrays(X.astype(np.float16), y.astype(np.int16)),
    "integers": lambda X, y, _: Arrays(X.astype(np.int64), y.astype(np.int32)),
    "bytes": lambda X, y, _: Arrays(X.astype(np.int8), y),
    "the other byte order": lambda X, y, _: Arrays(X.astype(">f8"), y.astype(">f8")),
    "every other row": lambda X, y, _: Arrays(np.repeat(X, 2, axis=0)[::2], np.repeat(y, 2)[::2]),
    "every other column": lambda X, y, _: Arrays(np.repeat(X, 2, axis=1)[:, ::2], y),
    "backwards": lambda X, y, _: Arrays(X[::-1], y[::-1]),
    "read-only": lambda X, y, _: Arrays(np.frombuffer(X.tobytes()).reshape(X.shape), y),
    "a memory map": lambda X, y, folder: Arrays(mapped(folder, X), y),
    "a float32 memory map": lambda X, y, folder: Arrays(mapped(folder, X.astype(np.float32)), y),
    "torch": lambda X, y, _: Arrays(torch.tensor(X), torch.tensor(y)),
    "torch float32 that requires a gradient": lambda X, y, _: Arrays(
        torch.tensor(X, dtype=torch.float32, requires_grad=True), torch.tensor(y)
    ),
    "chunks": lambda X, y, _: Chunks(chunks(X, y)),
    "chunks of lists": lambda X, y, _: Chunks([(A.tolist(), t.tolist()) for A, t in chunks(X, y, (1, 300))]),
    "an iterator": lambda X, y, _: Chunks(iter(chunks(X, y))),
    "a generator": lambda X, y, _: Chunks(pair for pair in chunks(X, y)),
    "Parquet": lambda X, y, folder: parquet(folder, named(X, y), batch_rows=64),
    "Parquet, features named": lambda X, y, folder: parquet(
        folder, named(X, y.astype(np.int64)) | {"other": ["text"] * len(y)}, features=("a", "b", "c")
    ),
}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_what_its_array_gives(name: str, intercept: bool, tmp_path: Path) -> None:
    source = SOURCES[name](WHOLE, RESPONSE, tmp_path)
    answer, known = (least_squares(s, intercept=intercept) for s in (source, Arrays(WHOLE, RESPONSE)))
    once = name in {"an iterator", "a generator"}
    assert (known.path.partition(":")[0], known.passes) == ("gram", 1)
    assert answer.path.startswith("error-free: the data can be read only once" if once else ("gram", "corrected"))
    assert source.rereadable is not once
    for attribute in ("n", "rank", "columns"):
        assert getattr(answer, attribute) == getattr(known, attribute)
    for attribute in ("coef", "intercept", "standard_errors", "residual_sd", "rss", "r_squared"):
        np.testing.assert_allclose(getattr(answer, attribute), getattr(known, attribute), rtol=1e-13, err_msg=attribute)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_taken_when_it_should_be(name: str) -> None:
    problem, path, passes = PATHS[name]
    answer = least_squares(arrays(problem), intercept=problem.intercept)
    assert answer.path.startswith(path)
    assert answer.passes == passes
    assert answer.df_resid == answer.n - answer.rank


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 500), max_size=12), st.sampled_from(["well-conditioned", "condition number 1e5"]))
def test_how_the_rows_are_cut_changes_nothing(cuts: list[int], name: str) -> None:
    """Empty chunks and chunks of one row among them; error-free to the last bit."""
    problem, path, _ = PATHS[name]
    source = Chunks(chunks(problem.X, problem.y, cuts))
    answer, known = (least_squares(s, intercept=problem.intercept) for s in (source, arrays(problem)))
    np.testing.assert_allclose(answer.coef, known.coef, rtol=0 if "free" in path else 1e-13)
    np.testing.assert_allclose(answer.standard_errors, known.standard_errors, rtol=0 if "free" in path else 1e-13)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", ["well-conditioned", "little left unexplained", "condition number 1e5"])
def test_tensors_of_a_device_take_the_same_paths(name: str, intercept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU tensors that are not turned into numpy arrays: what runs on CUDA, without CUDA."""
    problem = PATHS[name][0]
    known = least_squares(arrays(problem), intercept=intercept)
    monkeypatch.setattr(rows, "array", lambda values, *_: values)
    answer = least_squares(Arrays(torch.tensor(problem.X), torch.tensor(problem.y)), intercept=intercept)
    assert answer.path.partition(":")[0] == known.path.partition(":")[0]
    np.testing.assert_allclose(answer.coef, known.coef, rtol=1e-13)
    # The residual of the noisiest fit here is 1e-3 of y, and is rounded in another order.
    np.testing.assert_allclose(answer.standard_errors, known.standard_errors, rtol=1e-11)


def two(X: Any = ((1.0,), (2.0,), (4.0,)), y: Any = (1.0, 2.0, 2.0)) -> Source:
    return Chunks([(np.array(X), np.array(y))])


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no rows": (lambda _: least_squares(Chunks([])), "there are no rows"),
    "only empty chunks": (lambda _: least_squares(Chunks(iter([(np.ones((0, 2)), np.ones(0))]))), "there are no rows"),
    "arrays of no rows": (lambda _: least_squares(Arrays(np.ones((0, 2)), np.ones(0))), "there are no rows"),
    "no columns": (lambda _: least_squares(Arrays(np.ones((3, 0)), np.ones(3))), "there are no columns"),
    "no columns, once": (lambda _: least_squares(Chunks(iter([(np.ones((3, 0)), np.ones(3))]))), "no columns"),
    "other widths": (
        lambda _: least_squares(Chunks([(np.ones((2, 2)), [1, 2]), (np.ones((2, 3)), [1, 2])])),
        "2 and 3",
    ),
    "lengths": (lambda _: Arrays(np.ones((3, 2)), np.ones(4)), r"not \(3, 2\) and \(4,\)"),
    "a chunk's lengths": (lambda _: least_squares(two(y=(1.0, 2.0))), r"not \(3, 1\) and \(2,\)"),
    "a flat X": (lambda _: least_squares(two(X=(1.0, 2.0, 3.0))), r"not \(3,\) and \(3,\)"),
    "a column as y": (lambda _: Arrays(np.ones((3, 2)), np.ones((3, 1))), r"not \(3, 2\) and \(3, 1\)"),
    "no pair": (lambda _: least_squares(Chunks([np.ones((3, 2))])), "a chunk is a pair"),  # type: ignore[list-item]
    "text": (lambda _: least_squares(two(X=(("1",), ("2",), ("3",)))), "not real numbers"),
    "complex numbers": (lambda _: least_squares(two(X=((1j,), (2,), (3,))), intercept=False), "not real numbers"),
    "ragged rows": (lambda _: least_squares(Chunks([([[1.0], [2.0, 3.0]], [1.0, 2.0])])), "different lengths"),
    "Parquet: no file": (lambda folder: least_squares(Parquet(folder / "none", "y")), "none: cannot be read"),
    "Parquet: no target": (lambda f: least_squares(parquet(f, {"x": [1.0, 2.0]})), "has no column 'y'"),
    "Parquet: no feature": (lambda f: least_squares(parquet(f, {"y": [1.0]}, features=("q",))), "has no column 'q'"),
    "Parquet: only y": (lambda f: least_squares(parquet(f, {"y": [1.0, 2.0]})), "no columns to fit"),
    "Parquet: gaps": (lambda f: least_squares(parquet(f, {"x": [1.0, None], "y": [1.0, 2.0]})), "'x' has missing"),
    "Parquet: text": (lambda f: least_squares(parquet(f, {"x": ["1", "2"], "y": [1.0, 2.0]})), "'x' is not numeric"),
    "Parquet: y text": (lambda f: least_squares(parquet(f, {"x": [1, 2], "y": ["a", "b"]})), "'y' is not numeric"),
    "Parquet: no rows": (
        lambda f: least_squares(parquet(f, {"x": pa.array([], pa.float64()), "y": pa.array([], pa.float64())})),
        "there are no rows",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    make, message = MISTAKES[name]
    with pytest.raises(UsageError, match=message) as raised:
        make(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["X", "y"])
@pytest.mark.parametrize("once", [True, False])
def test_data_that_are_not_finite_are_refused_without_a_warning(
    where: str, bad: float, intercept: bool, once: bool
) -> None:
    X, y = WHOLE.copy(), RESPONSE.copy()
    (X[:, 1] if where == "X" else y)[650] = bad
    source = Chunks(iter([(X, y)])) if once else Chunks([(X, y)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="NaN or infinite"):
            least_squares(source, intercept=intercept)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_what_is_not_finite_is_named_with_its_column_and_row(bad: float) -> None:
    X, y = WHOLE.copy(), RESPONSE.copy()
    X[650, 1] = X[699, 1] = bad
    with pytest.raises(ValueError, match=r"^column 1 of X holds NaN or infinite values, in row 650 and 1 more$"):
        least_squares(X, y)
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])]).assign(fare=y)
    with pytest.raises(ValueError, match=r"^column 'c1' holds NaN"):
        least_squares(frame, target="fare")
    y[3] = bad
    with pytest.raises(ValueError, match=r"^y holds NaN or infinite values, in row 3$"):
        least_squares(WHOLE, y)
    with pytest.raises(ValueError, match=r"^column 'fare' holds NaN or infinite values, in row 3$"):
        least_squares(frame.assign(fare=y), target="fare", features=["c0"])


@pytest.mark.parametrize("made", [list, pd.DataFrame], ids=["a list", "a data frame"])
def test_what_is_no_array_is_refused_in_one_line(made: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError, match="arrays or tensors") as error:
        Arrays(made(WHOLE), RESPONSE)
    assert "\n" not in str(error.value)


def test_an_overflowing_design_is_no_error_of_the_harness() -> None:
    record = measure(single(problem_of(1e200 * WHOLE, RESPONSE), get("numpy_lstsq"), Options())).record
    assert "Overflow" not in record.message
