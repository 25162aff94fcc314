"""asv's published site in a real headless Chromium, without a network.

The site loads its libraries from content delivery networks; here they come from the npm registry, at the
versions that the site names, and are served beside it.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import PATIENCE_S, npm_package

LIBRARIES = {
    r"https://code\.jquery\.com/jquery-([\d.]+)\.min\.js": ("jquery", "dist/jquery.min.js"),
    r"https://cdnjs\.cloudflare\.com/ajax/libs/flot/([\d.]+)/(jquery\.flot[\w.]*?)\.min\.js": ("flot", "{1}.js"),
    r"https://cdn\.jsdelivr\.net/npm/([\w-]+)@([\d.]+)/([\w./]+)": ("{0}", "{2}"),
    r"https://cdnjs\.cloudflare\.com/ajax/libs/stupidtable/([\d.]+)/[\w.]+": ("stupid-table-plugin", "stupidtable.js"),
    r"https://cdnjs\.cloudflare\.com/ajax/libs/blueimp-md5/([\d.]+)/js/(md5\.min\.js)": ("blueimp-md5", "js/{1}"),
}
"""Address on the network -> npm package and file in it; {n} is the n-th group of the address."""


@dataclass(frozen=True)
class Site:
    """A site whose libraries lie beside it."""

    folder: Path

    @classmethod
    def offline(cls, html: Path, work: Path) -> "Site":
        """Copy the site and bring its libraries; skips where npm is missing."""
        site = work / "site"
        shutil.copytree(html, site)
        index = (site / "index.html").read_text()
        for pattern, (package, file) in LIBRARIES.items():
            for match in reversed(list(re.finditer(pattern, index))):
                groups = match.groups()
                name = package.format(*groups)
                version = next(group for group in groups if re.fullmatch(r"[\d.]+", group))
                source = npm_package(name, version, work, nearest=True) / file.format(*groups)
                target = site / "libraries" / f"{name}-{source.name}"
                target.parent.mkdir(exist_ok=True)
                shutil.copy(source, target)
                index = index[: match.start()] + f"libraries/{target.name}" + index[match.end() :]
        # The hashes are of the networks' minified files.
        (site / "index.html").write_text(re.sub(r' integrity="[^"]*"| crossorigin="[^"]*"', "", index))
        return cls(site)

    def plotted(self, page: WebDriver) -> list[list[float]]:
        """The y values of every series of the graph, once it is drawn."""
        script = """
            const drawn = [...document.querySelectorAll('canvas.flot-base')].map(c => $(c).parent().data('plot'));
            const plot = drawn.find(p => p && p.getData().some(s => s.data.length > 1));
            return plot ? plot.getData().map(s => s.data.map(d => d[1])) : null;
        """
        series = WebDriverWait(page, PATIENCE_S).until(lambda driver: driver.execute_script(script))
        return [[float(y) for y in values if y is not None] for values in series]

    def text_when(self, page: WebDriver, selector: str, word: str) -> str:
        """The text of an element once it has a word."""
        script = "const e = document.querySelector(arguments[0]); return e ? e.textContent : '';"

        def text(driver: WebDriver) -> str:
            found = str(driver.execute_script(script, selector))
            return found if word in found else ""

        return WebDriverWait(page, PATIENCE_S).until(text)
