"""One case over commits in words: each step with its commits, what environments did, and what was left out."""

from collections.abc import Iterator

from harness.errors import counted
from harness.judge.history.history import differences_of, moved, neighbours
from harness.judge.history.series import COMMIT, DATE, SHORT, EnvironmentChange, History, Quantity, Step
from harness.report.tables import history as table
from harness.report.tables.document import Document, Line, Part, table_of
from harness.report.tables.history import change_words


def over_commits(history: History) -> Document:
    """A table an environment, of nights a table a machine, each step, what environments did, what was left out."""
    return Document(list(_parts(history)), [Line(conclusion(history))])


def _parts(history: History) -> Iterator[Part]:
    yield Line(f"{history.case}: {history.quantity.words} by {history.by}", style="bold")
    yield from _by_machine(history) if history.by == DATE else _by_environment(history)
    for (old, new), change in zip(neighbours(history.series), history.changes, strict=True):
        numbers = history.series.index(old) + 1, history.series.index(new) + 1
        yield Line(environment_words(change, history.quantity, *numbers))
    yield from (Line(note, style="dim") for note in history.notes)


def _by_environment(history: History) -> Iterator[Part]:
    for i, series in enumerate(history.series):
        if len(history.series) > 1:
            yield Line(f"environment {i + 1}: {_environment(history, i)}", style="bold")
        yield table_of(table.points(history.quantity), table.marked(series))
        for step in series.steps:
            yield Line(step_words(step, history.quantity), step.verdict.value)


def _by_machine(history: History) -> Iterator[Part]:
    machines = dict.fromkeys(series.machine for series in history.series)
    for name in machines:
        series = [one for one in history.series if one.machine == name]
        if len(machines) > 1:
            yield Line(f"machine {name or 'without a name'}", style="bold")
        yield table_of(table.points(history.quantity, history.by), table.nights(series))
        for step in (step for one in series for step in one.steps):
            yield Line(step_words(step, history.quantity), step.verdict.value)


def conclusion(history: History) -> str:
    """How many commits and steps there are, and which steps would have been shown."""
    points = counted(
        len({point.place for series in history.series for point in series.points}), points_name(history.by)
    )
    if not history.compared:
        needed = f"a step of {history.quantity.words} needs {history.fewest} {points_name(history.by)}s with a number"
        return f"{points}: nothing is compared: {needed} in one environment, of the same data"
    steps = [step for series in history.series for step in series.steps]
    found = counted(len(steps), "change point") if steps else "no change point"
    return f"{points}, {found} of at least {_size(history.quantity, history.effect)}"


def points_name(by: str) -> str:
    """What a point of the axis is called."""
    return "commit" if by == COMMIT else "run"


def span_words(step: Step) -> str:
    """The last commit at the old level and the first at the new one, and how many were not measured between them.

    Of two runs what changed between them.
    """
    if step.new.run:
        return f"{step.old.name}..{step.new.name}: {'; '.join(moved(step.old, step.new).all) or NOTHING_MOVED}"
    span = f"{step.old.commit[:SHORT]}..{step.new.commit[:SHORT]}"
    if step.untested is None:
        return f"{span} (git does not know what lies between)"
    if not step.untested:
        return f"{span}: {step.new.commit[:SHORT]} did it"
    return f"{span}: {step.new.commit[:SHORT]} or one of {counted(step.untested, 'untested commit')} before it"


def step_words(step: Step, quantity: Quantity) -> str:
    """Size and commits; for a number that was lost or came back, why."""
    return f"{size_words(step, quantity)}{';' * (step.change is None)} {span_words(step)}"


def size_words(found: Step | EnvironmentChange, quantity: Quantity) -> str:
    """The size with its interval: `+5.1 % [3.9, 6.4]`; that a number was lost, and why, or that it came back."""
    if found.change is None and isinstance(found, Step):
        return "has a number again" if found.new.values else f"no number any more: {found.new.why}"
    return change_words(quantity, found.change, found.low, found.high)


NOTHING_MOVED = "nothing that is recorded changed between them"


def environment_words(change: EnvironmentChange, quantity: Quantity, old: int, new: int) -> str:
    """From one environment to another, by number: what differs, the shift, and whose doing it can be."""
    what = f"environment {old} to {new} ({'; '.join(change.differs)})"
    if change.of_data:
        return f"{what}: the data changed: nothing is compared, and no commit is to blame"
    if change.change is None:
        return f"{what}: one of them has no number to compare"
    shift = change_words(quantity, change.change, change.low, change.high)
    if change.commits:
        return f"{what}: {change.verdict}, {shift} on {counted(change.commits, 'commit')} in both: not a commit's doing"
    if change.same_commit:
        return f"{what}: {change.verdict}, {shift}; the commit is the same"
    return f"{what}: {change.verdict}, {shift}; commits changed with it: no commit can be blamed"


def _environment(history: History, i: int) -> str:
    """What distinguishes it from the one before; of the first, from the next."""
    here, other = history.series[i], history.series[i - 1 if i else 1]
    if here.machine != other.machine:
        return f"machine {here.machine or 'without a name'}"
    names = [text.split(" ") for text in differences_of(other, here)]
    return ", ".join(f"{' '.join(words[:-3])} {words[-1]}" for words in names) or "the same"


def _size(quantity: Quantity, effect: float) -> str:
    return f"{quantity.in_units(effect):.3g} {'%' if quantity.relative else quantity.unit}"
