"""Names from people's files, libraries and other machines are shown as they are, and never run."""

import itertools
import re
from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from harness.report.figures.rows import FILTERS
from harness.report.render.frame import FORMULA
from tests import page_data
from tests.browser import PATIENCE_S, asked, browser, complaints
from tests.page_checks import too_wide
from tests.page_driver import Made, Reader, shown_columns
from tests.page_records import HOSTILE

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


def test_nothing_runs_when_the_page_is_read_through(reader: Reader, made: Made) -> None:
    for name in made.figures:
        assert min(reader.colours(name)) > 2, name
    for name in made.tables:
        reader.rows(name)


def test_every_name_is_in_a_table_as_it_is(reader: Reader, made: Made) -> None:
    cells = {cell for name in made.tables for row in reader.rows(name) for cell in row}
    wanted = {
        str(row[column.key])
        for table in made.tables.values()
        for column in shown_columns(table)
        for row in table.rows
        if row.get(column.key) in HOSTILE
    }
    assert set(HOSTILE) <= wanted
    assert {name.translate(TURNING) for name in wanted} <= cells


def test_a_name_of_ten_thousand_letters_does_not_widen_the_page(reader: Reader, made: Made) -> None:
    for name in made.tables:
        reader.rows(name)
    assert too_wide(reader.page) == []


def test_a_case_with_such_a_name_is_opened_filtered_and_kept_in_the_address(
    reader: Reader, made: Made, scripts: int
) -> None:
    """One after the other in one page, which is loaded anew with each in its address."""
    table = next(name for name, table in made.tables.items() if any("case" in row for row in table.rows))
    rows = f"""document.querySelectorAll('[data-part="{table}"] tr.case')"""
    for name in SHOWN:
        reader.rows(table)
        reader.page.execute_script(
            f"[...{rows}].find(row => row.textContent.includes(arguments[0])).querySelector('button.open').click()",
            name,
        )
        dialog = reader.one("dialog#case")
        reader.until(lambda dialog=dialog: "Reproduce it" in dialog.text)
        assert name in str(dialog.get_property("textContent"))
        check_nothing_happened(reader.page, made, scripts)
        reader.reload()
        assert name in str(reader.one("dialog#case").get_property("textContent"))
        check_nothing_happened(reader.page, made, scripts)
        reader.page.back()
        reader.until(lambda: not reader.one("dialog#case").is_displayed())


def test_filters_hold_such_names_and_find_their_rows(reader: Reader) -> None:
    boxes = "return [...document.querySelectorAll('details.filter label')].map(label => label.textContent)"
    labels = reader.page.execute_script(boxes)
    assert set(SHOWN) <= set(labels)
    first = reader.one("#count").text
    for name in SHOWN[:-1]:
        reader.page.execute_script(
            """
            for (const label of document.querySelectorAll('details.filter label')) {
                if (label.textContent === arguments[0]) label.querySelector('input').click();
            }
            """,
            name,
        )
    left = reader.one("#count").text
    assert left != first
    reader.reload()
    assert reader.one("#count").text == left
    assert all(key in FILTERS for key in re.findall(r"(?:^|&)(\w+)=", reader.fragment))


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


def test_pointing_at_a_mark_shows_its_name_as_text(reader: Reader, made: Made) -> None:
    assert any(name in said for said in pointed_at(reader, made) for name in SHOWN)


def test_no_cell_of_a_download_is_a_formula(reader: Reader, made: Made) -> None:
    texts = 0
    for name in made.tables:
        for row in reader.offered(name):
            for cell in filter(None, row.values()):
                assert NUMBER.fullmatch(cell) or not cell.lstrip(" ").startswith(FORMULA), (name, cell[:80])
                texts += cell.startswith("'")
    assert texts, "no table has such a name"
