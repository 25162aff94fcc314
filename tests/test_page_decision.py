"""What the page begins with: the question, the answer, its numbers and coefficients, from planted evidence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.judge.gate.gate import GateReport
from harness.judge.machine.doubts import Doubt, State
from harness.judge.studies.shown import shown, shows
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.upgrade.answer import Machine
from harness.records.ab import Side
from harness.records.record import Accuracy, Record, Solution
from harness.report.figures.figure import Figure
from harness.report.html.decision.race import race
from harness.report.html.evidence import Evidence
from harness.report.html.order import decision, sections
from harness.report.html.section import Facts, Note, Section, Table
from harness.report.purpose import Purpose
from harness.solvers.status import Status
from harness.studies.findings import findings, survey
from tests import page_data
from tests.page_site import evidence, planted, run_of, training
from tests.sweep_data import sweep
from tests.test_upgrade import BROKEN, GOOD, LOST, answer
from tests.test_upgrade import planted as upgraded

EVERYDAY = "everyday:n=2000,seed=0"
TOL = "sklearn_tol_drops_a_column"


def dropped(**changed: Any) -> Record:
    """scikit-learn 1.9's answer on the data of its finding."""
    accuracy = Accuracy(
        digits=0.0, digits_by_term=(2.0, 0.0), rank=2, exact_rank=3, excess_loss=25.0, excess_relative_to="optimum",
        r2={"train": 0.185},
    )  # fmt: skip
    solution = Solution(terms=("intercept", "rate"), computed=(25.0, 0.0), exact=(0.14, 498.0))
    fields: dict[str, Any] = {
        "problem": "everyday", "status": Status.WRONG, "message": "rank 2; the exact rank is 3", "accuracy": accuracy,
        "solution": solution,
    }  # fmt: skip
    return planted("sklearn", 1e-4, **fields | changed).model_copy(update={"problem": EVERYDAY})


def right(solver: str = "numpy_lstsq", call_s: float = 5e-5) -> Record:
    solution = Solution(terms=("intercept", "rate"), computed=(0.14, 498.0), exact=(0.14, 498.0))
    return planted(solver, call_s, problem="everyday", solution=solution).model_copy(update={"problem": EVERYDAY})


def facts(section: Section) -> Mapping[str, str]:
    return {one.name: one.value for part in section.parts if isinstance(part, Facts) for one in part.facts}


def tables(section: Section) -> dict[str, Table]:
    return {part.name: part for part in section.parts if isinstance(part, Table)}


def seen(**more: Any) -> dict[str, Any]:
    """The finding that `dropped` shows, as the page gathers it."""
    return {"findings": survey(findings(TOL)), "shown": {dropped().case: (TOL,)}, **more}


def test_a_page_of_one_case_answers_first_and_shows_nothing_that_was_not_asked_for() -> None:
    first, *rest = sections(evidence([dropped()], **seen()))
    assert (first.id, first.tone) == ("decision", "bad")
    assert first.asked == "Is sklearn right on everyday, and how fast is it?"
    assert first.conclusion.startswith("No: rank 2; the exact rank is 3. ")
    assert facts(first) == {"right digits": "0.0", "R²": "0.1850", "a whole fit": facts(first)["a whole fit"]}
    assert "0.9687 at best" in str(first.parts[0])  # 1 - (1 - 0.185) / 26
    assert any(part.to == "findings" and TOL in part.text for part in first.parts if isinstance(part, Note))
    rows = tables(first)["decision-coefficients"].rows
    assert [(row["term"], row["computed"], row["exact"]) for row in rows] == [
        ("rate", 0.0, 498.0),
        ("intercept", 25.0, 0.14),
    ]
    assert [one.id for one in rest] == ["accuracy", "findings", "speed", "environment"]
    assert not [part for one in rest for part in one.parts if isinstance(part, Figure)]
    assert not any("Faster, and wrong" in one.conclusion for one in rest)
    assert tables(rest[0])["accuracy"].rows[0]["finding"] == TOL


