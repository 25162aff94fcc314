"""What the gate says: breaches first, by how much, and what to do."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.judge.gate.gate import GateReport
from harness.judge.gate.update import Change
from harness.judge.verdict import Verdict
from harness.report.sections import Column, print_rows

SHOWN_MISSING = 5
BREACH = (
    Column("case", 0, "left", least=12),
    Column("quantity", 0, "left", least=8),
    Column("measured", 0, "left", least=8),
    Column("expected", 0, "left", least=8),
    Column("by how much", 0, "left", spare=1, least=16),
)


def print_gate(console: Console, report: GateReport, run_id: str, source: str) -> None:
    """The breaches as a table, what to do about them, then one line that says how it went."""
    print_breaches(console, report)
    for (expected, reason), cases in _known(report).items():
        named = cases[0] if len(cases) == 1 else f"{len(cases)} cases"
        console.print(f"[yellow]known[/] {escape(named)}: {expected}: {escape(reason)}")
    for case in report.incomplete[:SHOWN_MISSING]:
        console.print(f"[red]no record[/] {escape(case)}")
    if len(report.incomplete) > SHOWN_MISSING:
        console.print(f"[red]no record[/] and {len(report.incomplete) - SHOWN_MISSING} more")
    console.print(conclusion(report, run_id, source))


def print_breaches(console: Console, report: GateReport) -> None:
    """What does not hold and by how much, then what to do about it; nothing where all holds."""
    if report.breaches:
        rows = [(b.case, b.quantity, str(b.measured), b.expected, b.detail) for b in report.breaches]
        print_rows(console, BREACH, [tuple(map(escape, row)) for row in rows])
    for advice in dict.fromkeys(breach.advice for breach in report.breaches if breach.advice):
        console.print(f"[bold]do:[/] {escape(advice)}")


def _known(report: GateReport) -> dict[tuple[str, str], list[str]]:
    """The cases that fail as expected, once for all that share the status and the reason; --json has each."""
    found: dict[tuple[str, str], list[str]] = {}
    for known in report.known_failures:
        found.setdefault((known.expected, known.reason), []).append(known.case)
    return found


def print_changes(console: Console, changes: Sequence[Change], path: str, runs: int) -> None:
    """What an update by the worst of so many runs changed in the expectations, limit by limit."""
    counted = f"{runs} run{'s' * (runs != 1)}"
    if not changes:
        console.print(f"{escape(path)}: nothing to change, by {counted}")
        return
    table = Table("expectation", "limit", "was", "is", box=None, header_style="bold", pad_edge=False)
    for change in changes:
        table.add_row(*map(escape, (change.entry, change.limit, change.before, change.after)))
    console.print(table)
    console.print(f"{escape(path)}: {len(changes)} limit{'s' * (len(changes) != 1)} set, by {counted}")


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
