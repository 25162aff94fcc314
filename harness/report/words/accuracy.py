"""What an accuracy run says: its sheets, the cells that are not fine, the bars, and NIST's own figures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Protocol

from harness.errors import counted
from harness.judge.gate.gate import GateReport
from harness.judge.studies.bars import Bar, not_fine
from harness.records.record import Record, Status
from harness.report.render.objects import dumps, objects
from harness.report.tables import case
from harness.report.tables.accuracy import QUANTITIES, Sheet, sheet_columns, silent, tabulate
from harness.report.tables.column import Column, Kind
from harness.report.tables.document import Document, Line, table_of

SHOWN = 15
"""Cells that are not fine on a console, unless --all."""
LEGEND = "! wrong, r another rank than the exact one, rd rank-deficient, err raised, - unsupported, blank none"
NOT_FINE = "not fine, worst first: digits of the worst coefficient, backward error, rank found/exact"


class Agreeing(Protocol):
    """Digits to which NIST's figures of a set agree with the exact solution."""

    @property
    def name(self) -> str:
        """Of the set."""


def sheets(records: Sequence[Record], chosen: Sequence[Sheet], quantity: str) -> Document:
    """A table a sheet, each solver a row, worst first; the legend, and who gives no such number."""
    name, _ = QUANTITIES[quantity]
    none = silent(records, quantity)
    return Document(
        [
            Line(f"correct significant digits of {name}, at most 15; worst solver first"),
            *(
                table_of(sheet_columns(one), tabulate(records, one, quantity), title=one.title, in_parts=True)
                for one in chosen
            ),
            Line(LEGEND, style="dim"),
            *([Line(f"not given by: {', '.join(none)}", style="dim")] if none else []),
        ]
    )


def cells_not_fine(records: Sequence[Record], *, everything: bool) -> Document:
    """A line a cell that is not fine, worst first, the first of them unless `everything`."""
    found = not_fine(records)
    if not found:
        return Document([])
    shown = found if everything else found[:SHOWN]
    more = [Line(f"and {len(found) - SHOWN} more: --all")] if len(shown) < len(found) else []
    return Document([table_of(case.NOT_FINE, shown, title=NOT_FINE, fold=False), *more])


def bars(held: Sequence[Bar], records: Sequence[Record]) -> Document:
    """Each bar with its worst cell, then why solvers are missing."""
    return Document([*map(_bar, held), *(Line(reason, "unsupported") for reason in reasons(records))])


def in_full(
    records: Sequence[Record], chosen: Sequence[Sheet], quantity: str, held: Sequence[Bar], verdict: Line
) -> Document:
    """All of it, and the gate's verdict."""
    parts = (sheets(records, chosen, quantity), cells_not_fine(records, everything=True), bars(held, records))
    return Document([part for one in parts for part in one.parts], [verdict])


def _bar(bar: Bar) -> Line:
    on = f" ({counted(bar.problems, 'problem')})" if bar.problems else ""
    return Line(f"{bar.name}{on}" + (f"; worst: {bar.worst}" if bar.worst else ""), bar.verdict)


def reasons(records: Sequence[Record]) -> list[str]:
    """Why a solver did not run, each reason once, with the number of problems."""
    problems: dict[str, set[str]] = {}
    for record in records:
        if record.status is Status.UNSUPPORTED:
            problems.setdefault(f"{record.solver}: {record.message}", set()).add(record.problem)
    counts = Counter({reason: len(found) for reason, found in problems.items()})
    return [f"{reason} ({counted(count, 'problem')})" for reason, count in counts.items()]


def accuracy_json(
    run_id: str, records: Sequence[Record], held: Sequence[Bar], report: GateReport, exit_code: int
) -> str:
    """One object: the run, its exit code, the gate's counts, the bars, a cell a record."""
    gate = {
        "exit_code": report.exit_code,
        "judgements": len(report.judgements),
        "breaches": len(report.breaches),
        "incomplete": len(report.incomplete),
        "unjudged": report.unjudged,
    }
    shown = [asdict(bar) | {"verdict": bar.verdict} for bar in held]
    cells = objects(case.JSON, records)
    return dumps({"run": run_id, "exit_code": exit_code, "gate": gate, "bars": shown, "cells": cells})


CERTIFIED = {
    "coef_digits": "coefficients",
    "standard_error_digits": "standard errors",
    "residual_sd_digits": "residual SD",
    "r_squared_digits": "R²",
}


def certified_columns(least: float) -> list[Column[Agreeing]]:
    """Of NIST's figures, the digits of each kind; those below `least` in red."""

    def style(one: Agreeing, key: str) -> str:
        return "" if getattr(one, key) >= least else "red"

    agreements = [
        Column[Agreeing](key, title, Kind.DIGITS, style=partial(style, key=key), head=title)
        for key, title in CERTIFIED.items()
    ]
    return [Column("name", head="set"), *agreements]


def certified(sets: Sequence[Agreeing], least: float) -> Document:
    """A row a set, then the legend."""
    what = "digits to which NIST's figures agree with the exact solution of the decimal data, at most 15"
    return Document([table_of(certified_columns(least), sets), Line(what)])


def all_agree(sets: Iterable[Agreeing], least: float) -> bool:
    """Whether every figure of every set agrees to so many digits; NaN does not."""
    return all(column.of(one) >= least for one in sets for column in certified_columns(least)[1:])
