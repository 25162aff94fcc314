"""Threads: the answer is the same to the last bit with any number of them, and none is waited for without need."""

import os
import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from time import sleep
from typing import Any, Self

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from harness.cores import crew as crews
from harness.cores import usable
from harness.cores.blas import one_blas_thread
from harness.cores.crew import Crew
from harness.cores.tree import Tree
from harness.errors import UsageError
from harness.solvers.reference_qr import factorisation
from harness.solvers.reference_qr import least_squares as least_squares_by_qr
from harness.solvers.streaming import Answer, Arrays, Chunks, Source, given, least_squares, sliced
from harness.solvers.streaming import blocks as blocks_module
from harness.verify import gram

reference_qr_module = sys.modules["harness.solvers.reference_qr.least_squares"]


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with 16 cores: threads there may be more than here."""
    monkeypatch.setattr(usable, "usable_cores", lambda: 16)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows a block, and no least size of what is shared out."""
    monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 2**12)
    monkeypatch.setattr(blocks_module, "MOST_BLOCK_BYTES", 2**12)
    monkeypatch.setattr(sliced, "BLOCK_BYTES", 2**14)
    monkeypatch.setattr(given, "BYTES_A_THREAD", 1)


draws = np.random.default_rng(3)
BASE = draws.standard_normal((5001, 4)) * [1.0, 3.0, 1e3, 1e-3] + [0.0, 50.0, 0.0, 0.0]
NOISE = draws.standard_normal(5001)
PATHS = {
    "gram": (BASE, BASE @ [1.0, 2.0, 1e-3, 1e3] + 30 * NOISE),
    "corrected": (BASE, BASE @ [1.0, 2.0, 1e-3, 1e3] + 1e-4 * NOISE),
    "error-free": (np.column_stack([BASE, BASE[:, 0] + 1e-7 * BASE[:, 1]]), NOISE),
}


def bits(answer: Answer) -> list[object]:
    """Every number of an answer, as bits; and how it was got."""
    values = vars(answer).values()
    return [value.tobytes() if isinstance(value, np.ndarray) else value for value in values]


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("rows", [5001, 4096, 127])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("path", PATHS)
def test_the_answer_has_the_same_bits_with_any_number_of_threads(path: str, intercept: bool, rows: int) -> None:
    X, y = (part[:rows] for part in PATHS[path])
    sources: list[Source] = [Arrays(X, y), Arrays(np.asfortranarray(X), y)]
    found = [
        least_squares(source, intercept=intercept, threads=threads)
        for source in sources
        for threads in (1, 2, 3, 5, 16)
    ]
    assert found[0].path.startswith(path)
    assert all(bits(answer) == bits(found[0]) for answer in found)


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("path", PATHS)
def test_the_answer_has_the_same_bits_however_the_rows_are_cut(path: str) -> None:
    """The first of the chunks has the rows that the shift is taken from; a block may end in any other."""
    X, y = PATHS[path]
    ends = ([128], [128, 129, 131, 2000], [4000])
    cut = [Chunks(list(zip(np.split(X, some), np.split(y, some), strict=True))) for some in ends]
    found = [least_squares(source, threads=threads) for source in cut for threads in (1, 3)]
    assert all(bits(answer) == bits(found[0]) for answer in found)


@pytest.mark.usefixtures("small_blocks")
def test_a_generator_may_use_its_memory_again() -> None:
    """As one that reads a file into the same array."""
    X, y = PATHS["gram"]

    def refilled() -> Iterator[tuple[object, object]]:
        room, target = np.empty((300, X.shape[1])), np.empty(300)
        for start in range(0, len(X), 300):
            rows = X[start : start + 300]
            room[: len(rows)], target[: len(rows)] = rows, y[start : start + 300]
            yield room[: len(rows)], target[: len(rows)]

    once, whole = (least_squares(Chunks(rows), threads=3) for rows in (refilled(), iter([(X, y)])))
    assert bits(once) == bits(whole)


@pytest.mark.parametrize("threads", [0, -1, 17])
def test_threads_below_one_and_above_the_cores_are_one_line(threads: int) -> None:
    limit = "at least 1" if threads < 1 else "at most 16, the cores that this process may use"
    with pytest.raises(UsageError, match=f"threads is {limit}, not {threads}"):
        least_squares(Arrays(BASE, NOISE), threads=threads)


