"""An accuracy run as GitHub-flavoured Markdown."""

import re
from collections.abc import Iterable, Sequence

from harness.judge.studies.bars import Bar, not_fine
from harness.records.record import Record
from harness.report import numbers as show
from harness.report.accuracy_cells import NOT_FINE, Sheet, footing, heading, label_of, ranks, reasons, tabulate, words

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")
"""What GitHub would read as markup inside a cell or a line."""


def accuracy_markdown(
    records: Sequence[Record], sheets: Sequence[Sheet], quantity: str, bars: Sequence[Bar], footer: str
) -> str:
    """A table a sheet, the cells that are not fine, the bars, the solvers that are missing, and a last line."""
    parts = [plain(heading(quantity))]
    for sheet in sheets:
        rows = tabulate(records, sheet, quantity)
        cells = [[row.label, *(cell.text + cell.mark for cell in row.cells)] for row in rows]
        heads = ["solver", *(head for _, head in sheet.columns)]
        parts.append(f"### {plain(sheet.title)}\n\n{table(heads, cells)}")
    parts += [plain(line) for line in footing(records, quantity)]
    found = not_fine(records)
    if found:
        parts.append(f"### {plain(NOT_FINE)}\n\n" + table(_HEADS, map(_line, found), left=_WORDS))
    lines = [f"{bar.verdict}: {bar.name}" + (f"; worst: {bar.worst}" if bar.worst else "") for bar in bars]
    lines += [f"unsupported: {reason}" for reason in reasons(records)] + [footer]
    parts.append("\n".join(f"- {plain(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


_HEADS = ("problem", "solver", "digits", "backward error", "rank", "why")


_WORDS = (0, 1, 5)


def _line(record: Record) -> list[str]:
    accuracy = record.accuracy
    numbers = [show.fixed(accuracy.digits, 1), show.power(accuracy.backward_error), ranks(record)]
    return [record.problem, label_of(record), *numbers, words(record)]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A table; cells are escaped here. The columns in `left` are words, the others numbers, flush right."""
    rule = "|" + "".join(":--|" if i in left else "--:|" for i in range(len(heads)))
    lines = ["| " + " | ".join(map(plain, cells)) + " |" for cells in (heads, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def plain(text: str) -> str:
    """The text on one line, with nothing in it that is markup or an entity, and nothing that cannot be seen."""
    visible = "".join(character if character.isprintable() else " " for character in text)
    return SPECIAL.sub(r"\\\1", " ".join(visible.split()).replace("&", "&amp;"))
