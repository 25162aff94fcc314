"""The path that tensors of a device take, run on CPU tensors: the same code, another place."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.problems.catalog import load
from harness.solvers.streaming import Arrays, least_squares, rows
from harness.solvers.streaming import blocks as blocks_module
from harness.solvers.streaming import sliced as sliced_module
from harness.solvers.streaming.blocks import Shifted, device_rows, in_blocks
from harness.solvers.streaming.folded import BATCH_ROWS, folded_product, integer_product
from harness.solvers.streaming.sliced import SlicedGram
from harness.verify.digits import digits
from harness.verify.reference import reference

PATHS = [
    ("shift_1e02", "gram", 12.0),
    ("synthetic:n=3000,p=4", "gram", 13.0),
    ("condition_1e02", "corrected", 12.0),
    ("condition_1e08", "error-free", 14.5),
    ("nist_filip", "error-free", 14.5),
    ("nist_noint1", "gram", 14.0),
]
"""Problem, path and digits: the expectations' floors for the host, whose arithmetic this is."""


@pytest.fixture
def as_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU tensors would be taken for numpy arrays, which is quicker."""
    monkeypatch.setattr(rows, "array", lambda values, *_: values)


@pytest.mark.usefixtures("as_on_a_device")
@pytest.mark.parametrize(("name", "path", "least"), PATHS)
def test_each_path_gives_its_digits_with_tensors(name: str, path: str, least: float) -> None:
    problem = load(name)
    tensors = [torch.tensor(part) for part in problem.rows("train")]
    answer = least_squares(Arrays(*tensors), intercept=problem.intercept)
    assert answer.path.startswith(path)
    known = reference(problem)
    found, exact = [answer.coef], [known.coef]
    if problem.intercept:
        found, exact = [np.array([answer.intercept]), *found], [np.array([known.intercept]), *exact]
    assert digits(np.concatenate(found), np.concatenate(exact)).min() >= least


@pytest.mark.usefixtures("as_on_a_device")
def test_float32_tensors_are_computed_in_float64() -> None:
    X = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    y = X.sum(dim=1) + 7.0
    single = least_squares(Arrays(X, y))
    double = least_squares(Arrays(X.double(), y.double()))
    np.testing.assert_array_equal(single.coef, double.coef)


def test_blocks_of_tensors_hold_every_row_once_less_the_shift() -> None:
    X, y = torch.arange(30.0).reshape(10, 3), torch.arange(10.0)
    shift = np.array([1.0, 2.0, 3.0])
    shifted = Shifted(shift, 0.5)
    blocks = in_blocks([(X[:5], y[:5]), (X[5:], y[5:])], 4, lasting=False)
    # What it hands out is valid until its next call.
    parts: list[Any] = [[one.clone() for one in shifted.of(block)] for some in blocks for block in some]
    assert [len(B) for B, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(torch.cat([B for B, _ in parts]).numpy(), X.numpy() - shift)
    np.testing.assert_array_equal(
        torch.cat([T for _, T in parts]).numpy(), np.column_stack([y.numpy() - 0.5, np.ones(10)])
    )


# What a device is asked, and how often it is waited for


class Launches(TorchDispatchMode):
    """Counts what torch is asked to compute; views and allocations launch nothing."""

    FREE = ("view", "slice", "select", "transpose", "empty", "diagonal", "detach", "expand", "alias", "unsqueeze")

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if not any(free in name for free in self.FREE):
            self.names.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something went between host and device, either way: each waits for the device."""
    counted: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        own = getattr(owner, name)

        def counted_call(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return own(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted_call)

    for name in ("cpu", "item", "tolist", "new_tensor", "__float__", "__bool__", "__int__"):
        counting(torch.Tensor, name)
    for name in ("as_tensor", "tensor", "from_numpy"):
        counting(torch, name)
    return counted


BLOCKS = 5


def rows_of(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """So many rows that they are BLOCKS blocks of two batches."""
    draws = np.random.default_rng(0)
    X = draws.standard_normal((2 * BATCH_ROWS * BLOCKS, 4)) * [1.0, 2.0, 3.0, 4.0] + [5.0, 60.0, 7.0, 0.0]
    y = X.sum(axis=1) + draws.standard_normal(len(X))
    if name == "corrected":
        y = X.sum(axis=1) + 1e-5 * draws.standard_normal(len(X))
    if name == "error-free":
        X[:, 3] = X[:, 0] + 1e-5 * X[:, 3]
    return torch.tensor(X), torch.tensor(y)


@pytest.mark.usefixtures("as_on_a_device", "one_thread")
@pytest.mark.parametrize(
    ("path", "launches", "synchronisations"), [("gram", 20, 0), ("corrected", 55, 1), ("error-free", 65, 1)]
)
def test_a_block_costs_few_launches_and_is_waited_for_once(
    path: str, launches: int, synchronisations: int, waits: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The difference of five blocks and one, all passes together: what a pass costs once is left out."""
    X, y = rows_of(path)

    def cost(blocks: int) -> tuple[int, int]:
        monkeypatch.setattr(blocks_module, "LEAST_DEVICE_BYTES", 8 * 4 * len(X) // blocks)
        monkeypatch.setattr(sliced_module, "device_rows", lambda *_: len(X) // blocks)
        waits.clear()
        with Launches() as counted:
            answer = least_squares(Arrays(X, y))
        assert answer.path.startswith(path)
        return len(counted.names), waits.total()

    (more, waited), (one, once) = cost(BLOCKS), cost(1)
    assert more - one <= launches * (BLOCKS - 1)
    assert waited - once <= synchronisations * (BLOCKS - 1)


@pytest.mark.usefixtures("as_on_a_device")
@pytest.mark.parametrize("path", ["gram", "corrected", "error-free"])
def test_nothing_as_large_as_a_block_goes_to_the_device(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made for a block is made where it is: numpy makes nothing of its size."""
    X, y = rows_of(path)
    made: list[int] = []
    for name in ("empty", "ones", "zeros"):
        own = getattr(np, name)

        def noting(shape: Any, *args: Any, own: Any = own, **kwargs: Any) -> Any:
            made.append(int(np.prod(shape)))
            return own(shape, *args, **kwargs)

        monkeypatch.setattr(np, name, noting)
    assert least_squares(Arrays(X, y)).path.startswith(path)
    assert max(made, default=0) < 1000


def test_blocks_of_a_device_are_large_and_whole_batches() -> None:
    for p in (1, 10, 500):
        for size_bytes in (None, 2**30, 2**33, 2**40):
            rows = device_rows(p, size_bytes)
            assert rows % BATCH_ROWS == 0
            assert 2**28 - 8 * p * BATCH_ROWS < 8 * p * rows <= 2**30
    assert 8 * device_rows(8, 2**33) * 8 == 2**33 // 16


@pytest.mark.parametrize("rows", [1, 100, BATCH_ROWS, BATCH_ROWS + 1, 3 * BATCH_ROWS + 77])
@pytest.mark.parametrize(("left", "right"), [(1, 1), (3, 3), (10, 2), (12, 12), (33, 33), (70, 1)])
def test_a_folded_product_is_the_product(rows: int, left: int, right: int) -> None:
    draws = torch.Generator().manual_seed(0)
    L, R = (torch.randn(rows, columns, generator=draws, dtype=torch.float64) for columns in (left, right))
    # Sums of n terms in another order differ by at most n eps |L|'|R| (Higham 2002, sec. 3.1).
    room = rows * 2.0**-52 * (L.abs().mT @ R.abs())
    assert ((folded_product(L, R) - L.mT @ R).abs() <= room).all()
    strided = torch.cat([L, R], 1)
    assert ((folded_product(strided[:, :left], strided[:, left:]) - L.mT @ R).abs() <= room).all()


@pytest.mark.parametrize("rows", [1, BATCH_ROWS, 2 * BATCH_ROWS + 5])
def test_a_product_of_integers_is_exact(rows: int) -> None:
    draws = torch.Generator().manual_seed(0)
    most = 2**20
    table = torch.randint(-most, most + 1, (rows, 5), generator=draws)
    table[:, 0] = most
    known = table.numpy().astype(object).T @ table.numpy().astype(object)
    assert (integer_product(table.double(), table.double()).numpy().astype(object) == known).all()


def test_sums_on_a_device_are_put_aside_before_int64_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced_module, "DEVICE_FLUSH_ROWS", 3 * BATCH_ROWS)
    table = torch.randn(8 * BATCH_ROWS, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    device, host = SlicedGram(2, 4, torch), SlicedGram(2, 4)
    for part in table.split(BATCH_ROWS):
        device.add(part)
        host.add(part.numpy())
    for one, other in zip(device.gram(), host.gram(), strict=True):
        np.testing.assert_array_equal(one, other)
