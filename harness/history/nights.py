"""The nights of a machine, out of a store: each judged against those before it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.history.commits import Commits
from harness.history.night_runs import Night, before
from harness.history.sources import cut_off, started_s
from harness.judge.history.history import hashes, identity, judge_history, moved
from harness.judge.history.night import NightReport, changes_of, same_data
from harness.judge.history.night_times import CaseNights, Change, times_of
from harness.judge.history.series import DATE, QUANTITIES, SHORT, History, Point
from harness.judge.history.values import value_of
from harness.judge.verdict import Verdict
from harness.records.content import case_of_content, contents
from harness.records.differences import of_record
from harness.records.environment import Environment
from harness.records.record import Record, Status
from harness.records.run import Run
from harness.store.store import Store

MOST_OF_LEVEL = 20
"""Nights of a level, the newest: enough to fix a median, few enough to be of one season of the machine."""


@dataclass(frozen=True)
class _Measured:
    """One case on one night; the point's values are those of no quantity, `of` has one for each."""

    record: Record
    point: Point

    @cached_property
    def of(self) -> Mapping[str, Point]:
        """The point of each quantity, by name."""
        found = {}
        for name, quantity in QUANTITIES.items():
            value, why = value_of(self.record, quantity)
            found[name] = replace(self.point, values=() if value is None else (value,), why=why)
        return found


class Nights:
    """Nights of one machine in the order of the store, whatever their dates say; `elsewhere`: nights of others."""

    def __init__(self, nights: Sequence[Night], elsewhere: Mapping[str, int] | None = None) -> None:
        """`nights`: the oldest first."""
        self.nights, self.elsewhere = nights, elsewhere or {}
        self._content = contents(record for night in nights for record in night.records)
        self._keys = self._first_names()
        self._measured = [dict(self._of_night(place, night)) for place, night in enumerate(nights)]
        self._cases: dict[int, list[CaseNights]] = {}
        self._known: dict[tuple[str, str, int], History | None] = {}

    def _first_names(self) -> Mapping[str, str]:
        """Of each case the key under which it was first measured: a file that was moved is the same case."""
        keys: dict[str, str] = {}
        known: dict[tuple[str, ...], str] = {}
        for night in self.nights:
            here = {record.case: case_of_content(record, self._content) for record in night.records}
            for case, content in here.items():
                same = known.get(content, case)
                keys.setdefault(case, case if same in here else keys[same])
            known |= {content: case for case, content in here.items()}
        return keys

    def _of_night(self, place: int, night: Night) -> Iterator[tuple[str, _Measured]]:
        own = Counter(self._keys[record.case] for record in night.records)
        for record in night.records:
            if not cut_off(night.run, record):
                around = of_record(night.run.environment, record)
                key = self._keys[record.case]
                # Where the file lies at both places again, with other rows at one of them, they are two cases.
                name = key if own[key] == 1 else record.case
                yield name, _Measured(record, self._point(place, night.run, around, record))

    def _point(self, place: int, run: Run, around: Environment, record: Record | None = None) -> Point:
        return Point(
            run.environment.commit or "",
            place,
            started_s(run),
            around,
            (),
            data=self._content(record) if record else "",
            source=record.source_sha256 if record else "",
            run=run.id,
            machine=run.selection.machine,
        )

    @cached_property
    def _commits(self) -> Commits:
        return Commits({night.run.environment.commit or "" for night in self.nights})

    def report(self, at: int = -1) -> NightReport:
        """The night at a place, the newest by default, beside those before it."""
        at %= len(self.nights)
        run, last = self.nights[at].run, self.nights[at - 1].run if at else None
        cases = self._cases_at(at)
        known = [one for one in cases if one.before is not None]
        both = [one for one in known if same_data(one)]
        changes = changes_of(cases, self._told)
        changed = {one.record.case for one in changes}
        here, before = self._measured[at], self._measured[at - 1]
        return NightReport(
            run=run,
            nights=at,
            last=last,
            cases=len(cases),
            moved=() if last is None else self._moved(last, run, known),
            changes=changes,
            compared=tuple(one.record.case for one in both if not _nothing(one)),
            other_data=tuple(map(_of_data, (one for one in known if not same_data(one)))),
            other_machine=tuple(one.record.case for one in both if one.of_other_machine),
            added=tuple(one.record.case for one in cases if one.before is None) if last else (),
            gone=tuple(one.record.case for key, one in before.items() if key not in here) if last else (),
            failing=tuple(
                one.record.case
                for one in known
                if one.record.failed and one.before and one.before.failed and one.record.case not in changed
            ),
            elsewhere=self.elsewhere,
            clock_back=last is not None and started_s(run) < started_s(last),
        )

    def _moved(self, last: Run, run: Run, known: Sequence[CaseNights]) -> tuple[str, ...]:
        """Versions and commit of the whole night, and whose source and which problem's data changed."""
        old, new = (self._point(0, one, one.environment) for one in (last, run))
        found = dict.fromkeys(moved(old, new).all)
        for one in known:
            assert one.before_point is not None  # noqa: S101  # as it says
            was, now = one.before_point, one.point
            found |= dict.fromkeys(hashes(f"source of {one.record.solver}", was.source, now.source))
            found |= dict.fromkeys(hashes(f"data of {one.record.problem}", was.data, now.data))
        return tuple(found)

    def _cases_at(self, at: int) -> list[CaseNights]:
        if at not in self._cases:
            self._cases[at] = [self._case(at, case) for case in self._measured[at]]
        return self._cases[at]

    def _case(self, at: int, case: str) -> CaseNights:
        tonight = self._measured[at][case]
        earlier = [night[case] for night in self._measured[:at] if case in night]
        if not earlier:
            return CaseNights(tonight.record, tonight.point)
        before = earlier[-1]
        then = {name: found for name in QUANTITIES if (found := self._history(case, name, earlier))}
        return CaseNights(
            tonight.record,
            tonight.point,
            before.record,
            before.point,
            tuple(_level(earlier, then.get("time"))),
            {name: found for name in QUANTITIES if (found := self._history(case, name, [*earlier, tonight]))},
            then,
            self._commits.untested(before.point.commit, tonight.point.commit),
        )

    def _history(self, case: str, quantity: str, measured: Sequence[_Measured]) -> History | None:
        """Of the nights up to one; with it, it is the history without the next one."""
        key = case, quantity, measured[-1].point.place
        if key not in self._known:
            points = [one.of[quantity] for one in measured]
            several = sum(bool(point.values) for point in points) > 1
            untested, asked = self._commits.untested, QUANTITIES[quantity]
            self._known[key] = judge_history(case, asked, points, untested, by=DATE) if several else None
        return self._known[key]

    def _told(self, run: str, case: str, verdict: Verdict) -> bool:
        """Whether that verdict on the case's time was given on the night of that run."""
        at = next(place for place, night in enumerate(self.nights) if night.run.id == run)
        both = [one for one in self._cases_at(at) if one.before is not None and same_data(one)]
        key = self._keys[case]
        return any(self._keys[one.record.case] == key and one.verdict is verdict for one in times_of(both))


