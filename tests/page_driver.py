"""The page under a reader's hands: written to a file, opened in Chromium, filtered, sorted, downloaded."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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
# A canvas with one colour only is blank; which of its pixels are asked for is no matter of chance.
COLOURS = """
    return [...arguments[0].querySelectorAll('canvas')].map(canvas => {
        if (!canvas.width || !canvas.height) return 0;
        const at = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(at.buffer)).size;
    });
"""
# Of a copy: a canvas that is read twice makes Chromium complain.
CHECKSUM = """
    return [...arguments[0].querySelectorAll('canvas')].filter(canvas => canvas.width && canvas.height).map(canvas => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const pixels = new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
        return [canvas.width, canvas.height, pixels.reduce((sum, one) => (Math.imul(sum, 31) + one) | 0, 0)].join();
    }).join(' ');
"""
ROWS = """
    return [...arguments[0].querySelectorAll('table[aria-labelledby] > tbody > tr')].map(
        row => [...row.cells].map(cell => cell.textContent)
    );
"""
OFFERED = """
    const [part, done] = arguments;
    const offer = URL.createObjectURL, follow = HTMLAnchorElement.prototype.click;
    let made = null;
    URL.createObjectURL = blob => { made = blob; return offer.call(URL, blob); };
    HTMLAnchorElement.prototype.click = () => {};
    [...part.querySelectorAll('button')].find(one => one.textContent === 'CSV').click();
    URL.createObjectURL = offer;
    HTMLAnchorElement.prototype.click = follow;
    made.text().then(done);
"""


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
        """A figure once it is drawn, for which it has to be looked at."""
        figure = self.part(name)
        self.page.execute_script(INTO_SIGHT, figure)
        self.until(lambda: figure.find_elements("css selector", "canvas, .drawing svg"))
        return figure

    def picture(self, name: str) -> str:
        """The size and a checksum of a figure's pixels, to compare."""
        return str(self.page.execute_script(CHECKSUM, self.drawn(name)))

    def colours(self, name: str) -> list[int]:
        """How many colours each canvas of a figure has."""
        found: list[int] = self.page.execute_script(COLOURS, self.drawn(name))
        return found

    def rows(self, name: str) -> list[list[str]]:
        """The texts of a table's rows, all of them: it is asked for more until there are no more."""
        table = self.part(name)
        for more in table.find_elements("css selector", "button.more"):
            while more.is_displayed():
                self.click(more)
        found: list[list[str]] = self.page.execute_script(ROWS, table)
        return found

    def head(self, name: str, column: Column) -> WebElement:
        """The heading of a table's column."""
        heads = self.part(name).find_elements("css selector", "thead th")
        return next(one for one in heads if one.text == column.title)

    def click(self, element: WebElement) -> None:
        """By the mouse, where it stands; figures that are drawn as they come into sight may still move it."""

        def clicked(_: WebDriver) -> bool:
            self.page.execute_script(INTO_SIGHT, element)
            element.click()
            return True

        ignored = [ElementClickInterceptedException]
        WebDriverWait(self.page, PATIENCE_S, poll_frequency=0.05, ignored_exceptions=ignored).until(clicked)

    def choose(self, key: str, value: str) -> None:
        """Leave one value of a filter: none first, then that one."""
        title = {"solver": "Solver", "problem": "Problem", "device": "Device", "n": "Rows n", "lr": "Learning rate"}[
            key
        ]
        panel = self.one("#filters")
        self._open(panel)
        filter_ = next(one for one in self.every("details.filter") if self._summary(one).startswith(title))
        self._open(filter_)
        self.click(filter_.find_element("css selector", f'button[aria-label="None: {title}"]'))
        labels = filter_.find_elements("css selector", "label")
        self.click(next(label for label in labels if label.text == value))

    def _open(self, details: WebElement) -> None:
        if details.get_attribute("open") is None:
            self.click(details.find_element("css selector", "summary"))

    def _summary(self, details: WebElement) -> str:
        return details.find_element("css selector", "summary").text

    def reset(self) -> None:
        """Show everything again."""
        self.click(self.one("#reset"))

    def offered(self, name: str) -> list[dict[str, str]]:
        """A table's download as its button hands it to the browser, which takes a third of a second to save one."""
        text: str = self.page.execute_async_script(OFFERED, self.part(name))
        return list(csv.DictReader(io.StringIO(text, newline="")))

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
        return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))

    def until(self, condition: Any, patience_s: float = PATIENCE_S) -> Any:
        """Wait until something holds, which is not waited for where it does."""
        return WebDriverWait(self.page, patience_s, poll_frequency=0.05).until(lambda _: condition())
