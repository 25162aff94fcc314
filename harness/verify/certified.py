"""NIST's certified values against the exact solution of the decimal data: who verifies the exact reference."""

import csv
import io
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path

import numpy as np

from harness.files.reading import text_of
from harness.problems.columns import LARGEST_BYTES
from harness.problems.sidecar import read_sidecar
from harness.verify.digits import digits
from harness.verify.exact_flint import Rationals
from harness.verify.gram import IntegerGram
from harness.verify.least_squares import Solution, quantities, rounded


@dataclass(frozen=True)
class Agreement:
    """Digits of agreement between a set's certified values and the exact ones: the least over the terms."""

    name: str
    coef_digits: float
    standard_error_digits: float
    residual_sd_digits: float
    r_squared_digits: float


def decimal_gram(sidecar_path: Path) -> IntegerGram:
    """Inner products of a stored set's design and target, of the decimals as printed; powers are of the decimals.

    The files hold no quoted or missing numbers. Raises ValueError or ZeroDivisionError where a field is no number.
    """
    sidecar = read_sidecar(sidecar_path)
    rows = list(csv.DictReader(io.StringIO(text_of(sidecar_path.parent / sidecar.file, LARGEST_BYTES), newline="")))
    columns = [[Fraction(1)] * len(rows)] if sidecar.intercept else []
    for power in range(1, sidecar.degree + 1):
        columns += [[Fraction(row[feature]) ** power for row in rows] for feature in sidecar.features]
    columns.append([Fraction(row[sidecar.target]) for row in rows])
    scales = [lcm(*(value.denominator for value in column)) for column in columns]
    whole = [[int(value * scale) for value in column] for column, scale in zip(columns, scales, strict=True)]
    values = [[sum(a * b for a, b in zip(one, other, strict=True)) for other in whole] for one in whole]
    return IntegerGram(values, tuple(Fraction(1, scale) for scale in scales), len(rows), sidecar.intercept)


def decimal_solution(sidecar_path: Path) -> Solution:
    """The exact solution of the decimal data and its statistics, each rounded once to float64."""
    gram = decimal_gram(sidecar_path)
    return rounded(quantities(gram, Rationals()), gram.n, Rationals())


def agreement(sidecar_path: Path) -> Agreement:
    """How far the certified strings of a sidecar and the exact values agree.

    Raises ValueError if the sidecar certifies nothing, or if its design has not full rank.
    """
    sidecar = read_sidecar(sidecar_path)
    exact = decimal_solution(sidecar_path)
    certified = sidecar.certified
    if certified is None or exact.standard_errors is None or exact.residual_sd is None or exact.r_squared is None:
        raise ValueError(f"{sidecar_path}: nothing certified to compare with")

    def agree(printed: tuple[str, ...], found: tuple[float, ...]) -> float:
        return float(digits(np.array(found), np.array([float(text) for text in printed])).min())

    return Agreement(
        name=sidecar.name,
        coef_digits=agree(certified.coef, exact.coef),
        standard_error_digits=agree(certified.standard_errors, exact.standard_errors),
        residual_sd_digits=agree((certified.residual_sd,), (exact.residual_sd,)),
        r_squared_digits=agree((certified.r_squared,), (exact.r_squared,)),
    )
