"""What changed last night: the newest night of a machine against the nights before it.

Answers (status, digits, excess loss) are what they are: they are set beside those of the last night that has the case
(harness.judge.versions.two_runs), and what the case's history shows now and did not show the night before is added
(harness.judge.history.history): a drift, and a time that has been another one for two nights or more.

A time of tonight alone is judged by harness.judge.history.night_times.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import COULD_NOT_MEASURE
from harness.judge.history.changes import DECIDED
from harness.judge.history.history import neighbours
from harness.judge.history.night_times import CaseNights, Change, change_of, lasting, times_of
from harness.judge.history.series import History, Quantity, Step
from harness.judge.verdict import WORST_FIRST, Verdict
from harness.judge.versions.two_runs import FEWEST, compare_runs
from harness.records.run import Run

Told = Callable[[str, str, Verdict], bool]
"""Of a run's id, a case and a verdict on its time."""
NAMES = {"excess_loss": "excess loss", "epochs_to": "epochs to 1e-4"}
"""Of quantities, where they are written otherwise."""
MACHINE_SHARE = 0.5
"""Of the cases that were compared: where more have another time at once, it is hardly the commit's doing."""


@dataclass(frozen=True)
class NightReport:
    """The newest night of a machine, judged. `nights`: how many came before it, of which `last` is the newest.

    changes: the worst first; compared: cases that both nights have with the same data; other_data: those whose data
    changed, of which nothing is compared; other_machine: those whose times are not compared, as the hardware changed;
    added, gone: cases that only one of the two nights has; failing: cases that end wrong as they did before; elsewhere:
    other machines that have nights in the store, and how many; clock_back: whether tonight is dated before the last.
    """

    run: Run
    nights: int
    last: Run | None
    cases: int
    moved: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    compared: tuple[str, ...] = ()
    other_data: tuple[Change, ...] = ()
    other_machine: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    clock_back: bool = False

    def with_verdict(self, verdict: Verdict) -> tuple[Change, ...]:
        """The changes of one verdict."""
        return tuple(one for one in self.changes if one.verdict is verdict)

    @property
    def machine_wide(self) -> bool:
        """Whether more than half of all cases have another time: the machine is more likely than a commit."""
        cases = {one.record.case for one in self.changes if one.quantity == "time"}
        return len(self.compared) >= FEWEST and len(cases) > MACHINE_SHARE * len(self.compared)

    @property
    def exit_code(self) -> int:
        """1 if anything became worse, 3 if nothing was compared, else 0."""
        if self.with_verdict(Verdict.REGRESSION):
            return 1
        return 0 if self.compared else COULD_NOT_MEASURE


def changes_of(cases: Sequence[CaseNights], told: Told = lambda *_: False) -> tuple[Change, ...]:
    """Everything that changed of the cases that both nights have with the same data, the worst first.

    `told`: whether a time's verdict was given on the night of a run already.
    """
    both = [one for one in cases if one.before is not None and same_data(one)]
    steps = (step for one in both for step in _steps(one, told))
    last = (one for one in lasting(both) if not told(one.since.run, one.record.case, one.verdict))
    every = [*_answers(both), *times_of(both), *last, *steps]
    found: dict[tuple[str, str], Change] = {}
    for change in every:  # what is told first is told best
        found.setdefault((change.record.case, change.quantity), change)
    return tuple(sorted(found.values(), key=_worst_first))


def same_data(one: CaseNights) -> bool:
    """Whether both nights had the same rows."""
    return one.before_point is not None and one.point.data == one.before_point.data


def _worst_first(change: Change) -> tuple[int, str, str]:
    return WORST_FIRST.index(change.verdict), change.record.problem, change.record.case


def _answers(cases: Sequence[CaseNights]) -> Iterator[Change]:
    """Status, digits and excess loss, beside the last night's."""
    for one in cases:
        for found in compare_runs([one.record], [one.before] if one.before else []).answers:
            yield change_of(one, found.quantity, found.verdict, found.before, found.now)


def _steps(one: CaseNights, told: Told) -> Iterator[Change]:
    """What the case's histories show and did not show without tonight, unless it was told on the night it began."""
    for name, history in one.now.items():
        if name == "excess_loss" and not one.record.optimizer:
            continue  # its digits say it
        then = one.then.get(name)
        known = {(step.new.place, step.verdict) for series in then.series for step in series.steps} if then else set()
        for step in (step for series in history.series for step in series.steps):
            near = {(step.new.place + by, step.verdict) for by in (-1, 0, 1)}
            if (
                step.change is not None
                and not near & known
                and not (name == "time" and told(step.new.run, one.record.case, step.verdict))
            ):
                yield _stepped(one, history.quantity, step)
        yield from _upgraded(one, history, then)


def _stepped(one: CaseNights, quantity: Quantity, step: Step) -> Change:
    ends = [step.change, step.low, step.high] if quantity.name == "time" else [None] * 3
    ratio, low, high = (None if end is None else 1 + end / 100 for end in ends)
    before, now = (_text(point.value, quantity) for point in (step.old, step.new))
    name = NAMES.get(quantity.name, quantity.name)
    return Change(one.record, name, step.verdict, step.old, step.new, before, now, ratio, low, high, step.untested)


def _upgraded(one: CaseNights, history: History, then: History | None) -> Iterator[Change]:
    """What another environment changed beyond doubt, since tonight."""
    before = [change.verdict for change in then.changes] if then else []
    for place, ((old, new), change) in enumerate(zip(neighbours(history.series), history.changes, strict=True)):
        was = before[place] if place < len(before) else Verdict.UNDECIDED
        here = one.point.run in {point.run for point in new.points}
        if change.verdict in DECIDED and was is not change.verdict and here and not change.of_data:
            last, first = old.levels[-1][1], new.levels[0][0]
            step = Step(last, first, change.verdict, change.change, change.low, change.high, one.untested)
            yield _stepped(one, history.quantity, step)


def _text(value: float | None, quantity: Quantity) -> str | float:
    """Seconds as they are, all else as people read it."""
    if value is None or quantity.name == "time":
        return "none" if value is None else value
    return {"digits": f"{value:.1f}", "excess_loss": f"{value:.1e}"}.get(quantity.name, f"{value:.0f}")
