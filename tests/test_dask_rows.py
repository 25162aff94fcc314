"""Least squares of Dask's collections: the bits of the single machine, however the rows are cut; none is fetched."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import torch
from dask import delayed
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_info, threadpool_limits

from harness.errors import CannotMeasureError, UsageError
from harness.problems.in_memory import from_frame
from harness.solvers.streaming import (
    Answer,
    Arrays,
    Chunks,
    Parquet,
    dask_rows,
    given,
    least_squares,
    sliced,
    streaming,
)
from harness.solvers.streaming import blocks as blocks_module

N, P = 5000, 3
CUTS = [(N,), (700, *(1000,) * 4, 300), (1, 2, 0, 3, 0, 4000, N - 4006), (128,) * 39 + (8,), (N - 1, 1)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A block ends in the midst of a partition, and a partition in the midst of a block."""
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 2**12)
    monkeypatch.setattr(blocks_module, "MOST_BLOCK_BYTES", 2**12)
    monkeypatch.setattr(sliced, "BLOCK_BYTES", 2**14)
    with dask.config.set(scheduler="synchronous"):
        yield


def drawn(kind: str) -> tuple[Any, Any]:
    """X (N, P) and y (N,) that take each path."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((N, P)) + 3
    if kind == "a trend":
        X[:, 0] += np.linspace(0, 100, N)
    if kind == "corrected":
        X[:, 1] = X[:, 0] + 1e-2 * X[:, 1]
    if kind == "error-free":
        X[:, 1] = X[:, 0] + 1e-6 * X[:, 1]
        X[[7, 3000], 2] = [1e7, 1e9]  # the fixed points move
    if kind == "dependent":
        X[:, 1] = X[:, 0] + X[:, 2]
        X[4000] *= 1e12  # of a wild row the rows are scaled
    return X, X @ np.arange(1.0, P + 1) + rng.standard_normal(N)


KINDS = {"gram": "gram", "a trend": "gram", "corrected": "corrected", "error-free": "error-free"}
KINDS["dependent"] = "error-free: the columns are dependent"


def bits(answer: Answer) -> dict[str, object]:
    found = vars(answer).items()
    return {name: value.tobytes() if isinstance(value, np.ndarray) else repr(value) for name, value in found}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("intercept", [True, False])
def test_the_bits_are_the_single_machine_s_whatever_the_partitions(kind: str, intercept: bool) -> None:
    X, y = drawn(kind)
    known = least_squares(X, y, intercept=intercept, minimum_norm=True)
    if intercept:
        assert known.path.startswith(KINDS[kind])
    for cut in CUTS:
        found = least_squares(
            da.from_array(X, chunks=(cut, -1)), da.from_array(y, chunks=(cut,)), intercept=intercept, minimum_norm=True
        )
        assert bits(found) == bits(known), cut


def test_arrays_are_taken_as_they_are() -> None:
    X, y = drawn("gram")
    known = bits(least_squares(Arrays(X, y)))
    unknown = da.from_array(X, chunks=(900, -1)), da.from_array(y, chunks=900)
    kept = tuple(part[unknown[1] < np.inf] for part in unknown)
    assert np.isnan(kept[0].shape[0])
    others = (
        (X, y),
        (X.tolist(), y.tolist()),
        (torch.tensor(X), torch.tensor(y)),
        (da.from_array(X, chunks=(900, 2)), da.from_array(y, chunks=1700)),
        (da.from_array(X, chunks=(900, -1)), y),
        kept,
    )
    assert [bits(least_squares(*pair)) == known for pair in others] == [True] * len(others)


def test_numbers_at_an_odd_address_as_those_of_a_message_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of small blocks the products are others
    X = np.random.default_rng(0).standard_normal((N, 5))  # without a shift, which would be a copy
    y = X.sum(axis=1) + np.random.default_rng(1).standard_normal(N)
    odd = np.frombuffer(b"odd" + X.tobytes(), dtype=np.uint8)[3:].view(np.float64).reshape(X.shape)
    assert not odd.flags.aligned
    assert bits(least_squares(odd, y)) == bits(least_squares(X, y))


@pytest.mark.parametrize("cut", [False, True])
def test_the_sums_are_solved_on_one_thread_wherever_they_are_made(cut: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAPACK's last bits depend on its threads."""
    X, y = drawn("gram")
    threads: list[int] = []

    def solved(*asked: Any, **how: Any) -> Answer:
        threads.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return streaming.solved(*asked, **how)

    monkeypatch.setattr(given, "solved", solved)
    with threadpool_limits(2):
        least_squares(*((da.from_array(X, chunks=(900, -1)), da.from_array(y, chunks=900)) if cut else (X, y)))
    assert set(threads) == {1}


