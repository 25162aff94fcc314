"""The page in a real Chromium, from a file, without a network: what it draws, and what it does when it is used."""

import contextlib
import io
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from selenium.webdriver.common.keys import Keys

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
from tests.page_driver import Made, Reader, passing, shown_columns

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


@pytest.fixture
def reader(chromium: Reader, made: Made) -> Iterator[Reader]:
    """The page, just opened by somebody who has not been there before; no test may leave a complaint in the console."""
    chromium.open(made)
    if chromium.page.execute_script("const kept = localStorage.length; localStorage.clear(); return kept"):
        chromium.open(made)
    complaints(chromium.page)
    yield chromium
    assert complaints(chromium.page) == []


# What is there


def test_it_loads_from_disk_and_asks_for_nothing_else(chromium: Reader, made: Made) -> None:
    chromium.page.get("about:blank")
    asked(chromium.page)
    complaints(chromium.page)
    chromium.open(made)
    for name in made.figures:
        chromium.drawn(name)
    assert asked(chromium.page) == [made.path.as_uri()]
    assert complaints(chromium.page) == []
    assert chromium.page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_every_section_is_there_in_order_with_what_to_conclude(reader: Reader, made: Made) -> None:
    there = [one.get_attribute("id") for one in reader.every("main > section")]
    assert there == [one for one in ORDER if one in there]
    assert there == [one.id for one in made.sections]
    for section in made.sections:
        place = reader.one(f"#{section.id}")
        assert place.find_element("css selector", "h2").text == section.title
        said = [one.text for one in place.find_elements("css selector", ".conclusion, .missing") if one.is_displayed()]
        assert any(len(text.split()) >= 4 for text in said), section.id
        assert section.parts or section.missing, section.id
        assert [one.get_attribute("data-part") for one in place.find_elements("css selector", "[data-part]")] == [
            part.name for part in section.parts if not isinstance(part, Note | Facts)
        ]


def test_no_section_lacks_anything_where_the_evidence_has_everything(made: Made) -> None:
    assert [one.id for one in made.sections if one.missing] == []


def test_every_figure_is_drawn_and_says_what_is_seen(reader: Reader, made: Made) -> None:
    for name, figure in made.figures.items():
        assert min(reader.colours(name)) > 2, name  # the background, an axis or a text, and a mark at the least
        place = reader.part(name)
        assert not place.find_element("css selector", ".empty").is_displayed(), name
        drawing = place.find_element("css selector", ".drawing")
        assert drawing.get_attribute("aria-label") == figure.description
        assert drawing.size["height"] > 100, name


def test_every_table_shows_each_row_once(reader: Reader, made: Made) -> None:
    for name, table in made.tables.items():
        assert len(reader.rows(name)) == len(table.rows), name
        heads = [one.text for one in reader.part(name).find_elements("css selector", "thead th")]
        assert heads == [column.title for column in shown_columns(table)]
        titles = [column.title for column in table.columns]
        assert len(set(titles)) == len(titles), f"{name}: columns of one name are no columns of a CSV file"


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
    shown = {row[0] for row in chromium.rows("absent")}
    assert shown == {"Accuracy", "Speed", "Training", "Verdict", "History", "Findings", "Tutorials"}
    assert all("harness " in row[1] for row in chromium.rows("absent"))


def test_nothing_has_to_be_scrolled_to_to_be_drawn_or_read(reader: Reader, chromium: Reader, tmp_path: Path) -> None:
    """Each figure is drawn and no table goes on beyond its box, on a wide screen and on paper."""
    undrawn = "return [...document.querySelectorAll('.drawing')].filter(one => !one.children.length).length"
    cut = """return [...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)
        .map(one => one.closest('[data-part]').dataset.part)"""
    reader.until(lambda: reader.page.execute_script(undrawn) == 0)
    assert reader.page.execute_script(cut) == []
    resize(chromium.page, WIDTH_PX)
    chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    chromium.open(Made.of(page_data.everything(), tmp_path, paper=True))
    try:
        chromium.until(lambda: chromium.page.execute_script(undrawn) == 0)
        assert chromium.every(".drawing svg")
        assert too_wide(chromium.page) == []
        assert chromium.page.execute_script(cut) == []
        assert not [one for one in chromium.every("aside, button:not(.open), dialog, select") if one.is_displayed()]
        heads = [one.text for one in chromium.part("accuracy").find_elements("css selector", "thead th")]
        assert {"Solver", "Problem", "Status"} <= set(heads)
        group = "return getComputedStyle(document.querySelector('[data-part=accuracy] thead')).display"
        assert chromium.page.execute_script(group) == "table-header-group"
    finally:
        chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        chromium.page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# Filters