@pytest.mark.parametrize("threads", [1.0, 1.5, True, "2"])
def test_threads_that_are_no_whole_number_are_one_line(threads: Any) -> None:
    with pytest.raises(UsageError, match=f"threads is a whole number, not {threads!r}"):
        least_squares(Arrays(BASE, NOISE), threads=threads)


def test_a_quota_counts_as_so_many_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "cpu.stat").write_text("nr_throttled 0\nthrottled_usec 0\n")
    (group / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    usable.allowed_cores.cache_clear()
    assert usable.allowed_cores(tmp_path) == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(usable, "allowed_cores", lambda: 2)
    assert usable.usable_cores() == 2


@pytest.mark.slow
def test_the_reference_qr_and_the_exact_gram_matrix_have_the_same_bits_with_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reference_qr_module, "LEAST_ROWS", 1)
    monkeypatch.setattr(factorisation, "SHARED_ROWS", 700)
    monkeypatch.setattr(gram, "SHARED_ROWS", gram.CHUNK_ROWS)
    monkeypatch.setattr(gram, "LEAST_COLUMNS", 1)
    X, y = PATHS["error-free"]
    X = np.tile(X, (3, 2)) * np.linspace(1, 2, 3 * len(X))[:, None]
    A, y = np.column_stack([np.ones(len(X)), X]), np.tile(y, 3)
    found = [least_squares_by_qr(A, y, intercept=True, threads=threads) for threads in (1, 2, 3, 5)]
    assert {pickle.dumps(vars(one)) for one in found} == {pickle.dumps(vars(found[0]))}
    exact = [gram.exact_gram(X, y, intercept=True, threads=threads) for threads in (1, 2, 3, 5)]
    assert all(one == exact[0] for one in exact)


@pytest.mark.parametrize(
    ("loadavg", "free"), [("0.5 0.5 0.5 1/300 9", 4), ("0.5 0.5 0.5 3/300 9", 2), ("9 9 9 40/300 9", 1), ("", 4)]
)
def test_by_default_only_free_cores_are_used(
    loadavg: str, free: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text(loadavg)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert usable.free_cores(tmp_path) == free
    monkeypatch.setattr(usable, "free_cores", lambda: free)
    assert (Crew().threads, Crew(3).threads, Crew(None, 1).threads) == (free, 3, 1)


@dataclass
class Text:
    text: str

    def absorb(self, other: Self) -> None:
        self.text = f"({self.text}{other.text})"


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_tree_adds_in_the_same_pairs_in_whatever_order_parts_come(count: int) -> None:
    found = set()
    for order in permutations(range(count)):
        tree: Tree[Text] = Tree()
        for number in order:
            tree.add(number, Text(str(number)))
        total = tree.total()
        assert total is not None
        found.add(total.text)
    assert found == {{1: "0", 2: "(01)", 3: "((01)2)", 5: "(((01)(23))4)"}[count]}


def test_nodes_of_one_tree_may_be_put_into_another() -> None:
    parts: list[Tree[Text]] = [Tree(), Tree()]
    for number in range(7):
        parts[number > 2].add(number, Text(str(number)))
    tree: Tree[Text] = Tree()
    for part in parts:
        for (level, number), sums in part.nodes.items():
            tree.add(number, sums, level)
    total = tree.total()
    assert total is not None
    assert total.text == "(((01)(23))((45)6))"


def test_a_thread_that_is_held_up_is_not_waited_for() -> None:
    """As where another process has its core: the calling thread does that piece too."""
    caller, released = threading.get_ident(), threading.Event()

    def work(item: int) -> int:
        if threading.get_ident() != caller:
            released.wait(60)
        else:
            sleep(0)
        return item**2

    try:
        assert dict(Crew(3).results(work, range(20))) == {item: item**2 for item in range(20)}
        assert not released.is_set()
    finally:
        released.set()


def test_what_a_thread_raises_is_raised() -> None:
    def work(item: int) -> int:
        if item == 7:
            raise ValueError("the seventh")
        return item

    with pytest.raises(ValueError, match="the seventh"):
        list(Crew(4).results(work, range(20)))


def test_little_work_is_not_shared_out() -> None:
    found = Crew(4).results(lambda _: threading.get_ident(), range(crews.LEAST_ITEMS - 1))
    assert {thread for _, thread in found} == {threading.get_ident()}


def test_blas_has_one_thread_inside_and_what_it_had_outside() -> None:
    def counts() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = counts()
    with one_blas_thread():
        with one_blas_thread():
            assert set(counts()) == {1}
        assert set(counts()) == {1}
    assert counts() == before
