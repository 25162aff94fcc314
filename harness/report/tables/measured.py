"""A fit that a test measured, beside the one before it."""

from dataclasses import dataclass
from operator import attrgetter

from harness.records.record import Record
from harness.report.tables import case
from harness.report.tables.column import Column, Kind, by_key, pick, within


@dataclass(frozen=True)
class MeasuredFit:
    """`test`: its node id; `before`: the earlier record of the same case, None without one; `doubtful`: its times."""

    test: str
    record: Record
    before: Record | None = None
    doubtful: bool = False

    @property
    def time_ratio(self) -> float | None:
        """The time now over the time before, where both were measured."""
        now, then = self.record.fit_s, None if self.before is None else self.before.fit_s
        return now / then if now and then else None


COLUMNS = by_key(
    Column[MeasuredFit](
        "test", help="the test that measured it", least=20, short=lambda one: one.test.rpartition("::")[2]
    ),
    *(within(one, attrgetter("record")) for one in pick(case.COLUMNS, "problem label fit_s peak_bytes digits status")),
    Column("time_ratio", "time", Kind.RATIO, "over the earlier one's: below 1 is faster"),
    Column("digits_before", "digits before", Kind.DIGITS, "of the earlier one", "before.accuracy.digits"),
    Column("doubtful", help="whether something makes its times doubtful", value=lambda one: "doubtful" * one.doubtful),
)
TERMINAL = pick(COLUMNS, "test problem label fit_s doubtful peak_bytes digits status")
COMPARED = pick(COLUMNS, "test problem label fit_s doubtful time_ratio digits digits_before status")
