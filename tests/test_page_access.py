"""Whoever reads the page: by a phone, by the keyboard, by a screen reader, in the dark."""

from collections.abc import Iterator

import pytest

from tests import page_data
from tests.browser import browser, prefer, resize
from tests.page_checks import axe, axe_source, tabbed, too_wide, violation_lines
from tests.page_driver import Made, Reader

pytestmark = pytest.mark.slow

UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true; scrollTo(0, 0)"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made.of(page_data.everything(), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with browser() as page:
        yield Reader(page)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("npm"))


def opened(reader: Reader, made: Made, width: int, scheme: str = "light", fragment: str = "") -> None:
    """With every figure drawn and everything that unfolds unfolded."""
    resize(reader.page, width)
    prefer(reader.page, scheme)
    reader.open(made, fragment)
    for name in made.figures:
        reader.drawn(name)
    reader.page.execute_script(UNFOLD)


LOOKED_AT = [pytest.param((wide, "light"), id=str(wide)) for wide in (1400, 320, 800, 2200)]
LOOKED_AT.insert(1, pytest.param((400, "dark"), id="400"))
TRIED = LOOKED_AT[:2]
"""A wide page in the light, a narrow one in the dark: what a width changes a scheme does not, and the other way."""


@pytest.fixture(scope="module")
def width(request: pytest.FixtureRequest, reader: Reader, made: Made) -> int:
    """How wide the page is: it is opened once for all the tests that change nothing in it."""
    wide, scheme = request.param
    opened(reader, made, wide, scheme)
    return int(wide)


@pytest.mark.parametrize("width", LOOKED_AT, indirect=True)
def test_nothing_sticks_out_of_the_page(reader: Reader, width: int) -> None:
    assert reader.page.execute_script("return innerWidth") == width
    assert too_wide(reader.page) == []


@pytest.mark.parametrize("width", TRIED, indirect=True)
def test_axe_finds_nothing_serious(reader: Reader, source: str, width: int) -> None:
    assert violation_lines(axe(reader.page, source)) == []


@pytest.mark.parametrize("width", TRIED, indirect=True)
def test_tab_reaches_every_control_and_shows_where_it_is(reader: Reader, width: int) -> None:
    controls, missed, unseen = tabbed(reader.page)
    assert controls > 20
    assert missed == []
    assert unseen == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_case_or_where_a_filter_leaves_nothing(
    reader: Reader, made: Made, source: str, scheme: str
) -> None:
    opened(reader, made, 1400, scheme)
    reader.click(reader.one("main button.open"))
    reader.until(lambda: "Reproduce it" in reader.one("dialog#case").text)
    assert violation_lines(axe(reader.page, source)) == []
    opened(reader, made, 400, scheme, "#solver=")
    assert violation_lines(axe(reader.page, source)) == []


def test_axe_finds_what_is_planted(reader: Reader, made: Made, source: str) -> None:
    resize(reader.page, 1400)
    prefer(reader.page, "light")
    reader.open(made)
    plant = """
        const button = document.createElement('button');
        document.querySelector('main').append(button);
        document.querySelector('h2').style.color = '#eee';
        document.querySelector('h2').style.backgroundColor = '#fff';
    """
    reader.page.execute_script(plant)
    found = violation_lines(axe(reader.page, source))
    assert [one for one in found if "button-name" in one]
    assert [one for one in found if "color-contrast" in one]


def test_on_a_phone_the_conclusions_come_before_the_filters_fill_the_screen(reader: Reader, made: Made) -> None:
    resize(reader.page, 400, 800)
    reader.open(made)
    first = reader.one("main .conclusion, main .missing")
    assert first.rect["y"] < 800


def test_a_case_keeps_the_focus_inside(reader: Reader, made: Made) -> None:
    resize(reader.page, 1400)
    reader.open(made)
    reader.click(reader.one("main button.open"))
    inside = "return document.getElementById('case').contains(document.activeElement)"
    assert reader.page.execute_script(inside)
    assert reader.one("dialog#case").accessible_name
    assert reader.one("dialog#case").aria_role == "dialog"
