"""Implementations of optimizers beside torch's plain loop: a table a problem, reasons under their lines, counts."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from harness.judge.grouped import grouped
from harness.judge.studies.implementations import Compared, Parting, Partings
from harness.report.tables.document import Document, Line, Table
from harness.report.tables.implementations import COLUMNS
from harness.report.tables.numbers import NONE


def implementations(found: Partings) -> Document:
    """The tables; what rows without a comparison have in common is said once, below all of them."""
    compared = [one for one in found.lines if one.status is not Parting.UNSUPPORTED]
    groups = [(name, list(lines)) for name, lines in groupby(compared, key=lambda line: line.problem)]
    explained = (
        f"{NONE}: they never part by more than rounding. at the end: the largest difference of a parameter, relative "
        "to the largest parameter; rounding: as much came of trainings whose steps err by what roundings can."
    )
    return Document([Table(COLUMNS, groups, below=_below), Line(explained), *_left_out(found.lines)], conclusion(found))


def _below(line: Compared) -> list[Line]:
    why = f"harness findings {line.finding}" if line.finding else line.reason
    return [Line(why, style="dim")] if why else []


def _left_out(lines: Sequence[Compared]) -> list[Line]:
    """Each reason for which nothing was compared, with the optimizers that have it."""
    left = grouped((line for line in lines if line.status is Parting.UNSUPPORTED), attrgetter("reason"))
    whose = {reason: dict.fromkeys(line.optimizer for line in own) for reason, own in left.items()}
    return [Line(f"{', '.join(names)}: {reason}", word=Parting.UNSUPPORTED.value) for reason, names in whose.items()]


def conclusion(found: Partings) -> list[Line]:
    """How many pairs came out how, then each parting that no finding and no documentation explains."""
    counts = Counter(one.status for one in found.lines)
    said = ", ".join(f"{counts[status]} {status.value}" for status in Parting if counts[status])
    new = [
        f"{one.problem}: {one.optimizer} in {one.dtype} by {one.implementation} parts from {one.beside} at step "
        f"{one.step}, by {one.difference:.2g} at the end; nothing that is known says so"
        for one in found.lines
        if one.status is Parting.NEW
    ]
    return [Line(said), *map(Line, new)]
