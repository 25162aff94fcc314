"""What goes wrong before anything is measured: one line that names the thing and what to do."""

import re
from collections.abc import Iterable
from contextlib import suppress

USAGE = 2
COULD_NOT_MEASURE = 3


MOST_CHARACTERS = 2000
"""Of an error: 25 lines of a terminal, and twice the longest list of names that an error gives (`unknown`).

A column or a key of a file that somebody handed over may be megabytes long."""

IN_URL = r"(:/{1,2}[^:/\s]*):(?!\*\*\*@|\s|\d+(?:[/?][^@\s]*)?(?:\s|$))[^@]*@(?:\S*@)?"
"""Of a URL, which as a path has one slash; a number is its port. In a password an @ may have been left as it is, where
%40 was meant: it goes on to the last of a word. The one that is hidden already stays as it is."""
USER = r"://(?!git@|\*\*\*@)[^@/\s:]+@"
ASKED_FOR = r"(?i)([?&][^=&\s]*password=)[^&\s'\"]*"
"""libpq takes a password among a URL's parameters too."""


def without_password(text: str) -> str:
    """The text with *** for each password of a URL in it: for all that is shown, and for what is kept of a command.

    SQLAlchemy's URL.render_as_string does the same for a URL that it can parse; but this is also for those that it
    cannot, for `?password=`, and inside of what is said.
    """
    return re.sub(ASKED_FOR, r"\1***", re.sub(IN_URL, r"\1:***@", text))


def without_credentials(text: str) -> str:
    """The same, and with *** for a user of a URL that may be a token; `git@`, which everybody is, stays."""
    return re.sub(USER, "://***@", without_password(text))


def one_line(text: str) -> str:
    """The text on one line, cut off after MOST_CHARACTERS, with nothing in it that a terminal acts upon.

    Control characters, bidirectional overrides and what else cannot be seen are written as Python escapes them:
    names from files reach errors, and an escape sequence in one could retitle a terminal or hide the rest.
    No password of a URL is in it.
    """
    looked_at = text[: 2 * MOST_CHARACTERS]
    words = without_password(" ".join(looked_at.split()))
    seen = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    whole = looked_at == text and len(seen) <= MOST_CHARACTERS
    return seen if whole else seen[: MOST_CHARACTERS - 4].rstrip() + " ..."


def said_by(error: BaseException, *, whole: bool = False) -> str:
    """The class and the first line of whatever was raised, or all of them, as one line.

    What it says may be anything: endless, half a character, or nothing, since `str` of it raises.
    """
    lines = _text(error)[: 2 * MOST_CHARACTERS].replace("\0", "\\0").strip().splitlines()
    return one_line(f"{type(error).__name__}: {' '.join(lines if whole else lines[:1])}")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as other:  # noqa: BLE001  # it may raise anything
        with suppress(Exception):
            return f"its text cannot be read: {type(other).__name__}: {other}"
    return "its text cannot be read"


class HarnessError(Exception):
    """A one-line error for a person; `exit_code` is what the command ends with."""

    exit_code = USAGE

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UsageError(HarnessError):
    """The request is wrong: an unknown name, an unusable value, a file that cannot be read."""


class CannotMeasureError(HarnessError):
    """The request is fine but there is nothing to measure or nothing to judge."""

    exit_code = COULD_NOT_MEASURE


class CannotWriteError(CannotMeasureError):
    """What was found cannot be written: no room, no permission, a device that takes nothing."""


MOST_NAMES = 20
"""An error is one line that a person reads; 'harness list' has all names."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in a catalog, with the nearest one that is."""
    # Loaded here: pytest imports this module in every session, used or not.
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names[:MOST_NAMES])}{more}"
    return UsageError(f"unknown {kind} '{name}': {hint}")


def counted(count: int, one: str, several: str = "") -> str:
    """`1 case`, `3 cases`; `several` where it is not `one` with an s."""
    return f"{count} {one if count == 1 else several or one + 's'}"
