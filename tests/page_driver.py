"""The page under a reader's hands: written to a file, opened in Chromium, filtered, sorted, downloaded."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from selenium.common.exceptions import ElementClickInterceptedException, TimeoutException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from harness.report.figures.figure import Figure
from harness.report.html.evidence import Evidence
from harness.report.html.order import sections
from harness.report.html.render import render
from harness.report.html.section import Column, Section, Table
from tests.browser import PATIENCE_S, save_to
from tests.page_checks import ready

CLICK_S = 10.0
"""After so long a click is taken to have missed its button, and made again."""

INTO_SIGHT = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
# They are drawn one after the other, while nothing else is to be done.
DRAWN = """
    const done = arguments[0], undrawn = one => !one.querySelector('canvas, svg');
    (async () => {
        while ([...document.querySelectorAll('.drawing')].some(undrawn)) await new Promise(now => setTimeout(now, 20));
        done();
    })();
"""
# Of copies: a canvas that is read twice makes Chromium complain.
OF_EACH_FIGURE = """
    const pixels = canvas => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        return new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    };
    return Object.fromEntries([...document.querySelectorAll('figure[data-part]')].map(figure => [
        figure.dataset.part, [...figure.querySelectorAll('canvas')].filter(one => one.width && one.height).map(WHAT),
    ]));
"""
# A canvas with one colour only is blank; which of its pixels are asked for is no matter of chance.
COLOURS = OF_EACH_FIGURE.replace("WHAT", "canvas => new Set(pixels(canvas)).size")
CHECKSUMS = OF_EACH_FIGURE.replace(
    "WHAT",
    "canvas => [canvas.width, canvas.height, pixels(canvas).reduce((sum, one) => (Math.imul(sum, 31) + one) | 0, 0)]",
)
UNFOLDED = """
    const unfolded = part => {
        for (const more of part.querySelectorAll('button.more')) while (more.checkVisibility()) more.click();
        return [...part.querySelectorAll('table[aria-labelledby] > tbody > tr')].map(row => [...row.cells]);
    };
"""
ROWS = f"""
    {UNFOLDED}
    return Object.fromEntries([...document.querySelectorAll('main .table[data-part]')].map(
        part => [part.dataset.part, unfolded(part).map(cells => cells.map(cell => cell.textContent))]
    ));
"""
OFFERED = """
    const offered = part => {
        const offer = URL.createObjectURL, follow = HTMLAnchorElement.prototype.click;
        let made = null;
        URL.createObjectURL = blob => { made = blob; return offer.call(URL, blob); };
        HTMLAnchorElement.prototype.click = () => {};
        [...part.querySelectorAll('button')].find(one => one.textContent === 'CSV').click();
        URL.createObjectURL = offer;
        HTMLAnchorElement.prototype.click = follow;
        return made.text();
    };
"""
OFFERS = f"""
    {OFFERED}
    const done = arguments[0], parts = [...document.querySelectorAll('main .table[data-part]')];
    Promise.all(parts.map(async part => [part.dataset.part, await offered(part)])).then(done);
"""
SORTED = f"""
    {UNFOLDED} {OFFERED}
    const [part, places, done] = arguments, heads = part.querySelectorAll('thead th'), found = [];
    const state = async at => [
        heads[at].getAttribute('aria-sort'), unfolded(part).map(cells => cells[at].textContent), await offered(part)
    ];
    (async () => {{
        for (const at of places) {{
            found.push([await state(at)]);
            for (const turn of [1, 2]) {{
                heads[at].querySelector('button').click();
                found.at(-1).push(await state(at));
            }}
        }}
        done(found);
    }})();
"""


class Order(NamedTuple):
    """How a table stands: its heading's `aria-sort`, the texts of that column, and its download."""

    sort: str
    shown: list[str]
    offered: list[dict[str, str]]


@dataclass(frozen=True)
class Made:
    """A page in a file, and the sections that it was made of."""

    path: Path
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, evidence: Evidence, folder: Path, **options: Any) -> "Made":
        """Write the page of this evidence."""
        found = sections(evidence)
        path = folder / "report.html"
        path.write_text(render(evidence, found, **options), encoding="utf-8")
        return cls(path, found)

    @property
    def tables(self) -> dict[str, Table]:
        """Every table by its name."""
        return {part.name: part for one in self.sections for part in one.parts if isinstance(part, Table)}

    @property
    def figures(self) -> dict[str, Figure]:
        """Every figure by its name."""
        return {part.name: part for one in self.sections for part in one.parts if isinstance(part, Figure)}

    def section_of(self, part: str) -> str:
        """The section that a part belongs to."""
        return next(one.id for one in self.sections if any(getattr(p, "name", None) == part for p in one.parts))


MANY = 9
NAMES = ("solver", "label")


def absent(value: object) -> bool:
    """Whether a cell is empty: a number that is not finite is null on the page."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def shown_columns(table: Table) -> list[Column]:
    """Those of a table's columns that the page shows: the ones in which a row has something.

    Of more than nine, what is the same in every row stands above the table.
    """
    if not table.rows:
        return list(table.columns)
    columns = [one for one in table.columns if not all(absent(row.get(one.key)) for row in table.rows)]
    if len(columns) <= MANY or len(table.rows) == 1:
        return columns
    first = table.rows[0]
    return [
        one for one in columns if one.key in NAMES or any(row.get(one.key) != first.get(one.key) for row in table.rows)
    ]


def passing(rows: Sequence[Mapping[str, Any]], **chosen: object) -> list[Mapping[str, Any]]:
    """The rows that a filter leaves, as harness.report.html.section says: those without the key among them."""
    return [row for row in rows if all(key not in row or row[key] == value for key, value in chosen.items())]


def read_csv(text: str) -> list[dict[str, str]]:
    """A download's rows."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