def frame_of(X: Any, y: Any) -> pd.DataFrame:
    return pd.DataFrame(X, columns=list("abc")).assign(fare=y, fare2=2 * y, name="text")


def test_frames_and_datasets_are_taken_with_a_choice_of_columns(tmp_path: Path) -> None:
    X, y = drawn("corrected")
    known = bits(least_squares(X[:, [0, 2]], y))
    frame = frame_of(X, y)
    cut = dd.from_pandas(frame, npartitions=4)
    cut.to_parquet(tmp_path / "trips")
    frame.to_parquet(tmp_path / "trips.parquet")
    cut.to_parquet("memory://trips", write_index=False)
    asked: dict[str, Any] = {"target": "fare", "features": ["a", "c"]}
    for data in (frame, cut, tmp_path / "trips", str(tmp_path / "trips.parquet"), "memory://trips"):
        assert bits(least_squares(data, **asked)) == known, data
    both = least_squares(cut, target=["fare", "fare2"], features=("a", "c"))
    assert bits(both["fare"]) == known
    np.testing.assert_array_equal(both["fare2"].coef, 2 * both["fare"].coef)
    assert bits(least_squares(Parquet(tmp_path / "trips.parquet", "fare", ("a", "c")))) == known


def test_nothing_but_sums_and_a_sample_comes_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = drawn("error-free")
    sizes = []
    computed = dask_rows.computed

    def weighed(wanted: Any) -> Any:
        found = computed(wanted)
        sizes.append(len(__import__("cloudpickle").dumps(found)))
        return found

    monkeypatch.setattr(dask_rows, "computed", weighed)
    least_squares(da.from_array(X, chunks=(500, -1)), da.from_array(y, chunks=500))
    assert len(sizes) == 6  # moments, largest entries, sums, rounding, and the last three of scaled rows
    assert max(sizes) < X.nbytes / 3


def chunks_of_widths(*widths: int) -> Any:
    parts = [da.from_delayed(delayed(np.ones)((100, width)), (100, 3), float) for width in widths]
    return da.concatenate(parts)


def with_gap(where: tuple[int, int]) -> Any:
    X, _ = drawn("gram")
    X[where] = np.nan
    return X


