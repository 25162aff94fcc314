"""Figures of fits as files: sizes, scales, texts that fit, crowds, and panels beside one another."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from harness.report.figures import files
from harness.report.figures.accuracy import digits_map
from harness.report.figures.figure import Figure
from harness.report.figures.fits import CELLS, Drawing, Form, Labels, Points, figure
from harness.report.figures.size import Size
from tests.page_records import record

LABELS = Labels("a title", "x", "y")


def losses(curves: dict[str, Points], labels: Labels = LABELS) -> Figure:
    return figure("x", Drawing(Form.LOSSES, labels, over=curves), "p")


def observed(pairs: dict[str, Points]) -> Figure:
    return figure("x", Drawing(Form.OBSERVED, LABELS, pairs), "p")


def svg(*figures: Figure) -> str:
    return files.picture(figures, ".svg").decode()


@pytest.mark.slow
def test_a_palette_outlasts_many_series() -> None:
    epoch = np.arange(3.0)
    made = losses({f"lr {i}": (epoch, epoch + i) for i in range(28)})
    drawn = [line for line in svg(made).split("<path") if 'stroke-width="2.5"' in line]
    looks = {
        line[line.index("stroke=") : line.index(">")] for line in drawn if 'aria-roledescription="line mark"' in line
    }
    assert len(looks) == 28


@pytest.mark.slow
def test_long_texts_are_wrapped_evenly_and_keep_their_words() -> None:
    words = "a title that is longer than one line of the picture has room for, and then some more of it"
    first, second = files.wrapped(words, files.TITLE_CHARACTERS)
    assert f"{first} {second}" == words
    assert abs(len(first) - len(second)) < 10
    drawn = svg(losses({"a": (np.arange(2.0), np.ones(2))}, Labels(words, "x", "y")))
    assert f">{first}<" in drawn
    assert f">{second}<" in drawn


@pytest.mark.slow
def test_no_text_of_a_legend_is_cut_off() -> None:
    names = [f"mpg = 35.17345 - 0.0602845 a very long name of a column in cubic inches, {i}" for i in range(3)]
    drawn = svg(losses({name: (np.arange(2.0), np.ones(2)) for name in names}))
    assert all(f">{name}<" in drawn for name in names)


@pytest.mark.slow
def test_a_crowd_of_points_is_drawn_by_the_places_that_it_falls_into() -> None:
    few, many = (np.random.default_rng(0).normal(size=(2, n)) for n in (100, 200_000))
    fit = Drawing(Form.FITTED, LABELS, {"few": (few[0], few[1])}, {"line": (few[0], few[0])})
    assert len([row for row in figure("x", fit, "p").rows if row["what"] == "points"]) == 100
    crowded = figure("x", Drawing(Form.FITTED, LABELS, {"many": (many[0], many[1])}, fit.over), "p")
    rows = [row for row in crowded.rows if row["what"] == "points"]
    assert 1_000 < len(rows) <= CELLS[0] * CELLS[1]
    densest = max(rows, key=lambda row: row["ink"])
    assert abs(densest["x"]) < 1 > abs(densest["y"])
    assert min(row["ink"] for row in rows) == pytest.approx(0.3, abs=0.01)
    assert min(row["x"] for row in rows) == pytest.approx(many[0].min(), abs=0.05)
    assert len(svg(crowded)) < 3_000_000


@pytest.mark.slow
def test_panels_side_by_side_have_legends_of_their_own() -> None:
    ramp = np.arange(3.0)
    drawn = svg(losses({"a": (ramp, ramp)}), observed({"b": (ramp, ramp)}))
    left, right = drawn.split("<svg")[2:]
    assert (">a<" in left, ">b<" in left) == (True, False)
    assert (">a<" in right, ">b<" in right, ">predicted = observed<" in right) == (False, True, True)
    png = files.picture([losses({"a": (ramp, ramp)}), observed({"b": (ramp, ramp)})], ".png")
    assert Image.open(BytesIO(png)).size == (2000, 800)


@pytest.mark.slow
def test_a_constant_target_predicted_exactly_is_still_drawn() -> None:
    made = observed({"b": (np.ones(3), np.ones(3))})
    low, high = made.spec["encoding"]["x"]["scale"]["domain"]
    assert low < 1 < high
    assert "<path" in svg(made)


def test_a_map_is_so_wide_that_every_problem_s_cell_holds_its_number() -> None:
    """The longest is `15 !`, at 11 pixels, a character at most 0.6 of them wide; the solvers' names are beside it."""
    text_px = len("15 !") * 11 * 0.6

    def least(problems: int) -> float:
        made = digits_map([record(f"problem{i}", "numpy_lstsq") for i in range(problems)])
        usermeta = made.spec["usermeta"]
        assert isinstance(usermeta, dict)
        assert files.standalone(made)[0]["width"] >= usermeta["minWidth"]
        return float(usermeta["minWidth"])

    assert least(40) - least(10) >= 30 * text_px
    assert least(10) - 10 * text_px >= len("numpy_lstsq") * 11 * 0.6


@pytest.mark.slow
def test_a_picture_for_a_column_of_a_paper_is_so_wide_in_every_format() -> None:
    """3.5 inches: 252 points of a PDF, 1050 pixels of a PNG at 300 dots, 336 CSS pixels; letters of 8 points."""
    made = losses({"a": (np.arange(3.0), np.ones(3))})
    png = Image.open(BytesIO(files.picture([made], ".png", Size.COLUMN)))
    assert (png.width, round(png.info["dpi"][0])) == (1050, 300)
    assert b"/MediaBox [0 0 252 225]" in files.picture([made], ".pdf", Size.COLUMN)
    drawn = files.picture([made], ".svg", Size.COLUMN).decode()
    assert 'width="336"' in drawn
    assert 'font-size="10.67px"' in drawn or 'font-size="10.6666' in drawn
    page = digits_map([record("a", "numpy_lstsq"), record("b", "numpy_lstsq")])
    concluded = replace(page, conclusion="numpy_lstsq keeps the most digits where it does worst, " * 2)
    assert b"keeps the most digits" in files.drawn(concluded, ".svg", Size.COLUMN)
    assert Image.open(BytesIO(files.drawn(concluded, ".png", Size.PAGE))).width == round(7.16 * 300) - 2
