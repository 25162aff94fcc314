"""Doubts: a line or two under a run's table, the doctor's table, and JSON."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from harness.judge.machine.doubts import Doubt, State, doubtful
from harness.report.sections import Column, heads_of, row_of

COLUMNS = (Column("check", 28, "left", least=12), Column("state", 8, "left"), Column("seen", 62, "left", least=12))
"""With a space between columns, 100."""
WORST_FIRST = (State.DOUBTFUL, State.NOTE, State.UNKNOWN, State.FINE)
INDENT = 4
MOST_SEEN = 4
"""Doubts in full under a run's table: two lines. 'harness doctor --run' has all."""
_STYLES = {State.FINE: "green", State.UNKNOWN: "dim", State.NOTE: "cyan", State.DOUBTFUL: "bold red"}


def doubts_line(doubts: Sequence[Doubt], run_id: str) -> str:
    """What makes a run's times doubtful, in one line without markup; empty if nothing does."""
    found = doubtful(doubts)
    if not found:
        return ""
    seen = [one.seen for one in found[:MOST_SEEN]]
    if len(found) > MOST_SEEN:
        seen.append(f"{len(found) - MOST_SEEN} more")
    return f"doubtful: {'; '.join(seen)}: harness doctor --run {run_id}"


def print_doubts_line(console: Console, doubts: Sequence[Doubt], run_id: str) -> None:
    """The line under a run's table; nothing if there is no doubt."""
    line = doubts_line(doubts, run_id)
    if line:
        console.print(f"[yellow]{escape(line)}[/]")


def print_doctor(console: Console, doubts: Sequence[Doubt], of_what: str) -> None:
    """Every check, what is doubtful first, with why it matters and what to do; then the conclusion."""
    console.print(heads_of(console, COLUMNS))
    for one in sorted(doubts, key=lambda doubt: WORST_FIRST.index(doubt.state)):
        cells = (escape(one.name), f"[{_STYLES[one.state]}]{one.state.value}[/]", escape(one.seen))
        console.print(row_of(console, COLUMNS, cells))
        if one.state in {State.DOUBTFUL, State.NOTE}:
            console.print(Padding(f"[dim]{escape(one.why)}[/]\n{escape(one.advice)}", (0, 0, 0, INDENT)))
    console.print(escape(conclusion(doubts, of_what)))


def conclusion(doubts: Sequence[Doubt], of_what: str) -> str:
    """How many checks came out how, the doubtful ones by name."""
    counts = Counter(one.state for one in doubts)
    counted = ", ".join(f"{counts[state]} {state.value}" for state in reversed(State) if counts[state])
    names = ", ".join(one.name for one in doubtful(doubts))
    return f"{of_what}: {counted}" + (f"; doubtful because of {names}" if names else "")


def doctor_json(doubts: Sequence[Doubt], run_id: str | None, readings: Sequence[Mapping[str, object]]) -> str:
    """The checks with the sources of their limits, and the readings that they were made from."""
    return json.dumps(
        {
            "run": run_id,
            "doubtful": [one.name for one in doubtful(doubts)],
            "checks": [asdict(one) for one in doubts],
            "readings": readings,
        }
    )
