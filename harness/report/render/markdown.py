"""Documents as GitHub-flavoured Markdown; every text is escaped."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from harness.report.render.text import cell_text
from harness.report.tables.column import Column
from harness.report.tables.document import Code, Document, Folded, Heading, Line, Paragraph, Table

Row = TypeVar("Row")
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")
"""What GitHub would read as markup inside a cell or a line."""
NO_MENTION = "\u200b"
"""A zero-width space after an @: an error's text must not notify a person who has that name on GitHub."""

MARKS = {0: "✅", 1: "❌", 3: "⚠️"}
"""How it went, by the exit code."""


def markdown(document: Document) -> str:
    """What to conclude, then the parts; lines that follow each other are a list."""
    first, *others = document.conclusion or (Line(""),)
    if document.exit_code is None:
        parts = [_list(document.conclusion)]
    else:
        parts = [f"### {MARKS[document.exit_code]} {escaped(_text(first))}", _list(others)]
    for kind, group in groupby(document.parts, key=type):
        same = list(group)
        if kind is Line:
            parts.append(_list(part for part in same if isinstance(part, Line)))
        for part in same:
            if isinstance(part, Table):
                parts += _sections(part)
            elif not isinstance(part, Line):
                parts.append(_block(part))
    return page(parts)


def table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> str:
    """The header and a line a row; words flush left, numbers right."""
    heads = [column.heading for column in columns]
    rule = "|" + "".join(":--|" if column.kind.is_text else "--:|" for column in columns)
    body = [_line([cell_text(column, row) for column in columns]) for row in rows]
    return "\n".join([_line(heads), rule, *body])


def items(texts: Iterable[str]) -> str:
    """A list, an item a text."""
    return "\n".join(f"- {escaped(text)}" for text in texts)


def page(parts: Iterable[str]) -> str:
    """The parts that are not empty, a blank line between them."""
    return "\n\n".join(filter(None, parts)) + "\n"


def escaped(text: str) -> str:
    """The text on one line, with nothing in it that is markup, an entity or a mention, and nothing invisible."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    plain = SPECIAL.sub(r"\\\1", " ".join(visible.split()).replace("&", "&amp;"))
    return plain.replace("@", "@" + NO_MENTION)


def _sections(part: Table[Row]) -> list[str]:
    """A table a group, under its title; then what is said of its rows, each with the row's first cell."""
    found = [f"### {escaped(part.title)}"] if part.title else []
    for title, rows in part.groups:
        found += [f"### {escaped(title)}"] if title else []
        found += [_list(part.of_group(rows))] if part.of_group is not None else []
        found += [table(part.columns, rows)] if rows else []
        if part.below is not None:
            found.append(
                items(f"{cell_text(part.columns[0], row)}: {_text(one)}" for row in rows for one in part.below(row))
            )
    return found


def _block(part: Heading | Paragraph | Code | Folded) -> str:
    if isinstance(part, Heading):
        return f"### {escaped(part.text)}"
    if isinstance(part, Paragraph):
        return escaped(part.text)
    if isinstance(part, Code):
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", part.text)), default=0))
        return f"{fence}python\n{part.text}\n{fence}"
    return f"<details><summary>{part.summary}</summary>\n\n{_list(part.lines)}\n\n</details>" if part.lines else ""


def _list(lines: Iterable[Line]) -> str:
    return items(map(_text, lines))


def _text(line: Line) -> str:
    return f"{line.word.rstrip(':')}: {line.text}" if line.word else line.text


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
