"""The file that a reference is kept in: read back as it was, proved against the data, and never believed for itself."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.problems.problem import Floats, Problem, Split
from harness.verify import reference_cache
from harness.verify.half_units import half_units, rounding_norms
from harness.verify.proof import disproved
from harness.verify.reference import Reference, compute
from harness.verify.reference_cache import content_of, encoded, read, reference_of

RNG = np.random.default_rng(17)
X = RNG.standard_normal((300, 4)) * [1.0, 1e-3, 1e4, 1.0] + [0.0, 1.0, 2e4, -3.0]
Y = X @ [1.0, 100.0, 1e-4, 0.5] + RNG.standard_normal(300)


def problem_of(table: Floats = X, y: Floats = Y, *, intercept: bool = True, weights: Floats | None = None) -> Problem:
    names = tuple(f"x{j}" for j in range(table.shape[1]))
    split = Split.all_train(len(y))
    return Problem("drawn", table, y, names, "y", split, intercept=intercept, weights=weights)


PROVABLE = {
    "intercept": problem_of(),
    "none": problem_of(intercept=False),
    "weights": problem_of(weights=RNG.uniform(0.1, 5.0, 300)),
    "several chunks": problem_of(np.tile(X, (40, 1)), np.tile(Y, 40) + RNG.standard_normal(12000)),
}
NOT_PROVABLE = {
    "no column": problem_of(X[:, :0]),
    "a dependent column": problem_of(np.column_stack([X, 2 * X[:, 0]])),
    "an ill-conditioned design": problem_of(np.column_stack([X, X[:, 0] + 1e-6 * X[:, 3]])),
    "no noise": problem_of(X, 3 * X[:, 0]),
    "fewer rows than columns": problem_of(X[:3], Y[:3]),
}


def path_of(problem: Problem) -> Path:
    return reference_cache.folder() / f"{problem.sha256}.json"


def kept(problem: Problem) -> tuple[Reference, Path]:
    return reference_cache.computed(problem), path_of(problem)


def same(one: Reference, two: Reference) -> bool:
    return json.dumps(content_of(one)) == json.dumps(content_of(two))


@pytest.mark.parametrize("problem", PROVABLE.values(), ids=PROVABLE)
def test_a_reference_is_read_back_bit_for_bit(problem: Problem) -> None:
    known, path = kept(problem)
    again, note = read(problem)
    assert again is not None
    assert same(known, again)
    assert not note
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("problem", NOT_PROVABLE.values(), ids=NOT_PROVABLE)
def test_what_float64_cannot_prove_is_not_kept(problem: Problem) -> None:
    known, path = kept(problem)
    assert disproved(known, problem)
    assert not path.exists()
    assert same(known, reference_of(json.loads(json.dumps(content_of(known)))))


@pytest.mark.parametrize(("long", "there"), [(60.0, False), (0.0, True)])
def test_where_many_are_kept_only_what_took_long_is(long: float, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_cache, "FEW_FILES", 1)
    monkeypatch.setattr(reference_cache, "WORTH_KEEPING_S", long)
    reference_cache.write(problem_of(intercept=False), compute(problem_of(intercept=False)))
    assert kept(problem_of())[1].exists() is there


def forged(value: Any) -> Iterator[tuple[str, Any]]:
    """What somebody may write in the place of a value, plausible or not."""
    yield "nothing", None if value is not None else 1.0
    if isinstance(value, bool | str):
        yield "another", f"{value}!"
    elif isinstance(value, int):
        yield from (("one less", value - 1), ("one more", value + 1), ("a float", float(value)))
    elif isinstance(value, float):
        yield from (("a little more", value * (1 + 1e-9) + 1e-300), ("half", value / 2), ("nan", float("nan")))
        yield from (("negative", -value - 1.0), ("infinite", float("inf")), ("zero", 0.0 if value else 1.0))
    elif isinstance(value, np.ndarray) and value.size:
        nudged, swapped = value.copy(), value[::-1].copy()
        nudged[(0,) * value.ndim] *= 1 + 1e-9
        yield from (("a little more", nudged), ("swapped", swapped), ("nan", value * np.nan), ("twice", 2 * value))
        yield from (("shorter", value[1:]), ("a number", 3.0), ("text", "x"))
    elif isinstance(value, tuple) and value:
        for i, part in enumerate(value):
            yield from ((f"{i}: {how}", (*value[:i], other, *value[i + 1 :])) for how, other in forged(part))
    elif value is None:
        yield from (("an alternative", (X[0], 1.0)), ("text", "x"), ("a rank", (1, 2.0, 3.0)))
    else:
        yield "dependent", (("x1 = 2 x0", ("x0", "x1"), True, True),)


EXAMPLE = compute(problem_of())
FORGED = [(name, how, value) for name in content_of(EXAMPLE) for how, value in forged(getattr(EXAMPLE, name))]


def test_every_field_of_a_reference_is_forged() -> None:
    names = {name for name, *_ in FORGED}
    assert names == set(content_of(EXAMPLE)) == set(json.loads(kept(problem_of())[1].read_text())["reference"])
    assert names > {field.name for field in fields(Reference)}


@pytest.mark.parametrize("field", content_of(EXAMPLE))
def test_no_forged_field_is_believed(field: str) -> None:
    """However it is forged; and after the last of them the file is replaced by what is computed anew."""
    known, path = kept(problem_of())
    stored, believed = json.loads(path.read_text()), {}
    for how, value in [(how, value) for name, how, value in FORGED if name == field]:
        forgery = stored["reference"] | {field: encoded(value)}
        path.write_text(json.dumps(stored | {"reference": forgery}))
        found, note = read(problem_of())
        told = note.startswith(f"{path} ") and note.endswith("the exact answer was computed anew")
        if found is not None or not told or "\n" in note:
            believed[how] = note
    assert believed == {}
    assert same(reference_cache.computed(problem_of()), known)
    assert read(problem_of())[0] is not None


def test_a_forger_who_changes_all_that_belongs_together_is_found_by_the_data() -> None:
    other = problem_of(X[:, ::-1].copy())
    known, path = kept(problem_of())
    stored = {"version": reference_cache.VERSION, "reference": content_of(compute(other))}
    path.write_text(json.dumps(stored))
    found, note = read(problem_of())
    assert found is None
    assert "is not the data's" in note
    assert same(reference_cache.computed(problem_of()), known)


def _instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


SPOILED: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "torn": lambda path: path.write_text(path.read_text()[:-200]),
    "binary": lambda path: path.write_bytes(b"\x00\xff\xfe"),
    "other JSON": lambda path: path.write_text("[1, 2]"),
    "deep JSON": lambda path: path.write_text("[" * 100_000),
    "no version": lambda path: path.write_text('{"reference": {}}'),
    "no fields": lambda path: path.write_text(json.dumps({"version": reference_cache.VERSION, "reference": {}})),
    "no array": lambda path: path.write_text(path.read_text().replace('"float64": "', '"float64": "*', 1)),
    "another shape": lambda path: path.write_text(path.read_text().replace('"shape": [4]', '"shape": [5]', 1)),
    "too large a number": lambda path: path.write_text(path.read_text().replace("p+0", "p+99999", 1)),
    "a field too many": lambda path: path.write_text(path.read_text().replace('"rank"', '"extra": 1, "rank"', 1)),
    "a folder": lambda path: _instead(path, Path.mkdir),
    "a pipe": lambda path: _instead(path, os.mkfifo),
    "too large": lambda path: os.truncate(path, reference_cache.LARGEST_BYTES + 1),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_file_is_computed_again_and_replaced(spoil: Callable[[Path], object]) -> None:
    known, path = kept(problem_of())
    spoil(path)
    found, note = read(problem_of())
    assert found is None
    assert note.startswith(f"{path} ")
    assert same(reference_cache.computed(problem_of()), known)
    assert path.is_dir() or read(problem_of())[0] is not None


def test_a_file_of_another_version_is_computed_again_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    kept(problem_of())
    monkeypatch.setattr(reference_cache, "VERSION", reference_cache.VERSION + 1)
    assert read(problem_of()) == (None, "")
    kept(problem_of())
    assert read(problem_of())[0] is not None


def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    _, path = kept(problem_of())
    mine = tmp_path / "mine.json"
    path.rename(mine)
    path.symlink_to(mine)
    before = mine.read_bytes()
    assert read(problem_of()) == (None, "")
    kept(problem_of())
    assert not path.is_symlink()
    assert mine.read_bytes() == before
    assert read(problem_of())[0] is not None


def test_another_user_s_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    kept(problem_of())
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert read(problem_of()) == (None, "")


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "file"))
    kept(problem_of())
    assert read(problem_of()) == (None, "")


def test_a_write_that_fails_leaves_no_file_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    _, path = kept(problem_of())
    assert not list(path.parent.iterdir())


def test_of_several_writers_each_leaves_a_whole_file() -> None:
    problem, known = problem_of(), compute(problem_of())
    seen = []

    def write_and_read(_: int) -> None:
        reference_cache.write(problem, known)
        seen.append(read(problem))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_read, range(16)))
    assert all(found is not None and not note for found, note in seen)
    assert [other.name for other in path_of(problem).parent.iterdir()] == [path_of(problem).name]


def test_without_the_variable_the_user_s_cache_folder_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_CACHE_DIR")
    monkeypatch.setattr(reference_cache, "user_cache_dir", lambda name: f"/caches/{name}")
    assert reference_cache.folder() == Path("/caches/ls-harness/references")


@pytest.mark.parametrize("scale", [1.0, 1e-320, 1e-160, 1e160, 1e300])
def test_rounding_norms_are_those_of_half_a_unit_in_the_last_place(scale: float) -> None:
    table = np.column_stack([X[:, :2] * scale, X[:, 0].astype(np.float32), np.zeros(300)])
    own = [half_units(column) for column in table.T]
    largest = [max(column.max(), 5e-324) for column in own]
    expected = [size * np.linalg.norm(column / size) for size, column in zip(largest, own, strict=True)]
    assert rounding_norms(table) == pytest.approx(expected, rel=1e-12, abs=0)
    spacing = np.spacing(np.abs(table[:, 0])) / 2
    assert np.array_equal(half_units(table[:, 0]), spacing)
