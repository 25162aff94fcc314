"""What an environment records of libraries, and what two environments are told apart by."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import pytest

from harness.git import head_of
from harness.judge.history.history import changes_between, identity
from harness.records.differences import differences, moved, of_record
from harness.records.environment import DISTRIBUTIONS, EVERY_RUN, Environment, distribution_of, environment, libraries
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.training import engines
from tests.planted import Planted, exact_line
from tests.writers import record_of

BEFORE = Environment(
    cpu="a processor",
    cores=2,
    memory_bytes=2**30,
    system="Linux 6.1 x86_64",
    python="CPython 3.13.1",
    blas=("openblas 0.3.30",),
    versions={"numpy": "2.4.0"},
    commit="a" * 40,
    dirty=False,
)
"""As it was recorded before the libraries of solvers were: nothing of jax."""


def with_jax(version: str) -> Environment:
    return BEFORE.model_copy(update={"versions": {**BEFORE.versions, "jax": version}})


def test_one_environment_s_id_is_what_it_was() -> None:
    assert BEFORE.id == "01069f60a71f0532"


def test_what_is_recorded_begins_with_what_always_was_so_that_an_id_without_peers_stays() -> None:
    assert libraries()[: len(EVERY_RUN)] == EVERY_RUN
    assert list(environment().versions)[: len(EVERY_RUN)] == list(EVERY_RUN)


@pytest.mark.parametrize("name", ["glum", "jax", "jaxlib", "linearmodels", "polars", "polars-ols", "pyfixest"])
def test_the_library_of_each_peer_is_recorded(name: str) -> None:
    assert name in libraries()


@pytest.mark.slow
def test_every_installed_library_that_a_solver_or_an_engine_requires_has_its_version_recorded() -> None:
    named = packages_distributions()
    asked = [module for solver in catalog.ALL for module in solver.requires]
    asked += [module for engine in engines.ENGINES.values() for module in engine.requires]
    installed = {package for module in asked if find_spec(package := module.partition(".")[0])} - {"harness"}
    assert len(installed) > len(EVERY_RUN) // 2
    for package in installed:
        assert distribution_of(package) in named[package]
        assert distribution_of(package) in environment().versions


@pytest.mark.slow
def test_distributions_of_another_name_are_what_the_installation_says() -> None:
    named = packages_distributions()
    for module, distribution in DISTRIBUTIONS.items():
        assert named.get(module, [distribution]) == [distribution]


@pytest.mark.slow
def test_a_solver_with_a_new_library_is_recorded_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment()
    assert "python-dateutil" not in before.versions
    new = Planted("new", exact_line, requires=("dateutil.tz",))
    monkeypatch.setattr(catalog, "SOLVERS", MappingProxyType({**catalog.SOLVERS, "new": new}))
    assert "python-dateutil" in environment().versions
    assert environment().id != before.id


@pytest.mark.slow
def test_a_library_that_only_a_solver_of_one_s_own_requires_is_recorded_too() -> None:
    assert "python-dateutil" in environment(["dateutil.tz"]).versions
    assert environment(["no_such_library"]) == environment()


@pytest.mark.slow
def test_no_solver_s_library_is_imported_to_have_its_version() -> None:
    code = (
        "import sys; from harness.records.environment import environment; environment(with_torch=False);"
        "print(sorted({'torch', 'jax', 'sklearn', 'statsmodels', 'pandas', 'polars', 'glum'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_upgrade_of_a_peer_is_another_environment() -> None:
    assert with_jax("0.8.0").id != with_jax("0.8.1").id
    (found,) = differences(with_jax("0.8.0"), with_jax("0.8.1"))
    assert (found.name, found.then, found.here, str(found)) == ("jax", "0.8.0", "0.8.1", "jax")


def test_an_environment_that_says_nothing_of_a_library_differs_from_one_that_does_and_it_is_said() -> None:
    assert [str(one) for one in moved(BEFORE, with_jax("0.8.0"))] == ["jax (of which nothing was recorded)"]
    assert [str(one) for one in moved(with_jax("0.8.0"), BEFORE)] == ["jax"]
    assert changes_between(BEFORE, with_jax("0.8.0")) == ("jax none → 0.8.0",)


@pytest.mark.parametrize(
    ("solver", "options", "alike"),
    [
        ("numpy_lstsq", {}, True),
        ("torch_sgd", {"engine": "loop"}, True),
        ("torch_sgd", {"engine": "jax"}, False),
        ("jax_lstsq", {}, False),
        ("somebody_s_own", {}, False),
        ("torch_sgd", {"engine": "of another version"}, False),
    ],
)
def test_history_takes_an_upgrade_of_jax_as_another_environment_of_what_uses_it(
    solver: str, options: dict[str, str], alike: bool
) -> None:
    record: Record = record_of("a line").model_copy(update={"solver": solver, "options": options})
    for then in (BEFORE, with_jax("0.8.0")):
        now = of_record(with_jax("0.8.1"), record)
        assert (identity(of_record(then, record)) == identity(now)) is alike


def test_which_blas_a_process_has_loaded_so_far_is_no_change_of_it() -> None:
    more = BEFORE.model_copy(update={"blas": (*BEFORE.blas, "mkl 2025.0")})
    other = BEFORE.model_copy(update={"blas": ("mkl 2025.0",)})
    assert moved(BEFORE, more) == moved(more, BEFORE) == ()
    assert [one.name for one in moved(BEFORE, other)] == ["BLAS"]


def test_the_commit_is_git_s() -> None:
    found = environment()
    assert (found.commit, found.dirty) == head_of(Path.cwd())


@pytest.mark.slow
def test_the_blas_is_the_one_that_scipy_s_linear_algebra_loads() -> None:
    """In new processes, since a library that is loaded stays loaded."""
    asked = "from harness.records.environment import _blas; print(_blas())"
    ours, scipy_s = (
        subprocess.run([sys.executable, "-c", before + asked], capture_output=True, text=True, check=True).stdout
        for before in ("", "import scipy.linalg; ")
    )
    assert ours == scipy_s != "()\n"
