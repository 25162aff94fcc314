"""A whole store of asv's over commits: a row a commit at which series have steps, and a row a step."""

from collections.abc import Sequence
from typing import Any

from harness.errors import counted
from harness.judge.history.series import SHORT
from harness.judge.history.watch import CommitSteps, SeriesStep, Watch
from harness.judge.verdict import Verdict
from harness.report.render.objects import objects
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick

NAMES = {Verdict.REGRESSION: ("slower", "worse"), Verdict.IMPROVEMENT: ("faster", "better")}
"""Of times, and of what is not all times."""


def times_words(steps: Sequence[SeriesStep]) -> str:
    """By how many times levels changed: `1.12 to 1.8 times`; empty where no level is positive."""
    times = [step.times for step in steps if step.times is not None]
    if not times:
        return ""
    ends = dict.fromkeys(f"{end:.3g}" for end in (min(times), max(times)))
    return f"{' to '.join(ends)} times"


def change_words(group: CommitSteps) -> str:
    """For example `37 slower by 1.12 to 1.8 times; 4 faster by 1.05 times; 2 changed, no direction known`."""
    parts = []
    for verdict, (of_times, else_) in NAMES.items():
        steps = group.of(verdict)
        if steps:
            word = of_times if all(step.is_time for step in steps) else else_
            by = times_words(steps)
            parts.append(f"{len(steps)} {word}{f' by {by}' if by else ''}")
    unknown = group.of(Verdict.UNDECIDED)
    if unknown:
        parts.append(f"{len(unknown)} changed, no direction known")
    return "; ".join(parts)


def _step_words(step: SeriesStep) -> str:
    found = step.found
    sign = "x" if found.after >= found.before else "/"
    size = f"{sign} {step.times:.3g}" if step.times is not None else f"{found.after - found.before:+.3g}"
    return f"{step.series.label} {size}"


GROUPS = by_key(
    Column[CommitSteps](
        "commit", "Commit", help="the first commit of the new levels", text=lambda one: one.commit[:SHORT]),
    Column("old", "After", help="the last commit of the old levels", text=lambda one: one.old[:SHORT], spare=3),
    Column("date", "Date", help="of the commit", spare=1),
    Column("worse", "Worse", Kind.WHOLE, "series that became worse", lambda one: len(one.of(Verdict.REGRESSION))),
    Column("better", "Better", Kind.WHOLE, "series that became better", lambda one: len(one.of(Verdict.IMPROVEMENT))),
    Column("unknown", "No direction", Kind.WHOLE, "series that changed, nobody knows to which side",
        lambda one: len(one.of(Verdict.UNDECIDED))),
    Column("searched", "Searched", Kind.WHOLE, "series with numbers on both sides"),
    Column("change", "Change", help="how many series by how many times", value=change_words, least=24),
    Column("largest", "Largest", help="the series with the largest step", value=lambda one: _step_words(one.steps[0]),
        least=24, spare=2),
    Column("machine_wide", "Machine?", help="whether over half of all series have a step: hardly the commit then"),
)  # fmt: skip
CONSOLE = pick(GROUPS, "old commit date change largest")
PAGE: tuple[Column[CommitSteps], ...] = (
    Column("commit", "Commit", Kind.CODE, GROUPS["commit"].help, lambda one: one.commit[:SHORT]),
    Column("old", "After", Kind.CODE, GROUPS["old"].help, lambda one: one.old[:SHORT]),
    *pick(GROUPS, "date worse better unknown searched change largest"),
)
OBJECT = pick(GROUPS, "commit old date worse better unknown searched machine_wide change")

STEPS: tuple[Column[SeriesStep], ...] = (
    Column("machine", value="series.machine"),
    Column("environment", value="series.environment"),
    Column("benchmark", value="series.name"),
    Column("params", value="series.texts"),
    Column("version", value="series.version"),
    Column("verdict"),
    Column("before", value="found.before"),
    Column("after", value="found.after"),
    Column("times"),
)


def watch_object(watch: Watch, commit_url: str) -> dict[str, Any]:
    """Every commit with every step, and what was searched; `commit_url`: what a commit's hash is put behind."""
    rows = [
        row | {"url": f"{commit_url}{group.commit}" if commit_url else "", "steps": objects(STEPS, group.steps)}
        for row, group in zip(objects(OBJECT, watch.groups), watch.groups, strict=True)
    ]
    found = watch.scan
    return {
        "commits": len(watch.table.commits),
        "series": found.rows,
        "searched": found.tested,
        "stepped": found.stepped,
        "level": found.level,
        "groups": rows,
        "notes": list(watch.problems),
    }


def summary(watch: Watch) -> str:
    """What was searched, and what is in it of chance."""
    found = watch.scan
    return (
        f"{counted(len(watch.table.commits), 'commit')}, {counted(found.rows, 'series', 'series')}: {found.tested}"
        f" searched, {found.stepped} with a step, at {counted(len(watch.groups), 'commit')}"
    )


def value_words(step: SeriesStep) -> str:
    """Both levels: `3.1 ms to 4.2 ms`."""
    ends = (step.found.before, step.found.after)
    is_seconds = step.is_time and step.series.unit in ("", "s", "seconds")
    return " to ".join(show.seconds(end) if is_seconds else f"{end:.4g}" for end in ends)
