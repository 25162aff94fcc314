"""A metric of a case is described once, in report/tables/case.py, and from there every medium draws it."""

import json
from io import StringIO

import pytest
from rich.console import Console

import harness
from harness.judge.gate.gate import GateReport
from harness.measure.plan import single
from harness.measure.recording import record_of
from harness.problems import catalog as problems
from harness.records.record import Accuracy, Record, Status
from harness.report.html import accuracy as page
from harness.report.html.cases import case_in_full
from harness.report.html.section import Table
from harness.report.render.markdown import markdown
from harness.report.render.terminal import print_document
from harness.report.tables import case
from harness.report.tables.column import Column, Kind
from harness.report.words import accuracy, run
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from tests.page_site import evidence, run_of

VIEWS = ("TERMINAL", "NOTEBOOK", "NOT_FINE", "FRAME", "JSON", "PAGE", "IN_FULL")
VALUE, TEXT = 0.000123, "1.2e-04"
PLANTED: Column[Record] = Column("planted", "Planted", Kind.SMALL, "a metric that is not there", lambda _: VALUE)


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The description of another metric, in the one file that has them all."""
    for name in VIEWS:
        monkeypatch.setattr(case, name, (*getattr(case, name), PLANTED))


@pytest.fixture(scope="module")
def record() -> Record:
    """A case that is not fine, so that an accuracy run names it."""
    setup = single(problems.load("four_points"), solvers.get("numpy_lstsq"), Options())
    return record_of(setup, Status.WRONG, "planted", accuracy=Accuracy(digits=1.0, backward_error=1e-3))


def test_on_a_console(record: Record) -> None:
    console = Console(file=StringIO(), width=120)
    print_document(console, run.run([record]))
    print_document(console, accuracy.cells_not_fine([record], everything=True))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    assert text.splitlines()[0].split()[-1] == "planted"
    assert text.count(TEXT) == 2


def test_in_markdown(record: Record) -> None:
    head, _, row = markdown(accuracy.cells_not_fine([record], everything=True)).splitlines()[-3:]
    assert head.split("|")[-2].strip() == "planted"
    assert row.split("|")[-2].strip() == TEXT


def test_in_json(record: Record) -> None:
    (cell,) = json.loads(accuracy.accuracy_json("r", [record], (), GateReport((), (), 0), 3))["cells"]
    assert cell["planted"] == VALUE


def test_in_a_frame_and_in_a_notebook(record: Record) -> None:
    frame = harness.Results(run_of([record]), [record])
    assert frame.planted.tolist() == [VALUE]
    assert str(frame.planted.dtype) == "float64"
    assert TEXT in frame._repr_html_()


@pytest.mark.slow
def test_on_the_page(record: Record) -> None:
    (table,) = [part for part in page.section(evidence([record])).parts if isinstance(part, Table)]
    assert table.columns[-1].title == "Planted"
    assert table.rows[0]["planted"] == VALUE
    assert case_in_full(record)["values"][-1] == VALUE
