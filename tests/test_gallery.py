from pathlib import Path
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from harness.cli.plot import plot
from harness.errors import CannotMeasureError, UsageError
from harness.measure.plan import single
from harness.measure.run import Outcome, measure
from harness.problems import catalog as problems
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.studies.gallery import PLOTS, PlotRequest, draw, draw_case, picture

FEW = 30


def request(name: str, **asked: object) -> PlotRequest:
    """Few epochs, where the picture's solver trains."""
    trains = "epochs" in solvers.get(str(asked.get("solver", PLOTS[name].solver))).takes
    return PlotRequest(**({"epochs": FEW} if trains else {}) | asked)  # type: ignore[arg-type]


def axes_of(figure: Figure) -> Axes:
    (axes,) = figure.axes
    return axes


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]


def outcome(problem: str, solver: str, **options: object) -> Outcome:
    return measure(single(problems.load(problem), solvers.get(solver), Options(**options)))  # type: ignore[arg-type]


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    size = np.linspace(20, 200, 40)
    price = 3 * size + 20 * np.sin(size)
    path = tmp_path / "prices.csv"
    split = ["train"] * 30 + ["val"] * 10
    pd.DataFrame({"size m2": size, "price in $ or $$": price, "split": split}).to_csv(path, index=False)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", PLOTS)
def test_every_picture_is_a_png_of_1200_by_800_with_something_on_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.png"
    draw(name, path, request(name))
    pixels = imread(path)
    assert pixels.shape == (800, 1200, 4)
    assert len(np.unique(pixels[..., :3].sum(axis=-1))) > 20
    # nothing is cut off at an edge
    assert all((edge == 1).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lines", "clouds"),
    [
        ("fit", 1, 1),
        ("loss", 1, 0),
        ("validation", 2, 0),
        ("learning-rates", 4, 0),
        ("network-and-ols", 2, 1),
        ("predictions", 0, 3),
    ],
)
def test_every_picture_has_its_series_a_legend_and_labelled_axes(name: str, lines: int, clouds: int) -> None:
    figure = picture(name, request(name))
    axes = axes_of(figure)
    assert (len(axes.lines), len(axes.collections)) == (lines, clouds)
    assert len(legend_of(figure)) == lines + clouds
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    subject, key_figure = axes.get_title().split("\n")
    assert subject.startswith(f"{PLOTS[name].problem}, {PLOTS[name].solver}")
    assert "R² " in key_figure or "loss" in key_figure


def test_the_fitted_line_is_the_one_of_auto_mpg() -> None:
    figure = picture("fit", PlotRequest())
    axes = axes_of(figure)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("displacement (cubic inch)", "mpg (miles per US gallon)")
    assert "R² 0.6467" in axes.get_title()
    x, y = (np.asarray(values) for values in axes.lines[0].get_data())
    assert np.polyfit(x, y, 1) == pytest.approx([-0.060282, 35.1748], rel=1e-4)
    assert legend_of(figure) == ["data (398 rows)", "mpg = 35.17 - 0.06028 displacement"]


def test_the_loss_by_epoch_is_the_trace() -> None:
    trace = outcome("auto_mpg", "torch_sgd", epochs=FEW).fit.trace  # type: ignore[union-attr]
    assert trace is not None
    x, y = axes_of(picture("loss", request("loss"))).lines[0].get_data()
    assert list(np.asarray(x)) == list(range(FEW))
    assert list(np.asarray(y)) == list(trace.train_loss)


def test_a_validation_loss_stands_at_the_epochs_done_when_it_was_taken() -> None:
    training, validation = axes_of(picture("validation", request("validation"))).lines
    assert np.asarray(training.get_xdata())[[0, -1]].tolist() == [0, FEW - 1]
    assert np.asarray(validation.get_xdata())[[0, -1]].tolist() == [1, FEW]


def test_learning_rates_that_are_named_are_drawn_once_each_in_colours_of_their_own() -> None:
    figure = picture("learning-rates", request("learning-rates", lr=(0.05, 0.005, 0.05)))
    assert [text.partition(":")[0] for text in legend_of(figure)] == ["lr 0.05", "lr 0.005"]
    assert len({line.get_color() for line in axes_of(figure).lines}) == 2
    assert "at lr 0.05" in axes_of(figure).get_title()


def test_a_network_on_the_sine_is_a_curve_beside_a_line() -> None:
    figure = picture("network-and-ols", request("network-and-ols", problem="sine", solver="mlp_adam", lr=(0.01,)))
    line, curve = (np.asarray(drawn.get_ydata()) for drawn in axes_of(figure).lines)
    assert np.abs(np.diff(line, 2)).max() < 1e-12
    assert np.abs(np.diff(curve, 2)).max() > 1e-6
    assert [text.partition(":")[0] for text in legend_of(figure)[1:]] == ["statsmodels_pinv", "mlp_adam"]


@pytest.mark.parametrize(("name", "clouds"), [("fit", 1), ("network-and-ols", 2)])
def test_several_features_are_drawn_as_predicted_against_observed(name: str, clouds: int) -> None:
    axes = axes_of(picture(name, request(name, problem="diabetes")))
    assert axes.get_xlabel() == "observed progression (score after one year)"
    assert axes.get_ylabel() == "predicted progression (score after one year)"
    assert len(axes.collections) == clouds
    (diagonal,) = axes.lines
    assert np.array_equal(*diagonal.get_data())
    assert axes.get_xlim() == axes.get_ylim()


