from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.errors import CannotMeasureError, UsageError
from harness.measure.plan import single
from harness.measure.run import Outcome, measure
from harness.problems import catalog as problems
from harness.report.figures import files
from harness.report.figures.figure import Figure
from harness.report.figures.rows import PLACES
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.studies.gallery import PLOTS, PlotRequest, draw, draw_case, picture
from tests.conftest import RunCli

FEW = 30


def request(name: str, **asked: object) -> PlotRequest:
    """Few epochs, where the picture's solver trains."""
    trains = "epochs" in solvers.get(str(asked.get("solver", PLOTS[name].solver))).takes
    return PlotRequest(**({"epochs": FEW} if trains else {}) | asked)  # type: ignore[arg-type]


def series(figure: Figure, what: str) -> dict[str, tuple[list[float], list[float]]]:
    """By label the horizontal and vertical values of the points, or of what lies over them."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for row in figure.rows:
        if row["what"] == what:
            x, y = found.setdefault(row["series"], ([], []))
            x.append(row["x"])
            y.append(row["y"])
    return found


def labels_of(figure: Figure) -> list[str]:
    """What the picture says, text by text: ticks, titles and the legend among it."""
    root = fromstring(files.picture([figure], ".svg"))  # noqa: S314  # our own
    return [one.text or "" for name in ("text", "tspan") for one in root.iter(f"{{http://www.w3.org/2000/svg}}{name}")]


def axis_titles(figure: Figure) -> tuple[str, str]:
    encoding = figure.spec["encoding"]
    return encoding["x"]["axis"]["title"], encoding["y"]["axis"]["title"]


def pixels_of(png: Path | BytesIO) -> np.ndarray:
    return np.asarray(Image.open(png).convert("RGB"))


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
@pytest.mark.parametrize(
    ("name", "lines", "clouds"),
    [
        ("fit", 1, 1),
        ("loss", 1, 0),
        ("validation", 2, 0),
        ("learning-rates", 4, 0),
        ("network-and-ols", 2, 1),
        ("predictions", 1, 2),
    ],
)
def test_every_picture_has_its_series_a_legend_and_labelled_axes_on_1200_by_800_pixels(
    name: str, lines: int, clouds: int
) -> None:
    """`lines`: what lies over the points, which of predictions is a third cloud."""
    figure = picture(name, request(name))
    pixels = pixels_of(BytesIO(files.picture([figure], ".png")))
    assert pixels.shape == (800, 1200, 3)
    assert len(np.unique(pixels.sum(axis=-1))) > 20
    # nothing is cut off at an edge
    assert all((edge == 255).all() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    over, points = series(figure, "over"), series(figure, "points")
    assert (len(over), len(points)) == (lines, clouds)
    texts = labels_of(figure)
    assert {*over, *points, *axis_titles(figure), *figure.title.split("\n")} <= set(texts)
    assert all(axis_titles(figure))
    subject, key_figure = figure.title.split("\n")
    assert subject.startswith(f"{PLOTS[name].problem}, {PLOTS[name].solver}")
    assert "R² " in key_figure or "loss" in key_figure


def test_the_fitted_line_is_the_one_of_auto_mpg() -> None:
    figure = picture("fit", PlotRequest())
    assert axis_titles(figure) == ("displacement (cubic inch)", "mpg (miles per US gallon)")
    assert "R² 0.6467" in figure.title
    assert list(series(figure, "points")) == ["data (398 rows)"]
    ((label, (x, y)),) = series(figure, "over").items()
    assert label == "mpg = 35.17 - 0.06028 displacement"
    assert np.polyfit(x, y, 1) == pytest.approx([-0.060282, 35.1748], rel=1e-4)


def test_the_loss_by_epoch_is_the_trace() -> None:
    trace = outcome("auto_mpg", "torch_sgd", epochs=FEW).fit.trace  # type: ignore[union-attr]
    assert trace is not None
    ((x, y),) = series(picture("loss", request("loss")), "over").values()
    assert x == list(range(FEW))
    assert y == pytest.approx(list(trace.train_loss), rel=10 ** -(PLACES - 1) / 2)


def test_a_validation_loss_stands_at_the_epochs_done_when_it_was_taken() -> None:
    training, validation = series(picture("validation", request("validation")), "over").values()
    assert (training[0][0], training[0][-1]) == (0, FEW - 1)
    assert (validation[0][0], validation[0][-1]) == (1, FEW)


@pytest.mark.slow
def test_learning_rates_that_are_named_are_drawn_once_each_in_colours_of_their_own() -> None:
    figure = picture("learning-rates", request("learning-rates", lr=(0.05, 0.005, 0.05)))
    assert [label.partition(":")[0] for label in series(figure, "over")] == ["lr 0.05", "lr 0.005"]
    drawn = [line for line in files.picture([figure], ".svg").decode().split("<path") if '"line mark"' in line]
    assert len({line.partition('stroke="')[2][:7] for line in drawn}) == 2
    assert "at lr 0.05" in figure.title


def test_a_network_on_the_sine_is_a_curve_beside_a_line() -> None:
    figure = picture("network-and-ols", request("network-and-ols", problem="sine", solver="mlp_adam", lr=(0.01,)))
    over = series(figure, "over")
    line, curve = (y for _, y in over.values())
    rounding = 4 * max(map(abs, line)) * 10 ** -(PLACES - 1) / 2  # four values in a second difference
    assert np.abs(np.diff(line, 2)).max() < rounding
    assert np.abs(np.diff(curve, 2)).max() > rounding
    assert [label.partition(":")[0] for label in over] == ["statsmodels_pinv", "mlp_adam"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "clouds"), [("fit", 1), ("network-and-ols", 2)])
def test_several_features_are_drawn_as_predicted_against_observed(name: str, clouds: int) -> None:
    figure = picture(name, request(name, problem="diabetes"))
    unit = "progression (score after one year)"
    assert axis_titles(figure) == (f"observed {unit}", f"predicted {unit}")
    assert len(series(figure, "points")) == clouds
    (diagonal,) = (layer["data"]["values"] for layer in figure.spec["layer"] if "data" in layer)
    assert all(end["x"] == end["y"] for end in diagonal)
    encoding = figure.spec["encoding"]
    assert encoding["x"]["scale"] == encoding["y"]["scale"]
    assert encoding["x"]["scale"]["domain"] == [end["x"] for end in diagonal]
    assert "predicted = observed" in labels_of(figure)


def test_predictions_with_several_features_are_of_training_and_held_out_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["a", "b", "c"])
    frame.assign(split=["train"] * 20 + ["test"] * 10).to_csv(tmp_path / "three.csv", index=False)
    asked = PlotRequest(problem=str(tmp_path / "three.csv"), target="c", solver="numpy_lstsq")
    assert list(series(picture("predictions", asked), "points")) == ["training rows (20)", "test rows (10)"]


@pytest.mark.parametrize("name", PLOTS)
def test_every_picture_can_be_of_a_file(name: str, prices: Path) -> None:
    figure = picture(name, request(name, problem=str(prices), target="price in $ or $$"))
    assert figure.title.startswith("prices, ")


@pytest.mark.slow
def test_dollars_in_a_column_name_are_dollars_and_validation_rows_stand_in_for_test_rows(prices: Path) -> None:
    asked = request("predictions", problem=str(prices), target="price in $ or $$")
    figure = picture("predictions", asked)
    assert "price in $ or $$" in labels_of(figure)
    assert list(series(figure, "points"))[1:] == ["validation rows (10)"]
    assert list(series(figure, "over")) == ["predictions for the validation rows"]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<svg"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")])
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
        ("fit", "nowhere/a.png", {}, "its folder does not exist"),
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
    case: tuple[str, str, dict[str, object]], panels: int, tmp_path: Path
) -> None:
    problem, solver, options = case
    fitted = outcome(problem, solver, **options)
    draw_case(fitted, tmp_path / "case.png")
    assert pixels_of(tmp_path / "case.png").shape == (800, 1200 if panels == 1 else 2000, 3)
    draw_case(fitted, tmp_path / "case.svg")
    drawn = (tmp_path / "case.svg").read_text(encoding="utf-8").split("<svg")[-panels:]
    assert len(drawn) == panels
    assert all(("diverged" in one) == ("lr" in options) for one in drawn)


def test_a_case_without_a_fit_is_no_picture(tmp_path: Path) -> None:
    unsupported = outcome("auto_mpg", "numpy_lstsq", device="cuda")
    with pytest.raises(CannotMeasureError, match="unsupported: numpy_lstsq runs on cpu only"):
        draw_case(unsupported, tmp_path / "a.png")


def test_the_command_draws_says_so_and_names_every_picture(run_cli: RunCli, tmp_path: Path) -> None:
    asked = ("--lr", "0.1", "--lr", "0.01", "--epochs", "5")
    ended = run_cli("plot", "learning-rates", "-o", "rates.png", *asked)
    assert (ended.code, ended.stdout) == (0, "rates.png: written\n")
    assert (tmp_path / "rates.png").stat().st_size > 10_000
    described = run_cli("plot", "--help").stdout
    assert all(name in described for name in PLOTS)


@pytest.mark.slow
def test_of_many_learning_rates_the_eight_that_end_lowest_are_drawn_and_named() -> None:
    rates = tuple(0.3 / 2**k for k in range(11))
    figure = picture("learning-rates", request("learning-rates", lr=rates))
    labels = {row["series"] for row in figure.rows if row["what"] == "over"}
    assert len(labels) == 8
    assert labels <= set(labels_of(figure))
    assert figure.title.endswith("; the lowest 8 of 11 learning rates")
