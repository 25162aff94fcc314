"""Evidence -> the page, and the page -> a file, whole or not at all."""

from pathlib import Path

from harness.errors import UsageError
from harness.files.writing import check_file
from harness.page.gather import PageRequest, gather
from harness.report.html.order import sections
from harness.report.html.render import render
from harness.store.store import Store

SUFFIXES = (".html", ".htm")


def make(store: Store, asked: PageRequest, *, reload_s: float | None = None, version: str | None = None) -> str:
    """The page. Raises what `gather` and `render` raise."""
    evidence = gather(store, asked)
    return render(evidence, sections(evidence), reload_s=reload_s, version=version)


def check_output(path: Path) -> None:
    """Raise UsageError, before minutes of fitting and not after them, if no page can be written there."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a page's suffix is .html, not '{path.suffix}'")
    check_file(path, path)


def encoded(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which a file's name may be, as a reference that a browser shows as U+FFFD."""
    return text.encode("utf-8", "xmlcharrefreplace")
