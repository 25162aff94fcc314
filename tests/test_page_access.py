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


def opened(reader: Reader, made: Made, width: int, scheme: str = "light") -> None:
    """With every figure drawn and everything that unfolds unfolded."""
    reader.page.get("about:blank")  # a page that is full is laid out and drawn anew for each of these
    resize(reader.page, width)
    prefer(reader.page, scheme)
    reader.open(made)
    reader.settle()
    reader.page.execute_script(UNFOLD)


LOOKED_AT = (
    pytest.param((1400, "light", (2200,)), id="1400"),
    pytest.param((400, "dark", (320, 800)), id="400"),
)
"""A wide page in the light, a narrow one in the dark: what a width changes a scheme does not, and the other way. Other
widths are those that a reader makes of it.
"""


@pytest.fixture(scope="module")
def widths(request: pytest.FixtureRequest, reader: Reader, made: Made) -> tuple[int, ...]:
    """How wide the page is and is made: it is opened once for all the tests that change nothing in it."""
    wide, scheme, others = request.param
    opened(reader, made, wide, scheme)
    return wide, *others


@pytest.mark.parametrize("widths", LOOKED_AT, indirect=True)
def test_axe_finds_nothing_serious(reader: Reader, source: str, widths: tuple[int, ...]) -> None:
    assert widths
    assert violation_lines(axe(reader.page, source)) == []


@pytest.mark.parametrize("widths", LOOKED_AT, indirect=True)
def test_tab_reaches_every_control_and_shows_where_it_is(reader: Reader, widths: tuple[int, ...]) -> None:
    """By Tab on the narrow page, which has every control of the wide one; there each is given the focus."""
    controls, missed, unseen = tabbed(reader.page, press=widths[0] == 400)
    assert controls > 20
    assert missed == []
    assert unseen == []


@pytest.mark.parametrize("widths", LOOKED_AT, indirect=True)
def test_nothing_sticks_out_of_the_page(reader: Reader, widths: tuple[int, ...]) -> None:
    for width in widths:
        resize(reader.page, width)
        reader.page.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")  # it is laid out
        assert reader.page.execute_script("return innerWidth") == width
        assert too_wide(reader.page) == [], width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_case_which_keeps_the_focus_or_where_a_filter_leaves_nothing(
    reader: Reader, made: Made, source: str, scheme: str
) -> None:
    opened(reader, made, 1400, scheme)
    reader.click(reader.one("main button.open"))
    dialog = reader.one("dialog#case")
    reader.until(lambda: "Reproduce it" in dialog.text)
    assert violation_lines(axe(reader.page, source, "dialog#case")) == []
    inside = "return document.getElementById('case').contains(document.activeElement)"
    assert reader.page.execute_script(inside)
    assert dialog.accessible_name
    assert dialog.aria_role == "dialog"
    resize(reader.page, 400)
    reader.page.execute_script("location.hash = '#solver='")
    reader.until(lambda: not dialog.is_displayed() and reader.one("#reset").is_displayed())
    assert violation_lines(axe(reader.page, source, ".whole, .empty, .table table, #filters")) == []


def test_on_a_phone_the_conclusions_come_before_the_filters_fill_the_screen_and_axe_finds_what_is_planted(
    reader: Reader, made: Made, source: str
) -> None:
    reader.page.get("about:blank")
    resize(reader.page, 400, 800)
    prefer(reader.page, "light")
    reader.open(made)
    first = reader.one("main .conclusion, main .missing")
    assert first.rect["y"] < 800
    plant = """
        const section = document.querySelector('main > section'), heading = section.querySelector('h2');
        section.append(document.createElement('button'));
        heading.style.color = '#eee';
        heading.style.backgroundColor = '#fff';
    """
    reader.page.execute_script(plant)
    found = violation_lines(axe(reader.page, source, "main > section"))
    assert [one for one in found if "button-name" in one]
    assert [one for one in found if "color-contrast" in one]
