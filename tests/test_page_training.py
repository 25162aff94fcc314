"""Section 4 from planted cells and traces: what got there, what did not, who is best; figures that are drawn."""

import json
import math
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import pytest

from harness.judge.training.contest import EPOCHS, SECONDS
from harness.judge.training.convergence import summarise
from harness.records.record import Record, Status, TraceRecord
from harness.records.sweep import Cell
from harness.report.figures import training_rows as rows
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import ramp
from harness.report.figures.rows import envelope, short
from harness.report.figures.theme import DARK, LIGHT
from harness.report.html import training_traces as traces
from harness.report.html.section import Note, Section, Table
from harness.report.html.training import section
from harness.timing.sampling import Samples
from tests.page_site import HOSTILE, evidence, svg, training
from tests.sweep_data import cell, not_run, sweep, trained, within

RATES = [0.003, 0.03, 0.3, 3.0]


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    found = [c for p in ("auto_mpg", "diabetes") for o in ("sgd", "momentum", "adam") for c in trained(p, o, RATES, 5)]
    return [*found, not_run("adamw", 0.1, Status.UNSUPPORTED, "capturable is refused")]


@pytest.fixture(scope="module")
def made(cells: list[Cell]) -> Section:
    return section(evidence((), sweep=sweep(), cells=tuple(cells)))


def figures(made: Section) -> dict[str, Figure]:
    return {part.name: part for part in made.parts if isinstance(part, Figure)}


def tables(made: Section) -> dict[str, Table]:
    return {part.name: part for part in made.parts if isinstance(part, Table)}


def curves(tightest: tuple[int | None, ...], optimizer: str = "sgd", lr: float = 0.1, **changed: Any) -> Cell:
    """A cell with a curve of three points."""
    seeds = len(tightest)
    given = {"at": (0, 10, 100), "excess": ((5.0,) * seeds, (1e-1,) * seeds, (1e-5,) * seeds)}
    return cell(optimizer, lr, tightest, **(given | changed))


def test_without_a_sweep_it_says_how_one_is_made() -> None:
    empty = section(evidence(()))
    assert not empty.parts
    assert "harness sweep --problem make_regression" in empty.missing


@pytest.mark.slow
def test_every_figure_is_there_and_is_drawn_wide_and_narrow(made: Section) -> None:
    found = figures(made)
    assert list(found) == [
        "training_rivals", "training_epochs", "training_seconds", "training_rates", "training_profile",
    ]  # fmt: skip
    for figure in found.values():
        assert figure.description.endswith(".")
        for width in (330, 1000):
            assert "<path" in svg(figure, width=width)


@pytest.mark.slow
def test_rows_are_jsons_kinds_and_numbers_are_finite_or_null(made: Section) -> None:
    for rows_of in [part.rows for part in made.parts if isinstance(part, Figure | Table)]:
        json.dumps(rows_of, allow_nan=False)
        assert rows_of


def test_what_did_not_get_there_stands_above_all_that_could_and_in_no_line(cells: list[Cell]) -> None:
    summary = summarise(cells)
    for measure in (EPOCHS, SECONDS):
        found = rows.target_rows(summary, measure)
        for place in {row["place"] for row in found}:
            panel = [row for row in found if row["place"] == place]
            (room,) = [row for row in panel if row["what"] == "room"]
            for row in panel:
                if row["what"] == "reached":
                    assert room["low"] < row["cost"] <= room["cost"]
                elif row["what"] in ("censored", "diverged"):
                    assert room["cost"] < row["cost"] < room["high"]
        by_kind = {row["what"] for row in found}
        assert {"reached", "censored", "diverged", "limit", "theory"} <= by_kind
    missed = {
        (c.problem, c.optimizer, c.lr) for c in cells if c.tolerances and sum(e is None for e in c.epochs_to[-1]) > 2
    }
    told = {
        (row["problem"], row["optimizer"], row["lr"])
        for row in rows.target_rows(summary, EPOCHS)
        if row["what"] in ("censored", "diverged")
    }
    assert told == missed


def test_a_median_is_that_of_the_cell_and_epoch_0_is_drawn_beside_1() -> None:
    panel = rows.curve_rows(summarise([curves((30, 40, 50))]))
    drawn = [row for row in panel if row["what"] == "curve"]
    assert [(row["epoch"], row["at"], row["median"]) for row in drawn] == [
        (0, 0.5, 5.0),
        (10, 10.0, 0.1),
        (100, 100.0, 1e-5),
    ]
    assert {row["median"] for row in panel if row["what"] == "level"} == {1e-2, 1e-4, 1e-6}


def test_a_curve_ends_at_the_edge_of_what_is_drawn_and_a_lost_one_has_its_cross() -> None:
    lost = curves(
        (None,) * 3,
        lr=9.0,
        diverged=(True,) * 3,
        epochs_run=(12,) * 3,
        excess=((5.0,) * 3, (math.inf,) * 3, (math.nan,) * 3),
    )
    panel = rows.curve_rows(summarise([curves((30, 40, 50)), lost]))
    drawn = [row for row in panel if row["what"] == "curve" and row["lr"] == 9.0]
    assert [row["epoch"] for row in drawn] == [0, 10]
    (cross,) = [row for row in panel if row["what"] == "diverged"]
    assert (cross["at"], cross["median"]) == (12.0, drawn[-1]["median"])


