"""The words and numbers of a sweep, for the table, the Markdown, the JSON and the pictures alike."""

import math
from collections.abc import Iterator, Sequence

from harness.errors import counted
from harness.judge.training.cell import DIVERGED, Reach, tolerance_text
from harness.judge.training.censored import FEWEST_SEEDS, Interval
from harness.judge.training.contest import EPOCHS, Contest, Rival, TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.edges import settings
from harness.judge.training.tuning import GOOD_FACTOR, Region, Tuning
from harness.report.tables import numbers as show
from harness.report.words.over_workloads import over_workloads
from harness.report.words.sentences import listed

ROUNDING = 1e-9
"""Decades between grid points that are told apart: far above float64's rounding, far below any grid."""
GOOD = f"within a factor of {GOOD_FACTOR:g}"


def rate(lr: float) -> str:
    """A learning rate with four significant digits."""
    return f"{lr:.4g}"


def level(tolerance: float) -> str:
    """1e-4, as the other tables write it."""
    return tolerance_text(tolerance)


def between(values: Sequence[int], one: str, many: str = "") -> str:
    """`1 seed`, `5 seeds`, or `3 to 5 seeds` where they differ."""
    low, high = min(values), max(values)
    amount = counted(high, one, many or f"{one}s")
    return amount if low == high else f"{low} to {amount}"


def count(epochs: float) -> str:
    """A number of epochs; a dash where censored."""
    return show.NONE if math.isinf(epochs) else f"{epochs:.0f}"


def spread(interval: Interval | None) -> str:
    """`[36,41]`, with a dash for a censored end; empty for none."""
    return "" if interval is None else f"[{count(interval.low)},{count(interval.high)}]"


def epochs(reach: Reach | None, *, interval: bool = True) -> str:
    """`38 [36,41]`; a dash where all of it is censored."""
    if reach is None:
        return ""
    parts = interval and reach.interval is not None and math.isfinite(reach.interval.low)
    return " ".join([count(reach.epochs), *([spread(reach.interval)] if parts else [])])


def seconds(value: float | None) -> str:
    """Seconds in a narrow column; a dash where censored, nothing where not timed."""
    return "" if value is None else show.compact_seconds(None if math.isinf(value) else value)


def reached(reach: Reach) -> str:
    """`38 epochs [36, 41] to 1e-6`, in a sentence."""
    found = reach.interval
    between = "" if found is None else f" [{_end(found.low)}, {_end(found.high)}]"
    return f"{count(reach.epochs)} epochs{between} to {level(reach.tolerance)}"


def _end(value: float) -> str:
    return "censored" if math.isinf(value) else f"{value:.0f}"


def decades(region: Region | None) -> str:
    """`1.0 decades`, with `at least` at the grid's edge."""
    if region is None:
        return show.NONE
    return ("at least " if region.open else "") + f"{region.decades:.1f} decades"


def ends(region: Region | None) -> str:
    """`0.05 to 0.5`; one learning rate alone; a dash for none."""
    if region is None:
        return show.NONE
    return rate(region.low) if region.low == region.high else f"{rate(region.low)} to {rate(region.high)}"


def conclusions(summary: SweepSummary) -> list[str]:
    """Plain sentences, task by task, and one over all tasks where there are several."""
    found = [sentence for task in summary.tasks for sentence in conclude(task)]
    return found + over_workloads(summary)


def conclude(task: TaskSummary) -> Iterator[str]:
    """Which optimizer to take and at what learning rate, by epochs and seconds, and which forgives most."""
    run = [tuning for tuning in task.tunings if tuning.run]
    if not run:
        yield f"On {task.name} nothing was trained."
    elif task.by_epochs is None:
        cells = [cell for tuning in run for cell in tuning.cells if cell.reaches]
        loosest = max(reach.tolerance for reach in cells[0].reaches)
        most = counted(max(cell.cell.epochs for cell in cells), "epoch")
        lost = ": all of them diverge, a lower --lr may not" if all(c.status == DIVERGED for c in cells) else ""
        yield f"On {task.name} no learning rate of any optimizer reaches {level(loosest)} within {most}{lost}."
    else:
        yield fastest(task.name, task.by_epochs)
        if task.by_seconds is not None and task.by_seconds.rivals:
            yield quickest(task.name, task.by_seconds, task.by_epochs)
        able = [tuning for tuning in run if tuning.tolerance == task.tolerance and tuning.good is not None]
        if len(able) > 1:
            yield widest(task.name, able)


def named(tuning: Tuning) -> str:
    """`momentum at lr 0.1`; of a try of a search with all of its settings."""
    if tuning.best is None:
        return tuning.optimizer
    found = {"lr": tuning.best.lr, **(settings(tuning.best) if tuning.searched else {})}
    return f"{tuning.optimizer} at {', '.join(f'{name} {rate(value)}' for name, value in found.items())}"


def fastest(task: str, contest: Contest) -> str:
    """The sentence about epochs."""
    leader, reach = contest.leader, contest.leader.reach
    assert reach is not None  # noqa: S101  # who leads has reached the tolerance
    if contest.open:
        told = "name no winner" if contest.rivals else f"do not say where {leader.optimizer} is best"
        return f"On {task} the {_what(contest)} {told}: {edges(contest)}."
    if not contest.rivals:
        best = f"{leader.optimizer} is best{named(leader).removeprefix(leader.optimizer)}"
        return f"On {task} {best}: {reached(reach)}{_of_grid(contest)}."
    if not contest.decided:
        return f"On {task} it is undecided who needs the fewest epochs: {_level(contest)}."
    ahead = _ahead(contest.rivals[0], "fewer")
    return f"On {task} {named(leader)} is fastest: {reached(reach)}, {ahead}{_of_grid(contest)}."