def parts_of_schemas() -> str:
    """A dataset of two files, of which the second lacks a column."""
    frame = frame_of(*drawn("gram"))[["a", "b", "fare"]]
    frame.to_parquet("memory://schemas/0.parquet")
    frame[["a", "fare"]].to_parquet("memory://schemas/1.parquet")
    return "memory://schemas"


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "unequal columns": (
        lambda: least_squares(chunks_of_widths(3, 3, 2), da.ones(300, chunks=100)),
        UsageError,
        "partition 2: it has 2 columns, and there should be 3: all must have the same",
    ),
    "a gap": (
        lambda: least_squares(da.from_array(with_gap((1234, 1)), chunks=(500, -1)), da.ones(N, chunks=500)),
        ValueError,
        "partition 2: column '1' holds NaN or infinite values",
    ),
    "a gap in partitions smaller than a block": (
        lambda: least_squares(da.from_array(with_gap((1234, 1)), chunks=(20, -1)), da.ones(N, chunks=20)),
        ValueError,
        "partition 61: column '1' holds NaN or infinite values",
    ),
    "a part without a column": (
        lambda: least_squares(parts_of_schemas(), target="fare", features=["a", "b"]),
        UsageError,
        "a partition cannot be read: .*'b'.* all need the same columns",
    ),
    "a group by the target": (
        lambda: least_squares(frame_of(*drawn("gram")), target="fare", features=["a"], by="fare"),
        UsageError,
        "by='fare' is the target too, which does not vary within a group",
    ),
    "a group by a feature": (
        lambda: least_squares(frame_of(*drawn("gram")), target="fare", features=["a", "b"], by="b"),
        UsageError,
        "by='b' is a feature too",
    ),
    "a gap in a frame": (
        lambda: least_squares(
            dd.from_pandas(frame_of(with_gap((4999, 2)), np.ones(N)), npartitions=4), target="fare", features="abc"
        ),
        ValueError,
        "partition 3: column 'c' holds NaN or infinite values",
    ),
    "text": (
        lambda: least_squares(dd.from_pandas(frame_of(*drawn("gram")), npartitions=2), target="fare"),
        UsageError,
        "column 'name' is not numeric",
    ),
    "no such column": (
        lambda: least_squares(dd.from_pandas(frame_of(*drawn("gram")), npartitions=2), target="fair"),
        UsageError,
        "unknown column 'fair': did you mean 'fare'?",
    ),
    "no rows": (lambda: least_squares(da.ones((0, 3)), da.ones(0)), UsageError, "there are no rows to fit"),
    "another length": (lambda: least_squares(da.ones((9, 3)), da.ones(8)), UsageError, r"not \(9, 3\) and \(8,\)"),
    "no dataset": (lambda: least_squares("memory://none", target="y"), UsageError, "memory://none: cannot be read"),
    "no such file system": (
        lambda: least_squares("nowhere://bucket/trips", target="y"),
        UsageError,
        "nowhere://bucket/trips: cannot be read: ValueError: Protocol not known: nowhere",
    ),
    "both ways": (lambda: least_squares(np.ones((3, 1)), np.ones(3), target="y"), UsageError, "give one of them"),
    "neither": (lambda: least_squares(np.ones((3, 1))), UsageError, "a ndarray needs y"),
    "threads": (lambda: least_squares(da.ones((9, 1)), da.ones(9), threads=2), UsageError, "workers have their own"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_fitted_is_a_line_that_names_it(name: str) -> None:
    ask, kind, said = REFUSED[name]
    with pytest.raises(kind, match=said) as caught:
        ask()
    assert "\n" not in str(caught.value)


def identified(whole: Any) -> pd.DataFrame:
    """A column of whole numbers beside one of fractions, in three groups of rows that follow each other."""
    a = np.linspace(-1, 1, len(whole))
    return pd.DataFrame(
        {"a": a, "id": whole, "y": 3 * a + np.cos(np.arange(len(whole))), "g": np.arange(len(whole)) // 10}
    )


ROUNDED = 17
"""The row, counted from 0, of the first number that is no float64: 2^53 and their like before it are."""


@pytest.mark.parametrize("kind", ["int64", "uint64", "Int64"])
def test_whole_numbers_that_are_rounded_are_named_alike_wherever_they_come_from(kind: str, tmp_path: Path) -> None:
    whole = (2**62 + 2**10 * np.arange(30)).astype(kind.lower())
    whole[ROUNDED:] += 3
    frame = identified(whole).astype({"id": kind})
    frame.drop(columns="g").to_parquet(tmp_path / "t.parquet")
    said = (
        f"row {ROUNDED + 1}: {whole[ROUNDED]} is above 2^53 and is no float64: it was rounded to {whole[ROUNDED] - 3}"
    )
    file, columns = tmp_path / "t.parquet", ["a", "id"]
    X, y = whole[:, None], frame.y.to_numpy()
    named: list[Any] = [frame, dd.from_pandas(frame, npartitions=4), file]
    for data in named:
        assert least_squares(data, target="y", features=columns).notes == (f"column 'id', {said}",)
        assert from_frame(frame.drop(columns="g"), "y").notes == (f"column 'id', {said}",)
    small = least_squares(Parquet(file, "y", batch_rows=7))
    assert small.notes == (f"column 'id', {said}",)
    given: list[tuple[Any, ...]] = [(X, y), (da.from_array(X, chunks=(7, 1)), da.from_array(y, chunks=7))]
    given += [(Chunks(iter([(X[:9], y[:9]), (X[9:], y[9:])])),)] + ([(torch.tensor(X), y)] if kind == "int64" else [])
    for data in given:
        assert least_squares(*data).notes == (f"column '0', {said}",)
    assert least_squares(frame.a.to_numpy()[:, None], whole).notes == (f"column 'y', {said}",)


def test_a_group_says_which_of_its_whole_numbers_were_rounded() -> None:
    whole = 2**62 + 2**10 * np.arange(30)
    whole[ROUNDED] += 3
    frame = identified(whole)
    for data in (frame, dd.from_pandas(frame, npartitions=4)):
        found = least_squares(data, target="y", features=["a", "id"], by="g")
        messages = (found if isinstance(found, pd.DataFrame) else found.compute()).set_index("g").message
        assert "id" not in messages[0] + messages[2]
        assert f"; column 'id', row {ROUNDED - 9}: {whole[ROUNDED]} is above 2^53" in messages[1]


@pytest.mark.parametrize(
    "whole", [2**53 - np.arange(30), 2**62 + 2**10 * np.arange(30), -(2**63) + 2**12 * np.arange(30)]
)
def test_whole_numbers_that_are_all_float64_are_no_note(whole: Any) -> None:
    frame = identified(whole)
    for data in (frame, dd.from_pandas(frame, npartitions=4)):
        assert least_squares(data, target="y", features=["a", "id"]).notes == ()


def test_without_dask_a_line_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(CannotMeasureError, match="pip install 'ls-harness\\[dask\\]'"):
        least_squares(tmp_path, target="y")


def test_each_group_is_a_row_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = drawn("gram")
    region = np.arange(N) % 97
    frame = frame_of(X, y).assign(region=region).drop(columns=["name", "fare2"])
    frame.loc[region == 5, "b"] = 1.0  # beside the intercept
    frame.loc[5 + 97, "b"] = 1.0
    frame.loc[6, "a"] = np.nan
    frame.loc[region == 7, "region"] = 200
    frame = frame.drop(frame.index[region == 8][2:])  # two rows for four coefficients
    known = least_squares(frame, target="fare", by="region").set_index("region")
    assert known["status"].value_counts().to_dict() == {"ok": 94, "rank_deficient": 2, "error": 1}
    assert known.loc[6, "message"] == "column 'a' holds NaN or infinite values"
    one = frame[frame["region"] == 200]
    alone = least_squares(one, target="fare", features=["a", "b", "c"])
    assert tuple(known.loc[200, ["a", "b", "c"]]) == tuple(alone.coef)
    for parts in (1, 7):
        cut = dd.from_pandas(frame, npartitions=parts, sort=False)
        lazy = least_squares(cut, target="fare", by="region")
        assert isinstance(lazy, dd.DataFrame)
        found = lazy.compute().set_index("region").loc[known.index]
        pd.testing.assert_frame_equal(found, known, check_exact=True)


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits_and_a_worker_that_dies_of_a_partition_is_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the workers have blocks of the usual size
    X, y = drawn("corrected")
    X, y = np.tile(X, (8, 1)), np.tile(y, 8) + np.arange(8 * N) % 7
    known = bits(least_squares(X, y))
    cut = da.from_array(X, chunks=(3000, -1)), da.from_array(y, chunks=3000)

    def dies(block: Any) -> Any:
        os._exit(1)
        return block

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0, "scheduler": None}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster),
    ):
        assert bits(least_squares(*cut)) == known
        with pytest.raises(CannotMeasureError, match="workers died of a partition") as caught:
            least_squares(cut[0].map_blocks(dies, dtype=float, meta=np.empty((0, 0))), cut[1])
    assert "\n" not in str(caught.value)
