"""Section 5 from planted lines and drawings, and from the tutorials themselves where their fits take a moment."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import harness.page.tutorials
import harness.studies.published
from harness.errors import CannotMeasureError
from harness.judge.studies.published import Ending, Line, read_tutorial
from harness.measure.plan import Case, single
from harness.measure.recording import record_of
from harness.measure.run import Outcome, measure
from harness.page.tutorials import SHOWN
from harness.problems import catalog as problems
from harness.report.figures.catalog import REMADE, remade_name
from harness.report.figures.figure import Figure
from harness.report.figures.fits import MOST_POINTS, Drawing, Form, Labels, figure
from harness.report.html.section import Note, Section, Table
from harness.report.html.training import NETWORK_FIGURES
from harness.report.html.training import section as training_section
from harness.report.html.tutorials import section
from harness.report.tables.published import SIGNS
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.studies import pictures
from harness.studies.gallery import drawable
from harness.studies.published import Rerun, published_files, rerun
from tests.page_site import HOSTILE, evidence, svg

pytestmark = pytest.mark.usefixtures("one_thread")

X = np.linspace(-1.0, 1.0, 50)
FORMS = {
    Form.FITTED: {"points": {HOSTILE: (X, X**2)}, "over": {f"line {HOSTILE}": (X, X)}},
    Form.LOSSES: {"over": {HOSTILE: (np.arange(3.0), np.array([9.0, 4.0, 1.0])), "b": (np.arange(3.0), np.ones(3))}},
    Form.OBSERVED: {"points": {HOSTILE: (X, X**2), "b": (X, X)}},
    Form.SPLITS: {"points": {HOSTILE: (X, X**2), "b": (X, X)}, "over": {"predicted": (X, X)}},
}


def drawing(form: Form, **more: Any) -> Drawing:
    return Drawing(form, Labels(f"{HOSTILE}\nR² 0.5", HOSTILE, "y"), **(FORMS[form] | more))


def line(figure_name: str = "R²", outcome: Ending = Ending.REPRODUCED, **changed: object) -> Line:
    given = {
        "tutorial": "auto_mpg",
        "figure": figure_name,
        "printed": 0.647,
        "reproduced": 0.6467,
        "count": 1,
        "matched": 1,
        "deviation": 3e-4,
        "tolerance_text": "3 decimals",
        "outcome": outcome,
        "reason": "",
    }
    return Line.model_validate(given | changed)


def of(lines: Sequence[Line], **more: Any) -> Section:
    return section(evidence((), published=tuple(lines), **more))


def table(made: Section) -> Table:
    (found,) = (part for part in made.parts if isinstance(part, Table))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("form", Form)
def test_every_form_is_drawn_and_a_hostile_label_is_a_value(form: Form) -> None:
    made = figure("tutorial_x_fit", drawing(form), HOSTILE)
    json.dumps(made.rows, allow_nan=False)
    assert {row["problem"] for row in made.rows} == {HOSTILE}
    assert HOSTILE not in {key for row in made.rows for key in row}
    for width in (330, 900):
        drawn = svg(made, width=width)
        assert "<path" in drawn
        assert "<img" not in drawn


def test_rows_of_a_fit_say_what_it_is_of_and_those_of_data_do_not() -> None:
    fit_of = {f"line {HOSTILE}": {"problem": "auto_mpg", "solver": "numpy_lstsq", "lr": 0.1}}
    made = figure("x", drawing(Form.FITTED, fit_of=fit_of), "auto_mpg")
    assert {row.get("solver") for row in made.rows if row["what"] == "points"} == {None}
    assert {(row["solver"], row["lr"]) for row in made.rows if row["what"] == "over"} == {("numpy_lstsq", 0.1)}


@pytest.mark.parametrize(("last", "kind"), [(1.0, None), (1e-3, "log")])
def test_losses_that_span_much_are_on_an_axis_of_logarithms(last: float, kind: str | None) -> None:
    losses = {"a": (np.arange(4.0), np.array([10.0, np.inf, 0.0, last]))}
    made = figure("x", drawing(Form.LOSSES, over=losses), "p")
    assert made.spec["encoding"]["y"]["scale"].get("type") == kind
    assert [row["y"] for row in made.rows] == [10.0, None, 0.0, last]
    assert "<path" in svg(made)


def test_thousands_of_epochs_are_thinned_to_their_envelope() -> None:
    loss = 2.0 + np.sin(np.arange(10_000.0))
    made = figure("x", drawing(Form.LOSSES, over={"a": (np.arange(10_000.0), loss)}), "p")
    assert len(made.rows) <= MOST_POINTS
    assert min(row["y"] for row in made.rows) == pytest.approx(loss.min(), rel=1e-4)
    assert [row["x"] for row in made.rows] == sorted(row["x"] for row in made.rows)


def test_where_nothing_was_re_made_it_says_so() -> None:
    made = of(())
    assert not made.parts
    assert "harness published" in made.missing


def test_the_conclusion_counts_and_names_what_did_not_come_out() -> None:
    missed = line("slope", Ending.NOT_REPRODUCED, reason="9 reproduced, 1 printed", matched=0)
    made = of([line(), missed, line("noise", Ending.NOT_REPRODUCIBLE), line("ten seeds", Ending.NOT_RUN)])
    counts = ("Of 4 figures", "1 reproduced", "1 not reproduced", "1 not reproducible (with reasons)", "1 not run.")
    assert [count for count in counts if count not in made.conclusion] == []
    assert made.conclusion.endswith("slope (auto_mpg).")
    assert [row["outcome"] for row in table(made).rows] == [
        f"{SIGNS[ending]} {ending.replace('_', ' ')}" for ending in Ending
    ]
    (note,) = (part for part in made.parts if isinstance(part, Note))
    facts = ("auto_mpg", "1 of 2", "1 not reproducible", "1 not run")
    assert [fact for fact in facts if fact not in note.text] == []


def test_several_values_are_counted() -> None:
    (row,) = table(of([line(printed=(1.0, 2.0), reproduced=(1.0, 2.5), count=2, matched=1, deviation=0.5)])).rows
    assert (row["printed"], row["reproduced"], row["off"]) == ("2 values", "1 of 2, off 5.0e-01", 0.5)


def test_a_hostile_tutorial_is_a_value() -> None:
    made = of([line(HOSTILE, tutorial=HOSTILE)])
    assert not set("<>'\"` ") & set(table(made).name)
    assert table(made).rows[0]["figure"] == HOSTILE


def test_the_networks_figures_are_in_the_section_of_trainings_and_nowhere_twice() -> None:
    made = {"sine": tuple(figure(f"tutorial_sine_{n}", drawing(Form.LOSSES), "sine") for n in ("network", "loss", "x"))}
    here = [part.name for part in of((), pictures=made).parts if isinstance(part, Figure)]
    there = [part.name for part in training_section(evidence((), pictures=made)).parts if isinstance(part, Figure)]
    assert here == ["tutorial_sine_x"]
    assert tuple(there) == NETWORK_FIGURES


def test_every_picture_is_of_cases_that_its_tutorial_runs_once() -> None:
    files = published_files()
    for name, shown in SHOWN.items():
        seeds = {case.id: case.seeds for case in read_tutorial(files[name]).cases}
        for picture in shown.values():
            assert picture.cases
            assert not any(seeds[case] for case in picture.cases)
    assert set(SHOWN) == set(files)
    assert {name: tuple(shown) for name, shown in SHOWN.items()} == REMADE
    known = {remade_name(name, picture) for name, shown in SHOWN.items() for picture in shown}
    assert set(NETWORK_FIGURES) <= known


@pytest.fixture
def four_points(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No tutorial has been made again yet; what is run, in order."""
    ran: list[str] = []

    def told(
        names: Sequence[str], on_case: Callable[[str], None] | None = None, *, seeds: bool = True
    ) -> Iterator[Rerun]:
        def both(case: str) -> None:
            ran.append(case)
            if on_case:
                on_case(case)

        yield from rerun(names, both, seeds=seeds)

    monkeypatch.setattr(harness.page.tutorials, "rerun", told)
    monkeypatch.setattr(harness.page.tutorials, "_MADE", {})
    return ran


