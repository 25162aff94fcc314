"""A whole store of asv's in words: the commits at which series have steps, the worst first."""

from collections.abc import Iterator

from harness.errors import counted
from harness.judge.history.scan import FALSE_SERIES, FALSE_SHARE
from harness.judge.history.series import SHORT
from harness.judge.history.watch import Watch
from harness.report.tables import watch as table
from harness.report.tables.document import Document, Line, Part, table_of

SHOWN = 20
"""Commits on a console; JSON and the page have all."""
SHOWN_PROBLEMS = 5
"""Of what cannot be read: one benchmark may be in every file of a store."""


def over_store(watch: Watch) -> Document:
    """A row a commit, what is rather the machine's doing, and what was searched."""
    return Document(list(_parts(watch)), [Line(table.summary(watch)), Line(error_rates(watch), style="dim")])


def _parts(watch: Watch) -> Iterator[Part]:
    if watch.groups:
        yield table_of(table.CONSOLE, watch.groups[:SHOWN])
    more = len(watch.groups) - SHOWN
    if more > 0:
        yield Line(f"and {counted(more, 'more commit')}: --json has all", style="dim")
    for group in watch.groups[:SHOWN]:
        if group.machine_wide:
            share = f"{len(group.steps)} of {group.searched} series"
            yield Line(
                f"{group.commit[:SHORT]}: {share} have a step: the machine or its environment, hardly the commit"
            )
    yield from (Line(problem, "not read", "yellow") for problem in watch.problems[:SHOWN_PROBLEMS])
    unshown = len(watch.problems) - SHOWN_PROBLEMS
    if unshown > 0:
        yield Line(f"and {unshown} more: --json has all", "not read", "yellow")


def error_rates(watch: Watch) -> str:
    """How many steps are expected where none is."""
    if not watch.scan.tested:
        return "nothing is searched: a step needs 4 commits with a number"
    return (
        f"by chance alone at most {100 * FALSE_SERIES:g} % of the series searched would have a step, and at most"
        f" {100 * FALSE_SHARE:g} % of those that have one, as shuffled series of this store show"
    )