@pytest.mark.slow
def test_optimizers_are_compared_at_their_best_and_the_best_is_first(made: Section, cells: list[Cell]) -> None:
    table = tables(made)["training_best"]
    assert len(table.rows) == 7
    for task in ("auto_mpg", "diabetes"):
        behind = [row["behind"] for row in table.rows if row["task"] == task and row.get("behind") is not None]
        assert behind == sorted(behind)
        assert behind[0] == 1.0
    (refused,) = [row for row in table.rows if row["optimizer"] == "adamw"]
    assert refused["ending"] == "unsupported"
    assert len(tables(made)["training_every"].rows) == len(cells)


@pytest.mark.slow
def test_the_conclusion_is_computed() -> None:
    momentum = within(cell("momentum", 0.01, (36, 38, 38, 41, 41)))
    sgd = within(cell("sgd", 0.01, (110, 110, 110, 112, 115)))
    said = section(evidence((), sweep=sweep(), cells=(*sgd, *momentum))).conclusion
    assert said.startswith("On auto_mpg momentum at lr 0.01 is fastest: 38 epochs [36, 41] to 1e-6, 2.89 times fewer")
    swapped = [one.model_copy(update={"optimizer": "sgd"}) for one in momentum]
    swapped += [one.model_copy(update={"optimizer": "momentum"}) for one in sgd]
    assert "sgd at lr 0.01 is fastest" in section(evidence((), sweep=sweep(), cells=tuple(swapped))).conclusion


@pytest.mark.slow
def test_the_conclusion_is_two_sentences_and_says_what_diverges_and_what_does_not_get_there() -> None:
    found = within(cell("momentum", 0.01, (36, 38, 38, 41, 41)))
    found += [cell("sgd", 1e-3, (None,) * 5, final=(0.9,) * 5), cell("sgd", 0.01, (None,) * 5)]
    found += [cell("sgd", 0.1, (None,) * 5, diverged=(True,) * 5)]
    found += [cell("adam", 1e-3, (None,) * 5, final=(0.9,) * 5), cell("adam", 0.01, (None,) * 5)]
    found += [cell("adam", lr, (None,) * 5, diverged=(True,) * 5) for lr in (0.1, 1.0)]
    made = section(evidence([held_out()], sweep=sweep(), cells=tuple(found)))
    first, second = made.conclusion.split(". ")
    assert first.startswith("On auto_mpg momentum at lr 0.01 is fastest: 38 epochs [36, 41] to 1e-6, and ")
    assert "(5 seeds of at most " in first
    assert first.endswith("; in seconds too (3.80 ms)")
    diverging, short = second.split("; ")
    assert "sgd at lr 0.1 and adam at lr 0.1 to 1" in diverging
    assert "momentum" not in second
    assert [fact for fact in ("sgd and adam", "1e-6", "no learning rate") if fact not in short] == []
    notes = [part.text for part in made.parts if isinstance(part, Note)]
    assert any("in seconds of the textbook loop" in text for text in notes), "the rest is below"
    assert not any("is fastest" in text for text in notes), "but not once more"
    assert "at most 3 times" in tables(made)["training_held_out"].caption


@pytest.mark.slow
def test_of_several_problems_it_says_who_is_best_over_all(cells: list[Cell], made: Section) -> None:
    assert "no winner is named" in made.conclusion, "the best rates are at an end of what was tried"
    rates = [3e-5, 3e-4, *RATES, 30.0]
    wide = [c for p in ("auto_mpg", "diabetes") for o in ("sgd", "momentum", "adam") for c in trained(p, o, rates, 5)]
    sentences = section(evidence((), sweep=sweep(), cells=tuple(wide))).conclusion.split(". ")
    assert len(sentences) <= 2
    assert sentences[0].startswith("Over 2 problems: ")
    for one in summarise(wide).profiles:
        top, share = max(((label, one.share(label, 1.0)) for label in one.ratios), key=itemgetter(1))
        assert f"the fewest {one.measure} (on {share:.0%})" in sentences[0]
        assert top in sentences[0]
    assert "Most seeds diverge with " in made.conclusion
    for task in summarise(cells).tasks:
        assert any(f"On {task.name}" in part.text for part in made.parts if isinstance(part, Note))
    alone = section(evidence((), sweep=sweep(), cells=tuple(c for c in cells if c.optimizer == "sgd")))
    assert alone.conclusion.startswith("No two optimizers were run on the same problem")


@pytest.mark.slow
def test_an_epoch_that_was_not_timed_has_no_seconds() -> None:
    found = section(evidence((), sweep=sweep(), cells=(curves((30, 40, 50), loop_epoch=Samples()),)))
    assert "training_seconds" not in figures(found)
    assert tables(found)["training_best"].rows[0]["seconds"] is None


