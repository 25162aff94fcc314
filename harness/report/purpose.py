"""What a page is to decide."""

from enum import StrEnum


class Purpose(StrEnum):
    """By which the page begins and its sections are ordered."""

    UPGRADE = "upgrade"
    """Whether one version may take the place of another."""
    GATE = "gate"
    """Whether a run meets what is expected of it."""
    RACE = "race"
    """Which solver, or which optimizer, is right and fast."""
