"""The frames that the functions for Python return.

They are pandas frames, not objects that hold one: whoever measures fits from Python filters, groups, joins and plots
what comes back, and every one of these is then a step less. What a frame alone cannot say (the run that it is of,
its records with all their samples, the exit code) are attributes of a thin subclass. It overrides neither
`_constructor` nor any operation, so whatever pandas makes of one (a filter, a copy, a sort, a join) is a plain
DataFrame: no half of a run can pass for the whole one. `compare` and `gate` take the whole ones.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import pandas as pd

from harness.errors import counted
from harness.judge.gate.gate import GateReport
from harness.records.record import Record
from harness.records.run import Run, exit_code
from harness.report.render.frame import series_by_key
from harness.report.render.notebook import table_html
from harness.report.tables import case, comparison, gate
from harness.report.tables.column import Column
from harness.report.words.gate import holding, outcome, to_do
from harness.report.words.run import failure


class _Frame(pd.DataFrame):
    """A pandas frame with the columns of `described` and a view of its own in a notebook."""

    _metadata: ClassVar[list[str]] = []

    def _kept(self, **values: object) -> None:
        """Attributes, past pandas' own setter, which takes a tuple of records for a column."""
        for name, value in values.items():
            object.__setattr__(self, name, value)


class Results(_Frame):
    """One row a case of one run; `harness.report.tables.case.FRAME` describes the columns.

    `made`: the run with its command, selection and environment; `records`: every case with its raw samples, its
    coefficients and its trace, whatever is done to the frame; `exit_code`: what the command `harness run` would
    end with.
    """

    _metadata: ClassVar[list[str]] = ["made", "records"]
    made: Run
    records: tuple[Record, ...]

    def __init__(self, made: Run, records: Sequence[Record]) -> None:
        super().__init__({**series_by_key(case.FRAME, records), "run": made.id})  # type: ignore[call-arg]  # the stubs have __new__ alone
        self._kept(made=made, records=tuple(records))

    @property
    def run_id(self) -> str:
        """The run's id, by which `harness.load(run=...)` and `harness compare --run` find it."""
        return self.made.id

    @property
    def exit_code(self) -> int:
        """0 if every case ended well, 1 if one ended wrong, 3 if none was measured or the run was cut off."""
        return exit_code(self.records, len(self.made.planned))

    def _repr_html_(self) -> str:
        first = sorted(self.records, key=lambda record: not record.failed)
        bad = [f"{one.status.value} {failure(one)}" for one in first if one.failed]
        ended = f"{counted(len(first), 'case')}, {len(bad)} ended badly" if bad else counted(len(first), "case")
        return table_html(f"run {self.run_id}: {ended}", case.NOTEBOOK, first, bad)


class Comparison(_Frame):
    """One row a case beside its group's baseline, or one size of a series by device.

    `FRAME` of `harness.report.tables.comparison` and of `devices` there describe the columns. `by`: the axis.
    """

    _metadata: ClassVar[list[str]] = ["by", "_rows", "_shown"]
    by: str
    _rows: tuple[Any, ...]
    _shown: tuple[Column[Any], ...]

    def __init__(
        self,
        by: str,
        rows: Sequence[Any],
        columns: Sequence[Column[Any]] = comparison.FRAME,
        shown: Sequence[Column[Any]] = comparison.NOTEBOOK,
    ) -> None:
        super().__init__(series_by_key(columns, rows))  # type: ignore[call-arg]  # the stubs have __new__ alone
        self._kept(by=by, _rows=tuple(rows), _shown=tuple(shown))

    def _repr_html_(self) -> str:
        return table_html(f"by {self.by}", self._shown, self._rows)


class Verdicts(_Frame):
    """One row a judgement, what failed first; `harness.report.tables.gate.FRAME` describes the columns.

    `report`: the judgements with the planned cases that have no record and the number that no expectation is about;
    `exit_code`: 0 if the gate passes, 1 if it is breached, 3 if it could not judge.
    """

    _metadata: ClassVar[list[str]] = ["report", "run_id"]
    report: GateReport
    run_id: str

    def __init__(self, run_id: str, report: GateReport) -> None:
        breached = set(map(id, report.breaches))
        first = sorted(report.judgements, key=lambda one: id(one) not in breached)
        super().__init__(series_by_key(gate.FRAME, first))  # type: ignore[call-arg]  # the stubs have __new__ alone
        self._kept(report=report, run_id=run_id)

    @property
    def exit_code(self) -> int:
        """What the command `harness gate` would end with."""
        return self.report.exit_code

    def _repr_html_(self) -> str:
        report = self.report
        notes = [f"no record: {one}" for one in report.incomplete] + [one.text for one in to_do(report.breaches)]
        word, _ = outcome(report)
        title = f"{word} run {self.run_id}: {holding(report)}"
        return table_html(title, gate.NOTEBOOK, report.breaches, notes)
