"""One case in full, as the tutorials show it."""

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.records.record import Record
from harness.report import numbers as show

LOSS_ROWS = 21
MOST_FEATURES = 6
"""Columns of the first rows that fit into a terminal."""


def print_case(console: Console, record: Record, title: str) -> None:
    """Summary or coefficients with their digits, losses, scores, head of predictions, status and advice."""
    engine = record.options.get("engine", "loop")
    console.print(f"[bold]{escape(title)}{'' if engine == 'loop' else f', engine {engine}'}[/]")
    console.print(escape(record.case), style="dim")
    if record.solution and record.solution.summary:
        console.print(escape(record.solution.summary))
    _print_coefficients(console, record)
    _print_losses(console, record)
    _print_scores(console, record)
    _print_head(console, record)
    _print_measurement(console, record)


def _print_coefficients(console: Console, record: Record) -> None:
    solution = record.solution
    if solution is None or not solution.computed:
        return
    inferred = bool(solution.standard_errors)
    table = Table("term", "computed", "exact", "digits", box=None, header_style="bold", pad_edge=False)
    if inferred:
        table.add_column("standard error")
    exact = solution.exact or (None,) * len(solution.computed)
    digits = record.accuracy.digits_by_term or (None,) * len(solution.computed)
    errors = solution.standard_errors or (math.nan,) * len(solution.computed)
    for term, computed, truth, right, error in zip(
        solution.terms, solution.computed, exact, digits, errors, strict=True
    ):
        shown = show.NONE if truth is None else f"{truth:.16g}"
        row = [escape(term), f"{computed:.16g}", shown, show.fixed(right, 1)]
        table.add_row(*row, *([f"{error:.10g}"] if inferred else []))
    console.print(table)
    _print_accuracy(console, record)


def _print_accuracy(console: Console, record: Record) -> None:
    accuracy = record.accuracy
    if accuracy.excess_loss is not None:
        console.print(
            f"digits {show.fixed(accuracy.digits, 1)} of 15; excess loss {show.power(accuracy.excess_loss)} of the "
            f"{accuracy.excess_relative_to}'s; condition number {show.power(accuracy.condition_number)}; "
            f"rank {accuracy.rank if accuracy.rank is not None else 'not told'} (exact {accuracy.exact_rank})"
        )
    if accuracy.backward_error is not None:
        # A training ends where it is told to: it has a backward error, and is neither stable nor unstable.
        judged = {None: "", True: "stable", False: "unstable"}[accuracy.stable]
        verdict = accuracy.diagnosis or judged
        console.print(f"backward error {show.power(accuracy.backward_error)}" + (f": {verdict}" if verdict else ""))
    if accuracy.standard_error_digits is not None and record.solution is not None:
        found = record.solution.statistics
        console.print(
            f"digits of the standard errors {show.fixed(accuracy.standard_error_digits, 1)}; "
            f"residual sd {found.get('residual_sd', math.nan):.10g} ({show.fixed(accuracy.residual_sd_digits, 1)}), "
            f"R² {found.get('r_squared', math.nan):.10g} ({show.fixed(accuracy.r_squared_digits, 1)})"
        )


def _print_losses(console: Console, record: Record) -> None:
    trace = record.trace
    if trace is None:
        return
    table = Table("epoch", "train loss", box=None, header_style="bold", pad_edge=False)
    if trace.val_loss is not None:
        table.add_column(f"{trace.val_split} loss")
    if trace.excess_loss is not None:
        table.add_column("excess loss")
    stride = next(k * 10**e for e in range(9) for k in (1, 2, 5) if trace.epochs <= LOSS_ROWS * k * 10**e)
    last = len(trace.epoch) - 1
    for i in (i for i, epoch in enumerate(trace.epoch) if epoch % stride == 0 or i == last):
        row = [str(trace.epoch[i]), f"{trace.train_loss[i]:.6g}"]
        if trace.val_loss is not None:
            row.append(f"{trace.val_loss[i]:.6g}" if i < len(trace.val_loss) else show.NONE)
        if trace.excess_loss is not None:
            row.append(show.power(trace.excess_loss[i]))
        table.add_row(*row)
    console.print(table)
    reached = [
        f"{name} after {show.NONE if epochs is None else epochs} epochs ({show.seconds(record.seconds_to[name])})"
        if epochs is not None
        else f"{name} not reached (censored)"
        for name, epochs in record.accuracy.epochs_to.items()
    ]
    if reached:
        console.print("excess loss: " + "; ".join(reached))


def _print_scores(console: Console, record: Record) -> None:
    if not record.accuracy.r2:
        return
    table = Table("split", "R²", "MSE", box=None, header_style="bold", pad_edge=False)
    for part, r2 in record.accuracy.r2.items():
        table.add_row(part, f"{r2:.7g}", f"{record.accuracy.mse[part]:.7g}")
    console.print(table)


def _print_head(console: Console, record: Record) -> None:
    if not record.head:
        return
    width = len(record.head[0].x)
    names = list(record.solution.terms[-width:]) if record.solution and record.solution.terms else []
    heads = (names or [f"x{j}" for j in range(width)])[:MOST_FEATURES]
    more = [f"... {width - len(heads)} more"] if width > len(heads) else []
    table = Table(*map(escape, heads + more), "observed", "predicted", box=None, header_style="bold", pad_edge=False)
    for row in record.head:
        shown = [f"{value:g}" for value in row.x[: len(heads)]] + [""] * len(more)
        table.add_row(*shown, f"{row.y:g}", f"{row.predicted:.6f}")
    console.print(table)


def _print_measurement(console: Console, record: Record) -> None:
    samples, each = record.samples, record.epochs_per_call
    if samples.median_wall_s is not None and samples.median_cpu_s is not None:
        calls = f"{len(samples.wall_s)} single calls" + (f" of {each} epochs each" if each > 1 else "")
        console.print(
            f"one {record.unit}: {show.seconds(samples.median_wall_s / each)} wall, "
            f"{show.seconds(samples.median_cpu_s / each)} CPU "
            f"(median of {calls}, {record.threads} thread{'s' * (record.threads > 1)}); "
            f"preparation {show.seconds(record.prepare_s)}; peak memory of the fit {show.size(record.peak_bytes)}"
        )
    for warning in record.warnings:
        console.print(f"[yellow]warned[/] {escape(warning)}")
    ending = f"{record.message}. " if record.message else ""
    console.print(f"status {show.status_text(record.status)} {escape(ending)}{record.advice}".rstrip())
