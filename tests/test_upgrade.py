"""May I upgrade: the decision by what changed, its reasons, and the answer written and read again."""

import re
import runpy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.ab.process import SCRIPT
from harness.ab.pythons import other_python
from harness.ab.touching import touching
from harness.errors import CannotMeasureError, UsageError
from harness.judge.versions.ab import judge_ab
from harness.judge.versions.upgrade.answer import Decision, UpgradeAnswer
from harness.judge.versions.upgrade.decide import UpgradeQuestion, decide_upgrade, failed_side, settled
from harness.records.ab import FAILED_IMPORT, AbCell, Library, Measured, Side
from harness.records.record import Solution
from harness.report.render.markdown import markdown
from harness.report.render.upgrade_file import read_upgrade, upgrade_json
from harness.report.words.upgrade import upgrade
from harness.solvers.status import Status
from harness.studies.findings import findings
from tests.ab_cells import cell

TERMS = ("intercept", "discount", "revenue")
GOOD = Measured(
    digits=12.8,
    rank=3,
    rank_of_data=3,
    r2={"train": 0.9641},
    solution=Solution(terms=TERMS, computed=(1.0, -39.8, 2e-5), exact=(1.0, -39.8, 2e-5)),
)
LOST = Measured(
    status=Status.WRONG,
    message="the solver found rank 2; the exact rank is 3",
    digits=0.0,
    rank=2,
    rank_of_data=3,
    r2={"train": 0.9471},
    solution=Solution(terms=TERMS, computed=(1.2, -2e-7, 2e-5), exact=(1.0, -39.8, 2e-5)),
)
NO_CUDNN = "failed to import: libcudnn.so.9: cannot open shared object file"
BROKEN = Measured(status=Status.ERROR, message=NO_CUDNN)
SPREADS = {"discount": 0.09, "revenue": 8e4}


def planted(base: Measured, head: Measured, ratio: float = 1.0, **changes: object) -> AbCell:
    """One case with these answers, and times of 0.1 ms a call whose ratio is `ratio`."""
    kept: dict[str, object] = {
        "problem": "jobs.parquet:margin",
        "solver": "sklearn",
        "case": "jobs.parquet:margin sklearn cpu",
    }
    said = kept | {"base": base, "head": head, "spreads": SPREADS} | changes
    return cell(np.random.default_rng(0), ratio, **said)  # type: ignore[arg-type]


def slow(made: AbCell, factor: float) -> AbCell:
    """The same with calls that take `factor` times as long in both versions."""
    launches = [
        {name: tuple(factor * one for one in values) for name, values in launch.model_dump().items()}
        for launch in made.launches
    ]
    return AbCell.model_validate(made.model_dump() | {"launches": launches})


def asked(**changes: object) -> UpgradeQuestion:
    base, head = (
        Side(name=text, libraries=(Library(name="scikit-learn", version=text),)) for text in ("1.8.0", "1.9.1")
    )
    return replace(UpgradeQuestion(base, head, ("scikit-learn",), findings()), **changes)  # type: ignore[arg-type]


def answer(*cells: AbCell, **changes: object) -> UpgradeAnswer:
    return decide_upgrade(judge_ab(cells, effect=0.1), asked(**changes))


