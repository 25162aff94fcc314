"""Phrases that conclusions are made of."""

from collections.abc import Sequence

MOST_NAMED = 3
"""Names in a sentence; the table has them all."""


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