@pytest.mark.slow
def test_fits_are_made_once_for_lines_and_pictures(four_points: list[str]) -> None:
    said: list[str] = []
    _, made = harness.page.tutorials.remade(("four_points",), said.append)
    lines, _ = harness.page.tutorials.remade(("four_points",))
    assert said == four_points == ["four_points: sgd"]
    assert Ending.NOT_REPRODUCED not in {line.outcome for line in lines}
    assert [one.name for one in made["four_points"]] == ["tutorial_four_points_fit", "tutorial_four_points_loss"]
    found = section(evidence((), published=lines, pictures=made))
    count = sum(line.outcome is Ending.REPRODUCED for line in lines)
    assert count > 0
    assert f"four_points: {count} of {count} printed figures reproduced" in str(found.parts[0])
    assert all("<path" in svg(one) for one in made["four_points"])


def test_a_picture_whose_fit_failed_is_left_out(four_points: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise CannotMeasureError("no picture")

    monkeypatch.setattr(harness.page.tutorials, "drawable", refuse)
    assert harness.page.tutorials.remade(("four_points",)).pictures == {"four_points": ()}


def test_cases_of_several_seeds_can_be_left_and_their_lines_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def unfitted(case: Case, **_: object) -> Outcome:
        ran.append(case.key)
        return Outcome(case, record_of(case, Status.UNSUPPORTED, "not now"))

    monkeypatch.setattr(harness.studies.published, "measure", unfitted)
    (one,) = rerun(("sine",), seeds=False)
    left = {line.figure: line.reason for line in one.lines() if line.outcome is Ending.NOT_RUN}
    assert left == {"MLP: best R2 of ten seeds": "several trainings: harness published sine"}
    (both,) = rerun(("sine",))
    assert not any(line.outcome is Ending.NOT_RUN for line in both.lines())
    assert len(ran) == 2 + 2 + 10


def test_a_line_before_its_first_step_predicts_with_the_weights_it_starts_from() -> None:
    options = Options(epochs=3, init=(-1.0, 2.0), scale="raw", loss="l1")
    outcome = measure(single(problems.load("noiseless_line"), solvers.get("torch_sgd"), options))
    drawn = pictures.untrained(drawable(outcome), "test")
    ((x, y),) = drawn.over.values()
    assert y == pytest.approx(-x + 2.0)
