"""What a page is checked by in a browser: axe-core, its width, what Tab reaches, and the work that its scripts do."""

from pathlib import Path
from typing import Any

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import PATIENCE_S, complaints, npm_package

AXE = "4.14.1"
"""Of axe-core, from the npm registry: the packages on PyPI carry versions that are years old (4.4 and 3.1)."""
GRAVE = ("serious", "critical")
"""Impacts as axe-core names them, which no page may have."""

CONTROLS = """
    return [...document.querySelectorAll(
        'a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable="true"]'
    )].filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}));
"""
HTML = "return arguments[0].outerHTML.slice(0, 120)"
# What has the focus is looked at as the next Tab is pressed: it has come into sight by then.
FOCUSED = """
    const look = () => {
        const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        return {
            element: e === document.body ? null : e,
            seen: outlined || style.boxShadow !== 'none',
            inside: box.bottom > 0 && box.top < innerHeight && box.width > 0,
            what: e.outerHTML.slice(0, 120),
        };
    };
"""
WATCH = f"""{FOCUSED}
    window.focused = [];
    addEventListener('keydown', () => window.focused.push(look()), {{ capture: true }});
"""
GIVEN = f"""{FOCUSED}
    return arguments[0].map(control => {{ control.focus({{ focusVisible: true }}); return look(); }});
"""


def axe_source(work: Path) -> str:
    """axe-core's script; skips where npm has it neither in its cache nor from the registry."""
    return (npm_package("axe-core", AXE, work) / "axe.min.js").read_text(encoding="utf-8")


def axe(page: WebDriver, source: str, within: str = "html") -> list[dict[str, Any]]:
    """axe-core's violations within an element, by every rule that it has on by default: `impact`, `id`, `nodes`."""
    page.execute_script(source)
    script = """
        const [within, done] = arguments;
        axe.run(within, {resultTypes: ['violations']}).then(
            found => done(found.violations), error => done([{id: String(error), impact: 'critical', nodes: []}])
        );
    """
    page.set_script_timeout(120)
    found: list[dict[str, Any]] = page.execute_async_script(script, within)
    return found


def violation_lines(violations: list[dict[str, Any]], *, impacts: tuple[str, ...] = GRAVE) -> list[str]:
    """The violations of these impacts, a line each, with the first elements that they are of."""
    return [
        f"{one['impact']}: {one['id']}: {'; '.join(node['html'][:120] for node in one['nodes'][:3])}"
        for one in violations
        if one["impact"] in impacts
    ]


def too_wide(page: WebDriver) -> list[str]:
    """What sticks out of the page to the right, were it to be scrolled there; empty where it need not be."""
    script = """
        const wide = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= wide) return [];
        const out = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > wide + 1);
        return ['scrollWidth ' + document.documentElement.scrollWidth, ...out.map(e => e.outerHTML.slice(0, 100))];
    """
    found: list[str] = page.execute_script(script)
    return found[:10]


def tabbed(page: WebDriver, *, press: bool) -> tuple[int, list[str], list[str]]:
    """Press Tab until it has come round: how many controls there are, which it misses, which show no focus.

    Without `press` each is given the focus in turn, which is drawn as Tab has it drawn and takes a tenth of the time.
    """
    controls = page.execute_script(CONTROLS)
    if press:
        page.execute_script(WATCH)
        ActionChains(page, duration=0).send_keys(Keys.TAB * (len(controls) + 10)).perform()
        had = page.execute_script("return window.focused.slice(1)")  # the first is what had the focus before
    else:
        had = page.execute_script(GIVEN, controls)
    reached, unseen = set(), []
    for now in had:
        if now["element"] is None or now["element"] in reached:
            break
        reached.add(now["element"])
        if not (now["seen"] and now["inside"]):
            unseen.append(now["what"])
    missed = [control for control in controls if control not in reached]
    return len(controls), [page.execute_script(HTML, one) for one in missed], unseen


def counted(page: WebDriver, address: str) -> dict[str, int]:
    """The work of a page until it is ready: `blocks` of JavaScript that V8 entered, `nodes` of the document.

    No clock is asked, so that the figures are the same on a busy machine.
    """
    page.get("about:blank")
    page.execute_cdp_cmd("Profiler.enable", {})
    page.execute_cdp_cmd("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
    try:
        page.get(address)
        ready(page)
        scripts = page.execute_cdp_cmd("Profiler.takePreciseCoverage", {})["result"]
    finally:
        page.execute_cdp_cmd("Profiler.stopPreciseCoverage", {})
        page.execute_cdp_cmd("Profiler.disable", {})
    functions = [function for script in scripts if script["url"] == address for function in script["functions"]]
    blocks = sum(block["count"] for function in functions for block in function["ranges"])
    return {"blocks": blocks, "nodes": page.execute_script("return document.getElementsByTagName('*').length")}


READY = "return document.documentElement.dataset.ready"
STATE = """
    const drawn = [...document.querySelectorAll('figure')].map(figure => figure.querySelectorAll('canvas').length);
    return [location.href, document.readyState, document.visibilityState, performance.now(), drawn.join('')].join(' ');
"""


def ready(page: WebDriver) -> None:
    """Wait until the page says that it has drawn all that it draws at first. Raises AssertionError if it never does."""
    try:
        WebDriverWait(page, PATIENCE_S, poll_frequency=0.02).until(lambda it: it.execute_script(READY))
    except TimeoutException:
        raise AssertionError(f"never ready: {page.execute_script(STATE)}: {complaints(page)}") from None
