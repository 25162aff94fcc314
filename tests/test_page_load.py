"""Ten thousand records: how large the page is and how much work it makes; `python -m tools.page_load` has the seconds.

A clock would fail on a busy machine and not on a page that has become slow, so the work is counted: V8 says how often
each block of JavaScript was entered, and the document how many elements it has. Seconds follow from both.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import page_data
from tests.browser import browser, complaints
from tests.page_checks import counted
from tests.page_driver import Made, Reader

pytestmark = pytest.mark.slow

FEW, MANY = 1_000, 10_000
MOST_BLOCKS = 80e6
"""What 3 s are: 31 million took 1.2 s of CPU on a virtual machine of two AMD EPYC cores."""
MB = 1e6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


def of(folder: Path, count: int) -> Made:
    at = folder / str(count)
    at.mkdir()
    return Made.of(page_data.many(count), at)


@pytest.fixture(scope="module")
def many(folder: Path) -> Made:
    return of(folder, MANY)


@pytest.fixture(scope="module")
def few(folder: Path) -> Made:
    return of(folder, FEW)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with browser() as page:
        yield Reader(page)


def test_ten_thousand_records_are_under_6_mb(many: Made) -> None:
    assert many.path.stat().st_size < 6 * MB


def test_the_work_of_loading_grows_no_faster_than_the_records_which_are_all_there(
    reader: Reader, few: Made, many: Made
) -> None:
    first, then = (counted(reader.page, made.path.as_uri()) for made in (few, many))
    assert first["blocks"] > 100_000, "V8 has counted"
    assert then["blocks"] < 1.25 * first["blocks"] * MANY / FEW
    assert then["blocks"] < MOST_BLOCKS
    assert then["nodes"] < 20_000
    assert reader.one("#count").text.startswith(f"{MANY} of {MANY}")
    name = max(many.tables, key=lambda one: len(many.tables[one].rows))
    assert len(many.tables[name].rows) == MANY
    for figure in many.figures:
        assert min(reader.colours(figure)) > 2, figure
    assert complaints(reader.page) == []
