"""Times and verifies least-squares fits: speed from a trusted clock, accuracy against exact truth."""

__version__ = "0.1.0"
