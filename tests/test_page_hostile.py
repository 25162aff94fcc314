"""Names from people's files, libraries and other machines are shown as they are, and never run."""

import itertools
import re
from collections.abc import Iterable, Iterator

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from harness.report.render.frame import FORMULA
from tests import page_data
from tests.browser import PATIENCE_S, asked, browser, complaints
from tests.page_checks import too_wide
from tests.page_driver import Made, Reader, shown_columns
from tests.page_records import HOSTILE, hostile_run

pytestmark = pytest.mark.slow

TURNING = dict.fromkeys(map(ord, "\u202e\u202c\u2066\u2069"), "\ufffd")
SHOWN = tuple(name.translate(TURNING) for name in HOSTILE)
"""The names with U+FFFD for what would turn the order of a line."""
NUMBER = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?")
HELD = """
    return {
        hacked: window.hacked ?? null,
        made: [...document.querySelectorAll('img, iframe, object, embed, base, main svg[onload], [srcdoc]')].length,
        scripts: document.scripts.length,
        handlers: [...document.querySelectorAll('*')].filter(
            e => [...e.attributes].some(a => a.name.startsWith('on')) || /^\\s*javascript:/i.test(e.href ?? e.src ?? '')
        ).length,
        polluted: (() => { for (const name in {}) return name; return null; })(),
    };
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made.of(page_data.hostile(), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many scripts a page has in which no name is hostile."""
    return Made.of(page_data.everything(), tmp_path_factory.mktemp("plain")).path.read_text("utf-8").count("<script")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Reader]:
    with browser() as page:
        yield Reader(page)


def check_nothing_happened(page: WebDriver, made: Made, scripts: int) -> None:
    """Nothing has run, nothing was added to the page, nothing was asked for, and nobody has complained."""
    held = page.execute_script(HELD)
    assert held == {"hacked": None, "made": 0, "scripts": scripts, "handlers": 0, "polluted": None}
    assert not [url for url in asked(page) if not url.startswith(made.path.as_uri())]
    assert complaints(page) == []


@pytest.fixture
def reader(chromium: Reader, made: Made, scripts: int) -> Iterator[Reader]:
    """Afterwards nothing has happened that a name wanted."""
    chromium.page.get("about:blank")
    asked(chromium.page)
    complaints(chromium.page)
    chromium.open(made)
    yield chromium
    check_nothing_happened(chromium.page, made, scripts)
    assert WebDriverWait(chromium.page, PATIENCE_S).until(lambda page: page.title).startswith("harness report")


def check_names(cells: set[str], made: Made) -> None:
    """Every name is in a table as it is."""
    wanted = {
        str(row[column.key])
        for table in made.tables.values()
        for column in shown_columns(table)
        for row in table.rows
        if row.get(column.key) in HOSTILE
    }
    assert set(HOSTILE) <= wanted
    assert {name.translate(TURNING) for name in wanted} <= cells


def check_downloads(cells: Iterable[str]) -> None:
    """No cell is a formula."""
    said = set(filter(None, cells))
    formulas = [one for one in said if not NUMBER.fullmatch(one) and one.lstrip(" ").startswith(FORMULA)]
    assert [one[:80] for one in formulas] == []
    assert any(cell.startswith("'") for cell in said), "no table has such a name"


def pointed_at(reader: Reader, made: Made) -> Iterator[str]:
    """What the page says of the marks of each figure, wherever it is pointed at."""
    for name in made.figures:
        canvas = reader.drawn(name).find_element("css selector", "canvas")
        wide, high = canvas.size["width"], canvas.size["height"]
        for across, down in itertools.product((0.1, 0.2, 0.0, -0.1, 0.3), (0.05, -0.1, 0.2, -0.2)):
            move = ActionChains(reader.page, duration=0)
            move.move_to_element_with_offset(canvas, int(across * wide), int(down * min(high, 900))).perform()
            if reader.one("#tooltip").is_displayed():
                yield str(reader.one("#tooltip").get_property("textContent"))


def test_names_are_read_pointed_at_and_downloaded_as_text_and_widen_nothing(reader: Reader, made: Made) -> None:
    for name, colours in reader.colours().items():
        assert min(colours) > 2, name
    assert any(name in said for said in pointed_at(reader, made) for name in SHOWN)
    check_names({cell for rows in reader.rows().values() for row in rows for cell in row}, made)
    check_downloads(cell for rows in reader.offered().values() for row in rows for cell in row.values())
    assert too_wide(reader.page) == []


IN_THE_ADDRESS = (*HOSTILE[11:12], *HOSTILE[14:])
"""Those that a browser could change where a page is loaded by such an address: lines, percents and #, ten thousand."""
IN_FULL = "const it = document.getElementById('case'); return it.open ? it.textContent : ''"
OPENED = """
    const part = document.querySelector(`[data-part="${arguments[0]}"]`), more = part.querySelector('button.more');
    while (more.checkVisibility()) more.click();
    const rows = [...part.querySelectorAll('tr.case')];
    rows.find(row => row.textContent.includes(arguments[1])).querySelector('button.open').click();
"""


def test_a_case_with_such_a_name_is_opened_and_kept_in_the_address(reader: Reader, made: Made, scripts: int) -> None:
    """By each in turn, back and on again, which reads the address as a load does; some are loaded too."""
    table = next(name for name, table in made.tables.items() if any("case" in row for row in table.rows))

    def said() -> str:
        return str(reader.page.execute_script(IN_FULL))

    for hostile, name in zip(HOSTILE, SHOWN, strict=True):
        reader.page.execute_script(OPENED, table, name)
        reader.until(lambda: "Reproduce it" in said())
        assert name in said()
        reader.page.back()
        reader.until(lambda: not said())
        reader.page.forward()
        reader.until(lambda name=name: name in said())
        if hostile in IN_THE_ADDRESS:
            reader.reload()
            assert name in said()
        check_nothing_happened(reader.page, made, scripts)
        reader.page.back()
        reader.until(lambda: not said())


UNCHECK = """
    for (const label of document.querySelectorAll('details.filter label')) {
        if (label.textContent === arguments[0]) label.querySelector('input').click();
    }
"""


def test_filters_hold_such_names_and_find_their_rows(reader: Reader) -> None:
    """All but one are in the address, then that one alone."""
    boxes = "return [...document.querySelectorAll('details.filter label')].map(label => label.textContent)"
    assert set(SHOWN) <= set(reader.page.execute_script(boxes))
    first = reader.one("#count").text
    reader.page.execute_script(UNCHECK, SHOWN[0])
    others = reader.one("#count").text
    assert others != first
    reader.reload()
    assert reader.one("#count").text == others
    assert sorted(re.findall(r"(?:^|&)(\w+)=", reader.fragment)) == ["device", "problem", "solver"]
    reader.reset()
    reader.leave("solver", SHOWN[0])
    alone = reader.one("#count").text
    assert alone.startswith(f"{sum(one.solver == HOSTILE[0] for one in hostile_run())} of ")
    reader.reload()
    assert reader.one("#count").text == alone
