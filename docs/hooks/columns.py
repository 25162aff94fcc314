"""mkdocs hook: writes the columns of the pandas frames into their page, from where they are described."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.report.render.frame import dtype_of
from harness.report.tables import case, comparison, devices, gate
from harness.report.tables.column import Column

PAGE = "reference/python/harness.md"
MARK = "<!-- the columns -->"
FRAMES: Mapping[str, tuple[Column[Any], ...]] = {
    "run and load": case.FRAME,
    "compare": comparison.FRAME,
    "compare by device": devices.FRAME,
    "gate": gate.FRAME,
}
"""What the frame is of, and its columns."""


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Replace MARK in PAGE by a table for each frame; other pages stay as they are."""
    return markdown.replace(MARK, "\n".join(tables())) if page.file.src_uri == PAGE else markdown


def tables() -> Iterator[str]:
    """The lines: a heading and a table for each frame."""
    for name, columns in FRAMES.items():
        yield from (f"### {name}", "", "| column | dtype | what it is |", "|---|---|---|")
        yield from (f"| `{column.key}` | {dtype_of(column)} | {column.help} |" for column in columns)
        yield ""