def test_a_race_names_who_is_right_and_fastest_and_sets_the_wrong_coefficients_beside_the_right_ones() -> None:
    found = decision(evidence([right(), right("scipy_gelsy", 2e-4), dropped()])).section()
    assert (found.tone, found.asked) == ("good", "Which of 3 solvers is right on everyday, and who is the fastest?")
    assert found.conclusion.startswith("numpy_lstsq: 14.0 of 15 digits are right in the worst coefficient; 50")
    assert "4.0 times ahead of the next" in found.conclusion
    assert "sklearn on everyday:n=2000,seed=0 (rank 2 instead of 3)" in found.conclusion
    assert facts(found)["right"] == "2 of 3"
    table = tables(found)["decision-coefficients"]
    assert [column.title for column in table.columns][:4] == ["Term", "numpy_lstsq", "sklearn", "Exact"]
    assert table.rows[0]["beside0"] == 498.0


def test_what_did_not_converge_is_not_called_right_everywhere() -> None:
    slow = training("torch_sgd", 1e-4, 0.01, reached={"1e-6": None}, excess=1e-3)
    found = race(evidence([planted("a", 1e-4), planted("a", 1e-4, problem="b"), slow]))
    assert "Right wherever they ran: a." in found.answer


@pytest.mark.parametrize(
    ("verdicts", "answer", "tone"),
    [
        (
            (Verdict.REGRESSION, Verdict.UNCHANGED),
            f"No: 1 of 2 expectations does not hold, of sklearn on {EVERYDAY}.",
            "bad",
        ),
        ((Verdict.UNCHANGED, Verdict.UNCHANGED), "Yes: all of 2 expectations hold.", "good"),
        (
            (Verdict.UNDECIDED,),
            f"It cannot be told: 1 of 1 expectation could not be compared (sklearn on {EVERYDAY}).",
            "doubt",
        ),
        ((), "Nothing is judged: no expectation is about this run.", "doubt"),
    ],
)
def test_a_gate_answers_by_what_does_not_hold(verdicts: tuple[Verdict, ...], answer: str, tone: str) -> None:
    judged = tuple(Judgement(dropped().case, "digits", "0", ">= 9", one, "9 below", "Look.") for one in verdicts)
    report = GateReport(judged, (), 0)
    first = sections(evidence([dropped()], gate=report, expectations="a/e.toml", purpose=Purpose.GATE, **seen()))[0]
    assert (first.asked, first.conclusion, first.tone) == ("Does this run meet what e.toml expects?", answer, tone)
    breached = bool(verdicts) and verdicts[0] is not Verdict.UNCHANGED
    assert ("decision-coefficients" in tables(first)) is breached
    assert (facts(first).get(f"digits of sklearn on {EVERYDAY}") == "0") is breached


def test_an_upgrade_is_decided_by_ab_or_by_an_earlier_run() -> None:
    record = dropped()
    told = page_data.comparison(record.case)
    first = decision(evidence([record], ab=told, purpose=Purpose.UPGRADE))
    assert (first.asked, first.answer, first.tone) == (
        "May main become HEAD?",
        "No: of 1 case 1 slower against main.",
        "bad",
    )
    before = record.model_copy(
        update={"status": Status.OK, "accuracy": Accuracy(digits=13.0), "solution": right().solution}
    )
    found = evidence([record], baseline=run_of([before]), baseline_records=(before,), purpose=Purpose.UPGRADE)
    first = decision(found)
    assert (first.answer, first.tone) == ("No: 1 case is wronger since the baseline.", "bad")
    assert [(fact.name, fact.value) for fact in first.facts] == [("status", "ok → wrong")]
    assert [column.title for column in first.tables[0].columns][:4] == ["Term", "Before", "sklearn", "Exact"]
    assert first.tables[0].rows[0]["beside0"] == 498.0
    assert decision(evidence([record], purpose=Purpose.UPGRADE)).tone == "doubt"


def test_an_upgrade_s_answer_is_a_page_with_its_numbers_and_coefficients_and_its_finding() -> None:
    told = answer(upgraded(GOOD, LOST))
    found = evidence((), run=None, purpose=Purpose.UPGRADE, upgrade=told, findings=survey(findings(TOL)))
    first, *rest = sections(found)
    assert first.conclusion == told.sentence
    assert (first.tone, first.conclusion[:15]) == ("bad", "Do not upgrade:")
    assert facts(first) == {"rank": "3 → 2", "R²": "0.9641 → 0.9471", "digits": "12.8 → 0.0"}
    assert [part.to for part in first.parts if isinstance(part, Note)] == ["findings"]
    table = tables(first)["decision-coefficients"]
    assert [column.title for column in table.columns][:4] == ["term", "before", "after", "exact"]
    assert table.rows[0]["term"] == "discount"
    assert [one.id for one in rest] == ["upgrade", "findings", "environment"]
    (row,) = tables(rest[0])["upgrade-cases"].rows
    assert (row["digits"], row["rank"], row["decision"]) == ("12.8→0.0", "3→2", "do not upgrade")
    assert str(rest[0].parts[0]).startswith("Note(text='base: scikit-learn 1.8.0")