TITLES = {"solver": "Solver", "problem": "Problem", "device": "Device", "n": "Rows n", "lr": "Learning rate"}
LEAVE = """
    const [title, value] = arguments;
    document.querySelector(`button[aria-label="None: ${title}"]`).click();
    const filter = document.querySelector(`button[aria-label="None: ${title}"]`).closest('details');
    [...filter.querySelectorAll('label')].find(label => label.textContent === value).click();
"""


@dataclass
class Reader:
    """Somebody who reads the page in a browser."""

    page: WebDriver

    def open(self, made: Made, fragment: str = "") -> None:
        """Load it anew, also where only the fragment is another."""
        self.page.get("about:blank")
        self.page.get(made.path.as_uri() + fragment)
        ready(self.page)

    def reload(self) -> None:
        """As by F5."""
        self.page.refresh()
        ready(self.page)

    @property
    def fragment(self) -> str:
        """Of the page's address."""
        return urlsplit(self.page.current_url).fragment

    def one(self, selector: str) -> WebElement:
        """The first element of a selector."""
        return self.page.find_element("css selector", selector)

    def every(self, selector: str) -> list[WebElement]:
        """All elements of a selector."""
        return self.page.find_elements("css selector", selector)

    def part(self, name: str) -> WebElement:
        """A figure or a table."""
        return self.one(f'[data-part="{name}"]')

    def drawn(self, name: str) -> WebElement:
        """A figure once it is drawn, in sight."""
        self.settle()
        figure = self.part(name)
        self.page.execute_script(INTO_SIGHT, figure)
        return figure

    def settle(self) -> None:
        """Wait until every figure is drawn, for which none has to be looked at."""
        self.page.set_script_timeout(PATIENCE_S)
        self.page.execute_async_script(DRAWN)

    def pictures(self) -> dict[str, str]:
        """Of every figure the sizes and checksums of its canvases, to compare."""
        self.settle()
        return {name: str(found) for name, found in self.page.execute_script(CHECKSUMS).items()}

    def colours(self) -> dict[str, list[int]]:
        """How many colours each canvas of every figure has."""
        self.settle()
        found: dict[str, list[int]] = self.page.execute_script(COLOURS)
        return found

    def rows(self) -> dict[str, list[list[str]]]:
        """The texts of every table's rows, all of them: each is asked for more until there are no more."""
        found: dict[str, list[list[str]]] = self.page.execute_script(ROWS)
        return found

    def sorted(self, name: str, places: Sequence[int]) -> list[list[Order]]:
        """How a table stands before and after two clicks on the heading of each of these columns."""
        found = self.page.execute_async_script(SORTED, self.part(name), places)
        return [[Order(sort, shown, read_csv(text)) for sort, shown, text in orders] for orders in found]

    def click(self, element: WebElement) -> None:
        """By the mouse, where it stands; figures that are drawn as they come into sight may still move it."""

        def clicked(_: WebDriver) -> bool:
            self.page.execute_script(INTO_SIGHT, element)
            element.click()
            return True

        ignored = [ElementClickInterceptedException]
        WebDriverWait(self.page, PATIENCE_S, poll_frequency=0.05, ignored_exceptions=ignored).until(clicked)

    def choose(self, key: str, value: str) -> None:
        """Leave one value of a filter, by the mouse: none first, then that one."""
        title = TITLES[key]
        self._open(self.one("#filters"))
        filter_ = self.page.find_element(
            "xpath", f"//details[starts-with(@class, 'filter')][summary[starts-with(., '{title}')]]"
        )
        self._open(filter_)
        self.click(filter_.find_element("css selector", f'button[aria-label="None: {title}"]'))
        self.click(filter_.find_element("xpath", f".//label[. = '{value}']"))

    def _open(self, details: WebElement) -> None:
        if details.get_attribute("open") is None:
            self.click(details.find_element("css selector", "summary"))

    def leave(self, key: str, value: str) -> None:
        """The same at once, without the mouse."""
        self.page.execute_script(LEAVE, TITLES[key], value)

    def reset(self) -> None:
        """Show everything again."""
        self.click(self.one("#reset"))

    def offered(self) -> dict[str, list[dict[str, str]]]:
        """Every table's download as its button hands it to the browser, which takes a third of a second to save one."""
        return {name: read_csv(text) for name, text in self.page.execute_async_script(OFFERS)}

    def csv(self, name: str, folder: Path) -> list[dict[str, str]]:
        """A table's download, saved and read."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.csv"
        path.unlink(missing_ok=True)
        save_to(self.page, folder)
        button = next(one for one in self.part(name).find_elements("css selector", "button") if one.text == "CSV")
        for patience_s in (CLICK_S, CLICK_S, PATIENCE_S):
            self.click(button)
            with suppress(TimeoutException):  # a figure above that was drawn meanwhile moved it away from the click
                self.until(lambda: path.exists() and path.stat().st_size, patience_s)  # the headings at the least
                break
        return read_csv(path.read_bytes().decode("utf-8"))

    def until(self, condition: Any, patience_s: float = PATIENCE_S) -> Any:
        """Wait until something holds, which is not waited for where it does."""
        return WebDriverWait(self.page, patience_s, poll_frequency=0.05).until(lambda _: condition())
