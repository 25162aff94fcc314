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
from tests.page_scripts import CHECKSUMS, COLOURS, DRAWN, INTO_SIGHT, LEAVE, OFFERS, ROWS, SORTED

CLICK_S = 10.0
"""After so long a click is taken to have missed its button, and made again."""


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
