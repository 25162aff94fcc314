"""What the documents show works as they show it."""

import re
from pathlib import Path

import numpy as np
import pytest

from harness.plan import single
from harness.problems.catalog import load
from harness.run import measure
from harness.solvers.options import Options
from harness.solvers.status import Status

ROOT = Path(__file__).resolve().parent.parent


def test_the_solver_in_contributing_is_a_solver() -> None:
    """The example, executed as it stands, fits and verifies: one file is enough."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # noqa: S102  # the document's own example
    solver = names["ScipyPinv"]()  # type: ignore[operator]
    record = measure(single(load("diabetes"), solver, Options())).record
    assert record.status is Status.OK, record.message
    assert record.accuracy.digits is not None
    assert record.accuracy.digits > 11
    assert record.accuracy.rank == 11


def test_contributing_names_every_key_of_a_sidecar() -> None:
    from harness.problems.sidecar import Sidecar

    text = (ROOT / "CONTRIBUTING.md").read_text()
    for key in Sidecar.model_fields:
        assert re.search(rf"`\[?{key}\]?`", text), key


def test_the_readme_is_short_and_names_every_command() -> None:
    from harness.cli import app

    text = (ROOT / "README.md").read_text()
    assert text.count("\n") <= 120
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        assert f"harness {name}" in text, name


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_files_that_a_document_names_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    made = {"results/harness.sqlite", "harness/solvers/scipy_pinv.py"}
    named = set(re.findall(r"`((?:harness|results|datasets|tests)/[\w./]+\.\w+)`", text)) - made
    missing = [path for path in named if not (ROOT / path).exists()]
    assert named
    assert not missing


def test_the_everyday_story_of_the_readme_is_the_generator_s() -> None:
    problem = load("everyday")
    assert (problem.n, problem.p) == (2000, 2)
    assert np.round(problem.X.std(axis=0) / [25_000, 0.01], 1).tolist() == [1.0, 1.0]
