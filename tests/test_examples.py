"""The example packages: what they name is there, and without their library each is a row that says so."""

import tomllib
from pathlib import Path

import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems.catalog import load
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.solver import missing_library
from harness.solvers.status import Status

pytestmark = pytest.mark.usefixtures("harmless_imports")
FOLDER = Path(__file__).resolve().parents[1] / "examples" / "keras-solvers"
ENTRIES = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["entry-points"]["harness.solvers"]


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_point_is_a_solver_of_that_name(name: str) -> None:
    module, _, attribute = ENTRIES[name].partition(":")
    place = f"{FOLDER / module}.py:{attribute}"
    case = single(load("auto_mpg"), catalog.get(place), Options(lr=0.1, epochs=2))
    assert getattr(case.solver, "solver").name == name  # noqa: B009  # what the wrapper is around
    if missing := missing_library(("tensorflow",)):
        record = measure(case).record
        assert (record.status, record.message) == (Status.UNSUPPORTED, missing)
    text = (FOLDER / "README.md").read_text()
    assert f"| auto_mpg | {name} |" in text
