"""One case over commits as a person reads it, and as JSON."""

import json
import math
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from harness.judge.history.history import changes_between
from harness.judge.history.series import EnvironmentChange, History, Point, Quantity, Series, Step
from harness.report import numbers as show
from harness.report.sections import Column, print_rows

SHORT = 8
"""Digits of a hash that people read."""


def print_history(console: Console, history: History) -> None:
    """A table an environment, each step with its commits, then what environments did and what was left out."""
    console.print(f"{escape(history.case)}: {history.quantity.words} by commit", style="bold")
    for i, series in enumerate(history.series):
        if len(history.series) > 1:
            console.print(f"environment {i + 1}: {escape(_environment(history, i))}", style="bold")
        _print_points(console, series, history.quantity)
        for step in series.steps:
            console.print(
                f"[{show.VERDICT_STYLES[step.verdict]}]{step.verdict}[/] {escape(step_words(step, history.quantity))}"
            )
    for i, change in enumerate(history.changes):
        console.print(escape(environment_words(change, history.quantity, i + 1)))
    for note in history.notes:
        console.print(escape(note), style="dim")
    console.print(escape(conclusion(history)))


def conclusion(history: History) -> str:
    """How many commits and steps there are, and which steps would have been shown."""
    commits = {point.commit for series in history.series for point in series.points}
    steps = [step for series in history.series for step in series.steps]
    found = _count(len(steps), "change point") if steps else "no change point"
    return f"{_count(len(commits), 'commit')}, {found} of at least {_size(history.quantity, history.effect)}"


def _count(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count != 1)}"


def value_text(value: float | None, quantity: Quantity) -> str:
    """A value of the quantity with its unit."""
    if quantity.name == "time":
        return show.seconds(value)
    return show.power(value) if quantity.name == "excess_loss" else show.fixed(value, 0 if quantity.relative else 1)


def change_words(
    quantity: Quantity, change: float | None, low: float | None, high: float | None, separator: str = " "
) -> str:
    """For example `+5.1 % [3.9, 6.4]`; an open end is a dash, an interval of no width is left out."""
    if change is None or low is None or high is None:
        return ""
    shown = f"{change:+.1f}{separator}{'%' if quantity.relative else quantity.unit}"
    if low == high:
        return shown
    ends = ", ".join(
        f"{end:.1f}" if math.isfinite(end) and end > _least(quantity) else show.NONE for end in (low, high)
    )
    return f"{shown} [{ends}]"


def _least(quantity: Quantity) -> float:
    """What an unbounded slowdown's other end is in the unit: no time is less than nothing."""
    return -100.0 if quantity.relative else -math.inf


def span_words(step: Step) -> str:
    """The last commit at the old level and the first at the new one, and how many were not measured between them."""
    span = f"{step.old.commit[:SHORT]}..{step.new.commit[:SHORT]}"
    if step.untested is None:
        return f"{span} (git does not know what lies between)"
    if not step.untested:
        return f"{span}: {step.new.commit[:SHORT]} did it"
    return f"{span}: {step.new.commit[:SHORT]} or one of {_count(step.untested, 'untested commit')} before it"


def step_words(step: Step, quantity: Quantity) -> str:
    """Size, levels, commits; for a number that was lost or came back, why."""
    if step.change is None:
        what = f"no number any more: {step.new.why}" if not step.new.values else "has a number again"
        return f"{what}; {span_words(step)}"
    return f"{change_words(quantity, step.change, step.low, step.high)} {span_words(step)}"


def environment_words(change: EnvironmentChange, quantity: Quantity, number: int) -> str:
    """From one environment to the next: what differs, the shift, and whose doing it can be."""
    what = f"environment {number} to {number + 1} ({'; '.join(change.differs)})"
    if change.change is None:
        return f"{what}: one of them has no number to compare"
    shift = change_words(quantity, change.change, change.low, change.high)
    if change.commits:
        return f"{what}: {change.verdict}, {shift} on {_count(change.commits, 'commit')} in both: not a commit's doing"
    return f"{what}: {change.verdict}, {shift}; commits changed with it: no commit can be blamed"


def _environment(history: History, i: int) -> str:
    """What distinguishes it from the one before; of the first, from the next."""
    here, other = history.series[i].environment, history.series[i - 1 if i else 1].environment
    names = [text.split(" ") for text in changes_between(other, here)]
    return ", ".join(f"{' '.join(words[:-3])} {words[-1]}" for words in names) or "the same"


def _size(quantity: Quantity, effect: float) -> str:
    return f"{quantity.said(effect):.3g} {'%' if quantity.relative else quantity.unit}"


def _print_points(console: Console, series: Series, quantity: Quantity) -> None:
    columns = (
        Column("commit", 0, "left"),
        Column("date", 0, "left", spare=1),
        Column("launches", spare=2),
        Column(quantity.words, least=8),
        Column("", 0, "left", least=12),
    )
    rows = []
    # Where a number comes back at another level, the level is what is shown.
    marks = {step.new.place: step for step in sorted(series.steps, key=lambda step: step.change is not None)}
    for point in series.points:
        step = marks.get(point.place)
        words = (
            point.why
            if step is None or step.change is None
            else change_words(quantity, step.change, step.low, step.high)
        )
        style = show.VERDICT_STYLES[step.verdict] if step else "dim"
        value = value_text(point.value, quantity)
        rows.append((point.commit[:SHORT], _date(point), str(len(point.values)), value, f"[{style}]{escape(words)}[/]"))
    print_rows(console, columns, rows)


def _date(point: Point) -> str:
    return f"{datetime.fromtimestamp(point.date_s, UTC):%Y-%m-%d %H:%M}"


def history_json(history: History) -> str:
    """Everything above with every launch's value; ends of intervals that are open are null."""
    return json.dumps(
        {
            "case": history.case,
            "quantity": history.quantity.name,
            "effect": history.quantity.said(history.effect),
            "unit": "%" if history.quantity.relative else history.quantity.unit,
            "series": [_series_json(series) for series in history.series],
            "environment_changes": [
                {"differs": change.differs, "commits": change.commits, "verdict": change.verdict, **_span_json(change)}
                for change in history.changes
            ],
            "notes": history.notes,
        }
    )


def _series_json(series: Series) -> dict[str, object]:
    return {
        "environment": series.environment.model_dump(mode="json", exclude={"commit", "dirty"}),
        "points": [
            {"commit": p.commit, "date": _date(p), "value": p.value, "launches": p.values, "why": p.why}
            for p in series.points
        ],
        "change_points": [
            {
                "last_old": step.old.commit,
                "first_new": step.new.commit,
                "untested": step.untested,
                "verdict": step.verdict,
                **_span_json(step),
            }
            for step in series.steps
        ],
    }


def _span_json(found: Step | EnvironmentChange) -> dict[str, float | None]:
    spans = {"change": found.change, "low": found.low, "high": found.high}
    return {name: value if value is not None and math.isfinite(value) else None for name, value in spans.items()}
