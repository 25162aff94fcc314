"""What the gate says: breaches first, by how much, and what to do."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.judge.gate import GateReport
from harness.judge.update import Change
from harness.judge.verdict import Verdict

SHOWN_MISSING = 5


def print_gate(console: Console, report: GateReport, run_id: str, source: str) -> None:
    """The breaches as a table, what to do about them, then one line that says how it went."""
    if report.breaches:
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("case", overflow="fold", ratio=1)
        for name in ("quantity", "measured", "expected"):
            table.add_column(name, no_wrap=True)
        table.add_column("by how much", overflow="fold", max_width=30)
        for breach in report.breaches:
            row = (breach.case, breach.quantity, breach.measured, breach.expected, breach.detail)
            table.add_row(*map(escape, row))
        console.print(table)
    for advice in dict.fromkeys(breach.advice for breach in report.breaches if breach.advice):
        console.print(f"[bold]do:[/] {escape(advice)}")
    for known in report.known_failures:
        console.print(f"[yellow]known[/] {escape(known.case)}: {known.expected}: {escape(known.reason)}")
    for case in report.incomplete[:SHOWN_MISSING]:
        console.print(f"[red]no record[/] {escape(case)}")
    if len(report.incomplete) > SHOWN_MISSING:
        console.print(f"[red]no record[/] and {len(report.incomplete) - SHOWN_MISSING} more")
    console.print(conclusion(report, run_id, source))


def print_changes(console: Console, changes: Sequence[Change], path: str) -> None:
    """What an update changed in the expectations, limit by limit."""
    if not changes:
        console.print(f"{escape(path)}: nothing to change")
        return
    table = Table("expectation", "limit", "was", "is", box=None, header_style="bold", pad_edge=False)
    for change in changes:
        table.add_row(*map(escape, (change.entry, change.limit, change.before, change.after)))
    console.print(table)


def conclusion(report: GateReport, run_id: str, source: str) -> str:
    """How it went, in a line of rich markup."""
    passed = sum(j.verdict is Verdict.UNCHANGED for j in report.judgements)
    word = {0: "[green]gate passed[/]", 1: "[red]gate failed[/]"}.get(report.exit_code, "[red]gate could not judge[/]")
    parts = [f"{passed} of {len(report.judgements)} judgements hold"]
    if report.incomplete:
        parts.append(f"{len(report.incomplete)} planned cases have no record: run them again")
    if report.unjudged:
        parts.append(f"{report.unjudged} records have no expectation")
    if not report.judgements:
        parts.append(f"no expectation in {escape(source)} is about this run")
    return f"{word}: run {escape(run_id)}: " + "; ".join(parts)
