"""Comparisons: ratios to the right baseline, group by group."""

import pytest

from harness.errors import CannotMeasureError, UsageError
from harness.judge.speed.comparison import AXES, Row, compare
from harness.measure.plan import Request, plan
from harness.measure.run import measure
from harness.problems.problem import OWN
from harness.records.record import Record
from harness.timing.sampling import Samples


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Every axis has two values; one sample each, 1 ms times the case's place."""
    request = Request(
        problems=("synthetic",),
        solvers=("torch_sgd", "torch_adam"),
        n=(50, 100),
        lr=(0.1, 0.01),
        device="cpu",
    )
    measured = [measure(case).record for case in plan(request)]
    return [r.model_copy(update={"samples": Samples((1e-3 * (i + 1),), (1e-3,))}) for i, r in enumerate(measured)]


def rows_by(records: list[Record], by: str, baseline: str | None = None) -> list[Row]:
    return compare(records, by, baseline)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "values"), [("lr", {"0.1", "0.01"}), ("optimizer", {"sgd", "adam"}), ("size", {"50", "100"})]
)
def test_groups_differ_in_the_axis_alone(records: list[Record], by: str, values: set[str]) -> None:
    rows = rows_by(records, by)
    assert len(rows) == len(records)
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.group, set()).add(row.value)
    assert len(groups) == 4
    assert all(found == values for found in groups.values())


@pytest.mark.slow
def test_threads_are_an_axis_and_in_every_other_one_a_group_of_their_own(records: list[Record]) -> None:
    both = [*records, *(r.model_copy(update={"threads": 2}) for r in records)]
    rows = rows_by(both, "threads")
    assert len({row.group for row in rows}) == len(records)
    assert {(row.value, row.baseline, row.record.threads) for row in rows} == {("1", "1", 1), ("2", "1", 2)}
    for by in ("lr", "optimizer", "size", "solver"):
        threads: dict[str, set[int]] = {}
        for row in rows_by(both, by):
            threads.setdefault(row.group, set()).add(row.record.threads)
        assert all(len(found) == 1 for found in threads.values()), by


@pytest.mark.slow
def test_the_time_ratio_is_to_the_baseline_of_the_group(records: list[Record]) -> None:
    for row in rows_by(records, "lr"):
        assert row.baseline == "0.01"
        base = next(r for r in rows_by(records, "lr") if r.group == row.group and r.value == "0.01").record
        assert row.time_ratio == pytest.approx(row.record.samples.wall_s[0] / base.samples.wall_s[0])
        assert row.record.fit_s == pytest.approx(1000 * row.record.samples.wall_s[0])  # 1000 epochs


@pytest.mark.slow
def test_another_baseline_can_be_asked_for(records: list[Record]) -> None:
    assert {row.baseline for row in rows_by(records, "lr", "0.1")} == {"0.1"}


@pytest.mark.slow
def test_an_untimed_baseline_gives_no_ratio(records: list[Record]) -> None:
    untimed = [record.model_copy(update={"samples": Samples()}) for record in records]
    assert {row.time_ratio for row in rows_by(untimed, "optimizer")} == {None}


@pytest.mark.slow
def test_seconds_to_a_tolerance_are_epochs_times_the_median_epoch(records: list[Record]) -> None:
    reached = [r for r in records if r.accuracy.epochs_to["1e-4"] is not None]
    assert reached
    for record in reached:
        epochs = record.accuracy.epochs_to["1e-4"]
        assert epochs is not None
        assert record.seconds_to["1e-4"] == pytest.approx(epochs * record.samples.wall_s[0])


@pytest.mark.slow
def test_a_censored_tolerance_has_no_seconds(records: list[Record]) -> None:
    censored = records[0].model_copy(
        update={"accuracy": records[0].accuracy.__class__(epochs_to={"1e-2": 5, "1e-4": None})}
    )
    assert censored.seconds_to["1e-4"] is None


@pytest.mark.slow
def test_one_value_alone_cannot_be_compared(records: list[Record]) -> None:
    with pytest.raises(CannotMeasureError, match="nothing to compare by device"):
        rows_by(records, "device")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "baseline", "words"),
    [("colour", None, "known: device"), ("sizes", None, "did you mean 'size'"), ("lr", "0.5", "unknown lr")],
)
def test_unknown_axes_and_baselines_are_refused(
    records: list[Record], by: str, baseline: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        rows_by(records, by, baseline)


def test_the_axes_are_the_documented_ones() -> None:
    assert set(AXES) == {"solver", "device", "optimizer", "lr", "size", "threads"}


@pytest.mark.slow
def test_no_record_replaces_another_of_the_same_value(records: list[Record]) -> None:
    """Two runs, or two dtypes, side by side: the second is numbered, not dropped."""
    rows = rows_by([*records, *records], "lr")
    assert len(rows) == 2 * len(records)
    assert {row.value for row in rows} == {"0.1", "0.1 (2)", "0.01", "0.01 (2)"}
    assert {row.baseline for row in rows} == {"0.01"}


def own(path: str, sha256: str, solver: str, base: Record) -> Record:
    """A record of somebody's file."""
    problem = f"{path}:mpg"
    return base.model_copy(
        update={
            "problem": problem,
            "problem_name": problem,
            "family": OWN,
            "data_sha256": sha256,
            "solver": solver,
            "options": {},
        }
    )


@pytest.mark.slow
def test_the_same_content_by_two_paths_is_one_group(records: list[Record]) -> None:
    base = records[0]
    a, b = "a" * 64, "b" * 64
    both = [own("cars.csv", a, "numpy_lstsq", base), own("cars.parquet", a, "scipy_gelsy", base)]
    assert {row.group for row in rows_by(both, "solver")} == {"cars.csv:mpg cpu"}
    with pytest.raises(CannotMeasureError, match="nothing to compare"):
        rows_by([both[0], own("cars.parquet", b, "scipy_gelsy", base)], "solver")
    no_constant = both[1].model_copy(update={"problem": "cars.parquet:mpg(no-intercept)"})
    with pytest.raises(CannotMeasureError, match="nothing to compare"):
        rows_by([both[0], no_constant], "solver")


@pytest.mark.slow
def test_a_path_of_two_contents_has_groups_by_content_wherever_else_these_are(records: list[Record]) -> None:
    base = records[0]
    a, b = "a" * 64, "b" * 64
    three = [
        own("cars.csv", a, "numpy_lstsq", base),
        own("cars.csv", b, "numpy_lstsq", base),
        own("copy.csv", a, "scipy_gelsy", base),
    ]
    assert {row.group for row in rows_by(three, "solver")} == {"cars.csv:mpg cpu (data aaaaaaaa)"}
