"""The training lines as a table by group, speed-ups beside the seconds, and the bars below."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby

from benchmarks.training_bars import (
    TEXTBOOK,
    Ruling,
    TrainingLine,
    TrainingVerdict,
    jax_over_batched,
    speed_up,
)
from harness.report.render import markdown
from harness.report.render.text import cell_text
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key
from harness.report.tables.document import Document, Line, Table

RULINGS = {
    Ruling.HELD: ("held", "green"),
    Ruling.BROKEN: ("not held", "red"),
    Ruling.UNDECIDED: ("undecided", "yellow"),
    Ruling.UNMEASURED: ("not measured", "yellow"),
}
MOST_NAMES = 3
"""Of the lines with the same reason: --markdown and --json have all of them."""
SAMPLE_DIGITS = 9
"""Decimal places of a kept sample: nanoseconds, which is what the clock counts in."""


def columns(lines: Sequence[TrainingLine]) -> dict[str, Column[TrainingLine]]:
    """Of a line among all of them."""

    def times(line: TrainingLine) -> str:
        textbook = next((one for one in lines if (one.group, one.name) == (line.group, TEXTBOOK)), None)
        return "" if textbook is None else show.ratio(speed_up(line, textbook))

    return by_key(
        Column("group"),
        Column("name", head="engine", least=12),
        Column("models", kind=Kind.WHOLE),
        Column("call_s", kind=Kind.SECONDS, head="one call", spare=2),
        Column("model_epoch_s", kind=Kind.SECONDS, head="model-epoch", spare=1),
        Column("model_epoch_wall_s", kind=Kind.SECONDS, head="wall", spare=3),
        Column("speed-up", kind=Kind.NUMBER, text=times),
        Column("prepare_s", kind=Kind.SECONDS, head="ready after", spare=4),
        Column("note", spare=5, least=12),
    )


def training(lines: Sequence[TrainingLine], verdicts: Sequence[TrainingVerdict]) -> Document:
    """Median CPU seconds (on CUDA wall seconds), all of a group's rows in turns; who is ahead; the bars."""
    shown = [column for key, column in columns(lines).items() if key != "group"]
    groups = [
        (group, list(of))
        for group, of in groupby((one for one in lines if one.samples.cpu_s), key=lambda one: one.group)
    ]
    return Document(
        [
            Table(shown, groups),
            *(Line(text, "not measured", "yellow") for text in left_out(lines)),
            *map(Line, compared(lines)),
            *(Line(f"{one.text}: {one.measured}", *RULINGS[one.ruling]) for one in verdicts),
        ]
    )


def left_out(lines: Sequence[TrainingLine]) -> Iterator[str]:
    """The lines that were not run, by their reason."""
    without = [line for line in lines if not line.samples.cpu_s]
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


def training_json(
    lines: Sequence[TrainingLine], verdicts: Sequence[TrainingVerdict], environment: dict[str, object]
) -> str:
    """Raw samples, bars and the environment; what `results/speed` keeps. A line of samples is a line of text."""
    kept = [
        {
            **{name: value for name, value in vars(line).items() if name != "samples"},
            **{key: [round(s, SAMPLE_DIGITS) for s in getattr(line.samples, key)] for key in ("cpu_s", "wall_s")},
        }
        for line in lines
    ]
    head = json.dumps({"schema_version": 1, "environment": environment}, indent=1).removesuffix("\n}")
    rows = ",\n  ".join(json.dumps(one) for one in kept)
    bars = ",\n  ".join(json.dumps(asdict(verdict)) for verdict in verdicts)
    return f'{head},\n "lines": [\n  {rows}\n ],\n "bars": [\n  {bars}\n ]\n}}'


def training_markdown(lines: Sequence[TrainingLine]) -> str:
    """A GitHub table; a line that was not run has its reason in place of its speed-up."""
    every = columns(lines)
    times = every["speed-up"]
    every["speed-up"] = replace(times, text=lambda line: line.note or cell_text(times, line))
    return markdown.table([column for key, column in every.items() if key != "note"], lines)
