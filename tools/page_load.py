"""Load time, size and axe-core's result of a page: `python -m tools.page_load [RECORDS | FILE.html]`.

Of a planted run of so many records (10 000 by default), or of a page that is there. Load time is from the start of the
navigation until the figures in sight are drawn, by the page's own clock; CPU time is the page's main thread's. Both are
medians of some loads by a fresh profile each, with Chromium as the tests have it.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver

from tests import page_data
from tests.browser import browser, prefer, resize
from tests.page_checks import AXE, axe, axe_source, counted, ready, violation_lines
from tests.page_driver import Made

LOADS = 5
BAR_S = 3.0
"""For 10 000 records, from opening the file to the figures in sight."""
EVERY = ("minor", "moderate", "serious", "critical")


def loaded(page: WebDriver, address: str) -> dict[str, float]:
    """Seconds until it is ready, by its own clock, and CPU seconds of its main thread."""
    page.get("about:blank")
    page.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    before = _cpu_s(page)
    page.get(address)
    ready(page)
    wall_s = page.execute_script("return Number(document.documentElement.dataset.ready)") / 1000
    return {"wall_s": wall_s, "cpu_s": _cpu_s(page) - before}


def _cpu_s(page: WebDriver) -> float:
    metrics = page.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def main(words: list[str]) -> int:
    """1 if the median load is above the bar or axe finds anything serious."""
    with tempfile.TemporaryDirectory() as folder:
        named = words[0] if words else "10000"
        path = Made.of(page_data.many(int(named)), Path(folder)).path if named.isdigit() else Path(named).resolve()
        address = path.as_uri()
        runs = []
        for _ in range(LOADS):
            with browser() as page:
                runs.append(loaded(page, address))
        wall_s, cpu_s = (statistics.median(run[name] for run in runs) for name in ("wall_s", "cpu_s"))
        print(f"size {path.stat().st_size / 1e6:.2f} MB")
        print(f"ready after {wall_s:.2f} s, of it {cpu_s:.2f} s CPU (medians of {LOADS} loads; bar {BAR_S:g} s)")
        grave = 0
        with browser() as page:
            print("work: {blocks} blocks of JavaScript, {nodes} elements".format(**counted(page, address)))
            source = axe_source(Path(folder))
            for width, scheme in ((1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")):
                resize(page, width)
                prefer(page, scheme)
                page.get(address)
                ready(page)
                found = axe(page, source)
                grave += len(violation_lines(found))
                print(f"axe-core {AXE} at {width} px, {scheme}: {len(found)} violations")
                for line in violation_lines(found, impacts=EVERY):
                    print(f"  {line}")
    return 1 if grave or wall_s > BAR_S else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
