"""Run the documents' blocks and write the outputs that differ into them: `python -m tools.documents [PAGE ...]`.

All pages unless some are named. A block that leaves something out, and one of Python, is named on standard error and
mended by hand.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.documents import PAGES, ROOT, Block, Session, Step, blocks
from tests.shown import ELLIPSIS, told_apart


def rewritten(page: str, wrong: Sequence[tuple[Block, Step | None, str]]) -> str:
    """The page with what came in the place of what it shows."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    for block, step, got in reversed(wrong):
        if step is None:
            sys.stderr.write(f"{page}:{block.line}: mend this one by hand:\n{got}\n")
            continue
        if ELLIPSIS in step.shown:
            sys.stderr.write(f"{page}:{block.line}: '{step.command}' is shown in full now: leave out what you did\n")
        at = block.line - 1
        shown = [(" " * block.indent + line).rstrip() for line in told_apart(got)]
        lines[at + step.first : at + step.last] = shown
    return "\n".join(lines) + "\n"


def main(pages: Sequence[str]) -> None:
    for page in pages:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
            os.environ["HARNESS_CACHE_DIR"] = cache
            wrong = list(Session(Path(folder)).follow(blocks(page)))
        (ROOT / page).write_text(rewritten(page, wrong), encoding="utf-8")
        sys.stdout.write(f"{page}: {len(wrong)} outputs differed\n")


if __name__ == "__main__":
    main(sys.argv[1:] or PAGES)
