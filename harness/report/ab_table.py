"""What `harness ab` says: a row a cell, the worst first, why, and this machine's error rates; the calibration."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.judge.versions.ab import AbReport, AbVerdict
from harness.judge.versions.calibration import NO_EFFECT, Calibration
from harness.report import numbers as show
from harness.report.ab_words import HEADS, WORDS, conclusion, error_rates, judged_by, labels, reasons, row
from harness.report.sections import Column, print_rows

SPARE = {"other clock": 6, "launches": 5, "base": 4, "head": 3, "digits": 2, "95 %": 1}
"""What goes where the console is too narrow, the highest number first."""
LEAST_CASE = 16


def worst_first(report: AbReport) -> list[AbVerdict]:
    """Regressions, then what is undecided, improvements, and what is unchanged; in each the slowest first."""
    return sorted(report.cells, key=lambda one: show.worst_first(one.verdict, one.speed.ratio))


def print_ab(console: Console, report: AbReport) -> None:
    """The table, a line for each cell that is not decided well, then how it went and how often such verdicts err."""
    if report.cells:
        _print_cells(console, report)
        console.print(judged_by(report), style="dim")
    for verdict, cells, why in reasons(report, worst_first(report)):
        console.print(f"[{show.VERDICT_STYLES[verdict]}]{verdict}[/] {escape(cells)}: {escape(why)}")
    for advice in dict.fromkeys(wrong.advice for one in report.cells for wrong in one.wrong if wrong.advice):
        console.print(f"[bold]do:[/] {escape(advice)}")
    colour = {0: "green", 1: "red"}.get(report.exit_code, "yellow")
    console.print(f"[{colour}]{escape(conclusion(report))}[/]")
    console.print(escape(error_rates(report.calibration)))


def print_calibration(console: Console, calibration: Calibration) -> None:
    """A row an arm: how many cells were called what, and the rates with their exact 95 % intervals."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("planted", "repeats", "cells", "slower", "faster", "unchanged", "undecided", "false alarms", "caught"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in calibration.arms:
        counts = (arm.repeats, arm.cells, arm.regressions, arm.improvements, arm.unchanged, arm.undecided)
        caught = show.NONE if arm.factor == NO_EFFECT else str(arm.caught)
        table.add_row(
            f"{arm.factor - 1:+.0%}" + " busy" * arm.busy,
            *map(str, counts),
            escape(str(arm.false_alarms)),
            escape(caught),
        )
    console.print(table)
    quiet = calibration.arm(NO_EFFECT)
    if quiet is not None:
        console.print(f"repeats with a false alarm: {quiet.repeats_with_a_false_alarm} of {quiet.repeats}")
    console.print(f"smallest effect of interest {calibration.effect:.1%}, {calibration.budget_s:g} s a repeat")


def _print_cells(console: Console, report: AbReport) -> None:
    rows, names = [], labels(report)
    for one in worst_first(report):
        *cells, verdict = map(escape, row(one, names[one.cell.case]))
        rows.append([*cells, f"[{show.VERDICT_STYLES[one.verdict]}]{verdict}[/]"])
    columns = [
        Column(name, 0, "left" if index in WORDS else "right", SPARE.get(name, 0), LEAST_CASE if index == 0 else 0)
        for index, name in enumerate(HEADS)
    ]
    print_rows(console, columns, rows)
