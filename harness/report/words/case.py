"""One case in full, as the tutorials show it."""

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from harness.errors import counted
from harness.records.record import Accuracy, HeadRow, Record
from harness.report.render.text import STYLES
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind
from harness.report.tables.document import Document, Line, Part, table_of
from harness.report.words.run import dependent

LOSS_ROWS = 21
MOST_FEATURES = 6
"""Columns of the first rows that fit into a terminal."""


class Term(NamedTuple):
    """A coefficient beside the exact one, its digits, and its standard error; None where there is none."""

    term: str
    computed: float
    exact: float | None
    digits: float | None
    standard_error: float | None


TERMS: tuple[Column[Term], ...] = (
    Column("term"),
    Column("computed", kind=Kind.NUMBER, text=".16g"),
    Column("exact", kind=Kind.NUMBER, text=".16g"),
    Column("digits", kind=Kind.DIGITS),
)
STANDARD_ERROR: Column[Term] = Column("standard_error", "standard error", Kind.NUMBER, text=".10g")
SCORES: tuple[Column[tuple[str, float, float]], ...] = (
    Column("split", value=itemgetter(0)),
    Column("r2", kind=Kind.NUMBER, value=itemgetter(1), text=".7g", head="R²"),
    Column("mse", kind=Kind.NUMBER, value=itemgetter(2), text=".7g", head="MSE"),
)


OBSERVED: tuple[Column[HeadRow], ...] = (
    Column("y", "observed", Kind.NUMBER, text="g"),
    Column("predicted", kind=Kind.NUMBER, text=".6f"),
)


def in_full(record: Record, title: str) -> Document:
    """Summary or coefficients with their digits, losses, scores, head of predictions, status and advice."""
    engine = record.options.get("engine", "loop")
    parts: list[Part] = [Line(title + ("" if engine == "loop" else f", engine {engine}"), style="bold")]
    parts.append(Line(record.case, style="dim"))
    if record.solution and record.solution.summary:
        parts.append(Line(record.solution.summary))
    parts += dependent([record])
    of = (_coefficients, _losses, _scores, _head, _measurement)
    return Document([*parts, *(part for each in of for part in each(record))])


def terms(record: Record) -> list[Term]:
    """The coefficients, each beside the exact one where there is one."""
    solution = record.solution
    if solution is None or not solution.computed:
        return []
    none = (None,) * len(solution.computed)
    exact, digits = solution.exact or none, record.accuracy.digits_by_term or none
    errors = solution.standard_errors or none
    return [Term(*one) for one in zip(solution.terms, solution.computed, exact, digits, errors, strict=True)]


def _coefficients(record: Record) -> Iterator[Part]:
    found = terms(record)
    if not found or record.solution is None:
        return
    yield table_of((*TERMS, *([STANDARD_ERROR] if record.solution.standard_errors else [])), found)
    accuracy = record.accuracy
    if accuracy.excess_loss is not None:
        right = "no digits" if accuracy.digits is None else f"digits {show.fixed(accuracy.digits, 1)} of 15"
        yield Line(
            f"{right}; excess loss {show.power(accuracy.excess_loss)}{accuracy.relative_to}; "
            f"condition number {show.power(accuracy.condition_number)}; "
            f"rank {accuracy.rank if accuracy.rank is not None else 'not told'} ({_true_ranks(accuracy)})"
        )
    if accuracy.backward_error is not None:
        # A training ends where it is told to: it has a backward error, and is neither stable nor unstable.
        judged = {None: "", True: "stable", False: "unstable"}[accuracy.stable]
        verdict = accuracy.diagnosis or judged
        yield Line(f"backward error {show.power(accuracy.backward_error)}" + (f": {verdict}" if verdict else ""))
    if accuracy.standard_error_digits is not None:
        found_statistics = record.solution.statistics
        yield Line(
            f"digits of the standard errors {show.fixed(accuracy.standard_error_digits, 1)}; residual sd "
            f"{found_statistics.get('residual_sd', math.nan):.10g} ({show.fixed(accuracy.residual_sd_digits, 1)}), "
            f"R² {found_statistics.get('r_squared', math.nan):.10g} ({show.fixed(accuracy.r_squared_digits, 1)})"
        )


