"""Properties: whatever a file holds it is read or refused in a line; what the statistics promise for all numbers."""

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomlkit
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.errors import MOST_CHARACTERS, UsageError, one_line
from harness.files.names import is_visible
from harness.files.strict_json import parsed_json
from harness.judge.gate.expectations import read_expectations
from harness.judge.medians import order_statistic
from harness.judge.studies.published import Tolerance
from harness.judge.training.censored import (
    Interval,
    interval_of,
    median,
    median_interval,
    median_odds,
    ratio_draws,
)
from harness.judge.versions.ab_cell import speed
from harness.judge.versions.calibration import Rate, read_calibration
from harness.problems.catalog import load
from harness.problems.cells import BOOLEANS, MISSING
from harness.problems.problem import Floats
from harness.problems.sidecar import read_sidecar
from harness.problems.table import read_table
from harness.records.ab import AbCell
from harness.records.asv_cells import AsvCell
from harness.records.asv_results import read_results
from harness.report.render.frame import FORMULA, inert_cell
from harness.verify.digits import MAX_DIGITS, digits
from harness.verify.excess_loss import epochs_to, excess_loss
from harness.verify.reference import Reference, reference
from tests.ab_cells import launch_of
from tests.test_asv_results import BENCHMARKS, body
from tests.test_strict import KINDS
from tools.change_points.noise import read_noise

settings.register_profile("readers", deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
readers = settings(settings.get_profile("readers"))
statistics = settings(deadline=None, max_examples=60)

# Readers: a value, or a UsageError of one printable line


def read_or_refused(read: Callable[[], object]) -> object:
    """What `read` gives; None where it ends in a UsageError that is one line. Nothing else may be raised."""
    try:
        return read()
    except UsageError as error:
        text = str(error)
        assert text == " ".join(text.split()), "one line"
        assert text.isprintable()
        assert 0 < len(text) <= MOST_CHARACTERS
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: a file is written over by the next."""
    made = tmp_path_factory.mktemp("drawn")
    (made / "asv" / "here").mkdir(parents=True)
    (made / "asv" / "here" / "machine.json").write_text("{}")
    (made / "asv" / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
    return made


FINITE = st.floats(allow_nan=False, allow_infinity=False)
PARTS = [
    *("x", "y", "split", "train", "1", "-2.5e3", "1e999", "nan", "", '"', '""', ",", "\n", "\r\n", "\r", "\0"),
    *("\ufeff", "1,234", "_", "\u0663", "\x1b[31m", "\u202e", "=", "[", "]", "{", "}", "#", ".", ":", "null", "é"),
]
BYTES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from(PARTS), max_size=60).map(lambda parts: "".join(parts).encode()),
)


@readers
@given(
    content=BYTES,
    name=st.sampled_from(["csv", "parquet", "sidecar", "expectations", "calibration", "noise", "asv result"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, name: str, folder: Path) -> None:
    kind = KINDS[name]
    path = folder / kind.name
    path.write_bytes(content)
    read_or_refused(lambda: kind.read(path))


@cache
def good(name: str) -> bytes:
    """A good file's content, short enough to be spoilt anywhere."""
    if name == "parquet":
        from io import BytesIO

        file = BytesIO()
        pd.DataFrame({"x": [1.0, 2.0, 4.0], "split": ["train", "train", "val"], "y": [2, 3, 9]}).to_parquet(file)
        return file.getvalue()
    if name == "csv":
        return b'x,"a ""name""",y,split\n1,2.5,3,train\n4,"5",6,train\n7,8,9,val\n'
    content = KINDS[name].good()
    return content.encode()[:6000] if name in ("expectations", "noise") else content.encode()


@readers
@given(
    data=st.data(),
    name=st.sampled_from(["csv", "parquet", "sidecar", "expectations", "calibration", "asv result", "ladder"]),
)
def test_a_good_file_with_some_bytes_changed_is_read_or_refused(data: st.DataObject, name: str, folder: Path) -> None:
    content = bytearray(good(name))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 8))
        content[at : at + length] = data.draw(st.binary(max_size=8) | st.sampled_from(PARTS).map(str.encode))
    path = folder / KINDS[name].name
    path.write_bytes(bytes(content))
    read_or_refused(lambda: KINDS[name].read(path))


# CSV and Parquet


