"""mkdocs hook: writes the glossary and the statuses into their pages, from where they are described."""

from collections.abc import Mapping
from typing import Any

from harness.records.record import Status
from harness.report.words.glossary import GLOSSARY

STATUSES = "<!-- the statuses -->"
WORDS = "<!-- the words -->"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Replace each mark in its page by its table; other pages stay as they are."""
    for mark, (name, rows) in TABLES.items():
        if page.file.src_uri == name:
            markdown = markdown.replace(mark, "\n".join(rows))
    return markdown


def statuses() -> list[str]:
    """The lines of the table: what each status means, what to do, and whether it fails a run."""
    head = ["| status | meaning | advice | fails a run |", "|---|---|---|---|"]
    rows = ((one.value, one.meaning, one.advice, "yes" if one.failed else "no") for one in Status)
    return head + [f"| `{name}` | {meaning} | {advice} | {fails} |" for name, meaning, advice, fails in rows]


def words() -> list[str]:
    """The lines of the table: each word with what it means and the page that says more."""
    head = ["| word | meaning | more |", "|---|---|---|"]
    return head + [
        f'| <span id="{one.word.replace(" ", "-")}">{one.word}</span> | {one.meaning} | [page](../{one.page}) |'
        for one in GLOSSARY
    ]


TABLES: Mapping[str, tuple[str, list[str]]] = {
    STATUSES: ("reference/exit-codes.md", statuses()),
    WORDS: ("reference/glossary.md", words()),
}
