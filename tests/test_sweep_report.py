"""A sweep as a person sees it: the table fits a line, every cell is there, sentences and pictures say what is so."""

import json
import math
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from rich.console import Console

from harness.errors import UsageError
from harness.judge.training.convergence import summarise
from harness.records.record import Status
from harness.records.sweep import Cell
from harness.report.figures.axes import MOST_CURVES
from harness.report.figures.bands import quantiles
from harness.report.figures.figure import Figure
from harness.report.figures.files import picture
from harness.report.figures.sweep import sweep_figures, write_sweep_figures
from harness.report.render.markdown import escaped, markdown
from harness.report.render.terminal import print_document
from harness.report.tables.tunings import WITHIN
from harness.report.terminal.console import PLAIN_WIDTH
from harness.report.words.sweep import conclusions
from harness.report.words.sweep_document import swept
from harness.report.words.sweep_json import sweep_json
from harness.timing.sampling import Samples
from tests.sweep_data import cell, not_run, sweep, trained, within

pytestmark = pytest.mark.usefixtures("in_process", "one_thread")

RATES = [0.003, 0.03, 0.3, 3.0]


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    found = [c for p in ("auto_mpg", "diabetes") for o in ("sgd", "momentum", "adam") for c in trained(p, o, RATES, 5)]
    return [*found, not_run("adamw", 0.1, Status.UNSUPPORTED, "capturable is [refused]")]


def texts_of(figure: Figure) -> list[str]:
    """What a picture says, text by text."""
    root = fromstring(picture([figure], ".svg"))  # noqa: S314  # our own
    return [one.text or "" for name in ("text", "tspan") for one in root.iter(f"{{http://www.w3.org/2000/svg}}{name}")]


def printed(cells: list[Cell]) -> str:
    held = StringIO()
    print_document(Console(file=held, width=PLAIN_WIDTH, highlight=False), swept(sweep(), cells))
    return held.getvalue()


@pytest.mark.slow
def test_every_cell_has_a_row_and_no_line_is_cut(cells: list[Cell]) -> None:
    text = printed(cells)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= PLAIN_WIDTH
    sections = text.split("best learning rates")[0]
    for lr in RATES:
        rows = [line for line in sections.splitlines() if line.split()[:1] in ([f"{lr:g}"], [f"{lr:g}*"])]
        assert len(rows) == 6
    assert text.count("unsupported: adamw on auto_mpg: capturable is [refused] (1 cell)") == 1
    assert text.count("censored, which") + text.count("– is censored") == 1


@pytest.mark.parametrize("epochs", [(90, 95, 100), (900_000, 950_000, 1_000_000), (90_000, 95_000, None)])
def test_many_digits_fit_too(epochs: tuple[int | None, ...]) -> None:
    lost = {"diverged": (True, False, False), "stability_limit": 1.0}
    text = printed([cell("sgd", 0.0031622776, epochs, epochs=10**6), cell("sgd", 3.1622776, (None,) * 3, **lost)])
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= PLAIN_WIDTH
    assert f"{sorted(e or math.inf for e in epochs)[1]:.0f} [" in text


def test_the_figures_of_a_row() -> None:
    text = printed([cell("sgd", 0.1, (36, 38, 41), predicted=((12, 13, 14), (24, 26, 28), (36, 38, 41)))])
    (row,) = [line.split() for line in text.splitlines() if line.startswith("0.1*")]
    assert row[:7] == ["0.1*", "13", "[12,14]", "26", "[24,28]", "38", "[36,41]"]
    assert row[7:] == ["3.80ms", "100%", "1.0e-09", "38", "converged"]


@pytest.mark.slow
def test_markdown_has_every_row_and_no_markup_in_it(cells: list[Cell]) -> None:
    text = markdown(swept(sweep(), cells))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2 + 7
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert sum(len(table) - 2 for table in tables) == 7 + len(cells)
    assert r"capturable is \[refused\]" in text


