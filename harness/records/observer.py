"""Someone who watches a run or a sweep while it goes; by itself nobody."""

from harness.records.record import Record


class Observer:
    """What a run and a sweep report as they go. Nothing is done with it here: who wants to see something overrides."""

    def noted(self, line: str) -> None:
        """Something that a person should know."""

    def working(self, what: str) -> None:
        """What is being measured now: a case, cases in turn, a chunk of trainings."""

    def fitted(self, record: Record) -> None:
        """A case has been verified; its samples are to come."""

    def ended(self, record: Record) -> None:
        """A case has ended, samples included."""

    def trained(self, epochs: int) -> None:
        """So many epochs of the chunk in flight are done, all its trainings together."""

    def stored(self, epochs: int) -> None:
        """A chunk of so many epochs, all its trainings together, is stored."""

    def more(self, epochs: int) -> None:
        """So many epochs are to be done beside those that were planned."""
