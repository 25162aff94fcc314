from io import BytesIO

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report import figures
from harness.report.drawing import Labels

LABELS = Labels("a title", "x", "y")


def axes_of(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def drawn(figure: Figure) -> bytes:
    held = BytesIO()
    figure.savefig(held, format="svg")
    return held.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(("last", "scale"), [(1.0, "linear"), (1e-3, "log")])
def test_losses_that_span_more_than_a_factor_of_30_are_on_a_log_axis(last: float, scale: str) -> None:
    epoch = np.arange(4.0)
    figure = figures.losses({"a": (epoch, np.array([10.0, np.inf, 0.0, last]))}, LABELS)
    assert axes_of(figure).get_yscale() == scale
    assert drawn(figure)


def test_a_palette_outlasts_many_series() -> None:
    epoch = np.arange(3.0)
    figure = figures.losses({f"lr {i}": (epoch, epoch + i) for i in range(28)}, LABELS)
    assert len({(line.get_color(), line.get_linestyle()) for line in axes_of(figure).lines}) == 28


def test_long_texts_are_wrapped_evenly_and_keep_their_words() -> None:
    words = "a title that is longer than one line of the picture has room for, and then some"
    title = axes_of(figures.losses({"a": (np.arange(2.0), np.ones(2))}, Labels(words, "x", "y"))).get_title()
    first, second = title.split("\n")
    assert f"{first} {second}" == words
    assert abs(len(first) - len(second)) < 10


@pytest.mark.slow
def test_a_crowd_of_points_is_one_bitmap_inside_a_vector_format() -> None:
    few, many = (np.random.default_rng(0).normal(size=(2, n)) for n in (100, 5_000))
    assert b"<image" not in drawn(figures.scatter_with_lines({"few": (few[0], few[1])}, {}, LABELS))
    crowded = drawn(figures.scatter_with_lines({"many": (many[0], many[1])}, {}, LABELS))
    assert b"<image" in crowded
    assert len(crowded) < 500_000


def test_panels_side_by_side_have_legends_of_their_own() -> None:
    figure, (left, right) = figures.panels(2)
    ramp = np.arange(3.0)
    assert figures.losses({"a": (ramp, ramp)}, LABELS, left) is figure
    assert figures.predicted_against_observed({"b": (ramp, ramp)}, LABELS, right) is figure
    texts = [[text.get_text() for text in part.legends[0].get_texts()] for part in figure.subfigs]
    assert texts == [["a"], ["b", "predicted = observed"]]


def test_a_constant_target_predicted_exactly_is_still_drawn() -> None:
    ones = np.ones(3)
    assert drawn(figures.predicted_against_observed({"b": (ones, ones)}, LABELS))