def _what(contest: Contest) -> str:
    return "tries" if contest.leader.searched else "learning rates"


def _of_grid(contest: Contest) -> str:
    """Of what it is said: `, of lrs 0.01 to 3`."""
    run = [[cell.lr for cell in tuning.cells if cell.reaches] for tuning in contest.sides]
    rates = [lr for rates in run for lr in rates]
    if contest.leader.released:
        return ", each as it is released"
    tries = f", of {between([len(one) for one in run], 'try', 'tries')} each" if contest.leader.searched else ""
    return f"{tries}, of lrs {rate(min(rates))} to {rate(max(rates))}"


def edges(contest: Contest) -> str:
    """Of whom a better setting may lie outside of what was tried, on which side, and what to do about it."""
    told = " and ".join(f"{tuning.optimizer} {_outside(tuning)}" for tuning in contest.open)
    if contest.leader.searched:
        return f"{told}; a better setting may lie outside: a larger --budget, or a grid by --lr and --grid"
    return f"{told}; a better lr may lie outside: --widen, or a wider --lr"


def _outside(tuning: Tuning) -> str:
    """`is best at the lowest lr 0.1`; of a search each setting of which its best try is among the outermost."""
    rates = {cell.lr for cell in tuning.cells if cell.reaches}
    if len(rates) == 1:
        return "was tried once" if tuning.searched else "was run at one lr alone"
    if tuning.searched and tuning.edges[0].best:
        sides: dict[str, list[str]] = {}
        for one in tuning.edges:
            sides.setdefault(f"{one.setting} {rate(one.value)}", []).append(one.side)
        where = [
            f"{what} ({'too few tries to tell' if len(both) > 1 else f'among the {both[0]} tried'})"
            for what, both in sides.items()
        ]
        return f"is best at {listed(where, len(where))}"
    return " and ".join(
        f"is best at the {one.side} lr {rate(one.lr)}" if one.best else f"still falls towards lr {rate(one.lr)}"
        for one in tuning.edges
    )


def quickest(task: str, contest: Contest, by_epochs: Contest) -> str:
    """The sentence about seconds, at the learning rates that are best by epochs."""
    reach = contest.leader.reach
    assert reach is not None  # noqa: S101  # as above
    if contest.open:
        return f"On {task}, in seconds of the textbook loop, the {_what(contest)} name no winner either."
    if not contest.decided:
        return f"On {task}, in seconds of the textbook loop, it is undecided: {_level(contest)}."
    too = " too" if by_epochs.decided and by_epochs.leader is contest.leader else ""
    took = f"{named(contest.leader)}{too}: {show.seconds(reach.seconds)}"
    return f"On {task}, in seconds of the textbook loop, it is {took}, {_ahead(contest.rivals[0], 'less')}."


def _ahead(rival: Rival, fewer: str) -> str:
    if math.isinf(rival.ratio):
        return f"and {rival.tuning.optimizer}, the next, does not get there"
    between = "" if rival.interval is None else f" [{times(rival.interval.low)}, {times(rival.interval.high)}]"
    return f"{times(rival.ratio)} times {fewer}{between} than {named(rival.tuning)}"


def times(ratio: float) -> str:
    """A ratio in a sentence."""
    return "censored" if math.isinf(ratio) else f"{ratio:#.3g}".rstrip(".")


def _level(contest: Contest) -> str:
    """Who cannot be told apart, and why not."""
    sides = [contest.leader, *(rival.tuning for rival in contest.level)]
    parts = []
    for tuning in sides:
        reach = tuning.best.to(contest.tolerance) if tuning.best else None
        amount = None if reach is None else reach.epochs if contest.measure == EPOCHS else reach.seconds
        text = show.NONE if amount is None or math.isinf(amount) else _amount(amount, contest.measure)
        parts.append(f"{named(tuning)} ({text})")
    subject = contest.leader.subject
    seeds = len(subject.cell.seeds) if subject else 0
    few = f"{counted(seeds, 'seed')}, {FEWEST_SEEDS} are the fewest that can tell"
    flat = [rival.tuning.optimizer for rival in contest.level if rival.interval is not None and rival.interval.low > 1]
    apart = f"{seeds} seeds do not tell them apart"
    if flat:
        apart = f"{' and '.join(flat)} is {GOOD} of its best up to the grid's edge, so that more may lie outside"
    why = few if seeds < FEWEST_SEEDS else apart
    return f"{listed(parts, len(parts))} to {level(contest.tolerance)}; {why}"


def _amount(value: float, measure: str) -> str:
    return counted(round(value), "epoch") if measure == EPOCHS else show.seconds(value)


def widest(task: str, tunings: Sequence[Tuning]) -> str:
    """Who tolerates the widest range of learning rates, if the grid is fine and wide enough to tell.

    All of `tunings` reach the same tolerance.
    """
    regions = [(tuning.optimizer, tuning.good) for tuning in tunings if tuning.good is not None]
    (name, best), *others = sorted(regions, key=lambda pair: -pair[1].decades)
    if all(best.decades >= region.most_decades - ROUNDING for _, region in others):
        return f"On {task} {name} tolerates the widest range of learning rates, {decades(best)} {GOOD}."
    sides = [(name, best), *((n, region) for n, region in others if region.most_decades - ROUNDING > best.decades)]
    parts = " and ".join(f"{n} {_bounds(region)}" for n, region in sides)
    return f"On {task} this grid leaves undecided who tolerates the widest range of learning rates: {parts} {GOOD}."


def _bounds(region: Region) -> str:
    """What the grid allows: from what was seen to the learning rates outside."""
    if region.open:
        return decades(region)
    return f"{region.decades:.1f} to {region.most_decades:.1f} decades"
