"""NIST's certified values: they verify the exact reference, which then judges everybody."""

import csv
from fractions import Fraction

import numpy as np
import pytest

from harness.problems.catalog import load, sidecars
from harness.problems.sidecar import read_sidecar
from harness.verify.digits import digits
from harness.verify.exact_flint import least_squares
from harness.verify.reference import exact_solution

NIST = [name for name, path in sidecars().items() if read_sidecar(path).certified]
FORMED_EXACTLY = ("nist_noint1", "nist_noint2", "nist_wampler1", "nist_wampler3", "nist_wampler4", "nist_wampler5")
"""Their columns are small integers, whose powers are floats: both references are one."""


def decimal_solution(name: str) -> list[Fraction]:
    """The exact solution of the decimal data: every number a fraction, powers taken of the decimals."""
    sidecar = read_sidecar(sidecars()[name])
    with (sidecars()[name].parent / sidecar.file).open() as file:
        rows = list(csv.DictReader(file))
    columns = [[Fraction(1)] * len(rows)] if sidecar.intercept else []
    for power in range(1, sidecar.degree + 1):
        columns += [[Fraction(row[feature]) ** power for row in rows] for feature in sidecar.features]
    target = [Fraction(row[sidecar.target]) for row in rows]
    scales = [_common(column) for column in (*columns, target)]
    whole = [[int(v * s) for v in column] for column, s in zip((*columns, target), scales, strict=True)]
    rank, beta, _ = least_squares(whole[:-1], whole[-1])
    assert beta is not None, f"rank {rank}"
    return [b * s / scales[-1] for b, s in zip(beta, scales[:-1], strict=True)]


def _common(column: list[Fraction]) -> int:
    """The common denominator of a column."""
    return int(np.lcm.reduce(np.array([v.denominator for v in column], dtype=object)))


@pytest.mark.parametrize("name", NIST)
def test_the_exact_reference_of_the_decimal_data_agrees_with_nist(name: str) -> None:
    """To 14.3 digits and more: NIST prints 15, and the last of them is rounded."""
    certified = read_sidecar(sidecars()[name]).certified
    assert certified is not None
    printed = np.array([float(text) for text in certified.coef])
    exact = np.array([float(value) for value in decimal_solution(name)])
    assert digits(exact, printed).min() >= 14.3


@pytest.mark.parametrize("name", FORMED_EXACTLY)
def test_where_the_design_is_exact_in_floats_both_references_are_one(name: str) -> None:
    _, beta, _ = exact_solution(load(name))
    assert beta == decimal_solution(name)


def test_forming_filip_s_powers_in_floats_costs_seven_digits() -> None:
    """So that solvers are judged by the float64 design: no solver can get these digits back."""
    _, beta, _ = exact_solution(load("nist_filip"))
    assert beta is not None
    lost = digits(np.array([float(b) for b in beta]), np.array([float(b) for b in decimal_solution("nist_filip")]))
    assert 7 < lost.min() < 8.5


def test_all_eleven_sets_are_there() -> None:
    assert len(NIST) == 11
    assert load("nist_filip").features == ("x", *(f"x^{k}" for k in range(2, 11)))
    assert load("nist_noint1").intercept is False