def is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name.replace(",", ".")))
    except ValueError:
        return False


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(is_visible)
HEADS = st.lists(NAMES.filter(lambda name: not is_number(name)), min_size=2, max_size=5, unique=True).filter(
    lambda names: "split" not in names
)
"""A first line of numbers is no header."""


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Finite numbers under names that can be seen."""
    names = draw(HEADS)
    rows = draw(st.integers(1, 8))
    return pd.DataFrame({name: draw(st.lists(FINITE, min_size=rows, max_size=rows)) for name in names})


@pytest.mark.slow
@readers
@given(frame=frames(), ending=st.sampled_from([".csv", ".parquet"]), line=st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_frame_that_is_written_is_read_to_the_last_bit(
    frame: pd.DataFrame, ending: str, line: str, folder: Path
) -> None:
    path = folder / f"frame{ending}"
    if ending == ".csv":
        frame.to_csv(path, index=False, lineterminator=line)
    else:
        frame.to_parquet(path)
    table = read_table(path)
    assert table.names == tuple(frame.columns)
    assert not table.texts
    for name in frame.columns:
        assert table.numbers[name].tobytes() == frame[name].to_numpy().tobytes()


@readers
@given(cells=st.lists(st.sampled_from(sorted(MISSING)) | FINITE.map(repr), min_size=1, max_size=9))
def test_missing_values_are_missing_where_pandas_has_them(cells: list[str], folder: Path) -> None:
    path = folder / "missing.csv"
    path.write_text("x,one\n" + "".join(f"{cell},1\n" for cell in cells))
    found = read_table(path).numbers.get("x", np.full(len(cells), np.nan))  # a column without any number is no number
    missing = pd.read_csv(path, dtype=str)["x"].isna()
    assert np.array_equal(np.isnan(found), missing)
    assert [value for value in found if not math.isnan(value)] == [float(cell) for cell in cells if cell not in MISSING]


@readers
@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9), min_size=1, max_size=9)
)
def test_no_text_is_taken_for_a_number_that_python_does_not_take_for_one(words: list[str], folder: Path) -> None:
    path = folder / "words.csv"
    pd.DataFrame({"word": words, "one": 1}).to_csv(path, index=False)
    table = read_table(path)
    assert table.rows == len(words)
    for word, value in zip(words, table.numbers.get("word", np.array([])), strict=False):
        assert math.isnan(value) or value == (BOOLEANS[word.strip()] if word.strip() in BOOLEANS else float(word))


# TOML: values of every type in every place


def sidecar_values(text: str) -> dict[str, Any]:
    return dict(tomlkit.parse(text).unwrap())


TOML_VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "coef", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@readers
@given(data=st.data(), name=st.sampled_from(["sidecar", "ladder", "target", "figures"]))
def test_a_sidecar_with_any_value_in_any_place_is_read_or_refused(data: st.DataObject, name: str, folder: Path) -> None:
    content = sidecar_values(KINDS[name].good())
    key = data.draw(st.sampled_from([*content, "surprise"]))
    content[key] = data.draw(TOML_VALUES)
    path = folder / KINDS[name].name
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    found = read_or_refused(lambda: KINDS[name].read(path))
    assert found is None or key != "surprise", "an unknown key is refused"


EXPECTATION = {"problem": "p", "solver": "s", "digits_min": 5.0, "source": "made up"}
EXPECTATIONS: dict[str, Any] = {
    "schema_version": 1,
    "default_problems": ["p"],
    "margins": {"digits": 1.0, "excess_loss": 10.0, "r2": 0.1, "mse": 0.1},
}
EXPECTATION_KEYS = [
    *("problem", "solver", "optional", "versions", "n", "device", "options", "pinned", "status", "expected_failure"),
    *("digits_min", "standard_error_digits_min", "excess_loss_max", "r2", "mse", "source", "surprise"),
]


@readers
@given(changes=st.dictionaries(st.sampled_from(EXPECTATION_KEYS), TOML_VALUES, max_size=3))
def test_expectations_with_any_values_are_read_or_refused(changes: dict[str, Any], folder: Path) -> None:
    path = folder / "drawn_expectations.toml"
    path.write_text(tomlkit.dumps(EXPECTATIONS | {"expect": [EXPECTATION | changes]}), encoding="utf-8")
    found = read_or_refused(lambda: read_expectations(path))
    if found is None:
        return
    assert "surprise" not in changes
    (entry,) = found.expect  # type: ignore[attr-defined]  # Expectations, and not None
    floors = entry.digits_min if isinstance(entry.digits_min, dict) else {"": entry.digits_min}
    assert all(floor is None or math.isfinite(floor) for floor in floors.values())
    assert all(band[0] <= band[1] for band in (*entry.r2.values(), *entry.mse.values()))


# JSON

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@readers
@given(value=JSON_VALUES, name=st.sampled_from(["calibration", "noise", "asv result"]))
def test_any_json_is_read_or_refused(value: Any, name: str, folder: Path) -> None:
    path = folder / KINDS[name].name
    path.write_text(json.dumps(value))
    assert read_or_refused(lambda: KINDS[name].read(path)) is None, "none of these is one"


@readers
@given(value=JSON_VALUES)
def test_json_is_what_python_reads_or_refused(value: Any) -> None:
    text = json.dumps(value)
    try:
        found = parsed_json(text)
    except ValueError:
        assert "NaN" in text or "Infinity" in text or len(text) > 300, "only constants and numbers beyond a float64"
    else:
        assert found == value


ROW_KEYS = st.sampled_from(["result", "params", "samples"])


@readers
@given(data=st.data())
def test_an_asv_file_with_any_value_in_any_place_is_cells_or_refused(data: st.DataObject, folder: Path) -> None:
    content = body()
    content["result_columns"].append("samples")
    for row in content["results"].values():
        row.append(None)
    places: list[tuple[Any, Any]] = [(content, key) for key in content]
    places += [(row, i) for row in content["results"].values() for i in range(len(row))]
    places += [(content["params"], key) for key in content["params"]]
    for holder, key in data.draw(
        st.lists(st.sampled_from(range(len(places))).map(places.__getitem__), min_size=1, max_size=2)
    ):
        holder[key] = data.draw(JSON_VALUES)
    path = folder / "asv" / "here" / "aaaaaaaa-env.json"
    path.write_text(json.dumps(content))
    found = read_or_refused(lambda: read_results(folder / "asv"))
    for results in found or ():  # type: ignore[attr-defined]  # a list of AsvResults
        assert all(isinstance(cell, AsvCell) and isinstance(cell.value, float | None) for cell in results.cells)
        assert 0 <= results.date_ms < 10**15


@readers
@given(text=st.text(max_size=80))
def test_a_line_stays_one_and_says_the_same_again(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert one_line(line) == line


@readers
@given(text=st.text(st.characters() | st.sampled_from("=+-@\t\r \n"), max_size=12))
def test_a_spreadsheet_cell_loses_nothing_and_begins_no_formula(text: str) -> None:
    cell = inert_cell(text)
    assert not cell.lstrip(" ").startswith(FORMULA)
    assert cell in (text, "'" + text)


# Statistics

POSITIVE = st.floats(1e-150, 1e150)


@statistics
@given(exact=POSITIVE, error=st.floats(-0.9, 0.9), power=st.integers(-300, 300), sign=st.sampled_from([-1.0, 1.0]))
def test_digits_do_not_depend_on_the_unit_or_the_sign(exact: float, error: float, power: int, sign: float) -> None:
    """A power of two scales both without rounding."""
    computed = exact * (1 + error)
    factor = sign * 2.0**power
    assume(1e-300 < abs(exact * factor) < 1e300 and 1e-300 < abs(computed * factor) < 1e300)
    assume(
        computed == exact or abs(computed - exact) * min(1.0, abs(factor)) > 1e-300
    )  # no underflow of the difference
    one, other = (
        digits(np.array([c]), np.array([e]))[0] for c, e in ((computed, exact), (computed * factor, exact * factor))
    )
    assert one == other


@statistics
@given(exact=POSITIVE, errors=st.lists(st.floats(0, 1e3), min_size=2, max_size=8))
def test_a_larger_error_has_no_more_digits(exact: float, errors: list[float]) -> None:
    ordered = np.sort(np.array(errors))
    computed = exact * (1 + ordered)
    found = digits(computed, np.full(len(ordered), exact))
    assert (np.diff(found) <= 0).all()
    assert ((found >= 0) & (found <= MAX_DIGITS)).all()


@statistics
@given(exact=st.floats(allow_nan=False, allow_infinity=False))
def test_an_exact_value_has_all_digits(exact: float) -> None:
    assert digits(np.array([exact]), np.array([exact]))[0] == MAX_DIGITS


@cache
def known(name: str) -> Reference:
    return reference(load(name))


DRAWN = ["auto_mpg", "everyday:n=50", "synthetic:n=30,p=3", "nist_longley"]
STEPS = st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8)


@statistics
@given(name=st.sampled_from(DRAWN), steps=STEPS)
def test_no_parameters_have_less_loss_than_the_optimum(name: str, steps: list[float]) -> None:
    truth = known(name)
    step = np.array(steps[: len(truth.coef)])
    assert excess_loss(truth.coef, np.array([truth.intercept]), truth)[0] == 0
    found = excess_loss(truth.coef + step, np.array([truth.intercept + steps[-1]]), truth)[0]
    assert found >= 0


FACTORS = st.lists(st.floats(0.01, 10.0) | st.floats(-10.0, -0.01), min_size=8, max_size=8)


@statistics
@given(name=st.sampled_from(DRAWN), factors=FACTORS)
def test_the_excess_is_quadratic_in_the_error(name: str, factors: list[float]) -> None:
    """Twice the step, four times the excess: no step is so small that it is lost in its parameter's rounding."""
    truth = known(name)
    scales = np.maximum(np.abs([*truth.coef, truth.intercept]), 1.0)
    steps = scales * np.array(factors[: len(scales)])
    step = steps[:-1]
    rows = [truth.coef + k * step for k in (1.0, 2.0)]
    one, two = excess_loss(np.array(rows), truth.intercept + np.array([1.0, 2.0]) * steps[-1], truth)
    size = np.sum((np.abs(truth.factor) @ np.abs([steps[-1], *step][-truth.factor.shape[1] :])) ** 2)
    lost = np.sum((truth.factor @ np.array([steps[-1], *step])[-truth.factor.shape[1] :]) ** 2)
    assume(lost > 1e-6 * size)  # else the terms cancel, and what is left is their rounding
    assert two == pytest.approx(4 * one, rel=1e-6)


