"""asv's published site in a real headless Chromium, without a network.

The site loads its libraries from content delivery networks; here they come from the npm registry, at the
versions that the site names, and are served beside it.
"""

import functools
import http.server
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 60
"""Only how long to wait for a page that never comes; a page that is there is not waited for."""

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
        if shutil.which("npm") is None:
            pytest.skip("npm, which brings the site's JavaScript libraries, is not installed")
        site = work / "site"
        shutil.copytree(html, site)
        index = (site / "index.html").read_text()
        for pattern, (package, file) in LIBRARIES.items():
            for match in reversed(list(re.finditer(pattern, index))):
                groups = match.groups()
                name = package.format(*groups)
                version = next(group for group in groups if re.fullmatch(r"[\d.]+", group))
                source = _package(name, version, work) / file.format(*groups)
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


def _package(name: str, version: str, work: Path) -> Path:
    """The unpacked npm package; its nearest version where that one was never published there."""
    folder = work / f"{name}-{version}"
    if not folder.exists():
        npm = shutil.which("npm") or "npm"
        for wanted in (f"{name}@{version}", name):
            done = subprocess.run(
                [npm, "pack", "--silent", wanted], cwd=work, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                break
        else:
            pytest.skip(f"the npm registry does not give {name}: {done.stderr.strip()[-200:]}")
        with tarfile.open(work / done.stdout.strip().splitlines()[-1]) as archive:
            archive.extractall(folder, filter="data")
    return folder / "package"


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback interface."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def browser() -> Iterator[WebDriver]:
    """A headless Chromium from the system's packages; skips where it is missing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for argument in (
            "--headless=new",
            "--no-sandbox",  # the sandbox refuses to run as root, as containers do
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=1400,1000",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        page = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield page
        finally:
            page.quit()
