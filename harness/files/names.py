"""Names that people read, seen as they are: no character that hides, turns or looks like nothing."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import AfterValidator, StringConstraints

HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's control characters, lone surrogates, line and paragraph separators."""
MARK = "\ufeff"
"""A byte order mark, which nobody sees and which a file's beginning loses."""
DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Bidirectional controls, which show a name in another order than it has (Unicode Annex 9; CVE-2021-42574)."""


IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default ignorable code points (Unicode, DerivedCoreProperties.txt), and the blank of Braille."""


def look(name: str) -> str:
    """The same text for all names that look the same: without what is not seen, compatible characters as one.

    Unicode Annex 15 (NFKC) and Standard 5.21 (default ignorable code points).
    """
    return " ".join(IGNORABLE.sub("", unicodedata.normalize("NFKC", name)).split())


def alike(names: Sequence[str]) -> tuple[int, int] | None:
    """The places of two different names that look the same, if there are any."""
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        before = seen.setdefault(look(name), place)
        if names[before] != name:
            return before, place
    return None


def is_visible(name: str) -> bool:
    """Whether a name is something that a person can see, and sees as it is."""
    if name.isascii() and name.isprintable():  # neither hidden nor turned: most names, and fast
        return name.strip() != ""
    hidden = (unicodedata.category(c) in HIDDEN or unicodedata.bidirectional(c) in DIRECTIONS for c in name)
    return bool(look(name)) and MARK not in name and not any(hidden)


def _seen(name: str) -> str:
    if not is_visible(name):
        raise ValueError(f"a name is visible text on one line, not {name!r}")
    return name


def _plain_file(name: str) -> str:
    if not is_visible(name) or name in (".", "..") or {"/", "\\"} & set(name):
        raise ValueError(f"a file beside this one is named without a folder, not {name!r}")
    return name


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"'{text}' is no version specifier, as >=1.9,<2") from None
    return text


Name = Annotated[str, AfterValidator(_seen)]
"""A name that is shown to people: no control characters."""
FileName = Annotated[str, AfterValidator(_plain_file)]
"""A file in the folder of the file that names it, and in no other."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that may become a file's: no separator, no leading dot or dash."""
Specifier = Annotated[str, AfterValidator(_specifier)]
"""Of a library's versions: `>=1.9,<2`."""
