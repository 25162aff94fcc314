"""At which commits the benchmarks of a store of asv's changed."""

from harness.errors import counted
from harness.judge.history.series import SHORT
from harness.judge.history.watch import Watch
from harness.judge.verdict import Verdict
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact
from harness.report.tables import watch as table


def watch(found: Watch) -> Decision:
    """The decision of asv's results alone: the worst commit, and how many series have a step."""
    worse = [group for group in found.groups if group.of(Verdict.REGRESSION)]
    tone = DOUBT if not found.scan.tested else BAD if worse else GOOD
    return Decision("At which commits did the benchmarks change?", _answer(found), tone, _facts(found))


def _answer(found: Watch) -> str:
    if not found.scan.tested:
        return "Nothing was searched: a step needs 4 commits with a number."
    if not found.groups:
        return f"At none of {counted(len(found.table.commits), 'commit')}: no series has a step."
    first = found.groups[0]
    others = len(found.groups) - 1
    more = f" Series changed at {counted(others, 'other commit')} too." if others else ""
    return f"Most at {first.commit[:SHORT]} of {first.date}: {table.change_words(first)}.{more}"


def _facts(found: Watch) -> list[Fact]:
    scan = found.scan
    return [
        Fact("series with a step", f"{scan.stepped} of {scan.tested}", f"searched, of {scan.rows} in all"),
        Fact("commits with a step", f"{len(found.groups)} of {len(found.table.commits)}", "commits with results"),
    ]