def _true_ranks(accuracy: Accuracy) -> str:
    """The data's rank beside the exact one where they differ: then a dependence exists only but for rounding."""
    exact = f"exact {accuracy.exact_rank}"
    if accuracy.data_rank in (None, accuracy.exact_rank):
        return exact
    margin = "" if accuracy.rank_margin is None else f", margin {accuracy.rank_margin:.2g}"
    return f"the data's {accuracy.data_rank}{margin}; {exact}"


def _losses(record: Record) -> Iterator[Part]:
    """The losses at about LOSS_ROWS epochs, the last among them, and the epochs to each tolerance."""
    trace = record.trace
    if trace is None:
        return
    columns: list[Column[int]] = [
        Column("epoch", kind=Kind.WHOLE, value=lambda i: trace.epoch[i]),
        _loss("train", trace.train_loss, Kind.NUMBER, ".6g"),
    ]
    if trace.val_loss is not None:
        columns.append(_loss(str(trace.val_split), trace.val_loss, Kind.NUMBER, ".6g"))
    if trace.excess_loss is not None:
        columns.append(_loss("excess", trace.excess_loss, Kind.SMALL))
    stride = next(k * 10**e for e in range(9) for k in (1, 2, 5) if trace.epochs <= LOSS_ROWS * k * 10**e)
    last = len(trace.epoch) - 1
    yield table_of(columns, [i for i, epoch in enumerate(trace.epoch) if epoch % stride == 0 or i == last])
    reached = [
        f"{name} not reached (censored)"
        if epochs is None
        else f"{name} after {counted(epochs, 'epoch')} ({show.seconds(record.seconds_to[name])})"
        for name, epochs in record.accuracy.epochs_to.items()
    ]
    if reached:
        yield Line("excess loss: " + "; ".join(reached))


def _loss(name: str, losses: Sequence[float], kind: Kind, form: str | None = None) -> Column[int]:
    """Of the trace's entry whose number a row is; held-out losses may be fewer."""
    return Column(f"{name}_loss", f"{name} loss", kind, value=dict(enumerate(losses)).get, text=form)


def _scores(record: Record) -> Iterator[Part]:
    if record.accuracy.r2:
        yield table_of(SCORES, [(part, r2, record.accuracy.mse[part]) for part, r2 in record.accuracy.r2.items()])


def _head(record: Record) -> Iterator[Part]:
    """The first rows with what was observed and predicted."""
    if not record.head:
        return
    width = len(record.head[0].x)
    names = list(record.solution.terms[-width:]) if record.solution and record.solution.terms else []
    features = (names or [f"x{j}" for j in range(width)])[:MOST_FEATURES]
    columns = [_feature(name, j) for j, name in enumerate(features)]
    if width > len(features):
        columns.append(Column("more", text=lambda _: "", head=f"... {width - len(features)} more"))
    yield table_of([*columns, *OBSERVED], record.head)


def _feature(name: str, place: int) -> Column[HeadRow]:
    return Column(name, kind=Kind.NUMBER, text=lambda row: f"{row.x[place]:g}", head=name)


def _measurement(record: Record) -> Iterator[Part]:
    samples, each = record.samples, record.epochs_per_call
    if samples.median_wall_s is not None and samples.median_cpu_s is not None:
        calls = counted(record.thinned_from or len(samples.wall_s), "single call")
        calls += f" of {each} epochs each" if each > 1 else ""
        calls += f", of which {len(samples.wall_s)} are kept" if record.thinned_from else ""
        yield Line(
            f"one {record.unit}: {show.seconds(samples.median_wall_s / each)} wall, "
            f"{show.seconds(samples.median_cpu_s / each)} CPU "
            f"(median of {calls}, {counted(record.threads, 'thread')}); "
            f"preparation {show.seconds(record.prepare_s)}; peak memory of the fit {show.size(record.peak_bytes)}"
        )
    yield from (Line(note, "note:", "yellow") for note in record.notes)
    yield from (Line(warning, "warned", "yellow") for warning in record.warnings)
    ending = "".join(f"{said}. " for said in (record.message, record.plateau) if said)
    status = record.status.value
    yield Line(f"{ending}{record.advice}".rstrip(), f"status {status}", STYLES.get(status, "red"))