def test_an_upgrade_s_page_says_what_it_ran_on_and_what_the_sides_differ_in() -> None:
    sides = [Side(name=one, python="CPython 3.11.7", versions={"numpy": "2.4.6", "scipy": one}) for one in ("1", "2")]
    busy = Doubt("load", State.DOUBTFUL, "load 8.0 on 2 cores", "it waits", "end it", "none")
    machine = Machine("A processor", 2, 2**33, "Linux", (busy, replace(busy, name="swap", state=State.FINE)))
    told = replace(answer(upgraded(GOOD, LOST)), base=sides[0], head=sides[1], machine=machine)
    found = evidence((), run=None, purpose=Purpose.UPGRADE, upgrade=told, command="harness report --for upgrade")
    last = sections(found)[-1]
    assert last.conclusion == (
        "Both sides were fitted and timed in turns, in processes of their own, on A processor (2 cores). They differ "
        "in scipy. The times are doubtful: load (load 8.0 on 2 cores)."
    )
    seen = tables(last)
    assert seen["sides"].rows[0] == {"what": "scipy", "here": "2", "before": "1", "same": "no"}
    assert [row["same"] for row in seen["sides"].rows[1:]] == ["yes", "yes"]
    assert ("memory", "8 GiB") in [(row["what"], row["here"]) for row in seen["machine"].rows]
    assert [row["name"] for row in seen["doubts"].rows] == ["load"]
    assert sections(found)[1].conclusion == "1 of 1 case speaks against it."
    older = sections(evidence((), run=None, purpose=Purpose.UPGRADE, upgrade=replace(told, machine=None)))[-1]
    assert "What the machine was like was not kept." in older.conclusion


def test_an_upgrade_of_which_a_side_cannot_be_imported_says_what_to_do_where_the_answer_stands() -> None:
    """And shows no column of dashes."""
    cell = upgraded(BROKEN, GOOD).model_copy(update={"launches": ()})
    first, cases, *_, last = sections(evidence((), run=None, purpose=Purpose.UPGRADE, upgrade=answer(cell)))
    assert (first.tone, cases.conclusion) == ("doubt", "1 of 1 case is undecided.")
    assert [one.text[:27] for one in first.parts if isinstance(one, Note)] == ["note: Name all that this si"]
    assert not [one for one in cases.parts if isinstance(one, Note) and one.text.startswith("note:")]
    (row,) = tables(cases)["upgrade-cases"].rows
    assert {key for key, value in row.items() if value == "–"} == set()
    assert last.conclusion.startswith("Nothing was timed. ")


@pytest.mark.slow
def test_a_sweep_alone_is_a_page() -> None:
    cells = tuple(page_data.cells())
    first, *rest = sections(Evidence("now", "harness report", None, (), sweep=sweep(), cells=cells))
    assert first.asked == "Which optimizer, at which learning rate, is first at the optimum of auto_mpg?"
    assert len(facts(first)) == 3
    assert [one.id for one in rest] == ["training", "environment"]
    assert rest[0].conclusion == ""  # the answer says it


@pytest.mark.parametrize(
    ("changed", "version", "there"),
    [
        ({}, "1.9.1", True),
        ({}, "1.5.2", False),
        ({"status": Status.OK}, "1.9.1", False),
        ({"accuracy": Accuracy(digits=0.0, rank=3, exact_rank=3)}, "1.9.1", False),
    ],
)
def test_a_finding_is_shown_by_its_solver_version_and_ending_on_any_data(
    changed: dict[str, Any], version: str, there: bool
) -> None:
    own = dropped(**changed).model_copy(update={"problem": "jobs.parquet:margin"})
    found = shown(findings(), [own], {"scikit-learn": version})
    assert found == ({own.case: (TOL,)} if there else {})
    weighted = own.model_copy(update={"problem": "jobs.parquet:margin(weights=w)"})
    assert not shows(findings(TOL)[0], weighted, {"scikit-learn": version})
