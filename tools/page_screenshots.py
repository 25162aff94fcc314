"""Pictures of the page for the documents: `python -m tools.page_screenshots FOLDER [FILE.html]`.

Of that page, else of one made on the spot from a small run and a sweep that are measured now: the same cases, digits
and layout each time, other seconds. The top of the page at two widths, light and dark; then, light, sections and a case
by themselves. Colours are cut to 256, so that the files are small enough to be kept in the repository.
"""

import base64
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from harness.paths import results_folder
from tests.browser import browser, prefer, resize
from tests.page_checks import ready
from tests.page_driver import Reader

MOST_BYTES = 300_000
TOPS = ((1400, 1000), (400, 800))
SECTIONS = ("decision", "accuracy", "findings", "speed", "training", "verdict", "history", "tutorials", "environment")
TALLEST = 1600
"""Pixels of a section's picture: tables go on below."""
RUN = (
    *("--problem", "synthetic", "--problem", "everyday", "--problem", "diabetes", "--problem", "auto_mpg"),
    *("--solver", "numpy_lstsq", "--solver", "sklearn", "--solver", "sklearn_tol0", "--solver", "normal_equations"),
    *("--solver", "scipy_gelsy", "--solver", "streaming", "--solver", "torch_sgd", "--device", "cpu"),
)
EXPECTATIONS = "results/expectations.toml"
SWEEP = ("--problem", "diabetes", "--lr", "1e-3:1:decades", "--device", "cpu")


def page_of(folder: Path) -> Path:
    """A real page: a run of four problems, a sweep over learning rates, the report."""
    (folder / "results").mkdir()
    shutil.copy(results_folder() / "expectations.toml", folder / EXPECTATIONS)  # so that no picture has a path of here
    report = ("report", "-o", "report.html", "--expectations", EXPECTATIONS)
    for words in (("sweep", *SWEEP), ("run", *RUN), report):
        command = [sys.executable, "-m", "harness", *words, "--store", "store.sqlite"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):  # a run in which a case ends wrong has something to show
            raise SystemExit(done.stderr)
    return folder / "report.html"


def keep(png: bytes, path: Path) -> None:
    """Write a picture. Raises SystemExit if it is too large."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {picture.width} x {picture.height}, {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: more than {MOST_BYTES / 1000:.0f} kB")


def tops(reader: Reader, address: str, folder: Path) -> None:
    """What is seen first."""
    for width, height in TOPS:
        for scheme in ("light", "dark"):
            resize(reader.page, width, height)
            prefer(reader.page, scheme)
            reader.page.get("about:blank")
            reader.page.get(address)
            ready(reader.page)
            keep(reader.page.get_screenshot_as_png(), folder / f"page-{width}-{scheme}.png")


def parts(reader: Reader, address: str, folder: Path) -> None:
    """Each section, and a case in full."""
    resize(reader.page, 1400)
    prefer(reader.page, "light")
    reader.page.get("about:blank")
    reader.page.get(address)
    ready(reader.page)
    for figure in reader.every("figure[data-part]"):
        reader.drawn(str(figure.get_attribute("data-part")))
    for name in (one for one in SECTIONS if reader.every(f"#{one}")):
        keep(element_picture(reader, f"#{name}"), folder / f"section-{name}.png")
    reader.click(reader.one("main button.open"))
    reader.until(lambda: reader.every("dialog pre code"))
    keep(reader.page.get_screenshot_as_png(), folder / "case.png")


def element_picture(reader: Reader, selector: str) -> bytes:
    """An element, also where it is taller than the window, down to TALLEST."""
    script = "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
    script += "return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height}"
    box = reader.page.execute_script(script, selector)
    clip = {**box, "height": min(box["height"], TALLEST), "scale": 1}
    asked = {"format": "png", "clip": clip, "captureBeyondViewport": True}
    return base64.b64decode(reader.page.execute_cdp_cmd("Page.captureScreenshot", asked)["data"])


def main(words: list[str]) -> None:
    """Write them all."""
    if not words:
        raise SystemExit("usage: python -m tools.page_screenshots FOLDER [FILE.html]")
    folder = Path(words[0])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, browser() as page:
        made = Path(words[1]).resolve() if len(words) > 1 else page_of(Path(work))
        reader = Reader(page)
        tops(reader, made.as_uri(), folder)
        parts(reader, made.as_uri(), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
