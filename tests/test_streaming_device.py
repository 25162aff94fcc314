"""The path that tensors of a device take, run on CPU tensors: the same code, another place."""

from typing import Any

import numpy as np
import pytest
import torch

from harness.problems.catalog import load
from harness.solvers.streaming import Arrays, least_squares, streaming
from harness.solvers.streaming.blocks import DeviceBlocks
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
    monkeypatch.setattr(streaming, "_array", lambda values: values)


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
    blocks = DeviceBlocks(3, None)
    blocks.rows = 4
    shift = np.array([1.0, 2.0, 3.0])
    parts: list[Any] = list(blocks.of(X, y, shift, 0.5))
    assert [len(B) for B, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(torch.cat([B for B, _ in parts]).numpy(), X.numpy() - shift)
    np.testing.assert_array_equal(torch.cat([t for _, t in parts]).numpy(), y.numpy() - 0.5)
