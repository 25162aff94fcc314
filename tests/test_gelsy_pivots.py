"""The choices of pivots that torch's gelsy may find in memory, from which its floors are set."""

import random
from dataclasses import replace

import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from tools.gelsy_pivots import MOST, Pivoted, fronts


def choices(columns: int) -> list[tuple[bool, ...]]:
    return list(fronts(columns, random.Random(0)))  # noqa: S311  # draws choices to try, nothing that is secret


def test_all_choices_of_few_columns_are_tried_and_of_many_a_fixed_number() -> None:
    assert set(choices(2)) == {(False, False), (True, False), (False, True), (True, True)}
    drawn = choices(11)
    assert len(drawn) == MOST
    assert {(False,) * 11, (True,) * 11} <= set(drawn)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_choice_changes_the_digits_of_a_design_of_full_rank_and_not_its_status(dtype: str) -> None:
    case = single(load("nist_norris"), catalog.get("torch_gelsy"), Options(dtype=dtype))
    records = [measure(replace(case, solver=Pivoted(front))).record for front in choices(2)]
    assert {record.status for record in records} == {Status.OK}
    assert len({record.solution and record.solution.computed for record in records}) > 1