CASES: Mapping[str, tuple[AbCell, Decision, str]] = {
    "a direction is dropped": (
        planted(GOOD, LOST),
        Decision.NO,
        (
            "Do not upgrade: 1 of 3 directions is dropped; R² 0.964 -> 0.947; the effect of discount, -39.8, becomes "
            "0; 1 of 1 case: sklearn. Workaround: LinearRegression(tol=0), or standardise the columns first. "
            "Known: finding sklearn_tol_drops_a_column."
        ),
    ),
    "nothing changes": (planted(GOOD, GOOD), Decision.SAFE, "Safe on these data: 1 of 1 case keeps its digits; none"),
    "digits above what anybody asks about": (
        planted(GOOD, GOOD.model_copy(update={"digits": 12.1})),
        Decision.SAFE,
        "Safe on these data",
    ),
    "digits are lost": (planted(GOOD, GOOD.model_copy(update={"digits": 8.0})), Decision.NO, "digits 12.8 -> 8.0"),
    "slower by a little": (
        slow(planted(GOOD, GOOD, 1.05), 1000.0),
        Decision.SAFE,
        "sklearn 5 % slower [",
    ),
    "much slower": (slow(planted(GOOD, GOOD, 1.5), 1000.0), Decision.NO, "Do not upgrade: 5"),
    "much slower, but nobody notices": (planted(GOOD, GOOD, 1.5), Decision.SAFE, "Safe on these data"),
    "too few launches": (planted(GOOD, GOOD, launches=2), Decision.UNDECIDED, "a larger --budget; 1 of 1 case keeps"),
    "the base cannot be imported": (
        planted(BROKEN, GOOD, launches=0),
        Decision.UNDECIDED,
        "Undecided: the base failed to import: libcudnn.so.9",
    ),
    "the head cannot be imported": (
        planted(GOOD, BROKEN, launches=0),
        Decision.NO,
        "Do not upgrade: the head failed to import: libcudnn.so.9",
    ),
    "neither can be imported": (
        planted(BROKEN, BROKEN, launches=0),
        Decision.UNDECIDED,
        "base and head failed to import",
    ),
    "other data": (
        planted(GOOD.model_copy(update={"problem_sha256": "a"}), GOOD.model_copy(update={"problem_sha256": "b"})),
        Decision.UNDECIDED,
        "the data changed",
    ),
    "wrong before and after": (planted(LOST, LOST), Decision.UNDECIDED, "Undecided: wrong before and after"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_decision_follows_from_what_changed(name: str) -> None:
    made, decision, says = CASES[name]
    found = answer(made)
    assert (found.decision, found.exit_code) == (decision, {"safe": 0, "do n": 1}.get(decision.value[:4], 3))
    assert says in found.sentence
    assert "new" not in found.sentence.split()


def test_one_case_against_it_decides_and_the_numbers_are_of_that_case() -> None:
    found = answer(planted(GOOD, GOOD, solver="sklearn_tol0", case="b"), planted(GOOD, LOST))
    assert [one.solver for one in found.cases] == ["sklearn", "sklearn_tol0"]
    assert "1 of 2 cases: sklearn" in found.because
    assert [(one.name, one.before, one.after) for one in found.figures] == [
        ("rank", 3, 2),
        ("R²", 0.9641, 0.9471),
        ("digits", 12.8, 0.0),
    ]
    first = found.coefficients[0]
    assert (first.term, first.before, first.after, first.exact) == ("discount", -39.8, -2e-7, -39.8)
    assert {one.id for one in found.known if one.shown} == {"sklearn_tol_drops_a_column"}


def test_sides_that_are_alike_decide_nothing() -> None:
    found = answer(planted(GOOD, GOOD), alike="both sides have the same libraries")
    assert found.exit_code == 3
    assert "there is no upgrade to judge" in found.sentence


@pytest.mark.parametrize(("side", "code"), [("base", 3), ("head", 1)])
def test_a_side_that_does_not_start_is_an_answer(side: str, code: int) -> None:
    found = failed_side(asked(), ("jobs.parquet:margin",), side, f"the {side} {NO_CUDNN}")
    assert found.exit_code == code
    assert f"the {side} failed to import: libcudnn.so.9" in found.sentence


@pytest.mark.parametrize("made", [found for found, *_ in CASES.values()], ids=list(CASES))
def test_what_is_written_is_read_again_and_said_alike(made: AbCell, tmp_path: Path) -> None:
    found = answer(made)
    path = tmp_path / "upgrade.json"
    path.write_text(upgrade_json(found))
    assert read_upgrade(path) == found
    text = markdown(upgrade(found))
    assert f"{found.decision.value.capitalize()}:" in text.splitlines()[0]
    assert "scikit-learn 1.8.0" in text


def test_another_file_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"schema_version": 1}')
    with pytest.raises(UsageError, match="'harness upgrade"):
        read_upgrade(path)


def test_time_is_given_to_what_is_open() -> None:
    lost, open_ = planted(GOOD, LOST, launches=1), planted(GOOD, GOOD, launches=1, case="b")
    assert settled([lost, open_], 0.1, spent=False) == set()
    assert settled([lost, open_], 0.1, spent=True) == {lost.case, "b"}
    assert settled([open_], 0.1, spent=True) == set()
    assert settled([planted(GOOD, GOOD, launches=5)], 0.1, spent=False) == {planted(GOOD, GOOD).case}


@pytest.mark.slow
def test_the_solvers_are_those_that_a_package_can_touch() -> None:
    assert touching({"scikit-learn"})[:2] == ["sklearn", "sklearn_tol0"]
    assert "numpy_lstsq" not in touching({"scikit-learn"})
    assert {"numpy_lstsq", "scipy_gelsd", "sklearn", "statsmodels_pinv"} <= set(touching({"numpy"}))
    with pytest.raises(UsageError, match="no solver here uses rich"):
        touching({"rich"})


def test_a_python_that_is_not_here_is_named() -> None:
    with pytest.raises(CannotMeasureError, match=r"no Python 2\.0 starts here"):
        other_python("2.0", (), ("numpy_lstsq",), lambda _: None)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise ImportError('libcudnn.so.9: cannot open')", "failed to import: libcudnn.so.9: cannot open"),
        ("raise TypeError('of another pandas')", "failed to import: TypeError: of another pandas"),
        ("import not_there_at_all", "failed to import: No module named 'not_there_at_all'"),
    ],
)
def test_what_a_worker_cannot_import_says_why(
    body: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = runpy.run_path(str(SCRIPT))
    assert worker["FAILED_IMPORT"] == FAILED_IMPORT
    (tmp_path / "planted_library.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(worker["FailedImportError"], match=re.escape(says)):
        worker["imported"]("planted_library")
    assert worker["imported"]("planted_library_that_is_not_there") is None
