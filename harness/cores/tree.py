"""Sums of numbered parts, added in pairs: the same bits in whatever order the parts come, and whoever summed them."""

from typing import Generic, Protocol, Self, TypeVar


class Sums(Protocol):
    """What is summed over a part of the rows; `absorb` adds those of the rows that follow."""

    def absorb(self, other: Self) -> None:
        """Become the sums over both parts; `other` is not used again."""


S = TypeVar("S", bound=Sums)


class Tree(Generic[S]):
    """A binary tree over the numbers 0, 1, ...: a node of level k holds the sum of 2^k parts that follow each other.

    Its shape depends on how many parts there are and on nothing else. `nodes` of one tree may be put into another one:
    so parts are summed where they lie, and few sums travel. Sums in pairs also round less: their error grows with the
    logarithm of the number of parts (Higham 2002, Accuracy and Stability of Numerical Algorithms, sec. 4.2).
    """

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], S] = {}

    def add(self, number: int, sums: S, level: int = 0) -> None:
        """The sums of part `number`, or of the 2^level parts from number * 2^level on; each part once."""
        while (other := self.nodes.pop((level, number ^ 1), None)) is not None:
            first, last = (other, sums) if number & 1 else (sums, other)
            first.absorb(last)
            number, level, sums = number >> 1, level + 1, first
        self.nodes[level, number] = sums

    def total(self) -> S:
        """The sum of all parts, once they are all there, and there is one."""
        first, *others = (self.nodes[place] for place in sorted(self.nodes))
        for sums in others:  # a higher level holds earlier parts
            sums.absorb(first)
            first = sums
        return first
