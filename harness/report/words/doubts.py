"""Doubts about times: a line or two under a run's table, the doctor's page, and JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from harness.judge.machine.doubts import Doubt, State, doubtful
from harness.report.render.objects import dumps
from harness.report.tables import doubts as table
from harness.report.tables.document import Document, Line, table_of

MOST_SEEN = 4
"""Doubts in full under a run's table: two lines. 'harness doctor --run' has all."""


def doubts_line(doubts: Sequence[Doubt], doctor: str) -> str:
    """What makes a run's times doubtful, in one line without markup; empty if nothing does. `doctor`: has all of it."""
    found = doubtful(doubts)
    if not found:
        return ""
    seen = [one.seen for one in found[:MOST_SEEN]]
    if len(found) > MOST_SEEN:
        seen.append(f"{len(found) - MOST_SEEN} more")
    return f"doubtful: {'; '.join(seen)}: {doctor}"


def under_a_run(doubts: Sequence[Doubt], doctor: str) -> Document:
    """The line under a run's table; nothing if there is no doubt. `doctor`: the command that has all of it."""
    line = doubts_line(doubts, doctor)
    return Document([Line(line, style="yellow", unbroken=True)] if line else [])


def doctor(doubts: Sequence[Doubt], of_what: str) -> Document:
    """Every check, what is doubtful first, with why it matters and what to do; then the conclusion."""
    return Document([table_of(table.TERMINAL, worst_first(doubts), below=_below)], [Line(conclusion(doubts, of_what))])


def worst_first(doubts: Sequence[Doubt]) -> list[Doubt]:
    """What is doubtful, what is worth a note, what is not known, what is fine."""
    return sorted(doubts, key=lambda doubt: list(State).index(doubt.state), reverse=True)


def _below(one: Doubt) -> list[Line]:
    if one.state not in {State.DOUBTFUL, State.NOTE}:
        return []
    return [Line(text, style=style) for text, style in ((one.why, "dim"), (one.advice, "")) if text]


def conclusion(doubts: Sequence[Doubt], of_what: str) -> str:
    """How many checks came out how, the doubtful ones by name."""
    counts = Counter(one.state for one in doubts)
    counted = ", ".join(f"{counts[state]} {state.value}" for state in reversed(State) if counts[state])
    names = ", ".join(one.name for one in doubtful(doubts))
    return f"{of_what}: {counted}" + (f"; doubtful because of {names}" if names else "")


def doctor_json(doubts: Sequence[Doubt], run_id: str | None, readings: Sequence[Mapping[str, object]]) -> str:
    """The checks with the sources of their limits, and the readings that they were made from."""
    return dumps(
        {
            "run": run_id,
            "doubtful": [one.name for one in doubtful(doubts)],
            "checks": [asdict(one) for one in doubts],
            "readings": readings,
        }
    )
