"""What goes wrong before anything is measured: one line that names the thing and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches

USAGE = 2
COULD_NOT_MEASURE = 3


class HarnessError(Exception):
    """A one-line error for a person; `exit_code` is what the command ends with."""

    exit_code = USAGE


class UsageError(HarnessError):
    """The request is wrong: an unknown name, an unusable value, a file that cannot be read."""


class CannotMeasureError(HarnessError):
    """The request is fine but there is nothing to measure or nothing to judge."""

    exit_code = COULD_NOT_MEASURE


MOST_NAMES = 20
"""An error is one line that a person reads; 'harness list' has all names."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in a catalog, with the nearest one that is."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names[:MOST_NAMES])}{more}"
    return UsageError(f"unknown {kind} '{name}': {hint}")