def test_nothing_that_was_run_is_no_figure() -> None:
    found = section(evidence((), sweep=sweep(), cells=(not_run("sgd", 0.1, Status.ERROR, "it raised"),)))
    assert not figures(found)
    assert "nothing was trained" in found.conclusion
    assert tables(found)["training_every"].rows[0]["message"] == "it raised"


@pytest.mark.slow
def test_a_hostile_name_is_a_value_and_never_a_field() -> None:
    bad = [curves((30, 40, 50), problem=HOSTILE, optimizer=HOSTILE), curves((60, 70, 80), problem=HOSTILE)]
    bad += [one.model_copy(update={"problem": "another"}) for one in bad]
    record = held_out(problem=HOSTILE)
    found = section(evidence([record], sweep=sweep(), cells=tuple(bad)))
    for figure in figures(found).values():
        assert HOSTILE not in figure.name
        assert HOSTILE not in {key for row in figure.rows for key in row}
        assert HOSTILE not in fields_of(figure.spec)
        assert "<img" not in svg(figure)


def fields_of(spec: Any) -> set[str]:
    """Every `field`, `as` and expression of a specification."""
    if isinstance(spec, dict):
        own = {str(value) for key, value in spec.items() if key in ("field", "as", "calculate", "expr", "labelExpr")}
        return own.union(*map(fields_of, spec.values()))
    return set().union(*map(fields_of, spec)) if isinstance(spec, list | tuple) else set()


def held_out(
    solver: str = "torch_adam", lr: float = 0.01, losses: tuple[float, ...] = (4.0, 2.0, 1.0, 3.0), **changed: object
) -> Record:
    trace = TraceRecord(epochs=4, epoch=(0, 1, 2, 3), train_loss=(8.0, 4.0, 1.0, 0.5), val_loss=losses, val_split="val")
    record = training(solver, 1e-4, lr, reached={"1e-6": 3}, excess=1e-9, problem="curve")
    return record.model_copy(update={"trace": trace, **changed})


def test_a_held_out_loss_stands_an_epoch_after_the_training_loss_it_came_with() -> None:
    found = traces.figure([held_out()], 1)
    at = {split: [row["epoch"] for row in found.rows if row["split"] == split] for split in ("training", "validation")}
    assert at == {"training": [0, 1, 2, 3], "validation": [1, 2, 3, 4]}
    assert "<path" in svg(found)


def test_a_held_out_loss_that_has_turned_up_is_told() -> None:
    (row,) = traces.table([held_out()]).rows
    assert (row["held_out"], row["least"], row["least_at"], row["above"], row["ratio"]) == (3.0, 1.0, 3, 3.0, 6.0)
    said = section(evidence([held_out(), held_out(losses=(4.0, 3.0, 2.0, 1.0))])).conclusion
    assert said.startswith("Of 2 trainings with held-out rows the held-out loss ends at most 3 times above its least")
    calm = section(evidence([held_out(losses=(4.0, 3.0, 2.0, 1.0))])).conclusion
    assert "no sign of overfitting" in calm


def test_of_each_solver_the_lowest_is_shown_and_all_are_in_the_table() -> None:
    records = [
        held_out(lr=0.1, losses=(4.0, 3.0, 2.0, 2.0)),
        held_out(lr=0.01),
        held_out("torch_sgd", losses=(1.0, math.nan)),
    ]
    assert [(one.solver, one.options["lr"]) for one in traces.shown(records)] == [
        ("torch_adam", 0.1),
        ("torch_sgd", 0.01),
    ]
    found = section(evidence(records))
    assert "Of 3 trainings the 2" in figures(found)["training_validation"].description
    assert len(tables(found)["training_held_out"].rows) == 3
    json.dumps(tables(found)["training_held_out"].rows, allow_nan=False)


def luminance(color: str) -> float:
    """Of WCAG 2.2."""
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("count", [1, 2, 13])
def test_every_colour_of_a_learning_rate_is_seen_on_both_pages(count: int) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1."""
    found = ramp(count)
    assert len(set(found)) == count
    for color in found:
        for paper in (LIGHT["paper"], DARK["paper"]):
            low, high = sorted((luminance(color), luminance(paper)))
            assert (high + 0.05) / (low + 0.05) >= 3


def test_an_envelope_keeps_ends_and_extremes_in_order() -> None:
    values = np.sin(np.arange(10_000.0))
    values[4321] = 7.0
    values[8000:] = np.nan
    kept = envelope(values, 100)
    assert len(kept) <= 100
    assert all(a < b for a, b in pairwise(kept.tolist()))
    assert {0, 4321, 9999} <= set(kept.tolist())
    assert np.nanmin(values[kept]) == np.nanmin(values)
    assert envelope(values, 20_000).tolist() == list(range(10_000))


def test_short_numbers() -> None:
    assert [short(value) for value in (1 / 3, math.inf, math.nan, None, 0.0)] == [0.33333, None, None, None, 0.0]
