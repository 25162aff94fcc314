"""A solver of somebody's that hangs, crashes or changes global state: its own status, and the next case untouched."""

import sys
from itertools import chain
from pathlib import Path

import pytest

import harness
from harness import plugins
from harness.errors import UsageError
from harness.measure.isolation import isolated
from harness.solvers import catalog
from harness.solvers.status import Status
from tests import brought_faults as faults

PLACE = str(Path(faults.__file__))
EXPECTED = {
    "hangs": (Status.TIMEOUT, "it took longer than 3 s"),
    "ends": (Status.CRASHED, "the process ended with exit code 7"),
    "aborts": (Status.CRASHED, "SIGABRT"),
    "leaves": (Status.ERROR, "SystemExit: 3"),
    "writes": (Status.ERROR, "wrote to the y"),
    "changes": (Status.OK, ""),
    "forks": (Status.OK, ""),
}
AS_OBJECTS = ("ends", "leaves", "changes")
"""One of each end of a worker and of a case: what comes as an object is unpacked anew, and is then the same solver."""


@pytest.mark.slow
@pytest.mark.parametrize("by_place", [True, False], ids=["place", "object"])
def test_each_has_its_status_and_the_next_case_is_untouched(by_place: bool) -> None:
    names = EXPECTED if by_place else AS_OBJECTS
    given = {name: f"{PLACE}:{name}" if by_place else getattr(faults, name) for name in names}
    in_turn = chain.from_iterable(((name, one), (f"after_{name}", faults.looks)) for name, one in given.items())
    run = harness.run("four_points", dict(in_turn), timeout_s=3.0, store="sqlite://")
    found = {record.solver: record for record in run.records}
    for name in names:
        status, message = EXPECTED[name]
        assert found[name].status is status, (name, found[name].message)
        assert message in found[name].message
        after = found[f"after_{name}"]
        assert (after.status, after.message) == (Status.OK, ""), name
        assert after.samples.wall_s
    assert any("numpy's error state" in warning for warning in found["changes"].warnings)


@pytest.mark.slow
def test_what_cannot_be_unpacked_in_the_worker_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "packed", lambda *_: b"no pickle")
    run = harness.run("four_points", {"lost": faults.good, "ours": "numpy_lstsq"}, store="sqlite://")
    assert list(run["status"]) == ["error", "error"], "both were brought as objects"
    monkeypatch.undo()
    again = harness.run("four_points", [faults.good, "numpy_lstsq"], store="sqlite://")
    assert list(again["status"]) == ["ok", "ok"]


@pytest.mark.slow
def test_a_place_is_found_again_by_the_worker_that_comes_after_a_lost_one() -> None:
    names = [f"{PLACE}:{name}" for name in ("good", "aborts", "looks")]
    run = harness.run("four_points", [*names, "numpy_lstsq"], store="sqlite://")
    assert list(run["status"]) == ["ok", "crashed", "ok", "ok"]
    assert [bool(record.samples.wall_s) for record in run.records] == [True, False, True, True]


@pytest.mark.slow
def test_what_a_module_prints_at_import_is_kept_from_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the answer goes that another program reads."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    text = "print('hello ' * 1_000_000)\nclass Fit:\n    def __init__(self, how=1):\n        print('made')\n"
    (tmp_path / "own_talking.py").write_text(f"{text}    def fit(self, X, y):\n        self.coef_ = 0 * X[0]\n")
    for place in ("own_talking.py:Fit:how=2", "own_talking:Fit:how=2"):
        assert catalog.get(place).name == place
        seen = capsys.readouterr()
        assert (seen.out, seen.err[:6], seen.err[-5:]) == ("", "hello ", "made\n")


@pytest.mark.slow
def test_a_file_of_a_package_is_told_by_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    inner = tmp_path / "own_package" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").touch()
    (inner.parent / "helper.py").write_text("from numpy.linalg import solve\n")
    fit = "from ..helper import solve\ndef fit(X, y):\n    return solve(X.T @ X, X.T @ y)\n"
    (inner / "fits.py").write_text(fit)
    with pytest.raises(
        UsageError, match=r"relative import.*; it is a module of a package: say own_package.inner.fits:"
    ):
        catalog.get("own_package/inner/fits.py:fit")
    assert catalog.get("own_package.inner.fits:fit").name == "own_package.inner.fits:fit"
    (tmp_path / "alone.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(UsageError, match=r"No module named 'nothing_of_that_name'$"):
        catalog.get("alone.py:fit")
    (tmp_path / "fine.py").write_text("import numpy as np\ndef fit(X, y):\n    return X[0]\n")
    with pytest.raises(UsageError, match=r"known: fit$"):
        catalog.get("fine.py:np_")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os; os._exit(0)", "cannot be imported: it ended the process with exit code 0"),
        ("import os; os.abort()", "cannot be imported: it ended the process with signal 6"),
        ("import time; time.sleep(3600)", "cannot be imported: it took longer than 0.3 s"),
        ("print('words'); raise SystemExit(4)", "cannot be imported: SystemExit: 4"),
    ],
)
def test_what_ends_or_hangs_a_process_at_import_is_one_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "IMPORT_S", 0.3 if "sleep" in text else 120.0)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_ending.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    for place in ("own_ending.py:solve", "own_ending:solve"):
        with pytest.raises(UsageError, match=message):
            catalog.get(place)
        plugins.ends_a_process.cache_clear()
