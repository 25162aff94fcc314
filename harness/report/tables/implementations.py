"""One implementation of an optimizer beside torch's plain loop."""

from harness.judge.studies.implementations import Compared
from harness.report.tables.column import Column, Kind
from harness.report.tables.numbers import NONE, power


def _small(value: float | None) -> str:
    return NONE if value is None else "0" if value == 0 else power(value)


COLUMNS: tuple[Column[Compared], ...] = (
    Column("optimizer", "optimizer", least=12),
    Column("dtype", "dtype"),
    Column("implementation", "forloop and", least=10),
    Column("step", "parts at step", Kind.WHOLE, "The first step whose difference is more than rounding may make.",
        text=lambda line: NONE if line.step is None else str(line.step)),
    Column("difference", "at the end", Kind.SMALL, "Relative to the largest parameter.",
        text=lambda line: _small(line.difference)),
    Column("bound", "rounding", Kind.SMALL, "The most that rounding made in trainings whose steps err at random.",
        text=lambda line: _small(line.bound), spare=1),
    Column("status", kind=Kind.STATUS),
)  # fmt: skip
