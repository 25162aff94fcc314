"""Markdown tables of texts."""

from collections.abc import Iterable, Sequence

from harness.report.render.markdown import escaped as plain

__all__ = ["plain", "table"]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A table; cells are escaped here. The columns in `left` are words, the others numbers, flush right."""
    rule = "|" + "".join(":--|" if i in left else "--:|" for i in range(len(heads)))
    lines = ["| " + " | ".join(map(plain, cells)) + " |" for cells in (heads, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])
