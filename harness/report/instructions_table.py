"""What `--instructions` says: a row a cell, the worst first, why, and what the counts are of."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from harness.errors import COULD_NOT_MEASURE
from harness.judge.verdict import Verdict
from harness.judge.versions.instructions import InstructionLine, instructions_exit_code
from harness.report import numbers as show
from harness.report.sections import Column, print_rows

HEADS = ("case", "base", "head", "change", "repeats to", "layouts", "counts from", "verdict")
COLUMNS = (
    Column(HEADS[0], 0, "left", least=16),
    *(Column(name, spare=spare) for name, spare in zip(HEADS[1:-1], (3, 2, 0, 5, 4, 6), strict=True)),
    Column(HEADS[-1], 0, "left"),
)
NOT_TIME = (
    "instructions of one call by difference under valgrind, one thread, mean of drawn memory layouts: no caches, "
    "no waiting, no GPU, and the code that BLAS and torch choose for the processor which valgrind presents"
)
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def worst_first(lines: Sequence[InstructionLine]) -> list[InstructionLine]:
    """Regressions, then what is undecided, improvements, and what is unchanged; in each the largest growth first."""
    return sorted(lines, key=lambda line: show.worst_first(line.verdict, line.ratio))


def print_instructions(console: Console, lines: Sequence[InstructionLine]) -> None:
    """The table, a line for each cell that is not decided well, how it went, and what was counted."""
    ordered = worst_first(lines)
    if ordered:
        rows = []
        for line in ordered:
            *cells, verdict = map(escape, row(line))
            rows.append([*cells, f"[{show.VERDICT_STYLES[line.verdict]}]{verdict}[/]"])
        print_rows(console, COLUMNS, rows)
    for line in ordered:
        if line.why:
            console.print(
                f"[{show.VERDICT_STYLES[line.verdict]}]{line.verdict}[/] {escape(line.cell.case)}: {escape(line.why)}"
            )
    colour = {0: "green", 1: "red"}.get(instructions_exit_code(lines), "yellow")
    console.print(f"[{colour}]{escape(conclusion(lines))}[/]")
    console.print(escape(measured_what(lines)), style="dim")


def conclusion(lines: Sequence[InstructionLine]) -> str:
    """How it went, in a line: the exit code's word, then how many cells of each verdict."""
    words = {0: "no regression", 1: "regression", COULD_NOT_MEASURE: "could not decide"}
    verdicts = [line.verdict for line in lines]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict if verdict in verdicts]
    return f"{words[instructions_exit_code(lines)]}: {', '.join(counts) or 'no cells'}"


def measured_what(lines: Sequence[InstructionLine]) -> str:
    """What the counts are of, and with which code of BLAS and torch."""
    kernels = sorted({name for line in lines for side in (line.cell.base, line.cell.head) for name in side.kernels})
    return NOT_TIME + (f" ({', '.join(kernels)})" if kernels else "")


def instruction_rows(lines: Sequence[InstructionLine]) -> list[Mapping[str, Any]]:
    """A JSON object a cell: the verdict, the ratio, and both versions' raw counts."""
    return [
        {
            **line.cell.model_dump(mode="json"),
            "base_per_call": line.cell.base.per_call,
            "head_per_call": line.cell.head.per_call,
            "ratio": line.ratio,
            "repeatability": _larger(line.cell.base.repeatability, line.cell.head.repeatability),
            "layout_spread": _larger(line.cell.base.layout_spread, line.cell.head.layout_spread),
            "threshold": line.threshold,
            "verdict": line.verdict.value,
            "why": line.why,
        }
        for line in lines
    ]


def row(line: InstructionLine) -> tuple[str, ...]:
    """A cell of the table for each of HEADS, plain."""
    return (
        line.cell.case,
        instructions(line.cell.base.per_call),
        instructions(line.cell.head.per_call),
        show.NONE if line.ratio is None else f"{line.ratio - 1:+.2%}",
        _percent(_larger(line.cell.base.repeatability, line.cell.head.repeatability)),
        _percent(_larger(line.cell.base.layout_spread, line.cell.head.layout_spread)),
        _percent(line.threshold),
        line.verdict.value,
    )


def _larger(*spreads: float | None) -> float | None:
    return max((spread for spread in spreads if spread is not None), default=None)


def _percent(fraction: float | None) -> str:
    return show.NONE if fraction is None else f"{fraction:.2%}"


def instructions(count: float | None) -> str:
    """Five significant digits, so that a tenth of a per cent shows: 863.02k, 3.9632M; a dash for None."""
    if count is None:
        return show.NONE
    scale, name = next(((scale, name) for scale, name in _SCALES if count >= scale), (1.0, ""))
    return f"{count / scale:.5g}{name}"