def _level(earlier: Sequence[_Measured], history: History | None) -> Iterator[float]:
    """Seconds of a call of the nights since the environment or the data changed, or the level did; oldest first."""
    last = earlier[-1].point
    steps = [step.new.place for series in history.series for step in series.steps] if history else []
    begin = max((place for place in steps if place <= last.place), default=0)
    alike = []
    for one in reversed(earlier):
        same = (identity(one.point.environment), one.point.data) == (identity(last.environment), last.data)
        if not same or one.point.place < begin:
            break
        alike.append(one.of["time"].value)
    yield from reversed([value for value in alike if value is not None][:MOST_OF_LEVEL])


def _nothing(one: CaseNights) -> bool:
    """Whether neither night could run it."""
    return one.before is not None and {one.record.status, one.before.status} == {Status.UNSUPPORTED}


def _of_data(one: CaseNights) -> Change:
    assert one.before_point is not None  # noqa: S101  # of cases that both nights have
    hashes = (one.before_point.data[:SHORT], one.point.data[:SHORT])
    return Change(one.record, "data", Verdict.UNDECIDED, one.before_point, one.point, *hashes)


def nights_of(store: Store, night: Run) -> Nights:
    """The newest nights of a night's machine, up to that one; those that no case was kept of are none."""
    own, elsewhere = before(store, night)
    return Nights([Night(run, tuple(store.records(run.id))) for run in own], elsewhere)
