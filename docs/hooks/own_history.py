"""mkdocs hook: writes the steps in this project's own asv results into their page, each with what is said of it."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from harness.asv.gate import AsvSelection
from harness.asv.watch import watched
from harness.judge.history.series import SHORT
from harness.judge.history.watch import CommitSteps, Watch, date_of
from harness.report.tables.watch import change_words, summary, value_words

PAGE = "explanation/own-history.md"
MARK = "<!-- the steps -->"
RESULTS = Path(__file__).parents[2] / "results/asv"
SAID = RESULTS / "steps.toml"
MOST_LINES = 8
"""Of a commit's steps, the largest; the others are counted."""


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Replace MARK in PAGE by the tables; other pages stay as they are."""
    return markdown.replace(MARK, "\n".join(tables(found()))) if page.file.src_uri == PAGE else markdown


@cache
def found() -> Watch:
    """What the scan finds in the committed results."""
    return watched(RESULTS, AsvSelection(), ())


def tables(watch: Watch) -> Iterator[str]:
    """The lines: what was searched, and a section a commit. Raises ValueError for one of which nothing is said."""
    said: dict[str, str] = tomllib.loads(SAID.read_text())
    dated = zip(watch.table.commits, watch.table.dates_ms, strict=True)
    yield f"{summary(watch)}. What is not searched has too few numbers, or has never changed."
    yield ""
    yield "Commits: " + ", ".join(f"`{commit[:SHORT]}` ({date_of(date_ms)})" for commit, date_ms in dated) + "."
    if not watch.groups:
        yield from ("", "No series has a step: none of these numbers changed by more than chance makes them.")
    for group in sorted(watch.groups, key=lambda one: one.date_ms):
        short = group.commit[:SHORT]
        if short not in said:
            raise ValueError(f"{SAID}: nothing is said of the steps at {short}")
        yield from ("", f"## {short}, {group.date}", "", f"After {group.old[:SHORT]}: {change_words(group)}.")
        yield from ("", said[short], "")
        yield from _steps(group)


def _steps(group: CommitSteps) -> Iterator[str]:
    yield from ("| benchmark | from, to |", "|---|---|")
    yield from (f"| `{step.series.label}` | {value_words(step)} |" for step in group.steps[:MOST_LINES])
    if len(group.steps) > MOST_LINES:
        yield f"| and {len(group.steps) - MOST_LINES} more | |"