@statistics
@given(excess=st.lists(st.floats(0, 10), min_size=1, max_size=20), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_tighter_tolerance_is_reached_no_sooner(excess: list[float], low: float, high: float) -> None:
    low, high = sorted((low, high))
    sooner, later = (epochs_to(np.array(excess), tolerance) for tolerance in (high, low))
    assert later is None or (sooner is not None and sooner <= later)


SAMPLES = st.lists(st.floats(1e-6, 1e-2), min_size=5, max_size=5)
LAUNCHES = st.lists(st.tuples(SAMPLES, SAMPLES), min_size=3, max_size=8)
EFFECT = 0.03


def cell_of(launches: list[tuple[list[float], list[float]]]) -> AbCell:
    made = tuple(launch_of(base_cpu_s=tuple(base), head_cpu_s=tuple(head)) for base, head in launches)
    return AbCell(case="c", problem="p", solver="s", launches=made)


@pytest.mark.slow
@statistics
@given(launches=LAUNCHES)
def test_exchanging_the_versions_inverts_the_ratio_and_its_interval(
    launches: list[tuple[list[float], list[float]]],
) -> None:
    there = speed(cell_of(launches), "CPU", EFFECT)
    back = speed(cell_of([(head, base) for base, head in launches]), "CPU", EFFECT)
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio * back.ratio == pytest.approx(1, rel=1e-9)
    if there.low is not None and there.high is not None:
        assert there.low <= there.ratio <= there.high
        assert back.low is not None
        assert back.high is not None
        assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high), rel=1e-6)


