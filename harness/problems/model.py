"""What a person says of the problems that are asked for: of files the target and the table, of all the model."""

from dataclasses import dataclass

from harness.problems.table_options import NOTHING_SAID, TableOptions


@dataclass(frozen=True)
class Model:
    """The target and the table of files, the column of weights, and whether there is an intercept."""

    target: str | None = None
    weights: str | None = None
    intercept: bool = True
    table: TableOptions = NOTHING_SAID


ANY = Model()
"""Nothing is said."""
