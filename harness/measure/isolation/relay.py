"""An observer where the measuring is done: whoever shows it hears what this one hears."""

import time
from collections.abc import Callable

from harness.measure.isolation.messages import News
from harness.records.observer import Observer

NEWS_EVERY_S = 0.1
"""How often it is told of epochs: a progress bar shows no more."""


class Relay(Observer):
    """Passes on what is noted, what is at work and how far it is; what is stored, who stores it knows."""

    def __init__(self, tell: Callable[[News], object]) -> None:
        self._tell, self._quiet_until_s = tell, 0.0

    def noted(self, line: str) -> None:
        """Pass it on."""
        self._tell(("noted", line))

    def working(self, what: str) -> None:
        """Pass it on."""
        self._tell(("working", what))

    def trained(self, epochs: int) -> None:
        """Pass it on, now and then."""
        if time.monotonic() >= self._quiet_until_s:
            self._quiet_until_s = time.monotonic() + NEWS_EVERY_S
            self._tell(("trained", epochs))
