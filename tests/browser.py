"""A headless Chromium from the system's packages, without a network, and what it says of itself.

Every name outside this machine is unknown to it, so that a page that asks for one is seen to fail; `asked` lists what
was asked for. JavaScript libraries that only a test needs come from the npm registry.
"""

import functools
import http.server
import json
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.webdriver import WebDriver

PATIENCE_S = 300
"""Only how long to wait for a page that never comes; a page that is there is not waited for."""

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox refuses to run as root, as containers do
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's /dev/shm is smaller than a large page needs
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",  # a proxy would look names up in the browser's stead
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",  # a page that still scrolls is clicked beside the mark
    "--force-color-profile=srgb",  # the same colours, and so the same pictures, on every machine
)

HARMLESS = ("because spec has discrete height",)
"""What Vega-Lite warns of wherever a width that fits its box stands beside a height by steps."""


@contextmanager
def browser(*, width: int = 1400, height: int = 1000) -> Iterator[WebDriver]:
    """A Chromium whose page is so many pixels wide; skips where it is missing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory() as folder:
        for argument in (*ARGUMENTS, f"--window-size={width},{height}", f"--user-data-dir={folder}/profile"):
            options.add_argument(argument)
        page = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield page
        finally:
            page.quit()


def resize(page: WebDriver, width: int, height: int = 1000) -> None:
    """Make the page so many pixels wide: a window is never narrower than 500, a device is."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def prefer(page: WebDriver, scheme: str) -> None:
    """Ask for light or dark, as the reader's system does."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def save_to(page: WebDriver, folder: Path) -> None:
    """Where downloads go."""
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})


def complaints(page: WebDriver) -> list[str]:
    """What the console has said since it was last asked: warnings and errors, but for what is HARMLESS."""
    said = page.get_log("browser")  # type: ignore[no-untyped-call]  # selenium leaves it untyped
    found = [entry["message"] for entry in said if entry["level"] in ("WARNING", "SEVERE")]
    return [message for message in found if not any(words in message for words in HARMLESS)]


def asked(page: WebDriver) -> list[str]:
    """Every address that was asked for since this was last asked, data in the page itself apart."""
    log: list[dict[str, Any]] = page.get_log("performance")  # type: ignore[no-untyped-call]
    events = [json.loads(entry["message"])["message"] for entry in log]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:", "about:", "chrome:"))]


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


def npm_package(name: str, version: str, work: Path, *, nearest: bool = False) -> Path:
    """The unpacked npm package, with `nearest` the newest one where that version was never published there.

    Skips where npm is missing or has it neither in its cache nor from the registry.
    """
    folder = work / f"{name}-{version}"
    if folder.exists():
        return folder / "package"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which brings JavaScript libraries, is not installed")
    for wanted in (f"{name}@{version}", *([name] if nearest else [])):
        words = [npm, "pack", "--silent", "--prefer-offline", wanted]
        done = subprocess.run(words, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    else:
        pytest.skip(f"the npm registry does not give {name}: {done.stderr.strip()[-200:]}")
    with tarfile.open(work / done.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"