def test_predictions_with_several_features_are_of_training_and_held_out_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["a", "b", "c"])
    frame.assign(split=["train"] * 20 + ["test"] * 10).to_csv(tmp_path / "three.csv", index=False)
    asked = PlotRequest(problem=str(tmp_path / "three.csv"), target="c", solver="numpy_lstsq")
    assert legend_of(picture("predictions", asked))[:2] == ["training rows (20)", "test rows (10)"]


@pytest.mark.parametrize("name", PLOTS)
def test_every_picture_can_be_of_a_file(name: str, prices: Path) -> None:
    figure = picture(name, request(name, problem=str(prices), target="price in $ or $$"))
    assert axes_of(figure).get_title().startswith("prices, ")


def test_dollars_in_a_column_name_are_dollars_and_validation_rows_stand_in_for_test_rows(prices: Path) -> None:
    asked = request("predictions", problem=str(prices), target="price in $ or $$")
    figure = picture("predictions", asked)
    assert axes_of(figure).get_ylabel() == r"price in \$ or \$\$"
    assert legend_of(figure)[1:] == ["validation rows (10)", "predictions for the validation rows"]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")])
def test_the_suffix_is_the_format_and_the_same_fit_the_same_file(suffix: str, start: bytes, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for path in paths:
        draw("fit", path, PlotRequest())
    one, two = (path.read_bytes() for path in paths)
    assert one.startswith(start)
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "asked", "said"),
    [
        ("fits", "a.png", {}, "unknown plot 'fits': did you mean 'fit'?"),
        ("fit", "a.jpg", {}, ".png, .svg or .pdf, not '.jpg'"),
        ("fit", "a", {}, ".png, .svg or .pdf, not ''"),
        ("fit", "nowhere/a.png", {}, "there is no folder"),
        ("fit", "folder.png", {}, "is a folder"),
        ("fit", "a.png", {"problem": "auto_mgp"}, "did you mean 'auto_mpg'?"),
        ("fit", "a.png", {"solver": "torch_sdg"}, "did you mean 'torch_sgd'?"),
        ("fit", "a.png", {"problem": "none.csv"}, "no such file: none.csv"),
        ("fit", "a.png", {"target": "mpg"}, "--target goes with a .csv or .parquet file"),
        ("fit", "a.png", {"epochs": 5}, "statsmodels_pinv takes no epochs"),
        ("loss", "a.png", {"lr": (0.1, 0.2)}, "plot loss takes one --lr, not 2; plot learning-rates takes several"),
        ("loss", "a.png", {"epochs": 0}, "epochs is at least 1"),
        (
            "loss",
            "a.png",
            {"solver": "numpy_lstsq"},
            "needs a solver that trains by epochs, not numpy_lstsq: torch_sgd",
        ),
        ("learning-rates", "a.png", {"lr": (0.1, -1.0)}, "lr is a positive, finite number, not -1"),
        ("validation", "a.png", {"problem": "auto_mpg"}, "these have: make_regression, noiseless_line, sine"),
        ("predictions", "a.png", {"problem": "auto_mpg"}, "auto_mpg has no held-out rows"),
    ],
)
def test_a_request_that_cannot_be_drawn_is_one_line_and_no_file(
    name: str, file: str, asked: dict[str, object], said: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError) as caught:
        draw(name, tmp_path / file, PlotRequest(**asked))  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(UsageError, match="cannot be written"):
        draw("fit", tmp_path / "loop.png", PlotRequest())


def test_a_fit_that_fails_is_no_picture_but_its_message(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"auto_mpg torch_sgd .*: diverged: the loss reached .* Lower the"):
        draw("learning-rates", tmp_path / "a.png", request("learning-rates", lr=(0.1, 5.0)))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "panels"),
    [
        (("auto_mpg", "statsmodels_pinv", {}), 1),
        (("make_regression", "torch_sgd", {"epochs": FEW}), 2),
        (("diabetes", "torch_adam", {"epochs": FEW}), 2),
        (("auto_mpg", "torch_sgd", {"lr": 1.5}), 2),
    ],
)
def test_one_case_is_drawn_with_its_losses_beside_it(
    case: tuple[str, str, dict[str, object]], panels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, solver, options = case
    fitted = outcome(problem, solver, **options)
    draw_case(fitted, tmp_path / "case.png")
    assert imread(tmp_path / "case.png").shape == (800, 1200 if panels == 1 else 2000, 4)
    kept: list[Figure] = []
    monkeypatch.setattr("harness.studies.gallery._write", lambda figure, _: kept.append(figure))
    draw_case(fitted, tmp_path / "case.png")
    assert len(kept[0].axes) == panels
    assert all(("diverged" in axes.get_title()) == ("lr" in options) for axes in kept[0].axes)


def test_a_case_without_a_fit_is_no_picture(tmp_path: Path) -> None:
    unsupported = outcome("auto_mpg", "numpy_lstsq", device="cuda")
    with pytest.raises(CannotMeasureError, match="unsupported: numpy_lstsq runs on cpu only"):
        draw_case(unsupported, tmp_path / "a.png")


def test_the_command_draws_says_so_and_names_every_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rates.png"
    plot("learning-rates", path, lr=[0.1, 0.01], epochs=5)
    assert path.stat().st_size > 10_000
    assert capsys.readouterr().out == f"{path}: written\n"
    described = get_type_hints(plot, include_extras=True)["name"].__metadata__[0].help
    assert all(name in described for name in PLOTS)
