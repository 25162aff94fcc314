"""NIST's certified values: they verify the exact reference, which then judges everybody."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.problems.catalog import load, sidecars
from harness.problems.sidecar import read_sidecar
from harness.verify.certified import agreement, decimal_gram, decimal_solution
from harness.verify.digits import digits
from harness.verify.exact_flint import Rationals
from harness.verify.gram import exact_gram
from harness.verify.least_squares import quantities
from harness.verify.reference import reference

NIST = [name for name, path in sidecars().items() if read_sidecar(path).certified]
FORMED_EXACTLY = ("nist_noint1", "nist_noint2", "nist_wampler1", "nist_wampler3", "nist_wampler4", "nist_wampler5")
"""Their columns are small integers, whose powers are floats: both references are one."""


@pytest.mark.parametrize("name", NIST)
def test_the_exact_solution_of_the_decimal_data_agrees_with_nist(name: str) -> None:
    """To 14.3 digits and more (standard errors 14.4): NIST prints 15, and the last of them is rounded.

    The sidecars' residual SD and R² are exact ones with 17 digits, so that they agree in full.
    """
    found = agreement(sidecars()[name])
    assert found.name == name
    assert found.coef_digits >= 14.3
    assert found.standard_error_digits >= 14.4
    assert (found.residual_sd_digits, found.r_squared_digits) == (15.0, 15.0)


@pytest.mark.parametrize(
    ("printed", "misprinted", "field"),
    [
        ("-3482258.63459582", "-3482258.63549582", "coef_digits"),
        ("84.9149257747669", "84.9149257774669", "standard_error_digits"),
        ("304.8540735619648", "304.8540735619748", "residual_sd_digits"),
        ("0.9954790045772957", "0.9954790045872957", "r_squared_digits"),
    ],
)
def test_a_misprint_is_seen_where_it_is(printed: str, misprinted: str, field: str, tmp_path: Path) -> None:
    source = sidecars()["nist_longley"]
    shutil.copy(source.with_suffix(".csv"), tmp_path)
    text = source.read_text()
    assert printed in text
    (tmp_path / source.name).write_text(text.replace(printed, misprinted))
    before, after = vars(agreement(source)), vars(agreement(tmp_path / source.name))
    assert {name for name in before if before[name] != after[name]} == {field}
    assert after[field] < 14


def test_a_set_without_certified_values_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing certified"):
        agreement(sidecars()["four_points"])


@pytest.mark.parametrize("name", FORMED_EXACTLY)
def test_where_the_design_is_exact_in_floats_both_references_are_one(name: str) -> None:
    problem = load(name)
    by_floats = quantities(exact_gram(*problem.rows("train"), intercept=problem.intercept), Rationals())
    assert by_floats == quantities(decimal_gram(sidecars()[name]), Rationals())


def test_forming_filip_s_powers_in_floats_costs_seven_digits() -> None:
    """So that solvers are judged by the float64 design: no solver can get these digits back."""
    lost = digits(reference(load("nist_filip")).solution, np.array(decimal_solution(sidecars()["nist_filip"]).coef))
    assert 7 < lost.min() < 8.5


def test_all_eleven_sets_are_there() -> None:
    assert len(NIST) == 11
    assert load("nist_filip").features == ("x", *(f"x^{k}" for k in range(2, 11)))
    assert load("nist_noint1").intercept is False
