"""The page in a real Chromium, from a file, without a network: what it draws, and what it does when it is used."""

import contextlib
import io
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from harness.measure.plan import Request, plan
from harness.measure.run import measure
from harness.page.paper import WIDTH_PX
from harness.report.figures.figure import Figure
from harness.report.figures.rows import FILTERS
from harness.report.html.evidence import Evidence
from harness.report.html.section import Column, Facts, Kind, Note, Table
from harness.solvers.status import Status
from tests import page_data
from tests.browser import asked, browser, complaints, resize
from tests.page_checks import ready, too_wide
from tests.page_driver import Made, Order, Reader, passing, shown_columns

pytestmark = pytest.mark.slow

ORDER = (
    *("decision", "accuracy", "findings", "speed", "training", "verdict", "history", "tutorials"),
    "environment",
)
CHOSEN = {"solver": "numpy_lstsq", "problem": "everyday:n=2000,seed=0", "device": "cuda:0", "n": 100_000, "lr": 0.1}
"""One value of each filter that some rows of the planted evidence have and some have not."""
SHOWN = {"n": "100\u202f000", "lr": "0.1"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made.of(page_data.everything(), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Reader]:
    with browser() as page:
        yield Reader(page)


def opened(chromium: Reader, made: Made) -> Reader:
    """The page, just opened by somebody who has not been there before."""
    chromium.open(made)
    if chromium.page.execute_script("const kept = localStorage.length; localStorage.clear(); return kept"):
        chromium.open(made)
    complaints(chromium.page)
    return chromium


@pytest.fixture
def reader(chromium: Reader, made: Made) -> Iterator[Reader]:
    """The page, just opened; no test may leave a complaint in the console."""
    yield opened(chromium, made)
    assert complaints(chromium.page) == []


@pytest.fixture
def untouched(chromium: Reader, made: Made) -> Iterator[Reader]:
    """The same, opened once for tests next to one another that only look; rows that they ask for may be there."""
    if not chromium.page.execute_script("return window.untouched"):
        opened(chromium, made).page.execute_script("window.untouched = true")
    yield chromium
    assert complaints(chromium.page) == []


# What is there


def test_it_loads_from_disk_and_asks_for_nothing_else(chromium: Reader, made: Made) -> None:
    chromium.page.get("about:blank")
    asked(chromium.page)
    complaints(chromium.page)
    chromium.open(made)
    chromium.settle()
    assert asked(chromium.page) == [made.path.as_uri()]
    assert complaints(chromium.page) == []
    assert chromium.page.execute_script("return performance.getEntriesByType('resource').length") == 0
    chromium.page.execute_script("window.untouched = true")


SECTIONS = """
    const seen = one => one.checkVisibility() ? one.innerText : '';
    return [...document.querySelectorAll('main > section')].map(section => [
        section.id, section.querySelector('h2').innerText,
        [...section.querySelectorAll('.conclusion, .missing')].map(seen),
        [...section.querySelectorAll('[data-part]')].map(part => part.dataset.part),
    ]);
"""


def test_every_section_is_there_in_order_with_what_to_conclude(untouched: Reader, made: Made) -> None:
    there = untouched.page.execute_script(SECTIONS)
    assert [id_ for id_, *_ in there] == [one for one in ORDER if one in {id_ for id_, *_ in there}]
    assert [id_ for id_, *_ in there] == [one.id for one in made.sections]
    for section, (_, title, said, parts) in zip(made.sections, there, strict=True):
        assert title == section.title
        assert any(len(text.split()) >= 4 for text in said), section.id
        assert section.parts or section.missing, section.id
        assert parts == [part.name for part in section.parts if not isinstance(part, Note | Facts)]


def test_no_section_lacks_anything_where_the_evidence_has_everything(made: Made) -> None:
    assert [one.id for one in made.sections if one.missing] == []


FIGURES = """
    return Object.fromEntries([...document.querySelectorAll('figure[data-part]')].map(figure => {
        const drawing = figure.querySelector('.drawing'), empty = figure.querySelector('.empty').checkVisibility();
        return [figure.dataset.part, [empty, drawing.getAttribute('aria-label'), drawing.clientHeight]];
    }));
"""


def test_every_figure_is_drawn_and_says_what_is_seen(untouched: Reader, made: Made) -> None:
    colours, there = untouched.colours(), untouched.page.execute_script(FIGURES)
    assert set(colours) == set(there) == set(made.figures)
    for name, figure in made.figures.items():
        assert min(colours[name]) > 2, name  # the background, an axis or a text, and a mark at the least
        empty, said, height = there[name]
        assert not empty, name
        assert said == figure.description
        assert height > 100, name


HEADS = """
    return Object.fromEntries([...document.querySelectorAll('main .table[data-part]')].map(
        part => [part.dataset.part, [...part.querySelectorAll('thead th')].map(one => one.innerText.trim())]
    ));
"""


def test_every_table_shows_each_row_once(untouched: Reader, made: Made) -> None:
    more = next(one for one in untouched.every("button.more") if one.is_displayed())
    untouched.click(more)
    assert not more.is_displayed()
    rows, heads = untouched.rows(), untouched.page.execute_script(HEADS)
    assert set(rows) == set(heads) == set(made.tables)
    for name, table in made.tables.items():
        assert len(rows[name]) == len(table.rows), name
        assert heads[name] == [column.title for column in shown_columns(table)]
        titles = [column.title for column in table.columns]
        assert len(set(titles)) == len(titles), f"{name}: columns of one name are no columns of a CSV file"


UNDRAWN = "return [...document.querySelectorAll('.drawing')].filter(one => !one.children.length).length"
CUT = """return [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => one.closest('[data-part]').dataset.part)"""


def test_nothing_has_to_be_scrolled_to_to_be_drawn_or_read(untouched: Reader) -> None:
    """Each figure is drawn and no table goes on beyond its box: nobody has scrolled here yet but to a button."""
    untouched.settle()
    assert untouched.page.execute_script(UNDRAWN) == 0
    assert untouched.page.execute_script(CUT) == []


def test_on_paper_everything_is_drawn_and_fits(chromium: Reader, tmp_path: Path) -> None:
    chromium.page.get("about:blank")
    resize(chromium.page, WIDTH_PX)
    chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    chromium.open(Made.of(page_data.everything(), tmp_path, paper=True))
    try:
        chromium.settle()
        assert chromium.page.execute_script(UNDRAWN) == 0
        assert chromium.every(".drawing svg")
        assert too_wide(chromium.page) == []
        assert chromium.page.execute_script(CUT) == []
        shown = "return [...document.querySelectorAll(arguments[0])].filter(one => one.checkVisibility()).length"
        assert chromium.page.execute_script(shown, "aside, button:not(.open), dialog, select") == 0
        assert {"Solver", "Problem", "Status"} <= set(chromium.page.execute_script(HEADS)["accuracy"])
        group = "return getComputedStyle(document.querySelector('[data-part=accuracy] thead')).display"
        assert chromium.page.execute_script(group) == "table-header-group"
    finally:
        chromium.page.get("about:blank")
        chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        chromium.page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_with_nothing_to_show_a_section_says_what_makes_it(chromium: Reader, tmp_path: Path) -> None:
    full = page_data.everything()
    bare = Made.of(Evidence(full.made_at, full.command, page_data.run_of(()), ()), tmp_path)
    complaints(chromium.page)
    chromium.open(bare)
    assert complaints(chromium.page) == []
    for section in bare.sections:
        text = chromium.one(f"#{section.id}").text
        if section.id != "environment":
            assert "harness " in text, f"{section.id} names no command"
        assert len(text.split()) > 5, section.id
    shown = chromium.rows()["absent"]
    assert {row[0] for row in shown} == {
        *("Accuracy", "Speed", "Training", "Verdict", "History", "Findings", "Tutorials")
    }
    assert all("harness " in row[1] for row in shown)


# Filters


def changed_by(made: Made, key: str, value: object) -> set[str]:
    """The parts that a filter takes rows from."""
    parts: dict[str, Table | Figure] = {**made.tables, **made.figures}
    return {name for name, part in parts.items() if len(passing(part.rows, **{key: value})) < len(part.rows)}


def differing(pictures: Mapping[str, str], others: Mapping[str, str]) -> set[str]:
    """The figures that look otherwise."""
    return {name for name, picture in pictures.items() if picture != others[name]}


CONCLUDED = """return [...document.querySelectorAll('main > section')].filter(
    section => section.querySelector('.whole')?.innerText.includes('filter')).map(section => section.id)"""


def test_a_filter_acts_on_every_section_that_has_such_rows(reader: Reader, made: Made) -> None:
    assert set(CHOSEN) == set(FILTERS)
    whole = reader.pictures()
    for key, value in CHOSEN.items():
        moved = changed_by(made, key, value)
        assert moved, "the planted evidence has nothing that this filter is about"
        reader.leave(key, SHOWN.get(key, str(value)))
        rows = reader.rows()
        for name, table in made.tables.items():
            left = passing(table.rows, **{key: value})
            assert len(rows[name]) == max(len(left), 1), name
            if not left and table.rows:
                assert rows[name] == [["The filter leaves no row."]]
        drawn = set(made.figures) & moved
        redrawn = reader.until(lambda drawn=drawn: drawn <= (now := differing(reader.pictures(), whole)) and now)
        assert redrawn == drawn, key
        said = set(reader.page.execute_script(CONCLUDED))
        assert {made.section_of(name) for name in moved} <= said, "they do not say what they conclude from"
        reader.page.execute_script("document.getElementById('reset').click()")


def test_a_filter_is_in_the_address_outlives_a_reload_and_goes_back_and_what_it_names_wrongly_is_dropped(
    reader: Reader, made: Made
) -> None:
    everything = reader.one("#count").text
    reader.choose("device", "cuda:0")
    filtered, fragment = reader.one("#count").text, reader.fragment
    assert filtered != everything
    assert "device=cuda%3A0" in fragment
    reader.choose("solver", "sklearn")
    both = reader.one("#count").text
    assert both not in (filtered, everything)
    reader.reload()
    assert reader.one("#count").text == both
    for _ in range(2):  # "None", then one value
        reader.page.back()
    reader.until(lambda: reader.one("#count").text == filtered)
    assert reader.fragment == fragment
    reader.page.forward()
    reader.page.forward()
    reader.until(lambda: reader.one("#count").text == both)
    reader.reset()
    assert reader.one("#count").text == everything
    assert "=" not in reader.fragment
    assert not reader.one("#reset").is_displayed()
    reader.open(made, "#accuracy&device=cuda%3A0&solver=no_such,sklearn&nonsense=1&n=%E0%A4")
    rows = passing([{"solver": one.solver, "device": one.device} for one in page_data.everything().records])
    left = passing(rows, solver="sklearn", device="cuda:0")
    assert reader.one("#count").text.startswith(f"{len(left)} of ")
    reader.page.execute_script("location.hash = '#solver=no_such'")
    reader.until(lambda: reader.one("#count").text == everything)


# Tables


def test_names_as_long_as_people_s_leave_every_column_on_the_page(chromium: Reader, made: Made, tmp_path: Path) -> None:
    """1400 pixels wide, which is what most see of it."""
    longer = {
        "everyday:n=2000,seed=0": "november/orders_of_the_shop.csv:days(--drop noise)",
        '"auto_mpg"': '"november/auto_mpg_measured.csv:mpg(--drop name)"',
        '"sgd"': '"sgd:momentum=0.95,nesterov=True"',
        '"torch_sgd"': '"torch_sgd [batched]"',
        '"normal_equations"': '"sklearn.linear_model:Ridge:alpha=0"',
    }
    text = made.path.read_text(encoding="utf-8")
    for short, name in longer.items():
        assert short in text
        text = text.replace(short, name)
    page = tmp_path / "long.html"
    page.write_text(text, encoding="utf-8")
    chromium.page.get("about:blank")
    resize(chromium.page, 1400)
    chromium.page.get(page.as_uri())
    ready(chromium.page)
    captions = chromium.page.execute_script(
        "return [...document.querySelectorAll('.table .caption')].map(one => one.innerText)"
    )
    assert captions
    assert [one for one in captions if "not shown" in one] == []
    said = chromium.part("speed-ratios").find_element("css selector", ".alike").text
    assert said == "In every row: calls 3."
    assert "calls" not in chromium.page.execute_script(HEADS)["speed-ratios"]


def sortable(made: Made) -> Iterator[tuple[str, dict[int, Column]]]:
    """Of each table its first column of each kind that has different values, by its place."""
    for name, table in made.tables.items():
        kinds: dict[Kind, tuple[int, Column]] = {}
        for place, column in enumerate(shown_columns(table)):
            if len({row.get(column.key) for row in table.rows} - {None, ""}) > 1:
                kinds.setdefault(column.kind, (place, column))
        yield name, dict(kinds.values())


def finite(value: object) -> float | None:
    number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if number else None  # type: ignore[arg-type]


def check_numbers(column: Column, rows: Sequence[Mapping[str, Any]], order: Order) -> None:
    """By value, with what is missing last both ways."""
    known = sorted(found for row in rows if (found := finite(row.get(column.key))) is not None)
    cells = [row[column.title] for row in order.offered]
    assert list(map(float, cells[: len(known)])) == (known[::-1] if order.sort == "descending" else known)
    assert set(cells[len(known) :]) <= {""}, "what is missing stands last"


def check_texts(column: Column, rows: Sequence[Mapping[str, Any]], up: Order, down: Order) -> None:
    """All that there are, another way round, and as they are downloaded."""
    for order in (up, down):
        assert order.shown == [row[column.title].removeprefix("'") or "–" for row in order.offered]
    first, last = ([one for one in order.shown if one != "–"] for order in (up, down))
    assert first != last
    assert sorted(first) == sorted(last)
    assert len(first) == len([row for row in rows if row.get(column.key)])


def check_statuses(up: Order) -> None:
    """From the worst on."""
    bad = [any(word in text for word in ("wrong", "regression", "diverged", "doubtful")) for text in up.shown]
    assert bad == sorted(bad, reverse=True), up.shown


def by_hand(reader: Reader, button: WebElement) -> None:
    """A heading is used by the mouse and by both keys of the keyboard."""
    head = button.find_element("xpath", "..")
    stood = [head.get_attribute("aria-sort")]
    reader.click(button)
    stood.append(head.get_attribute("aria-sort"))
    for key in (Keys.ENTER, Keys.SPACE):
        button.send_keys(key)
        stood.append(head.get_attribute("aria-sort"))
    assert all(first != then for first, then in itertools.pairwise(stood)), stood


def test_every_kind_of_column_sorts_both_ways(reader: Reader, made: Made) -> None:
    by_hand(reader, reader.one('[data-part="accuracy"] thead th button'))
    tried = Counter[Kind]()
    for name, columns in sortable(made):
        rows = made.tables[name].rows
        for column, (before, *orders) in zip(columns.values(), reader.sorted(name, tuple(columns)), strict=True):
            number = column.kind not in (Kind.TEXT, Kind.CODE, Kind.STATUS)
            first, second = ("descending", "ascending") if number else ("ascending", "descending")
            ways = [second, first] if before.sort == first else [first, second]
            assert [order.sort for order in orders] == ways, (name, column.title)
            up, down = sorted(orders, key=lambda order: order.sort)
            if number:
                check_numbers(column, rows, up)
                check_numbers(column, rows, down)
            elif column.kind is Kind.TEXT:
                check_texts(column, rows, up, down)
            elif column.kind is Kind.STATUS:
                check_statuses(up)
            tried[column.kind] += 1
    assert tried[Kind.TEXT] >= 5
    assert tried[Kind.STATUS] >= 2
    assert tried.total() - tried[Kind.TEXT] - tried[Kind.STATUS] - tried[Kind.CODE] >= 5


def test_a_download_holds_exactly_the_rows_that_the_filter_leaves(reader: Reader, made: Made, tmp_path: Path) -> None:
    reader.leave("solver", "sklearn")
    offered = reader.offered()
    assert set(offered) == set(made.tables)
    assert reader.csv("accuracy", tmp_path) == offered["accuracy"]
    for name, table in made.tables.items():
        left = passing(table.rows, solver="sklearn")
        got = offered[name]
        assert len(got) == len(left), name
        assert all(list(row) == [column.title for column in table.columns] for row in got), name
        for column in (column for column in table.columns if column.kind not in (Kind.TEXT, Kind.CODE, Kind.STATUS)):
            numbers = [float(row[column.title]) for row in got if row[column.title]]
            assert sorted(numbers) == sorted(x for row in left if (x := finite(row.get(column.key))) is not None), name


# A case in full


def on_a_cell(reader: Reader, made: Made) -> None:
    """A click on a cell of the heat map; which are filled depends on the evidence."""
    name = next(name for name in made.figures if made.section_of(name) == "accuracy")
    canvas = reader.drawn(name).find_element("css selector", "canvas")
    wide, high = canvas.size["width"], canvas.size["height"]
    for across, down in itertools.product((0.6, 0.7, 0.5), (0.5, 0.3, 0.7, 0.4, 0.6)):
        x, y = int((across - 0.5) * wide), int((down - 0.5) * high)
        ActionChains(reader.page).move_to_element_with_offset(canvas, x, y).click().perform()
        if reader.one("dialog#case").is_displayed():
            break


def test_a_case_is_opened_and_closed(reader: Reader, made: Made) -> None:
    """By a click on a row, on its cell of the heat map, and by the keyboard."""
    part = reader.part(next(name for name, rows in reader.rows().items() if "case" in made.tables[name].rows[0]))
    opener, dialog = part.find_element("css selector", "button.open"), reader.one("dialog#case")
    ways: tuple[Callable[[], None], ...] = (
        lambda: reader.click(part.find_elements("css selector", "tr.case td")[-1]),
        lambda: on_a_cell(reader, made),
        lambda: opener.send_keys(Keys.ENTER),
    )
    for use in ways:
        use()
        assert dialog.is_displayed()
        assert "case=" in reader.fragment
        assert dialog.find_element("css selector", "h2").text
        reader.until(lambda: "Reproduce it" in dialog.text)
        address = reader.page.current_url
        reader.page.switch_to.active_element.send_keys(Keys.ESCAPE)
        reader.until(lambda: not dialog.is_displayed())
        assert "case=" not in reader.fragment
    assert reader.page.switch_to.active_element == opener, "the focus goes back to where it came from"
    reader.page.get("about:blank")
    reader.page.get(address)
    reader.until(lambda: reader.one("dialog#case").is_displayed())


def opening(made: Made) -> dict[str, set[str]]:
    """Each figure whose marks open cases, with these."""
    found = {name: {row["case"] for row in one.rows if row.get("case")} for name, one in made.figures.items()}
    return {name: cases for name, cases in found.items() if cases}


LEADS = """
    return [...document.querySelectorAll('figure[data-part] button')].filter(one => one.textContent === 'Table').map(
        lead => {
            lead.click();
            const table = document.activeElement.closest('[data-part]'), figure = lead.closest('[data-part]');
            const told = figure.querySelector('.drawing').getAttribute('aria-details');
            return [figure.dataset.part, table.dataset.part, told === table.querySelector('.caption').id];
        });
"""


def test_what_a_click_on_a_mark_opens_is_opened_by_the_keyboard_from_the_table_that_the_figure_leads_to(
    reader: Reader, made: Made
) -> None:
    figures = opening(made)
    assert {"accuracy-digits", "accuracy-excess", "verdict-times", "speed-by-n"} <= set(figures)
    leads = {figure: (table, told) for figure, table, told in reader.page.execute_script(LEADS)}
    assert set(figures) <= set(leads)
    for name, cases in figures.items():
        table, told = leads[name]
        assert told, f"{name}: its drawing does not say where its cases are"
        held = made.tables[table].rows
        assert cases <= {row.get("case") for row in held}, f"{name}: a mark opens what its table does not"
    figure = reader.part("accuracy-digits")
    drawing = figure.find_element("css selector", ".drawing")
    assert drawing.accessible_name == made.figures["accuracy-digits"].description
    next(one for one in figure.find_elements("css selector", "button") if one.text == "Table").send_keys(Keys.ENTER)
    region = reader.page.switch_to.active_element
    assert region.find_element("xpath", "ancestor::*[@data-part]").get_attribute("data-part") == "accuracy"
    reader.rows()
    buttons = reader.part("accuracy").find_elements("css selector", "button.open")
    assert len(buttons) >= len(figures["accuracy-digits"] | figures["accuracy-excess"])
    buttons[-1].send_keys(Keys.ENTER)
    reader.until(lambda: "Reproduce it" in reader.one("dialog#case").text)
    assert "case=" in reader.fragment


@pytest.mark.usefixtures("in_process")
def test_the_five_lines_of_a_case_run_and_give_what_it_says(chromium: Reader, tmp_path: Path) -> None:
    asked_for = (("numpy_lstsq", ()), ("torch_sgd", (0.1,)))
    requests = [Request(problems=("four_points",), solvers=(who,), device="cpu", lr=lr) for who, lr in asked_for]
    records = tuple(measure(plan(request)[0]).record for request in requests)
    run = page_data.run_of(records)
    full = page_data.everything()
    made = Made.of(Evidence(full.made_at, full.command, run, records), tmp_path)
    chromium.open(made)
    for record in records:
        chromium.page.execute_script("location.hash = arguments[0]", f"case={quote(record.case)}")
        chromium.until(lambda record=record: record.case in str(chromium.one("dialog").get_property("innerText")))
        (code,) = [c.text for c in chromium.every("dialog pre code") if "import" in c.text]
        assert len(code.splitlines()) == 5
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "of a case", "exec"), {"__name__": "__main__"})  # noqa: S102  # the page's own lines
        assert record.status is not Status.ERROR
        said = printed.getvalue().split()
        assert said[0] == record.status
        assert f"{record.accuracy.excess_loss}" in said
        numbers = chromium.one("dialog dl.numbers").text
        if record.accuracy.digits is not None:
            assert f"{record.accuracy.digits:.1f}" in numbers