def changed_by(made: Made, key: str, value: object) -> tuple[set[str], set[str]]:
    """The parts that a filter takes rows from, and those that it leaves as they are."""
    parts: dict[str, Table | Figure] = {**made.tables, **made.figures}
    moved = {name for name, part in parts.items() if len(passing(part.rows, **{key: value})) < len(part.rows)}
    return moved, set(parts) - moved


@pytest.mark.parametrize("key", FILTERS)
def test_a_filter_acts_on_every_section_that_has_such_rows(reader: Reader, made: Made, key: str) -> None:
    value = CHOSEN[key]
    moved, same = changed_by(made, key, value)
    assert moved, "the planted evidence has nothing that this filter is about"
    before = {name: reader.picture(name) for name in made.figures}
    reader.choose(key, SHOWN.get(key, str(value)))
    for name, table in made.tables.items():
        left = passing(table.rows, **{key: value})
        assert len(reader.rows(name)) == max(len(left), 1), name
        if not left and table.rows:
            assert "filter leaves no row" in reader.part(name).text
    for name in set(made.figures) & moved:
        reader.until(lambda name=name: reader.picture(name) != before[name])
    for name in set(made.figures) & same:
        assert reader.picture(name) == before[name], name
    for section in {made.section_of(name) for name in moved}:
        assert "filter" in reader.one(f"#{section} .whole").text, f"{section} does not say what it concludes from"


def test_a_filter_is_in_the_address_and_outlives_a_reload_and_goes_back(reader: Reader) -> None:
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


def test_an_address_with_a_filter_opens_filtered_and_what_it_names_wrongly_is_dropped(
    reader: Reader, made: Made
) -> None:
    everything = reader.one("#count").text
    reader.open(made, "#accuracy&device=cuda%3A0&solver=no_such,sklearn&nonsense=1&n=%E0%A4")
    rows = passing([{"solver": one.solver, "device": one.device} for one in page_data.everything().records])
    left = passing(rows, solver="sklearn", device="cuda:0")
    assert reader.one("#count").text.startswith(f"{len(left)} of ")
    reader.open(made, "#solver=no_such")
    assert reader.one("#count").text == everything


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_that_is_read_in_the_dark_is_printed_light(chromium: Reader, made: Made, theme: str) -> None:
    """What was drawn in light letters is turned round: a print does not wait for another drawing."""
    seen = """const drawn = document.querySelector('.drawing.vega-embed').firstElementChild, style = getComputedStyle;
        return [style(document.body).backgroundColor, style(document.body).color, style(drawn).filter]"""
    white, turned = "rgb(255, 255, 255)", {"dark": "invert(1) hue-rotate(180deg)", "light": "none"}
    chromium.open(made)
    chromium.page.execute_script("localStorage.setItem('harness-theme', arguments[0])", theme)
    try:
        chromium.open(made)
        chromium.until(lambda: bool(chromium.every(".drawing.vega-embed")))
        on_screen = chromium.page.execute_script(seen)
        assert (on_screen[0] == white, on_screen[2]) == (theme == "light", "none")
        chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        paper, ink, figure = chromium.page.execute_script(seen)
        assert (paper, figure) == (white, turned[theme])
        assert max(map(int, ink.strip("rgb()").split(","))) < 60
    finally:
        chromium.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        chromium.page.execute_script("localStorage.clear()")


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
    resize(chromium.page, 1400)
    chromium.page.get(page.as_uri())
    ready(chromium.page)
    captions = [one.text for one in chromium.every(".table .caption")]
    assert captions
    assert [one for one in captions if "not shown" in one] == []
    said = chromium.part("speed-ratios").find_element("css selector", ".alike").text
    assert said == "In every row: calls 3."
    assert "calls" not in [one.text for one in chromium.part("speed-ratios").find_elements("css selector", "thead th")]


