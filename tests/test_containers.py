"""The same table gives the same problem or the same refusal, whatever it comes in."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.problems.in_memory import from_arrays, from_frame
from harness.problems.problem import Problem
from harness.problems.table import load_file
from harness.problems.table_options import TableOptions

Planted = Mapping[str, Sequence[object]]
Outcome = tuple[object, ...] | str
Y = [2.5, 1.0, 4.0, 3.5, 6.0, 5.5, 8.0, 7.0]
X = [1.0, 2.0, 4.0, 3.0, 6.0, 5.0, 7.5, 8.0]


def frame_of(table: Planted) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(list(cells), dtype="object") for name, cells in table.items()})


def by_numpy(table: Planted) -> pd.DataFrame:
    """Each column by the dtype that pandas gives its cells."""
    return pd.DataFrame({name: list(cells) for name, cells in table.items()})


def by_arrow(table: Planted) -> Any:
    import pyarrow as pa

    def array(cells: Sequence[object]) -> Any:
        large = any(type(cell) is int and cell >= 2**63 for cell in cells)
        return pa.array(list(cells), pa.uint64() if large else None)

    return pa.table({name: array(cells) for name, cells in table.items()})


def by_polars(table: Planted) -> Any:
    import polars as pl

    return pl.DataFrame({name: pl.Series(name, list(cells)) for name, cells in table.items()})


def in_csv(table: Planted, folder: Path) -> Path:
    path = folder / "t.csv"
    frame_of(table).to_csv(path, index=False)
    return path


def in_parquet(table: Planted, folder: Path) -> Path:
    import pyarrow.parquet as pq

    path = folder / "t.parquet"
    pq.write_table(by_arrow(table), path)
    return path


FRAMES: dict[str, Callable[[Planted], Any]] = {
    "objects": frame_of,
    "numpy": by_numpy,
    "nullable": lambda table: by_numpy(table).convert_dtypes(),
    "pyarrow dtypes": lambda table: by_arrow(table).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": by_polars,
    "pyarrow": by_arrow,
}
FILES = {"csv": in_csv, "parquet": in_parquet}


def outcome(make: Callable[[], Problem]) -> Outcome:
    """What a problem is made of, or the refusal without the name of the data and without a date as a library has it."""
    try:
        made = make()
    except UsageError as error:
        text = str(error).partition(": ")[2]
        return re.sub(r"'[^']*' is a date", "a date", text)
    return made.X.tobytes(), made.y.tobytes(), made.features, made.target, made.left_out, made.notes, made.sha256


def outcomes(table: Planted, folder: Path, options: TableOptions) -> dict[str, Outcome]:
    found = {
        name: outcome(lambda write=write: load_file(write(table, folder), "y", options))  # type: ignore[misc]
        for name, write in FILES.items()
    }
    return found | {
        name: outcome(lambda build=build: from_frame(build(table), "y", options=options))  # type: ignore[misc]
        for name, build in FRAMES.items()
    }


DAY = dt.datetime(2024, 3, 1, 12, 30)  # noqa: DTZ001  # as loggers write it
BIG = 2**60
TABLES: dict[str, tuple[dict[str, Sequence[object]], str]] = {
    "numbers": ({"x": X}, ""),
    "booleans": ({"x": X, "b": [True, False, True, True, False, False, True, False]}, ""),
    "booleans, one missing": ({"b": [True, False, None, True, False, False, True, False]}, "first in row 3"),
    "whole numbers": ({"x": [1, 5, 2, 8, 3, 9, 4, 7]}, ""),
    "whole numbers, one missing": ({"x": [1, 5, None, 8, 3, 9, 4, 7]}, "first in row 3"),
    "texts of numbers": ({"x": [f"{value:.3f}" for value in X]}, ""),
    "a question mark": ({"x": [*map(str, X[:5]), "?", *map(str, X[6:])]}, "row 6: '?'"),
    "5 of 8 question marks": ({"z": X, "x": ["?", "?", "1", "?", "2", "?", "5", "?"]}, "row 1: '?'"),
    "NA": ({"x": [*map(str, X[:5]), "NA", *map(str, X[6:])]}, "row 6: 'NA'"),
    "a dash": ({"x": ["-", *map(str, X[1:])]}, "row 1: '-'"),
    "units": ({"z": X, "x": [f"{100 + i} CC" for i in range(8)]}, "row 1: '100 CC'"),
    "two columns of units": ({"a": [f"{v} kg" for v in X], "b": [f"{v} %" for v in X]}, "column 'b', row 1: '1.0 %'"),
    "currency": ({"z": X, "x": [f"${1000 + 77 * i:,}.50" for i in range(8)]}, "row 1: '$1,000.50'"),
    "one unit": ({"x": [*map(str, X[:3]), "12 %", *map(str, X[4:])]}, "row 4: '12 %'"),
    "a good share": ({"z": X, "x": ["low", "high", "3", "4", "mid", "none", "6", "??"]}, "row 1: 'low'"),
    "decimal commas": ({"z": X, "x": [f"{one:.2f}".replace(".", ",") for one in X]}, "row 1: '1,00'"),
    "torque": ({"z": X, "x": [f"{one}Nm@ {i}000rpm" for i, one in enumerate(X)]}, "row 1: '1.0Nm@ 0000rpm'"),
    "units and words": ({"z": X, "x": ["5 kg", "7 kg", "heavy", "light", "8 kg", "9 kg", "big", "3"]}, "row 1: '5 kg'"),
    "codes": ({"x": X, "c": ["12a", "13b", "14c", "18 to 24", "555-1234", "0x1f", "V6", "10-20"]}, ""),
    "decimals": ({"x": [Decimal(str(value)) for value in X]}, ""),
    "words": ({"x": X, "w": list("abcabcab")}, ""),
    "words, one missing": ({"x": X, "w": ["a", None, *"cabcab"]}, ""),
    "dates": ({"x": X, "d": [DAY + dt.timedelta(days=i) for i in range(8)]}, "column 'd', row 1: a date"),
    "no values": ({"x": X, "e": [None] * 8}, ""),
    "an index": ({"Unnamed: 0": list(range(8)), "x": X}, ""),
    "constant": ({"x": [3.0] * 8}, "column 'x' is constant"),
    "repeated": ({"x": X, "z": X}, "column 'z' repeats 'x'"),
    "rounded": ({"x": X, "t": [BIG + 1000 * i for i in range(8)]}, ""),
    "rounded to a constant": ({"x": [BIG + i for i in range(1, 9)]}, "above 2^53"),
    "rounded to a copy": ({"a": [BIG + 512 * i for i in range(8)], "b": [BIG + 512 * i + 1 for i in range(8)]}, "2^53"),
    "above 2^63": ({"x": X, "t": [2**63 + 10**15 * i + 1 for i in range(8)]}, ""),
    "the split": ({"x": X, "split": ["train"] * 5 + ["val", "test", "test"]}, ""),
    "another split": ({"x": X, "split": ["train"] * 7 + ["dev"]}, "has 'dev'"),
}


@pytest.mark.parametrize("what", TABLES)
@pytest.mark.parametrize("missing", [None, "drop"])
def test_the_same_table_is_the_same_problem_or_refusal_in_every_container(
    what: str, missing: str | None, tmp_path: Path
) -> None:
    columns, said = TABLES[what]
    found = outcomes({**columns, "y": Y}, tmp_path, TableOptions(missing=missing))
    assert len(found) == len(FILES) + len(FRAMES)
    first = found["csv"]
    assert found == dict.fromkeys(found, first)
    if missing is None:
        assert isinstance(first, str) == bool(said)
        assert said in str(first)


CELLS = st.sampled_from([None, True, 0.5, -3.25, 2.0, 7.0])
WORDS = st.sampled_from([None, "?", "-", "NA", "", "1.5", "2", "-3", "12 %", "1,5", "$3", "5 kg", "a", "bc", "True"])


@pytest.mark.slow
@given(
    numbers=st.lists(CELLS, min_size=8, max_size=8),
    words=st.lists(WORDS, min_size=8, max_size=8),
    missing=st.sampled_from([None, "drop"]),
)
def test_drawn_tables_are_the_same_problem_or_refusal_in_every_container(
    numbers: list[object], words: list[object], missing: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    floats = [None if one is None else float(one) for one in numbers]  # type: ignore[arg-type]
    table: Planted = {"x": X, "n": floats, "w": words, "y": Y}
    found = outcomes(table, tmp_path_factory.getbasetemp(), TableOptions(missing=missing))
    assert found == dict.fromkeys(found, found["csv"])


def test_arrays_tensors_and_sparse_matrices_are_the_same_problem() -> None:
    import polars as pl
    import torch
    from scipy import sparse

    matrix = np.array([X, [0.0, 1, 0, 1, 0, 0, 2, 0]]).T
    y = np.array(Y)
    frame = pd.DataFrame(matrix, columns=["x0", "x1"])
    weights = torch.tensor(matrix, requires_grad=True)
    given = [
        (matrix, y),
        (matrix.tolist(), Y),
        (matrix, y[:, None]),
        (np.ma.masked_array(matrix), y),
        (matrix.astype(object), y),
        (matrix.astype(str), y),
        (np.asfortranarray(matrix), y),
        (weights, torch.tensor(y)),
        (torch.tensor(matrix, dtype=torch.bfloat16), torch.tensor(y, dtype=torch.float16)),
        (torch.tensor(matrix).to_sparse(), torch.tensor(y)),
        (sparse.csr_matrix(matrix), y),
        (sparse.coo_array(matrix), y),
        (frame, pd.Series(y, name="y")),
        (frame, pd.DataFrame({"y": y})),
        (frame.astype(pd.SparseDtype("float64", 0.0)), y),
        (pl.DataFrame(matrix, schema=["x0", "x1"]), pl.Series("y", y)),
        (pl.DataFrame(matrix, schema=["x0", "x1"]), pl.DataFrame({"y": y})),
        (np.array(list(map(tuple, matrix)), dtype=[("x0", float), ("x1", float)]), y),
    ]
    found = [outcome(lambda X=X, y=y: from_arrays(X, y)) for X, y in given]  # type: ignore[misc]
    assert found == [found[0]] * len(given)
    assert not isinstance(found[0], str)


def test_a_masked_value_is_a_missing_one() -> None:
    matrix = np.ma.masked_greater(np.array([[1e6, *X[1:]], Y[::-1]]).T, 1e5)
    with pytest.raises(UsageError, match=r"column 'x0' has 1 missing or infinite value, the first in row 1"):
        from_arrays(matrix, Y)
    made = from_arrays(matrix, Y, options=TableOptions(missing="drop"))
    assert (made.n, made.y.tolist(), made.notes) == (7, Y[1:], ("7 of 8 rows are complete: 1 row left out",))
    masked_y = np.ma.masked_array(Y, [False] * 7 + [True])
    assert from_arrays(np.array(X), masked_y, options=TableOptions(missing="drop")).y.tolist() == Y[:-1]


def test_rows_of_other_indexes_are_refused_as_statsmodels_refuses_them() -> None:
    frame, y = pd.DataFrame({"x": X}), pd.Series(Y, name="y")
    shuffled = y.sample(frac=1, random_state=1)
    with pytest.raises(UsageError, match="X and y have other indexes: row 1 is 0 in X and"):
        from_arrays(frame, shuffled)
    assert from_arrays(frame, shuffled.loc[frame.index]).y.tolist() == Y
    assert from_arrays(frame.set_index(y.index + 5), y.set_axis(y.index + 5)).y.tolist() == Y
    assert from_arrays(frame, shuffled.to_numpy()).y.tolist() == shuffled.tolist()


def test_column_names_that_are_no_texts_work() -> None:
    matrix = np.array([X, Y]).T
    assert from_frame(pd.DataFrame(matrix), 1).features == ("0",)
    assert from_frame(pd.DataFrame(matrix, columns=pd.Index([2020, 2021])), np.int64(2021)).features == ("2020",)
    columns = pd.MultiIndex.from_tuples([("in", "x"), ("out", 1)])
    made = from_frame(pd.DataFrame(matrix, columns=columns), ("out", 1))
    assert (made.features, made.target) == (("('in', 'x')",), "('out', 1)")
    assert from_frame(pd.DataFrame(matrix, columns=columns), "('out', 1)").y.tolist() == Y
    with pytest.raises(UsageError, match="2 columns are named '1'"):
        from_frame(pd.DataFrame(np.c_[matrix, Y], columns=[1, "1", "y"]), "y")


@pytest.mark.parametrize("years", [range(2000, 2008), [2000, 2002, 2003, 2005, 2007, 2011, 2012, 2013]])
def test_an_index_that_has_a_name_is_said_to_be_left_out(years: Sequence[int], tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": X, "y": Y}, index=pd.Index(years, name="year"))
    frame.to_parquet(tmp_path / "t.parquet")
    for made in (from_frame(frame, "y"), load_file(tmp_path / "t.parquet", "y")):
        assert (made.features, made.left_out) == (("x",), (("year", "index"),))


class Broken:
    """What is named like a frame and is none."""

    columns = ("x", "y")
    dtypes = ()

    def __len__(self) -> int:
        raise RuntimeError("no\nrows")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Broken(), "data: cannot be read as a table: no"),
        (pd.DataFrame({"x": X, "z": [1 + 2j] * 8, "y": Y}), "column 'z', row 1: '(1+2j)' is no number"),
    ],
)
def test_what_is_no_table_of_numbers_is_one_line(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        from_frame(given, "y")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[1.0, 2.0], [3.0]], "data: cannot be read as a table:"),
        (np.array(X) * 1j, "data: X is no array of real numbers: it is complex"),
        (np.arange("2024-01", "2024-09", dtype="datetime64[M]"), "column 'x0', row 1: '2024-01' is a date or time"),
        (np.zeros((2, 2, 2)), "data: X is (n, p) and y is (n,); X is (2, 2, 2)"),
        (None, "X is no array of real numbers"),
    ],
)
def test_arrays_that_are_no_table_of_numbers_are_one_line(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        from_arrays(given, Y)


# What is said of a table


CARS = """name,hp,weight,mpg
a,130,3504,18
b,?,3693,15
c,150,3436,18.5
d,140,3433,17
e,95,2372,24
"""


@pytest.mark.parametrize(
    ("options", "features", "rows", "left_out"),
    [
        (TableOptions(drop=("hp",)), ("weight",), 5, (("name", "text"), ("hp", "dropped"))),
        (
            TableOptions(features=("weight",)),
            ("weight",),
            5,
            (("name", "not among the features"), ("hp", "not among the features")),
        ),
        (TableOptions(missing="drop"), ("hp", "weight"), 4, (("name", "text"),)),
        (
            TableOptions(features=("weight", "hp"), missing="drop"),
            ("weight", "hp"),
            4,
            (("name", "not among the features"),),
        ),
    ],
)
def test_columns_and_rows_are_left_out_by_saying_so(
    options: TableOptions, features: tuple[str, ...], rows: int, left_out: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    path = tmp_path / "cars.csv"
    path.write_text(CARS)
    made = load_file(path, "mpg", options)
    assert (made.features, made.n, made.left_out, made.table) == (features, rows, left_out, options.given())


def refusal(path: Path, target: str, options: TableOptions) -> str:
    with pytest.raises(UsageError) as raised:
        load_file(path, target, options)
    return str(raised.value)


def test_columns_that_there_are_not_and_options_that_contradict_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cars.csv"
    path.write_text(CARS)
    assert "--drop: unknown column 'wieght': did you mean 'weight'?" in refusal(
        path, "mpg", TableOptions(drop=("wieght",))
    )
    assert "'mpg' is the target" in refusal(path, "mpg", TableOptions(features=("mpg",)))
    assert "column 'name', row 1: 'a' is no number" in refusal(path, "mpg", TableOptions(features=("name",)))
    for said in ({"drop": ("x",), "features": ("x",)}, {"missing": "fill"}, {"decimal": ";"}, {"delimiter": ";;"}):
        with pytest.raises(UsageError):
            TableOptions(**said)


def test_decimal_commas_are_read_wherever_they_are(tmp_path: Path) -> None:
    words = [f"{one:.2f}".replace(".", ",") for one in X]
    options = TableOptions(decimal=",")
    found = outcomes({"x": words, "y": [str(one).replace(".", ",") for one in Y]}, tmp_path, options)
    assert found == dict.fromkeys(found, found["csv"])
    assert not isinstance(found["csv"], str)
    pointed = frame_of({"x": ["1.5", *words[1:]], "y": Y})
    assert "'1.5' is no number" in str(outcome(lambda: from_frame(pointed, "y", options=options)))


AIR = "Date;CO;T;;\n10/03/2004;2,6;13,6;;\n11/03/2004;2;13,3;;\n12/03/2004;2,25;11,9;;\n13/03/2004;1,8;11;;\n;;;;\n"


def test_a_file_of_another_dialect_is_read_by_what_its_refusal_says(tmp_path: Path) -> None:
    path = tmp_path / "air.csv"
    path.write_text(AIR)
    said = refusal(path, "T", TableOptions())
    for wrong in ("fields by commas", "numbers as 1234.5", "(2 now)"):
        assert wrong in said
    assert said.endswith("say what it is: --drop Date --missing drop --delimiter ';' --decimal ,")
    made = load_file(path, "T", TableOptions(drop=("Date",), missing="drop", delimiter=";", decimal=","))
    assert (made.X.tolist(), made.y.tolist()) == ([[2.6], [2.0], [2.25], [1.8]], [13.6, 13.3, 11.9, 11.0])
    assert [name for name, _ in made.left_out] == ["Date", "column 4", "column 5"]
    assert "the first in row 5" in refusal(path, "T", TableOptions(drop=("Date",), delimiter=";", decimal=","))


@pytest.mark.parametrize("header", ["2104,3,399900", "5.1,3.5,1.4,setosa", "1,0,3,Braund"])
def test_a_first_line_of_values_is_no_header(header: str, tmp_path: Path) -> None:
    path = tmp_path / "ex.csv"
    lines = [
        header,
        *(",".join([*map(str, row), *"ab"][: header.count(",") + 1]) for row in zip(X, Y, X[::-1], strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    assert "--no-header" in refusal(path, "y", TableOptions())
    assert load_file(path, "1", TableOptions(header=False)).n == len(lines)


@pytest.mark.parametrize("header", ["country,2019,2020,2021", "x,y,z,w", "name,1,2,3"])
def test_years_and_places_are_names(header: str, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(f"{header}\n" + "".join(f"c{i},{i},{i * i},{i**3}\n" for i in range(5)))
    assert load_file(path, header.split(",")[1]).p == 2


@pytest.mark.parametrize(
    ("first", "index"),
    [
        ([0, 1, 2, 3], True),
        ([7, 3, 12, 5], True),
        (["a", "b", "c", "d"], True),
        ([0.5, 1.5, 2.5, 4], False),
        ([1, 1, 2, 3], False),
    ],
)
def test_a_first_column_without_a_name_is_an_index_or_refused(
    first: Sequence[object], index: bool, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",x,y\n" + "".join(f"{i},{x},{y}\n" for i, x, y in zip(first, X, Y, strict=False)))
    if index:
        assert load_file(path, "y").left_out == (("column 1", "index: it has no name"),)
    else:
        assert "column 1 has no name" in refusal(path, "y", TableOptions())


def test_a_trailing_delimiter_is_called_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,\n1,2,\n3,5,\n4,4,\n")
    assert "each line ends with 1 delimiter too many (a trailing comma)" in refusal(path, "y", TableOptions())
    assert load_file(path, "y", TableOptions(delimiter=",")).features == ("x",)
    path.write_text("x,y\n1,2,\n3,5,\n4,4,\n")
    assert "it ends with a trailing delimiter" in refusal(path, "y", TableOptions())
    assert load_file(path, "y", TableOptions(delimiter=",")).features == ("x",)
