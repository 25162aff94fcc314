"""Section 3 of the page: ranked_cases, fronts, floors and crossovers of planted times, drawn by vl-convert."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from harness.judge.medians import estimate, ratio
from harness.judge.speed.floors import PRODUCT, SUM, Floor, floor_at
from harness.judge.speed.ranking import pareto, ranked_cases, timed
from harness.page import floors as measuring
from harness.records.record import Record
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered
from harness.report.figures.rows import CASE
from harness.report.html import speed
from harness.report.html.section import Facts, Note, Section, Table
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from tests.history_site import HERE
from tests.page_site import HOSTILE, evidence, planted, run_of, svg, training

NUMBERS = st.one_of(st.floats(-5, 5).map(lambda x: round(x, 1)), st.sampled_from([math.nan, math.inf, -math.inf]))
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30)
REACHED = {"1e-2": 10, "1e-4": 100, "1e-6": 400}


# The front.


@pytest.mark.slow
@given(POINTS)
def test_the_front_is_what_no_other_point_beats(points: list[tuple[float, float]]) -> None:
    def beaten(cost: float, worth: float) -> bool:
        return any(c <= cost and w >= worth and (c, w) != (cost, worth) for c, w in usable)

    usable = [(cost, worth) for cost, worth in points if math.isfinite(cost) and math.isfinite(worth)]
    assert pareto(points) == tuple(point in usable and not beaten(*point) for point in points)


@pytest.mark.slow
@given(POINTS, st.randoms())
def test_the_front_does_not_depend_on_the_order(points: list[tuple[float, float]], random: Any) -> None:
    order = list(range(len(points)))
    random.shuffle(order)
    front = pareto(points)
    assert pareto([points[i] for i in order]) == tuple(front[i] for i in order)


def test_equal_points_are_on_the_front_together() -> None:
    assert pareto([(1.0, 5.0), (1.0, 5.0), (1.0, 4.0), (2.0, 5.0), (3.0, 6.0)]) == (True, True, False, False, True)


# Intervals.


@pytest.mark.parametrize("calls", range(1, 31))
def test_the_interval_of_a_median_covers_95_percent_and_no_narrower_one_does(calls: int) -> None:
    found = estimate(np.arange(1.0, calls + 1.0))
    if found.low is None:
        assert 1 - 2 * binom.cdf(0, calls, 0.5) < 0.95
        return
    left_out = int(found.low) - 1
    assert found.high == calls - left_out
    assert 1 - 2 * binom.cdf(left_out, calls, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(left_out + 1, calls, 0.5) < 0.95


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says() -> None:
    """Of 400 draws; with a coverage of 95 % fewer than 367 have a probability of 0.2 % (binomial).

    And it must seldom hold what is 1.5 times off, six standard errors of such a ratio.
    """
    rng = np.random.default_rng(0)
    held = strayed = 0
    for _ in range(400):
        above, below = (scale * np.exp(0.2 * rng.standard_normal(15)) for scale in (3.0, 1.0))
        held += ratio(above, below).holds(3.0)
        strayed += ratio(above, below).holds(4.5)
    assert held >= 367
    assert strayed <= 20


def test_too_few_calls_have_a_ratio_and_no_interval() -> None:
    found = ratio(np.full(5, 2.0), np.full(30, 1.0))
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert ratio(np.full(6, 2.0), np.full(6, 1.0)).low == 2.0


# Standings.


def test_each_case_is_beside_the_fastest_right_one_of_its_problem_and_device() -> None:
    records = [
        planted("hasty", 1e-4, status=Status.WRONG, digits=0.0),
        planted("quick", 2e-4),
        planted("slow", 8e-4),
        planted("quick", 1e-5, device="cuda:0"),
        planted("alone", 5e-3, problem="other"),
    ]
    found = {(one.timed.record.solver, one.timed.record.device): one for one in ranked_cases(timed(records))}
    best = {key: one.best and one.best.label for key, one in found.items()}
    assert best == {
        ("hasty", "cpu"): "quick",
        ("quick", "cpu"): "quick",
        ("slow", "cpu"): "quick",
        ("quick", "cuda:0"): "quick",
        ("alone", "cpu"): "alone",
    }
    slow = found["slow", "cpu"].ratio
    assert slow is not None
    assert slow.value == pytest.approx(4.0, rel=0.05)
    assert not slow.holds(1.0)


def test_what_has_no_time_and_what_fits_nothing_is_not_timed() -> None:
    good = planted("good", 1e-3)
    bad = [
        good.model_copy(update={"case": "a", "samples": Samples()}),
        good.model_copy(update={"case": "b", "samples": Samples((1e-3,), (1e-3,), "RuntimeError: no")}),
        good.model_copy(update={"case": "c", "samples": Samples((1e-3, math.nan), (1e-3, 1e-3))}),
        good.model_copy(update={"case": "d", "samples": Samples((0.0,), (0.0,))}),
        good.model_copy(update={"case": "e", "kind": Kind.BASELINE}),
    ]
    assert [case.record.case for case in timed([good, *bad])] == [good.case]


def test_a_label_names_the_options_in_which_cases_of_one_problem_differ() -> None:
    single = planted("torch_gels", 1e-3, case="one", options={"dtype": "float32"})
    double = planted("torch_gels", 1e-3, case="two", options={"dtype": "float64"})
    assert [case.label for case in timed([single, double])] == ["torch_gels dtype=float32", "torch_gels dtype=float64"]
    assert [case.label for case in timed([single])] == ["torch_gels"]


# The section.


def grid() -> list[Record]:
    """Three solvers at three sizes, one of them faster and wrong; trainings at two rates."""
    sizes = (1_000, 10_000, 100_000)
    return [
        *(planted("normal", 2e-8 * n, n=n, digits=9.0) for n in sizes),
        *(planted("streaming", 3e-8 * n, n=n, digits=15.0) for n in sizes),
        *(planted("svd", 9e-8 * n, n=n, digits=13.0) for n in sizes),
        *(planted("hasty", 1e-8 * n, n=n, digits=0.0, status=Status.WRONG) for n in sizes),
        training("torch_sgd", 1e-4, 0.1, reached=REACHED, excess=1e-9),
        training("torch_sgd", 1e-4, 0.01, reached={"1e-2": 500, "1e-4": None, "1e-6": None}, excess=3e-3),
    ]


def floors_of(sizes: Sequence[int]) -> tuple[Floor, ...]:
    return tuple(Floor(name, n, 10, (row_s * n,) * 9) for n in sizes for name, row_s in ((PRODUCT, 1e-8), (SUM, 2e-9)))


def made(records: Sequence[Record], **more: object) -> Section:
    return speed.section(evidence(records, **more))


def figure(section: Section, name: str) -> Figure:
    return next(part for part in section.parts if isinstance(part, Figure) and part.name == name)


def table(section: Section, name: str) -> Table:
    return next(part for part in section.parts if isinstance(part, Table) and part.name == name)


def notes(section: Section) -> str:
    return "\n".join(part.text for part in section.parts if isinstance(part, Note))


def texts(drawn: str) -> set[str]:
    """What stands in an SVG's text marks."""
    return {unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", drawn)}


@pytest.mark.slow
def test_the_conclusion_names_who_is_fastest_and_right_by_how_much_and_over_which_floor() -> None:
    words = made(grid(), floors=floors_of((1_000, 10_000, 100_000))).conclusion
    assert words.startswith("normal is the fastest that is right at every n of synthetic (cpu), 1,000 to 100,000, 1.")
    assert "at n = 100,000 it takes the time of 2.0 products X'X." in words
    assert "Faster, and wrong: hasty on 3 problems." in words
    assert re.search(r"6\.0 digits more cost 1\.[45]\d times the time \(normal to streaming\)", words)


@pytest.mark.slow
def test_the_conclusion_follows_the_data() -> None:
    swapped = [r.model_copy(update={"status": Status.WRONG}) if r.solver == "normal" else r for r in grid()]
    assert made(swapped).conclusion.startswith("streaming is the fastest that is right at every n")
    crossing = [*grid(), planted("late", 1e-3, n=1_000), planted("late", 1e-5, n=100_000)]
    assert "normal at n = 1,000 to 10,000; late at n = 100,000" in made(crossing).conclusion


@pytest.mark.slow
def test_two_that_are_not_told_apart_are_said_to_be() -> None:
    records = [planted("one", 1e-3, n=n, noise=0.3) for n in (10, 100)]
    records += [planted("two", 1.01e-3, n=n, noise=0.3) for n in (10, 100)]
    assert "not told apart from" in made(records).conclusion


def test_nothing_timed_says_which_command_times() -> None:
    found = made([planted("numpy_lstsq", 1e-3).model_copy(update={"samples": Samples()})])
    assert "'harness run'" in found.missing
    assert not found.parts


def test_one_size_and_one_device_say_what_makes_more() -> None:
    said = made([planted("numpy_lstsq", 1e-3)]).missing
    assert "harness run --problem synthetic --n 1e3" in said
    assert "harness run --device all" in said


@pytest.mark.slow
def test_learning_rates_are_pooled_over_n_and_no_row_of_them_names_a_rate() -> None:
    more = training("torch_sgd", 1e-4, 0.1, reached=REACHED, excess=1e-9, n=10)
    rows = [row for row in figure(made([*grid(), more]), "speed-by-n").rows if row["series"] == "torch_sgd"]
    pooled = next(row for row in rows if row["n"] == 1_000)
    assert pooled["calls"] == 18
    assert pooled.keys().isdisjoint({"lr", CASE})


@pytest.mark.slow
def test_every_figure_is_drawn_wide_and_narrow() -> None:
    section = made([*grid(), *on_cuda()], floors=floors_of((1_000, 10_000)))
    figures = [part for part in section.parts if isinstance(part, Figure)]
    assert [one.name for one in figures] == ["speed-by-n", "speed-digits", "speed-excess", "speed-devices"]
    named = [part.name for part in section.parts if not isinstance(part, Note | Facts)]
    assert len(set(named)) == len(named)
    for one in figures:
        for width in (1100, 330):
            drawn = svg(one, width=width)
            assert 'aria-roledescription="' in drawn
            assert "NaN" not in drawn
        assert svg(one, rows=[])  # what a filter leaves may be nothing


@pytest.mark.slow
def test_the_step_line_is_of_what_a_filter_leaves() -> None:
    one = figure(made(grid()), "speed-digits")
    panel = one.spec["params"][0]["value"]
    shown = [row for row in one.rows if row["panel"] == panel]
    for left in (shown, [row for row in shown if row["label"] != "streaming"]):
        points = [(row["seconds"], math.nan if row["worth"] is None else row["worth"]) for row in left]
        front = {row["label"] for row, on in zip(left, pareto(points), strict=True) if on}
        labels = {row["label"] for row in shown}
        assert texts(svg(one, rows=left)) & labels == front
    assert {row["label"] for row in shown if row["front"]} == {"normal", "streaming"}  # hasty is faster, and wrong


@pytest.mark.slow
def test_a_panel_that_is_filtered_away_gives_way_to_the_next() -> None:
    one = figure(made(grid()), "speed-digits")
    first = one.spec["params"][0]["value"]
    rest = [row for row in one.rows if row["panel"] != first]
    assert first in texts(svg(one))
    assert first not in texts(svg(one, rows=rest))
    assert {row["panel"] for row in rest} & texts(svg(one, rows=rest))


def test_a_specification_that_breaks_the_schema_is_refused() -> None:
    with pytest.raises(Exception, match="lnie"):
        layered([{"mark": {"type": "lnie"}}], {}, ["one"], 100)


@pytest.mark.slow
def test_trainings_have_a_point_at_each_tolerance_reached() -> None:
    rows = [row for row in figure(made(grid()), "speed-excess").rows if row["lr"] == 0.1]
    assert [(row["excess"], row["epochs"]) for row in rows] == [(1e-2, 10), (1e-4, 100), (1e-6, 400), (1e-9, 1000)]
    assert [row["seconds"] for row in rows] == pytest.approx([1e-3, 1e-2, 4e-2, 1e-1], rel=0.05)


@pytest.mark.slow
def test_hostile_names_are_values_and_drawn_as_text() -> None:
    records = [
        planted(HOSTILE, call_s * n, n=n, problem=HOSTILE, digits=digits, case=f"{HOSTILE} {digits} {n}")
        for call_s, digits in ((1e-6, 9.0), (2e-6, 12.0))
        for n in (1_000, 10_000)
    ]
    section = made([*records, planted("plain", 1e-3, problem="plain")])
    for one in (part for part in section.parts if isinstance(part, Figure)):
        drawn = svg(one)
        assert "<img" not in drawn
        assert "<script" not in drawn
        used = json.dumps(one.spec["layer"]) + json.dumps(one.spec["transform"])
        assert HOSTILE not in re.sub(r'"(domain|scale)": (\[[^\]]*\]|\{[^}]*\})', "", used)
    assert any(row["solver"] == HOSTILE for row in table(section, "speed-ratios").rows)


@pytest.mark.slow
def test_ratios_list_memory_and_digits_beside_the_time() -> None:
    rows = {(row["label"], row["n"]): row for row in table(made(grid()), "speed-ratios").rows}
    svd = rows["svd", 100_000]
    assert svd["to"] == "normal"
    assert svd["ratio"] == pytest.approx(4.5, rel=0.05)
    assert svd["ratio_low"] < svd["ratio"] < svd["ratio_high"]
    assert (svd["digits"], svd["peak_bytes"]) == (13.0, 2**20)
    assert rows["hasty", 1_000]["status"] == "wrong"
    memory = {row["n"] for row in table(made(grid()), "speed-memory").rows}
    assert memory == {100_000}  # 8 MB of X; below 1 MiB pages of the allocator show


# Devices.


def on_cuda() -> list[Record]:
    """The same solver on both devices, crossing between the second and the third size."""
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    cpu = [planted("torch_gels", 1e-5 + 1e-8 * n, n=n, problem="drawn") for n in sizes]
    copies: Any = {"transfer_in_s": 1e-5, "transfer_out_s": 1e-6}
    cuda = [planted("torch_gels", 2e-4 + 1e-9 * n, n=n, problem="drawn", device="cuda:0", **copies) for n in sizes]
    return [*cpu, *cuda]


@pytest.mark.slow
def test_the_crossover_is_said_and_drawn() -> None:
    section = made(on_cuda())
    assert re.search(
        r"CUDA is faster than the CPU in 2 of 4 pairs; the lowest crossover is .* at n = 2[01],", section.conclusion
    )
    (crossing,) = table(section, "speed-crossovers").rows
    assert "CUDA is faster from n* = 2" in crossing["without"]
    rows = table(section, "speed-device-ratios").rows
    assert [row["time_ratio"] < 1 for row in rows] == [False, False, True, True]
    assert {row["device"] for row in rows} == {"cuda:0"}


# Floors.


def test_a_floor_is_scaled_up_by_n_and_never_down() -> None:
    known = floors_of((10_000,))
    measured = floor_at(known, PRODUCT, 10_000, 10)
    scaled = floor_at(known, PRODUCT, 100_000, 10)
    assert measured is not None
    assert scaled is not None
    assert [measured.seconds.value, scaled.seconds.value] == pytest.approx([1e-4, 1e-3])
    assert (measured.scaled_from, scaled.scaled_from) == (None, 10_000)
    assert floor_at(known, PRODUCT, 1_000, 10) is None
    assert floor_at(known, PRODUCT, 10_000, 11) is None


@pytest.mark.slow
def test_the_time_to_a_tolerance_is_its_epochs_times_the_time_of_one() -> None:
    record = training("torch_sgd", 1e-4, 0.1, reached={"1e-2": 500, "1e-4": None}, excess=3e-3)
    assert record.call_s is not None
    assert record.seconds_to == {"1e-2": 500 * record.call_s, "1e-4": None}
    assert grid()[0].model_copy(update={"accuracy": record.accuracy}).seconds_to == {"1e-2": None, "1e-4": None}


def test_the_figure_of_times_counts_the_solvers_without_the_floors() -> None:
    solvers = {record.solver for record in grid()}
    drawn = figure(made(grid(), floors=floors_of((100, 1_000))), "speed-by-n")
    assert f"of {len(solvers)} solvers" in drawn.description
    assert len({row["series"] for row in drawn.rows}) > len(solvers)


def test_scaled_floors_are_said_to_be() -> None:
    assert "Those at n = 100,000 are scaled up by n." in notes(made(grid(), floors=floors_of((1_000, 10_000))))
    assert "No floor is drawn: on a whim." in notes(made(grid(), floors_missing="on a whim"))


@pytest.mark.slow
def test_a_time_below_a_floor_is_said_to_be_the_machine_s() -> None:
    sizes = (1_000, 10_000, 100_000)
    above = made(grid(), floors=floors_of(sizes))
    assert "They were measured when the page was made, not in the run" in notes(above)
    assert "Below one pass over X" not in notes(above)
    slower = tuple(replace(one, samples_s=tuple(100 * s for s in one.samples_s)) for one in floors_of(sizes))
    below = made(grid(), floors=slower)
    assert "(0.02 of it)" in below.conclusion
    points = [row for row in figure(below, "speed-by-n").rows if not row["floor"]]
    under = sum(row["seconds"] < 100 * 2e-9 * row["n"] for row in points)
    assert under > 1
    assert f"Below one pass over X lie {under} points here." in notes(below)
    assert "measured when the page was made" in figure(below, "speed-by-n").description


@pytest.mark.slow
def test_floors_are_measured_for_the_shapes_that_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [planted("numpy_lstsq", 1e-4, n=n) for n in (200, 400)] + [planted("numpy_lstsq", 1, problem="one")]
    run = run_of(records)
    monkeypatch.setattr(measuring, "environment", lambda: HERE)
    found, why = measuring.floors(run, records)
    assert not why
    assert [(floor.name, floor.n, floor.p) for floor in found] == [
        (name, n, 10) for n in (200, 400) for name in (SUM, PRODUCT)
    ]
    assert all(len(floor.samples_s) >= 7 and min(floor.samples_s) > 0 for floor in found)
    assert measuring.floors(run, records)[0] is found  # once a process


def test_another_machine_has_no_floors(monkeypatch: pytest.MonkeyPatch) -> None:
    records = grid()
    monkeypatch.setattr(measuring, "environment", lambda: HERE.model_copy(update={"cpu": "another"}))
    assert measuring.floors(run_of(records), records) == (
        (),
        "the run was made on another machine (cpu planted, here another)",
    )


@pytest.mark.parametrize(("n", "p"), [(10, 3), (10**7, 10), (10**5, 500), (10, 10**6)])
def test_a_shape_that_is_measured_is_quick(n: int, p: int) -> None:
    rows, columns = measuring.quick(n, p)
    assert columns == p
    assert 1 <= rows <= n
    assert rows == 1 or (8 * rows * p <= measuring.MOST_BYTES and rows * p**2 <= measuring.MOST_PRODUCTS)


@pytest.mark.slow
def test_all_records_of_many_are_rows_and_the_conclusion_stays_short() -> None:
    """Twenty solvers, a hundred problems of five sizes; each problem by two of the solvers."""
    records = [
        planted(f"solver{i}", 1e-6 * n, n=n, problem=f"problem{k}", calls=7, digits=float(i % 15))
        for i in range(20)
        for k in range(100)
        for n in (100, 1_000, 10_000, 100_000, 1_000_000)
        if (i + k) % 10 == 0
    ]
    section = made(records)
    assert len(records) == 1000
    assert len(table(section, "speed-ratios").rows) == len(records)
    assert len(section.conclusion) < 800
