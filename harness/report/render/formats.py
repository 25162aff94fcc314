"""The formats that a verdict is written in beside the console: a line here and its module is all that one more takes.

The options of `harness gate` and `harness ab`, their help and their checks come from FORMATS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.report.tables.document import Document
    from harness.report.words.checks import Check


@dataclass(frozen=True)
class Judged:
    """What a command judged: what it says, and a check for each thing that it judged.

    `suite`: the command. `file`: where the limits are, relative to the repository; None without one.
    """

    suite: str
    documents: "Sequence[Document]"
    checks: "Sequence[Check]"
    file: str | None = None


@dataclass(frozen=True)
class Format:
    """`name`: of the option that takes the file; `what`: its help; `text`: what is written."""

    name: str
    what: str
    text: Callable[[Judged], str]


def markdown(judged: Judged) -> str:
    """GitHub-flavoured Markdown: of a file, of a step's summary, of a comment."""
    from harness.report.render.markdown import markdown as text  # where it is written only: it loads what it draws

    return "\n".join(map(text, judged.documents))


def _junit(judged: Judged) -> str:
    from harness.report.render.junit import junit

    return junit(judged.checks, judged.suite)


FORMATS = (
    Format("markdown", "Write the verdict as Markdown to FILE too.", markdown),
    Format("junit", "Write JUnit XML to FILE, a test a check.", _junit),
)
