"""A picture before it is drawn: a Vega-Lite specification over rows, for the page and for a file alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.figures.rows import Row


@dataclass(frozen=True)
class Figure:
    """A Vega-Lite specification over rows.

    `spec` has no data: the page and a file give it `rows` under the name "rows". `title`: one or two lines.
    `conclusion`: what it shows, as a file has it below its title; on the page the section says it.
    `description` says in a sentence what is seen, for who cannot see it. `name` is unique on the page and what
    `harness plot` calls it. Of its `usermeta` the page knows `minWidth`, the pixels that it needs to be read (a phone
    scrolls it), and `half`, of a small figure that may stand beside another.
    """

    name: str
    title: str
    description: str
    spec: Mapping[str, Any]
    rows: Sequence[Row]
    conclusion: str = ""

    @property
    def heading(self) -> str:
        """The title as one line."""
        return self.title.replace("\n", ": ")
