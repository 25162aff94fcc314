"""Frames in a notebook: small HTML tables, what failed first and marked by a sign as well as a colour.

Every text is escaped, there is no script and no style sheet: names come from people's files, and a notebook runs what
it is given. Colours are Okabe and Ito's (jfly.uni-koeln.de/color), and the page's own for everything else.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

from harness.judge.gate.gate import GateReport
from harness.judge.verdict import Verdict
from harness.records.record import Record, Status
from harness.report import numbers as show

MOST_ROWS = 60
"""As many as pandas shows (its option display.max_rows); the frame has the others."""
GOOD, BAD, DOUBTFUL = "#009E73", "#D55E00", "#E69F00"
SIGNS = {GOOD: "✓", BAD: "✗", DOUBTFUL: "~"}
Line = tuple[str, ...]


def results_html(run_id: str, records: Sequence[Record]) -> str:
    """A run: its cases, those that ended badly first, each of them with what went wrong below the table."""
    first = sorted(records, key=lambda record: not record.failed)
    header = ("problem", "solver", "device", "lr", "one call", "digits", "excess", "R²", "status")
    bad = [record for record in first if record.failed]
    notes = [f"{r.status.value} {r.problem} {r.label}: {r.message or r.samples.error}. {r.advice}" for r in bad]
    counted = f"{len(records)} cases, {len(bad)} ended badly" if bad else f"{len(records)} cases"
    return table_html(f"run {run_id}: {counted}", header, [(_line(one), _colour(one)) for one in first], notes)


def gate_html(run_id: str, report: GateReport) -> str:
    """A gate: whether it passes, and its breaches; what holds is counted."""
    passed = sum(one.verdict is Verdict.UNCHANGED for one in report.judgements)
    word = {0: "passed", 1: "failed"}.get(report.exit_code, "could not judge")
    rows = [
        ((one.case, one.quantity, str(one.measured), one.expected, one.detail, one.verdict.value), BAD)
        for one in report.breaches
    ]
    missing = [f"no record: {case}" for case in report.incomplete]
    advice = dict.fromkeys(one.advice for one in report.breaches if one.advice)
    title = f"gate {word}: run {run_id}: {passed} of {len(report.judgements)} judgements hold"
    return table_html(
        title, ("case", "quantity", "measured", "expected", "detail", "verdict"), rows, [*missing, *advice]
    )


def frame_html(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A frame's cells as they are, floats with three significant digits; a dash for what is missing."""
    status = header.index("status") if "status" in header else None
    lines = [(tuple(map(_cell, row)), None if status is None else _colour_of(Status(str(row[status])))) for row in rows]
    return table_html(title, header, lines)


def table_html(
    title: str, header: Sequence[str], rows: Sequence[tuple[Line, str | None]], notes: Sequence[str] = ()
) -> str:
    """A table with its title as the caption; the last cell of a row has the sign of the row's colour."""
    shown, hidden = rows[:MOST_ROWS], len(rows) - MOST_ROWS
    head = "".join(f'<th scope="col" style="text-align:left">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(_cells(cells, colour))}</tr>" for cells, colour in shown)
    more = [f"and {hidden} rows more: the frame has them"] if hidden > 0 else []
    table = f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    noted = [*notes[:MOST_ROWS], *([f"and {len(notes) - MOST_ROWS} more"] if len(notes) > MOST_ROWS else [])]
    items = "".join(f"<li>{escape(note)}</li>" for note in (*more, *noted))
    return f"<div>{table if rows else f'<p>{escape(title)}</p>'}{f'<ul>{items}</ul>' if items else ''}</div>"


def _cells(cells: Line, colour: str | None) -> Iterable[str]:
    for i, text in enumerate(cells):
        sign = ""
        if colour is not None and i == len(cells) - 1:
            # The sign alone is coloured: as text these colours are too faint on white (WCAG 2.2, 1.4.3).
            sign = f'<span style="color:{colour};font-weight:bold">{SIGNS[colour]}</span> '
        yield f'<td style="text-align:left">{sign}{escape(text)}</td>'


def _line(record: Record) -> Line:
    score = show.last_split(record.accuracy.r2)
    return (
        record.problem,
        record.label,
        record.device,
        show.learning_rate(record),
        show.seconds(record.call_s),
        show.fixed(record.accuracy.digits, 1),
        show.power(record.accuracy.excess_loss),
        show.NONE if score is None else f"{score[1]:.4g}",
        record.status.value,
    )


def _colour(record: Record) -> str | None:
    return BAD if record.failed else _colour_of(record.status)


def _colour_of(status: Status) -> str | None:
    if status.failed:
        return BAD
    return {Status.OK: GOOD, Status.NOT_CONVERGED: DOUBTFUL}.get(status)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "<NA>":
        return show.NONE
    return f"{value:.3g}" if isinstance(value, float) else str(value)
