"""Section 7 from planted findings: what is here first, hostile texts untouched, a conclusion that counts."""

import pytest

from harness.judge.studies.finding import Kind as Defect
from harness.judge.studies.findings import Ending, FindingLine, Present
from harness.report.html.defects import section
from harness.report.html.evidence import Evidence
from harness.report.html.section import Table
from harness.studies.findings import findings, survey
from tests.page_site import HOSTILE, evidence


def line(name: str, present: Present = Present.YES, **changed: object) -> FindingLine:
    given = {
        "id": name,
        "title": f"{name} is wrong",
        "library": "numpy",
        "kind": Defect.SILENTLY_WRONG.value,
        "nature": "defect",
        "documentation": "lstsq: it solves the equation.",
        "bad": ">=2",
        "good": "<2",
        "installed": None if present is Present.ABSENT else "2.1.0",
        "present": present,
        "workaround": "none",
        "script": "import numpy\nprint(1)",
    }
    return FindingLine.model_validate(given | changed)


def of(*lines: FindingLine) -> Evidence:
    return evidence((), findings=lines)


def tables(made: Evidence) -> list[Table]:
    return [part for part in section(made).parts if isinstance(part, Table)]


def test_without_findings_it_says_where_they_come_from() -> None:
    made = section(evidence(()))
    assert not made.parts
    assert "harness findings" in made.missing


def test_what_is_here_comes_first_and_every_finding_has_its_script() -> None:
    lines = [line("absent", Present.ABSENT), line("cured", Present.CURED), line("here"), line("no", Present.NO)]
    overview, scripts = tables(of(*lines))
    assert [row["id"] for row in overview.rows] == ["here", "cured", "no", "absent"]
    assert [row["here"] for row in overview.rows] == ["✗ yes", "✓ cured", "✓ no", "– library absent"]
    assert all(row["script"] == "import numpy\nprint(1)" for row in scripts.rows)
    for table in (overview, scripts):
        assert {column.key for column in table.columns} <= set(table.rows[0])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((line("a", Present.NO),), "None of 1 known finding is in what is installed here."),
        (
            (line("a"), line("b"), line("c", library="scipy", kind=Defect.RAISES.value), line("d", Present.NO)),
            (
                "3 of 4 known findings are in what is installed here: numpy 2.1.0 (2), scipy 2.1.0."
                " 2 of them give a wrong answer without a warning."
            ),
        ),
        (
            (line("a", outcome=Ending.NOT_AS_SAID, reason="rank 2"),),
            (
                "These cases show 1 known finding: numpy 2.1.0."
                " 1 of them gives a wrong answer without a warning. No longer as the file says: a."
            ),
        ),
    ],
)
def test_the_conclusion_counts(lines: tuple[FindingLine, ...], said: str) -> None:
    assert section(of(*lines)).conclusion == said


def test_a_check_has_a_column_of_its_own() -> None:
    assert "outcome" not in {column.key for column in tables(of(line("a")))[0].columns}
    (overview, _) = tables(of(line("a", outcome=Ending.REPRODUCED)))
    assert "outcome" in {column.key for column in overview.columns}


def test_texts_are_values_and_nothing_else() -> None:
    overview, scripts = tables(of(line("x", title=HOSTILE, script=HOSTILE, workaround=HOSTILE, library=HOSTILE)))
    assert overview.rows[0]["title"] == HOSTILE
    for table in (overview, scripts):
        assert HOSTILE not in table.name + table.caption + "".join(c.key + c.title for c in table.columns)


def test_the_committed_findings_are_all_told_in_full() -> None:
    known = findings()
    overview, scripts = tables(of(*survey(known)))
    assert len(overview.rows) == len(known)
    by_id = {finding.id: finding for finding in known}
    for row in scripts.rows:
        finding = by_id[row["id"]]
        assert row["script"] == finding.script.strip()
        assert row["workaround"] == " ".join(finding.workaround.split())