def sortable(made: Made) -> Iterator[tuple[str, int, Column, Sequence[Mapping[str, Any]]]]:
    """Of each table its first column of each kind that has different values, and its place."""
    for name, table in made.tables.items():
        seen: set[Kind] = set()
        for place, column in enumerate(shown_columns(table)):
            values = {row.get(column.key) for row in table.rows} - {None, ""}
            if column.kind not in seen and len(values) > 1:
                seen.add(column.kind)
                yield name, place, column, table.rows


def finite(value: object) -> float | None:
    number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if number else None  # type: ignore[arg-type]


def test_numbers_sort_by_value_both_ways_with_what_is_missing_last(reader: Reader, made: Made) -> None:
    tried = 0
    for name, _place, column, rows in sortable(made):
        if column.kind in (Kind.TEXT, Kind.CODE, Kind.STATUS):
            continue
        known = sorted(found for row in rows if (found := finite(row.get(column.key))) is not None)
        head = reader.head(name, column)
        first = head.get_attribute("aria-sort") != "descending"
        for down in (first, not first):
            reader.click(head.find_element("css selector", "button"))
            assert head.get_attribute("aria-sort") == ("descending" if down else "ascending")
            cells = [row[column.title] for row in reader.offered(name)]
            assert list(map(float, cells[: len(known)])) == (known[::-1] if down else known), (name, column.title)
            assert set(cells[len(known) :]) <= {""}, "what is missing stands last"
        tried += 1
    assert tried >= 5


def test_a_table_is_sorted_by_the_keyboard_and_shows_the_order_that_it_downloads(reader: Reader, made: Made) -> None:
    for name, place, column, rows in sortable(made):
        if column.kind is not Kind.TEXT:
            continue
        head = reader.head(name, column)
        button = head.find_element("css selector", "button")
        orders = []
        for key in (Keys.ENTER, Keys.SPACE):
            button.send_keys(key)
            shown = [row[place] for row in reader.rows(name)]
            assert shown == [row[column.title].removeprefix("'") or "–" for row in reader.offered(name)]
            orders.append((head.get_attribute("aria-sort"), [one for one in shown if one != "–"]))
        (first, up), (second, down) = orders
        assert {first, second} == {"ascending", "descending"}
        assert up != down
        assert sorted(up) == sorted(down)
        assert len(up) == len([row for row in rows if row.get(column.key)])


def test_statuses_sort_from_the_worst_on(reader: Reader, made: Made) -> None:
    for name, place, column, _rows in sortable(made):
        if column.kind is Kind.STATUS:
            head = reader.head(name, column)
            while head.get_attribute("aria-sort") != "ascending":
                reader.click(head.find_element("css selector", "button"))
            shown = [row[place] for row in reader.rows(name)]
            bad = [any(word in text for word in ("wrong", "regression", "diverged", "doubtful")) for text in shown]
            assert bad == sorted(bad, reverse=True), (name, shown)


def test_a_download_holds_exactly_the_rows_that_the_filter_leaves(reader: Reader, made: Made, tmp_path: Path) -> None:
    reader.choose("solver", "sklearn")
    for name, table in made.tables.items():
        left = passing(table.rows, solver="sklearn")
        got = reader.csv(name, tmp_path)
        assert len(got) == len(left), name
        assert all(list(row) == [column.title for column in table.columns] for row in got), name
        for column in (column for column in table.columns if column.kind not in (Kind.TEXT, Kind.CODE, Kind.STATUS)):
            numbers = [float(row[column.title]) for row in got if row[column.title]]
            assert sorted(numbers) == sorted(x for row in left if (x := finite(row.get(column.key))) is not None), name


# A case in full


def first_case(reader: Reader, made: Made) -> str:
    """The name of the first table whose rows open a case."""
    return next(name for name in made.tables if reader.part(name).find_elements("css selector", "button.open"))


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_a_case_is_opened_and_closed(reader: Reader, made: Made, how: str) -> None:
    name = first_case(reader, made)
    opener = reader.part(name).find_element("css selector", "button.open")
    if how == "mouse":
        cells = reader.part(name).find_elements("css selector", "tr.case td")
        reader.click(cells[-1])
    else:
        opener.send_keys(Keys.ENTER)
    dialog = reader.one("dialog#case")
    assert dialog.is_displayed()
    assert "case=" in reader.fragment
    assert dialog.find_element("css selector", "h2").text
    reader.until(lambda: "Reproduce it" in dialog.text)
    address = reader.page.current_url
    reader.page.switch_to.active_element.send_keys(Keys.ESCAPE)
    reader.until(lambda: not dialog.is_displayed())
    assert "case=" not in reader.fragment
    if how == "keyboard":
        assert reader.page.switch_to.active_element == opener, "the focus goes back to where it came from"
    reader.page.get("about:blank")
    reader.page.get(address)
    reader.until(lambda: reader.one("dialog#case").is_displayed())
    reader.page.back()