@pytest.mark.slow
def test_json_has_what_there_is_and_null_for_what_is_not(cells: list[Cell]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(sweep_json(sweep(), cells), parse_constant=refuse)
    assert found["sweep"]["id"] == "a1"
    assert found["conclusions"] == conclusions(summarise(cells))
    assert len(found["cells"]) == len(cells)
    by_name = {(c["task"], c["optimizer"], c["lr"]): c for c in found["cells"]}
    for kept in cells:
        told = by_name[kept.problem, kept.optimizer, kept.lr]
        assert told["epochs_to"] == [list(row) for row in kept.epochs_to]
        assert told["seeds"] == list(kept.seeds)
    gone = by_name["auto_mpg", "sgd", 3.0]
    assert (gone["status"], gone["reaches"][-1]["epochs"], gone["reaches"][-1]["interval"]) == (
        "diverged",
        None,
        [None, None],
    )
    assert by_name["auto_mpg", "adamw", 0.1]["reaches"] == []
    assert {one["measure"] for one in found["profiles"]} == {"epochs", "seconds"}


def test_what_is_concluded_where_it_is_clear() -> None:
    """In pairs: a median of 36 comes with one of 110, and one of 41 with 112 at least; 112 / 41 is 2.73."""
    fast, slow = (36, 38, 38, 41, 41), (110, 110, 110, 112, 115)
    none, fine = (None,) * 5, (37, 39, 39, 42, 42)
    sgd = [cell("sgd", lr, e) for lr, e in ((0.01, none), (0.1, slow), (1.0, none))]
    momentum = [cell("momentum", lr, e) for lr, e in ((0.001, none), (0.01, fast), (0.1, fine), (1.0, fine))]
    found = conclusions(summarise([*sgd, *momentum]))
    facts = ("auto_mpg", "momentum at lr 0.01", "38 epochs [36, 41]", "1e-6", "2.89", "[2.73, 3.06]", "sgd at lr 0.1")
    assert [fact for fact in facts if fact not in found[0]] == []
    assert [fact for fact in ("auto_mpg", "seconds", "momentum at lr 0.01", "3.80 ms") if fact not in found[1]] == []
    assert [fact for fact in ("auto_mpg", "momentum", "at least 2.0 decades", "of 2") if fact not in found[2]] == []
    assert "sgd" not in found[2]


def test_a_next_optimizer_that_never_gets_there_is_said_to_and_explained() -> None:
    """A censored median has no ratio; what is explained below the table is of best rates alone."""
    never = within(cell("sgd", 0.1, (None,) * 5))
    (first, *_) = conclusions(summarise([*never, *within(cell("momentum", 0.1, (38, 38, 39, 41, 41)))]))
    facts = ("momentum at lr 0.1 is fastest", "sgd, the next, does not get there")
    assert [fact for fact in facts if fact not in first] == []
    assert WITHIN in printed([*never, cell("momentum", 0.1, (38, 38, 39, 41, 41))]).partition("best learning")[2]
    assert "median epochs are at most" not in printed(never)


def test_nothing_is_concluded_where_it_is_not() -> None:
    level = within(cell("sgd", 0.1, (30, 62, 31, 66, 34))) + within(cell("adam", 0.1, (60, 31, 32, 33, 68)))
    found = conclusions(summarise(level))
    assert [("undecided" in line, "fastest" in line) for line in found] == [(True, False)] * 3
    assert "5 seeds do not tell them apart" in found[0]
    (few, *_) = conclusions(summarise(within(cell("sgd", 0.1, (10,))) + within(cell("adam", 0.1, (90,)))))
    assert few.endswith("sgd at lr 0.1 (10 epochs) and adam at lr 0.1 (90 epochs) to 1e-6; "
                        "1 seed, 3 are the fewest that can tell.")  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            [cell("sgd", 0.1, (None,) * 3)],
            "On auto_mpg no learning rate of any optimizer reaches 1e-2 within 1000 epochs.",
        ),
        (
            [cell("sgd", lr, (None,) * 3, diverged=(True,) * 3) for lr in (10.0, 100.0)],
            (
                "On auto_mpg no learning rate of any optimizer reaches 1e-2 within 1000 epochs: all of them diverge, "
                "a lower --lr may not."
            ),
        ),
        ([not_run("sgd", 0.1, Status.ERROR, "it raised")], "On auto_mpg nothing was trained."),
        (
            within(cell("sgd", 0.1, (5, 5, 5))),
            "On auto_mpg sgd is best at lr 0.1: 5 epochs [5, 5] to 1e-6, of lrs 0.01 to 1.",
        ),
        (
            [cell("sgd", 0.1, (5, 5, 5))],
            (
                "On auto_mpg the learning rates do not say where sgd is best: sgd was run at one lr alone; "
                "a better lr may lie outside: --widen, or a wider --lr."
            ),
        ),
    ],
)
def test_one_optimizer_none_and_nothing(cells: list[Cell], sentence: str) -> None:
    assert conclusions(summarise(cells)) == [sentence]
    assert sentence.removesuffix(".") in " ".join(printed(cells).split())
    assert markdown(swept(sweep(), cells)).startswith(f"- {escaped(sentence)}")
    json.loads(sweep_json(sweep(), cells))


def test_a_note_on_a_cell_and_an_epoch_that_was_not_timed_are_told() -> None:
    text = printed([cell("sgd", 0.1, message="batch 500 is more", loop_epoch=Samples(error="no clock"))])
    assert "note: auto_mpg: batch 500 is more (1 cell: sgd at lr 0.1)" in " ".join(text.split())
    assert "note:" not in printed([cell("sgd", 0.1), not_run("adam", 0.1, Status.ERROR, "it raised")])
    assert "an epoch could not be timed: no clock" in text


