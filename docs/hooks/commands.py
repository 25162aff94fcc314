"""mkdocs hook: writes the reference of the commands into its page, from the commands themselves."""

import re
import subprocess
import sys
from typing import Any

PAGE = "reference/commands.md"
MARK = "<!-- the commands -->"


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Replace MARK in PAGE by what typer says of every command; other pages stay as they are."""
    return markdown.replace(MARK, commands()) if page.file.src_uri == PAGE else markdown


def commands() -> str:
    """Every command with its arguments and options, as typer's own `utils docs` has them, without its first heading."""
    words = [sys.executable, "-m", "typer", "harness.cli", "utils", "docs", "--name", "harness"]
    made = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603  # our own words
    text = made.stdout.partition("\n")[2]
    # A usage line is no command to be run, and needs no prompt.
    text = re.sub(r"```console\n\$ ", "```text\n", text)
    # typer's lists of commands cut their sentences off: one table with the whole of them stands at the top.
    text = re.sub(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n", "", text)
    found = re.findall(r"^#+ `(harness [a-z ]+)`\n\n(.+)$", text, flags=re.MULTILINE)
    rows = [f"| [`{name}`](#{name.replace(' ', '-')}) | {says} |" for name, says in found]
    return "\n".join(["| command | what it does |", "|---|---|", *rows, "", text])
