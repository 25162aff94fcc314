"""The coefficients that a decision is about: before, after, and the exact ones."""

import math
from collections.abc import Mapping, Sequence

from harness.records.record import Record
from harness.report.html.section import Table, table_of
from harness.report.tables.column import Column, Kind
from harness.report.words.case import Term, terms

MOST = 8
"""Terms, those with the fewest right digits first: more are in the case's own window."""


def coefficients(record: Record, beside: Mapping[str, Record]) -> tuple[Table, ...]:
    """The terms of a case with the exact ones, and what each record of `beside` has for them, by its heading.

    Nothing where the case has no exact coefficients.
    """
    found = [term for term in terms(record) if term.exact is not None]
    if not found:
        return ()
    found.sort(key=lambda term: math.inf if term.digits is None else term.digits)
    others = {name: {one.term: one.computed for one in terms(other)} for name, other in beside.items()}
    columns: list[Column[Term]] = [
        Column("term", "Term"),
        *(_other(f"beside{i}", name, held) for i, (name, held) in enumerate(others.items())),
        Column("computed", record.label, Kind.NUMBER),
        Column("exact", "Exact", Kind.NUMBER, "Of the exact least-squares solution of the float64 data."),
        Column("digits", f"Right digits of {record.label}", Kind.DIGITS, "Correct significant digits, at most 15."),
    ]
    shown = found[:MOST]
    few = f", the {MOST} of {len(found)} with the fewest right digits" if len(found) > MOST else ""
    caption = f"Coefficients of {record.label} on {record.problem}{few}."
    return (table_of("decision-coefficients", caption, columns, shown),)


def _other(key: str, title: str, held: Mapping[str, float]) -> Column[Term]:
    return Column(key, title, Kind.NUMBER, value=lambda term: held.get(term.term))


def beside_baseline(record: Record, baseline: Sequence[Record]) -> dict[str, Record]:
    """The same case before, under the heading of its column; nothing where it was not there or has no solution."""
    before = next((one for one in baseline if one.case == record.case and one.solution is not None), None)
    return {} if before is None else {"Before": before}
