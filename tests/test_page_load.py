"""Ten thousand records: how large the page is and how much work it makes; `python -m tools.page_load` has the seconds.

A clock would fail on a busy machine and not on a page that has become slow, so the work is counted: V8 says how often
each block of JavaScript was entered, and the document how many elements it has. Seconds follow from both. Bytes and
blocks grow with the records as a line, or slower than one, which is held over a decade: so it is drawn on.
"""

from pathlib import Path

import pytest

from tests import page_data
from tests.browser import browser, complaints
from tests.page_checks import counted
from tests.page_driver import Made, Reader

pytestmark = pytest.mark.slow

FEW, MANY, WANTED = 400, 4_000, 10_000
MOST_BLOCKS = 80e6
"""What 3 s are: 31 million took 1.2 s of CPU on a virtual machine of two AMD EPYC cores."""
MOST_BYTES = 6e6


def of(folder: Path, count: int) -> Made:
    at = folder / str(count)
    at.mkdir()
    return Made.of(page_data.many(count), at)


def at_wanted(few: float, many: float) -> float:
    """What a line through both has at WANTED records; it is held to be no steeper than one through the first alone."""
    assert many < 1.25 * few * MANY / FEW
    return many + (many - few) / (MANY - FEW) * (WANTED - MANY)


def test_the_work_of_loading_grows_no_faster_than_the_records_which_are_all_there(tmp_path: Path) -> None:
    few, many = of(tmp_path, FEW), of(tmp_path, MANY)
    assert at_wanted(few.path.stat().st_size, many.path.stat().st_size) < MOST_BYTES
    with browser() as page:
        reader = Reader(page)
        first, then = (counted(page, made.path.as_uri()) for made in (few, many))
        assert first["blocks"] > 100_000, "V8 has counted"
        assert at_wanted(first["blocks"], then["blocks"]) < MOST_BLOCKS
        assert then["nodes"] < 20_000
        assert reader.one("#count").text.startswith(f"{MANY} of {MANY}")
        assert max(len(table.rows) for table in many.tables.values()) == MANY
        assert min(min(colours) for colours in reader.colours().values()) > 2
        assert complaints(page) == []
