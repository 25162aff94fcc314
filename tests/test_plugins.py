"""Entry points of packages: what a package brings is found by its name, and what cannot be had is a row."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import __version__, plugins
from harness.errors import UsageError
from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.problems import catalog as problems
from harness.problems.catalog import load
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.sweep.optimizer_text import parse_optimizer
from tests.conftest import RunCli

CODE = """
import numpy as np

def solve(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]

def drawn(n=30, p=2, noise=0.5):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X.sum(axis=1) + noise * rng.standard_normal(n)

whole = drawn()
"""
ENTRIES = """
[harness.solvers]
own_solve = own_code:solve
own_broken = own_broken:solve
own_nothing = own_code:nothing
own_number = own_code:whole
sklearn = own_code:solve
[harness.optimizers]
own_sgd = own_torch:Own
own_gone = own_broken:Own
[harness.problems]
own_drawn = own_code:drawn
own_whole = own_code:whole
own_odd = own_code:np
"""
pytestmark = pytest.mark.usefixtures("harmless_imports")
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package with entry points where this process finds it."""

    def put(name: str = "own-package", entries: str = ENTRIES, requires: str = "", version: str = "1.2") -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        wanted = f"Requires-Dist: {requires}\n" if requires else ""
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{wanted}")
        (folder / "entry_points.txt").write_text(textwrap.dedent(entries))
        plugins.plugins.cache_clear()

    (tmp_path / "own_code.py").write_text(CODE)
    (tmp_path / "own_torch.py").write_text("import torch\n\nclass Own(torch.optim.SGD):\n    pass\n")
    (tmp_path / "own_broken.py").write_text("raise OSError('first line\\nthe disk is gone')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    plugins.plugins.cache_clear()


def fitted(name: str, problem: str = "four_points", **options: object) -> Record:
    return measure(single(load(problem), catalog.get(name), Options(**options))).record  # type: ignore[arg-type]


def test_a_solver_of_a_package_is_found_by_its_name(install: Install) -> None:
    install()
    record = fitted("own_solve")
    assert (record.solver, record.status) == ("own_solve", Status.OK)
    assert record.source_sha256


def test_an_optimizer_of_a_package_trains(install: Install) -> None:
    install()
    assert catalog.trained("own_sgd") == ["torch[own_sgd]", "mlp[own_sgd]"]
    record = fitted("torch[own_sgd:momentum=0.5]", lr=0.1, epochs=5)
    assert (record.optimizer, record.status) == ("own_sgd:momentum=0.5", Status.NOT_CONVERGED)
    assert parse_optimizer("own_sgd")[1] == "own_sgd"


def test_problems_of_a_package_are_drawn_and_taken_whole(install: Install) -> None:
    install()
    drawn = load("own_drawn:n=40,p=3")
    assert (drawn.n, drawn.p, drawn.label) == (40, 3, "own_drawn:n=40,p=3")
    assert load("own_drawn", n=50).n == 50
    assert load("own_whole").n == 30
    for spec, message in (
        ("own_whole:n=3", "own_whole of own-package 1.2 is no function"),
        ("own_odd", "gives module, no Problem"),
        ("own_drawn:q=3", "unknown parameter of own_drawn 'q'"),
    ):
        with pytest.raises(UsageError, match=message):
            load(spec)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_broken", "own_broken of own-package 1.2 cannot be imported: OSError: the disk is gone"),
        ("own_nothing", "own_nothing of own-package 1.2 cannot be imported: AttributeError"),
        ("own_number", "tuple is no solver"),
        ("torch[own_gone]", "own_gone of own-package 1.2 cannot be imported: OSError: the disk is gone"),
    ],
)
def test_what_cannot_be_had_is_a_row_with_its_reason(install: Install, name: str, message: str) -> None:
    install()
    record = fitted(name, lr=0.1)
    assert record.status is Status.UNSUPPORTED
    assert message in record.message
    assert message in fitted(name, device="mps").message, "on whatever device it is asked for"


def test_a_package_for_another_version_is_a_row_with_its_reason(install: Install) -> None:
    install(requires="ls_harness>=99")
    record = fitted("own_solve")
    assert record.status is Status.UNSUPPORTED
    assert record.message == f"own-package 1.2 needs ls-harness >=99, and this is {__version__}"


def test_two_packages_of_one_name_are_refused(install: Install) -> None:
    install()
    install("other-package")
    with pytest.raises(UsageError, match=r"'own_solve' is in other-package 1.2 and own-package 1.2: uninstall one"):
        catalog.get("own_solve")
    with pytest.raises(UsageError, match="'own_whole' is in"):
        problems.load("own_whole")


def test_a_name_of_the_harness_stays_the_harness_s(install: Install) -> None:
    install()
    assert fitted("sklearn").source_sha256 == ""


def test_an_unknown_name_is_told_the_nearest_of_a_package(install: Install) -> None:
    install()
    tried: list[tuple[str, str, Callable[[str], object]]] = [
        ("own_solev", "own_solve", catalog.get),
        ("own_hwole", "own_whole", load),
        ("torch[own_sdg]", "own_sgd", catalog.get),
    ]
    for wrong, right, get in tried:
        with pytest.raises(UsageError, match=f"did you mean '{right}'"):
            get(wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("solvers", ["own_solve", "own-package 1.2", "the disk is gone", "taken by a solver of the harness"]),
        ("optimizers", ["own_sgd", "own-package 1.2", "the disk is gone", "LBFGS", "torch"]),
        ("problems", ["own_drawn", "own-package 1.2", "gives module"]),
    ],
)
def test_a_list_shows_the_package_and_the_reason(
    install: Install, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, what: str, shown: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    install()
    ended = run_cli("list", what)
    assert (ended.code, ended.stderr) == (0, "")
    text = " ".join(ended.stdout.split())
    assert [one for one in shown if one not in text] == []


def test_a_list_shows_two_packages_of_one_name(
    install: Install, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    install()
    install("other-package")
    ended = run_cli("list", "optimizers")
    assert (ended.code, ended.stderr) == (0, "")
    said = " ".join(ended.stdout.split())
    assert all(one in said for one in ("'own_sgd'", "other-package 1.2", "own-package 1.2"))