@pytest.mark.slow
@statistics
@given(launches=LAUNCHES, factor=st.floats(0.5, 2.0))
def test_a_slower_head_moves_the_interval_by_its_factor(
    launches: list[tuple[list[float], list[float]]], factor: float
) -> None:
    """Student's interval of log ratios is equivariant: a factor in every launch is that factor in the ratio."""
    first = speed(cell_of(launches), "CPU", EFFECT)
    slower = [(base, [factor * value for value in head]) for base, head in launches]
    second = speed(cell_of(slower), "CPU", EFFECT)
    found = [(one.ratio, one.low, one.high) for one in (first, second)]
    for before, after in zip(*found, strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after == pytest.approx(factor * before, rel=1e-6)


@pytest.mark.slow
@statistics
@given(launches=LAUNCHES, order=st.randoms())
def test_the_order_of_launches_changes_nothing(launches: list[tuple[list[float], list[float]]], order: Any) -> None:
    first = speed(cell_of(launches), "CPU", EFFECT)
    order.shuffle(launches)
    second = speed(cell_of(launches), "CPU", EFFECT)
    assert first.ratio == pytest.approx(second.ratio, rel=1e-9)
    assert (first.low is None) == (second.low is None)


CENSORED = st.lists(st.one_of(st.just(math.inf), st.integers(1, 500).map(float)), min_size=3, max_size=20)


def arrays(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


@statistics
@given(values=CENSORED, data=st.data())
def test_a_seed_that_takes_longer_makes_no_median_smaller(values: list[float], data: st.DataObject) -> None:
    """Monotone, with censored seeds as infinite: the median, its interval, any quantile."""
    later = list(values)
    at = data.draw(st.integers(0, len(values) - 1))
    later[at] = data.draw(st.sampled_from([later[at], later[at] + 1, later[at] * 2, math.inf]))
    share = data.draw(st.floats(0.01, 1.0))
    assert median(arrays(later)) >= median(arrays(values))
    assert order_statistic(arrays(later), share) >= order_statistic(arrays(values), share)
    before, after = median_interval(arrays(values)), median_interval(arrays(later))
    assert before is not None
    assert after is not None
    assert after.low >= before.low
    assert after.high >= before.high
    assert median(arrays(values)) in before


@statistics
@given(values=CENSORED, factor=st.integers(1, 1000))
def test_a_median_and_its_interval_are_in_the_unit_of_the_values(values: list[float], factor: int) -> None:
    plain, scaled = median_interval(arrays(values)), median_interval(factor * arrays(values))
    assert plain is not None
    assert scaled == plain.times(factor)
    assert median(factor * arrays(values)) == factor * median(arrays(values))


@statistics
@given(count=st.integers(1, 200))
def test_the_odds_of_a_median_are_odds(count: int) -> None:
    odds = median_odds(count)
    assert (odds >= 0).all()
    assert odds.sum() == pytest.approx(1)


@settings(deadline=None, max_examples=10)
@given(pairs=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=3, max_size=8))
def test_exchanging_what_is_compared_inverts_a_ratio_of_medians(pairs: list[tuple[int, int]]) -> None:
    """Draw by draw up to the order in which seeds are drawn; the estimate and a ratio to itself exactly."""
    above, below = (arrays(list(map(float, side))) for side in zip(*pairs, strict=True))
    assert median(above) / median(below) == pytest.approx(1 / (median(below) / median(above)))
    itself = ratio_draws(above, above)
    assert itself is not None
    assert interval_of(itself) == Interval(1.0, 1.0)
    draws = ratio_draws(above, below)
    assert draws is not None
    ends = interval_of(draws)
    assert min(above) / max(below) <= ends.low <= ends.high <= max(above) / min(below)


@pytest.mark.slow
@statistics
@given(total=st.integers(0, 500), share=st.floats(0, 1))
def test_a_rate_lies_in_its_interval(total: int, share: float) -> None:
    rate = Rate(count=round(total * share), total=total)
    low, high = rate.interval
    assert 0 <= low <= rate.share <= high <= 1
    more = Rate(count=rate.count * 4, total=total * 4).interval
    assert more[1] - more[0] <= high - low + 1e-12, "four times the cells say more"


@statistics
@given(printed=st.floats(-1e6, 1e6), size=st.floats(1e-9, 1.0), off=st.floats(-3, 3))
def test_a_tolerance_holds_at_what_was_printed_and_not_beyond(printed: float, size: float, off: float) -> None:
    absolute = Tolerance(abs=size, source="drawn")
    assert absolute.holds(printed, printed)
    value = printed + off * size
    assume(abs(abs(off) - 1) > 1e-3 and size > 1e-9 * abs(printed))
    assert absolute.holds(printed, value) == (abs(value - printed) <= size)
    assert not any(absolute.holds(printed, wrong) for wrong in (math.nan, math.inf, -math.inf))


def test_what_is_read_of_a_good_file_is_no_refusal(folder: Path) -> None:
    """The readers above do read: they do not refuse everything."""
    for name in ("csv", "parquet", "sidecar", "calibration", "asv result"):
        path = folder / KINDS[name].name
        path.write_bytes(good(name))
        assert read_or_refused(lambda path=path, name=name: KINDS[name].read(path)) is not None  # type: ignore[misc]
    assert read_calibration(folder / "absent.json") is None
    assert read_or_refused(lambda: read_noise(folder / "absent.json")) is None
    assert read_or_refused(lambda: read_sidecar(folder / "absent.toml")) is None
