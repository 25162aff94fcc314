"""The page on paper: a PDF, printed by a Chromium that is installed, without its window and without a network."""

import os
import shutil
import subprocess  # the browser is another program
import tempfile
from pathlib import Path

from harness.errors import CannotMeasureError, said_by
from harness.files.writing import write

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge"),
)
"""By which a Chromium is called on the PATH."""
BROWSER = "HARNESS_CHROMIUM"
"""Of the environment: another one's path."""
WIDTH_PX = 695
"""Of what is printed on A4 between the margins of page.css: 184 mm at 96 pixels an inch. Figures are drawn so wide."""
SCRIPTS_MS = 60_000
"""Of the page's own clock, which stands still while it works: by then the last figure is drawn."""
PATIENCE_S = 120
ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's /dev/shm is smaller than a large page needs
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--hide-scrollbars",
    "--no-pdf-header-footer",
    f"--window-size={WIDTH_PX},1000",
    f"--virtual-time-budget={SCRIPTS_MS}",
    "--run-all-compositor-stages-before-draw",
)


def chromium() -> str:
    """The program. Raises CannotMeasureError where there is none."""
    named = os.environ.get(BROWSER)
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        wanted = f"{BROWSER}={named}: no such program" if named else "no Chromium or Chrome is on the PATH"
        raise CannotMeasureError(f"a PDF is printed by Chromium: {wanted}; write FILE.html, and print it in a browser")
    return found


def print_pdf(page: bytes, path: Path) -> int:
    """Print a page that was rendered for paper into `path`; its size in bytes.

    Raises CannotMeasureError, one line, where there is no Chromium or it prints nothing, and what `write` raises.
    """
    program = chromium()
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_bytes(page)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # which refuses to run as root, as containers do
        words = [program, *ARGUMENTS, *sandbox, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}"]
        try:
            done = subprocess.run(  # noqa: S603  # a browser of the machine's, with arguments of our own
                [*words, source.as_uri()], capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotMeasureError(f"{program} printed nothing: {said_by(error)}") from None
        if not printed.exists():
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise CannotMeasureError(f"{program} printed nothing: {said}")
        made = printed.read_bytes()
    write(path, made)
    return len(made)
