"""Of the section History: a whole store of asv's, the commits at which its series have steps, and small multiples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.judge.history.series import SHORT
from harness.judge.history.watch import CommitSteps, SeriesStep, Watch
from harness.report.figures import axes
from harness.report.figures.figure import Figure
from harness.report.figures.panels import layered
from harness.report.figures.rows import Row
from harness.report.html.section import Note, Part, table_of
from harness.report.tables import watch as table
from harness.report.tables.column import Column, Kind
from harness.report.words.watch import error_rates

MOST_FIGURES = 6
"""Small figures, of the worst commits."""
MOST_LINES = 5
"""Series of one, those with the largest steps."""
MOST_STEPS = 500
"""Of the table: the page is read by people, and --json has all."""
MOST_PROBLEMS = 10
"""Of what cannot be read: one benchmark may be in every file of a store."""
HEIGHT = 180


@dataclass(frozen=True)
class Watched:
    """A store's steps; `commit_url`: what a commit's hash is put behind for a link, empty without any."""

    watch: Watch
    commit_url: str = ""


STEPS: tuple[Column[tuple[CommitSteps, SeriesStep]], ...] = (
    Column("verdict", "Verdict", Kind.STATUS, value=lambda one: one[1].verdict),
    Column("benchmark", "Benchmark", value=lambda one: one[1].series.label),
    Column("times", "Times", Kind.NUMBER, "by how many times the level went up or down", lambda one: one[1].times),
    Column("levels", "Levels", value=lambda one: table.value_words(one[1])),
    Column("commit", "Commit", Kind.CODE, value=lambda one: one[0].commit[:SHORT]),
    Column("old", "After", Kind.CODE, "the last commit of the old level", lambda one: one[0].old[:SHORT]),
    Column("environment", "Environment", value=lambda one: one[1].series.environment),
    Column("machine", "Machine", value=lambda one: one[1].series.machine),
)


def parts(watched: Watched) -> list[Part]:
    """The ranked commits, a small figure of each of the worst, every step, and how often chance makes one."""
    watch, url = watched.watch, watched.commit_url
    link = Column[CommitSteps]("link", "In the repository", Kind.LINK, value=lambda one: url + one.commit)
    columns = (*table.PAGE, *([link] if url else []))
    steps = [(group, step) for group in watch.groups for step in group.steps][:MOST_STEPS]
    found: list[Part] = [Note(f"asv's results: {table.summary(watch)}; {error_rates(watch)}.")]
    if watch.groups:
        found.append(
            table_of("watch-commits", "Commits at which series have steps, the worst first", columns, watch.groups)
        )
        found += [_figure(watch, group, place) for place, group in enumerate(watch.groups[:MOST_FIGURES])]
        found.append(table_of("watch-steps", "Every step, by the worst commits", STEPS, steps))
    found += [Note(f"Not read: {problem}") for problem in watch.problems[:MOST_PROBLEMS]]
    if len(watch.problems) > MOST_PROBLEMS:
        found.append(Note(f"Not read: {len(watch.problems) - MOST_PROBLEMS} more, which 'harness history' names."))
    return found


def _figure(watch: Watch, group: CommitSteps, place: int) -> Figure:
    """The series with the largest steps, each relative to its level before; an upright line at the commit."""
    steps = group.steps[:MOST_LINES]
    rows = [row for rank, step in enumerate(steps) for row in _rows(watch, step, rank)]
    title = f"{group.commit[:SHORT]}, {group.date}\n{table.change_words(group)}"
    description = f"The {len(steps)} largest steps at {group.commit[:SHORT]}: each series relative to its level before."
    shown = (("series", "series"), ("commit", "commit"), ("text", "value"))
    encoding = {
        "x": {"field": "at", "type": "quantitative", "axis": {"title": "commit", "labels": False, **axes.QUIET}},
        "y": axes.number("value", "times the level before", axes.multiples("y"), **axes.LOG),
    }
    at_commit = {"x": {"datum": steps[0].found.new - 0.5}, **axes.UPRIGHT}
    layers = [
        axes.layer("rule", at_commit, strokeDash=[4, 4], color=axes.GREY),
        axes.layer("line", {"color": axes.coloured()}, strokeWidth=1),
        axes.layer(
            "point", {"color": axes.coloured(), "shape": axes.shaped(), "tooltip": axes.tips(*shown)}, filled=True
        ),
    ]
    spec = layered(layers, encoding, (), HEIGHT) | axes.HALF
    return Figure(f"watch-{place + 1}", title, description, spec, rows)


def _rows(watch: Watch, step: SeriesStep, rank: int) -> list[Row]:
    values: Sequence[float] = watch.table.values[step.found.row].tolist()
    before = step.found.before
    return [
        _row(watch, step, rank, at, value / before)
        for at, value in enumerate(values)
        if value == value and value > 0 and before > 0  # noqa: PLR0124  # no NaN, and a logarithm
    ]


def _row(watch: Watch, step: SeriesStep, rank: int, at: int, ratio: float) -> Mapping[str, object]:
    commit = watch.table.commits[at][:SHORT]
    return {
        "at": at,
        "value": ratio,
        "text": f"{ratio:.3g}",
        "commit": commit,
        "series": step.series.label,
        "rank": rank,
    }
