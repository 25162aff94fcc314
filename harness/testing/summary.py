"""What a session of tests measured, a row a fit, beside what was measured before where that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from harness.errors import COULD_NOT_MEASURE, counted
from harness.git import resolve_commit
from harness.judge.machine.doubts import doubtful
from harness.judge.verdict import Verdict
from harness.judge.versions.two_runs import ADVICE, compare_runs
from harness.measure.conditions import doubts_of
from harness.records.record import Record
from harness.records.run import Run
from harness.report.render.terminal import print_document
from harness.report.tables import measured as table
from harness.report.tables.document import Document, Line, Table
from harness.report.tables.measured import MeasuredFit
from harness.report.terminal.console import console
from harness.store.store import Store
from harness.testing.measuring import store_of


@dataclass(frozen=True)
class Summary:
    """`fits` in the order in which they were measured; `asked`: of what commit the earlier ones are, None for none."""

    fits: tuple[MeasuredFit, ...]
    worse: tuple[str, ...] = ()
    asked: str | None = None
    where: str = ""
    doubts: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """1 where a fit is worse than before; 3 where there was nothing to compare with and that was asked for."""
        if self.worse:
            return 1
        compared = any(one.before is not None for one in self.fits)
        return COULD_NOT_MEASURE if self.asked is not None and not compared else 0

    def lines(self, width: int | None) -> list[str]:
        """The table and what to conclude, for a terminal of so many columns; None for a log."""
        stream = StringIO()
        shown = table.TERMINAL if self.asked is None else table.COMPARED
        said = [Line(text, "worse", "red") for text in self.worse]
        said += [Line(text, "doubtful times", "yellow") for text in self.doubts]
        compared = sum(one.before is not None for one in self.fits)
        of = f" of {self.asked}" if self.asked else ""
        if self.asked is not None:
            said.append(
                Line(f"{compared} of {counted(len(self.fits), 'fit')} compared with earlier ones{of}; {ADVICE}")
            )
        said.append(Line(f"kept in {self.where}", unbroken=True))
        print_document(console(stream, width), Document([Table(shown, [("", list(self.fits))])], said))
        return stream.getvalue().rstrip("\n").splitlines()


def summary_of(measured: Sequence[tuple[str, str]], store: str | None, root: Path, asked: str | None) -> Summary:
    """The summary of (test, run) pairs. `asked`: compare with earlier fits, "" for the newest, else of that commit.

    Raises UsageError for an unknown commit, or where the store cannot be read.
    """
    kept = store_of(store, root)
    commit = resolve_commit(asked) if asked else None
    runs = {run.id: run for run in kept.runs()}
    mine = {run_id for _, run_id in measured}
    fits: list[MeasuredFit] = []
    before: list[Record] = []
    doubts: dict[str, None] = {}
    for test, run_id in measured:
        run, records = runs[run_id], kept.records(run_id)
        reasons = [one.seen for one in doubtful(doubts_of(kept, run, records))]
        doubts |= dict.fromkeys(reasons)
        for record in records:
            others = [one for one in runs.values() if one.id not in mine and _comparable(one, run, commit)]
            found = None if asked is None else _newest(kept, others, record.case)
            before += [] if found is None else [found]
            fits.append(MeasuredFit(test, record, found, bool(reasons)))
    changes = compare_runs([one.record for one in fits], before)
    worse = [
        f"{one.record.case}: {one.quantity} {one.before} before, {one.now} now"
        for one in changes.answers
        if one.verdict is Verdict.REGRESSION
    ]
    slower = [one for one in changes.times if one.verdict is Verdict.REGRESSION]
    worse += [f"{one.record.case}: {one.ratio:.2f} times the time" for one in slower]
    return Summary(tuple(fits), tuple(worse), asked, kept.url, tuple(doubts))


def _comparable(earlier: Run, now: Run, commit: str | None) -> bool:
    """Whether a run was made on this machine, and of the commit that was asked for."""
    then, here = earlier.environment, now.environment
    same = (then.cpu, then.cores) == (here.cpu, here.cores)
    return same and (commit is None or (then.commit or "").startswith(commit))


def _newest(store: Store, runs: Sequence[Run], case: str) -> Record | None:
    """The newest record of a case in runs, which are oldest first."""
    for run in reversed([one for one in runs if case in one.planned]):
        found = next((one for one in store.records(run.id) if one.case == case), None)
        if found is not None:
            return found
    return None