@pytest.mark.slow
def test_pictures_are_the_same_files_each_time(cells: list[Cell], tmp_path: Path) -> None:
    few = [c for c in cells if c.problem == "diabetes" and c.optimizer != "momentum"]
    first, again = (write_sweep_figures(tmp_path / name, few, ".svg") for name in ("a", "b"))
    names = ["diabetes_sgd_excess_by_epoch", "diabetes_adam_excess_by_epoch", "diabetes_epochs_by_lr"]
    assert [path.name for path in first] == [f"{name}.svg" for name in [*names, "performance_profile"]]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


@pytest.mark.slow
def test_a_picture_says_what_is_best_and_shows_every_learning_rate(cells: list[Cell]) -> None:
    found = dict(sweep_figures(summarise(cells)))
    texts = texts_of(*found["auto_mpg_sgd_excess_by_epoch"])
    assert "auto_mpg, sgd: best lr 0.3" in texts
    labels = [text for text in texts if text.startswith("lr ")]
    assert [label.split(":")[0] for label in labels] == [f"lr {lr:g}" for lr in RATES]
    assert labels[3] == "lr 3: diverged"
    assert {"theory", "diverged", "epochs done"} <= set(texts)
    by_rate = texts_of(*found["diabetes_epochs_by_lr"])
    assert {"sgd", "momentum", "adam", "best learning rate", "stability limit", "learning rate"} <= set(by_rate)
    assert not [name for name in found if "adamw" in name]
    assert len(found["performance_profile"]) == 2


@pytest.mark.slow
def test_of_many_learning_rates_eight_are_drawn_and_all_of_them_named() -> None:
    rates = np.geomspace(1e-3, 1, 30).tolist()
    (name, (figure,)), *_ = sweep_figures(summarise(trained("auto_mpg", "sgd", rates, 3)))
    assert name == "auto_mpg_sgd_excess_by_epoch"
    drawn = {row["lr"] for row in figure.rows if row["what"] == "curve"}
    texts = texts_of(figure)
    named = [text for text in texts if text.startswith("lr ")]
    assert len(drawn) == len(named) == MOST_CURVES
    assert {min(rates), max(rates)} <= drawn
    assert "8 of 30 learning rates" in texts
    (best,) = {row["lr"] for row in figure.rows if row["what"] == "curve" and row["best"]}
    assert any(text.startswith(f"lr {best:.4g}:") for text in named)


def test_a_training_that_ended_is_above_or_below_the_others_from_then_on() -> None:
    """Seeds: one goes on, one diverged after one epoch, one was let go at the tightest tolerance after one."""
    nan = math.nan
    ended = cell(
        "sgd",
        0.1,
        (None, None, 1),
        at=(0, 1, 2, 3),
        excess=((1, 1, 1), (0.5, 900, 1e-7), (0.4, nan, nan), (0.3, nan, nan)),
        epochs_run=(3, 1, 1),
        diverged=(False, True, False),
    )
    low, middle, high = quantiles(ended, (0.1, 0.5, 0.9))
    np.testing.assert_array_equal(middle, [1, 0.5, 0.4, 0.3])
    np.testing.assert_array_equal(low, [1, 1e-7, 0, 0])
    np.testing.assert_array_equal(high, [1, 900, np.inf, np.inf])


@pytest.mark.slow
def test_losses_below_the_target_and_nothing_to_draw_make_a_picture(tmp_path: Path) -> None:
    """A network may come below the best loss that is known: a negative excess has no place on a logarithmic axis."""
    curve: dict[str, Any] = {"at": (0, 1, 1000), "excess": ((0.5, 0.5, 0.5), (0.1, 0.1, 0.2), (-0.1, -0.2, -0.1))}
    below = cell("adam", 0.1, **curve, options={"hidden": (8, 8, 8)})
    bare = cell("adam", 1.0, (None,) * 3, options={"hidden": (8, 8, 8)}, diverged=(True,) * 3, final=(math.inf,) * 3)
    written = write_sweep_figures(tmp_path, [below, bare, not_run("sgd", 0.1, Status.ERROR, "why")])
    assert [path.stat().st_size > 10_000 for path in written] == [True, True]
    assert write_sweep_figures(tmp_path, [not_run("sgd", 0.1, Status.ERROR, "why")]) == []


@pytest.mark.slow
def test_a_suffix_or_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suffix is \.png, \.svg or \.pdf, not '\.gif'"):
        write_sweep_figures(tmp_path, [cell()], ".gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_sweep_figures(tmp_path / "file", [cell()])