# Light and dark


def rgb(text: str) -> list[float]:
    return [float(one) for one in text[text.index("(") + 1 : -1].split(",")[:3]]


def luminance(text: str) -> float:
    red, green, blue = rgb(text)
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


SEEN = """const drawn = document.querySelector('.drawing.vega-embed').firstElementChild, style = getComputedStyle;
    return [style(document.body).backgroundColor, style(document.body).color, style(drawn).filter]"""


def test_light_and_dark_change_places_are_remembered_and_printed_light(reader: Reader, made: Made) -> None:
    """What was drawn in light letters is turned round on paper: a print does not wait for another drawing."""
    first, turned = next(iter(made.figures)), {"dark": "invert(1) hue-rotate(180deg)", "light": "none"}
    pixels = {"light": reader.pictures()[first]}
    reader.click(reader.one("#theme"))
    pixels["dark"] = reader.until(lambda: (now := reader.pictures()[first]) != pixels["light"] and now)
    reader.reload()
    for theme in ("dark", "light"):
        reader.until(lambda theme=theme: reader.pictures()[first] == pixels[theme])
        page, ink, figure = reader.page.execute_script(SEEN)
        assert abs(luminance(page) - luminance(ink)) > 0.5
        assert (luminance(page) > 0.5, figure) == (theme == "light", "none")
        reader.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            paper, ink, figure = reader.page.execute_script(SEEN)
            assert (rgb(paper), figure) == ([255, 255, 255], turned[theme])
            assert max(rgb(ink)) < 60
        finally:
            reader.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        reader.one("#theme").send_keys(Keys.ENTER)
