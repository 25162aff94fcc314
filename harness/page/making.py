"""Evidence -> the page, and the page -> a file, whole or not at all."""

from pathlib import Path

from harness.errors import UsageError
from harness.files.writing import check_file
from harness.page.gather import PageRequest, gather
from harness.page.paper import chromium
from harness.report.html.order import sections
from harness.report.html.render import render
from harness.store.store import Store

SUFFIXES = (".html", ".htm")
PAPER = ".pdf"


def make(
    store: Store | None,
    asked: PageRequest,
    *,
    reload_s: float | None = None,
    version: str | None = None,
    paper: bool = False,
) -> str:
    """The page. Raises what `gather` and `render` raise."""
    evidence = gather(store, asked)
    return render(evidence, sections(evidence), reload_s=reload_s, version=version, paper=paper)


def on_paper(path: Path | None) -> bool:
    """Whether a page that is written there is printed: a PDF."""
    return path is not None and path.suffix.lower() == PAPER


def check_output(path: Path) -> None:
    """Raise UsageError, before minutes of fitting and not after them, if no page can be written there.

    Raises CannotMeasureError for a PDF where there is no Chromium to print it.
    """
    if path.suffix.lower() not in (*SUFFIXES, PAPER):
        raise UsageError(f"{path}: a page's suffix is .html or .pdf, not '{path.suffix}'")
    check_file(path, path)
    if on_paper(path):
        chromium()


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which a file's name may be, as a reference that a browser shows as U+FFFD."""
    return text.encode("utf-8", "xmlcharrefreplace")
