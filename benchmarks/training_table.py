"""The training lines as a table by group, speed-ups beside the seconds, and the bars below."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from benchmarks.training_bars import (
    TEXTBOOK,
    Ruling,
    TrainingLine,
    TrainingVerdict,
    jax_over_batched,
    speed_up,
)
from harness.report import numbers as show
from harness.report.sections import Column, print_sections

COLUMNS = (
    Column("engine", 20, "left", least=12),
    Column("models", 6),
    Column("one call", 9, spare=2),
    Column("model-epoch", 11, spare=1),
    Column("wall", 9, spare=3),
    Column("speed-up", 8),
    Column("ready after", 11, spare=4),
    Column("note", 18, "left", spare=5, least=12),
)
WORDS = {
    Ruling.HELD: "[green]held[/]",
    Ruling.BROKEN: "[red]not held[/]",
    Ruling.UNDECIDED: "[yellow]undecided[/]",
    Ruling.UNMEASURED: "[yellow]not measured[/]",
}
MOST_NAMES = 3
"""Of the lines with the same reason: --markdown and --json have all of them."""
SAMPLE_DIGITS = 9
"""Decimal places of a kept sample: nanoseconds, which is what the clock counts in."""


def print_training(console: Console, lines: Sequence[TrainingLine], verdicts: Sequence[TrainingVerdict]) -> None:
    """Median CPU seconds (on CUDA wall seconds), all of a group's rows in turns; who is ahead; the bars."""
    run = [line for line in lines if line.cpu_s]
    groups = groupby(run, key=lambda line: line.group)
    print_sections(console, COLUMNS, ((group, [_cells(lines, line) for line in of]) for group, of in groups))
    for text in left_out(lines):
        console.print(f"[yellow]not measured[/] {escape(text)}")
    for text in compared(lines):
        console.print(escape(text))
    for verdict in verdicts:
        console.print(f"{WORDS[verdict.ruling]} {escape(verdict.text)}: {escape(verdict.measured)}")


def left_out(lines: Sequence[TrainingLine]) -> Iterator[str]:
    """The lines that were not run, by their reason."""
    without = [line for line in lines if not line.cpu_s]
    for reason in dict.fromkeys(line.note for line in without):
        names = list(dict.fromkeys(f"{line.group}, {line.name}" for line in without if line.note == reason))
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{'; '.join(names[:MOST_NAMES])}{more}: {reason}"


def compared(lines: Sequence[TrainingLine]) -> Iterator[str]:
    """Who is ahead at each number of models, jax or batched."""
    for line, times in jax_over_batched(lines):
        where = f"{line.group}, {line.models} models"
        ahead, behind, factor = ("jax", "batched", times) if times > 1 else ("batched", "jax", 1 / times)
        yield f"{where}: {ahead} is {factor:.2f} times as fast as {behind}"


def _cells(lines: Sequence[TrainingLine], line: TrainingLine) -> list[str]:
    textbook = next((one for one in lines if (one.group, one.name) == (line.group, TEXTBOOK)), None)
    return [
        escape(line.name),
        str(line.models),
        show.seconds(line.call_s),
        show.seconds(line.model_epoch_s),
        show.seconds(line.model_epoch_wall_s),
        "" if textbook is None else show.ratio(speed_up(line, textbook)),
        show.seconds(line.prepare_s),
        escape(line.note),
    ]


def training_json(
    lines: Sequence[TrainingLine], verdicts: Sequence[TrainingVerdict], environment: dict[str, object]
) -> str:
    """Raw samples, bars and the environment; what `results/speed` keeps. A line of samples is a line of text."""
    kept = [
        asdict(line) | {key: [round(s, SAMPLE_DIGITS) for s in getattr(line, key)] for key in ("cpu_s", "wall_s")}
        for line in lines
    ]
    head = json.dumps({"schema_version": 1, "environment": environment}, indent=1).removesuffix("\n}")
    rows = ",\n  ".join(json.dumps(one) for one in kept)
    bars = ",\n  ".join(json.dumps(asdict(verdict)) for verdict in verdicts)
    return f'{head},\n "lines": [\n  {rows}\n ],\n "bars": [\n  {bars}\n ]\n}}'


def training_markdown(lines: Sequence[TrainingLine]) -> str:
    """A GitHub table; a line that was not run has its reason in place of its speed-up."""
    header = "| group | engine | models | one call | model-epoch | wall | speed-up | ready after |"
    rows = [header, "|" + "---|" * 8]
    for line in lines:
        name, models, call, epoch, wall, ratio, ready, note = _cells(lines, line)
        rows.append(f"| {line.group} | {name} | {models} | {call} | {epoch} | {wall} | {note or ratio} | {ready} |")
    return "\n".join(rows)