def test_a_click_on_a_cell_of_the_heat_map_opens_the_case_of_that_cell(reader: Reader, made: Made) -> None:
    name = next((n for n in made.figures if made.section_of(n) == "accuracy"), "")
    if not name:
        pytest.skip("this checkout has no section on accuracy")
    canvas = reader.drawn(name).find_element("css selector", "canvas")
    from selenium.webdriver import ActionChains

    wide, high = canvas.size["width"], canvas.size["height"]
    for across, down in itertools.product((0.6, 0.7, 0.5), (0.5, 0.3, 0.7, 0.4, 0.6)):
        x, y = int((across - 0.5) * wide), int((down - 0.5) * high)
        ActionChains(reader.page).move_to_element_with_offset(canvas, x, y).click().perform()
        if reader.one("dialog#case").is_displayed():
            break
    assert "case=" in reader.fragment


def opening(made: Made) -> dict[str, set[str]]:
    """Each figure whose marks open cases, with these."""
    found = {name: {row["case"] for row in one.rows if row.get("case")} for name, one in made.figures.items()}
    return {name: cases for name, cases in found.items() if cases}


def test_what_a_click_on_a_mark_opens_is_opened_by_the_keyboard_from_the_table_that_the_figure_leads_to(
    reader: Reader, made: Made
) -> None:
    figures = opening(made)
    assert {"accuracy-digits", "accuracy-excess", "verdict-times", "speed-by-n"} <= set(figures)
    for name, cases in figures.items():
        figure = reader.drawn(name)
        drawing = figure.find_element("css selector", ".drawing")
        assert drawing.accessible_name == made.figures[name].description
        lead = next(one for one in figure.find_elements("css selector", "button") if one.text == "Table")
        lead.send_keys(Keys.ENTER)
        region = reader.page.switch_to.active_element
        (table,) = region.find_elements("xpath", "ancestor::*[@data-part]")
        assert drawing.get_attribute("aria-details") == table.find_element("css selector", ".caption").get_attribute(
            "id"
        )
        held = made.tables[str(table.get_attribute("data-part"))]
        assert cases <= {row.get("case") for row in held.rows}, f"{name}: a mark opens what its table does not"
    reader.rows("accuracy")
    buttons = reader.part("accuracy").find_elements("css selector", "button.open")
    assert len(buttons) >= len(figures["accuracy-digits"] | figures["accuracy-excess"])
    buttons[-1].send_keys(Keys.ENTER)
    reader.until(lambda: "Reproduce it" in reader.one("dialog#case").text)
    assert "case=" in reader.fragment


def test_the_five_lines_of_a_case_run_and_give_what_it_says(chromium: Reader, tmp_path: Path) -> None:
    asked_for = (("numpy_lstsq", ()), ("torch_sgd", (0.1,)))
    requests = [Request(problems=("four_points",), solvers=(who,), device="cpu", lr=lr) for who, lr in asked_for]
    records = tuple(measure(plan(request)[0]).record for request in requests)
    run = page_data.run_of(records)
    full = page_data.everything()
    made = Made.of(Evidence(full.made_at, full.command, run, records), tmp_path)
    for record in records:
        chromium.open(made, f"#case={quote(record.case)}")
        chromium.until(lambda: chromium.every("dialog pre code"))
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


def luminance(reader: Reader) -> float:
    script = "return getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    red, green, blue = reader.page.execute_script(script)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_light_and_dark_change_places_and_are_remembered(reader: Reader, made: Made) -> None:
    first = next(iter(made.figures), None)
    before, pixels = luminance(reader), reader.picture(first) if first else ""
    toggle: Callable[[], Any] = lambda: reader.one("#theme")  # noqa: E731  # found anew after each load
    reader.click(toggle())
    after = luminance(reader)
    assert abs(after - before) > 0.5
    if first:
        reader.until(lambda: reader.picture(first) not in (pixels, ""))
    reader.reload()
    assert luminance(reader) == after
    toggle().send_keys(Keys.ENTER)
    assert luminance(reader) == before
