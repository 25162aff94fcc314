"""What section 4 concludes from a sweep, in two sentences: what to take and how sure that is, and what fails."""

from collections.abc import Sequence

from harness.errors import counted
from harness.judge.training.cell import DIVERGED
from harness.judge.training.contest import TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import Tuning
from harness.report.tables import numbers as show
from harness.report.words import sweep as words
from harness.report.words.over_workloads import profile_sentence
from harness.report.words.sentences import listed


def conclusion(summary: SweepSummary) -> list[str]:
    """At most two sentences: the best optimizer and learning rate, or who is best over all tasks; then what fails."""
    best = _of_one(summary.tasks[0]) if len(summary.tasks) == 1 else _over_all(summary.profiles)
    return list(filter(None, (best, _failing(summary.tasks))))


def details(summary: SweepSummary) -> list[str]:
    """A paragraph a task: all that is concluded of it, but for the sentence that the section has begun with."""
    skipped = 1 if len(summary.tasks) == 1 else 0
    found = (list(words.conclude(task))[skipped:] for task in summary.tasks)
    return [" ".join(lines) for lines in found if lines]


def _of_one(task: TaskSummary) -> str:
    """By epochs, with the interval of the lead; by seconds in a clause."""
    sentence, seconds = next(iter(words.conclude(task))), task.by_seconds
    if task.by_epochs is None:
        return sentence
    cells = [one.cell for tuning in task.tunings for one in tuning.cells if one.reaches]
    seeds = words.between([len(cell.seeds) for cell in cells], "seed")
    over = f"{seeds} of at most {counted(max(cell.epochs for cell in cells), 'epoch')}"
    sentence = f"{sentence.removesuffix('.')} ({over})"
    if seconds is None or not seconds.rivals:
        return f"{sentence}."
    if seconds.open:
        return f"{sentence}."
    if not seconds.decided:
        return f"{sentence}; in seconds it is undecided."
    reach = seconds.leader.reach
    too = task.by_epochs.decided and seconds.leader is task.by_epochs.leader
    took = "" if reach is None or reach.seconds is None else f" ({show.seconds(reach.seconds)})"
    return f"{sentence}; in seconds {'too' if too else f'it is {words.named(seconds.leader)}'}{took}."


def _over_all(profiles: Sequence[Profile]) -> str:
    """Who needs least on how many of the instances, by each measure."""
    if not profiles:
        return "No two optimizers were run on the same problem, so none is the best over all."
    if profiles[0].open:
        return profile_sentence(profiles[0])
    found = []
    for one in profiles:
        firsts = {label: one.share(label, 1.0) for label in one.ratios}
        top = max(firsts.values())
        names = listed([label for label, share in firsts.items() if share == top])
        needs = f"{names} the fewest {one.measure} (on {top:.0%})"
        found.append(needs if top else f"nobody gets there in {one.measure}")
    return f"Over {counted(profiles[0].instances, 'problem')}: {', '.join(found)}."


def _failing(tasks: Sequence[TaskSummary]) -> str:
    """At which learning rates most seeds diverge, and who does not get to the tolerance that others reach."""
    several = len(tasks) > 1
    lost: dict[str, list[str]] = {}
    for task in tasks:
        for tuning in task.tunings:
            rates = _diverged(tuning)
            if rates:
                where = f"{rates} on {task.name}" if several else rates
                lost.setdefault(where, []).append(tuning.optimizer)
    short = [
        f"{tuning.optimizer} on {task.name}" if several else tuning.optimizer
        for task in tasks
        for tuning in task.tunings
        if tuning.run and task.tolerance is not None and tuning.tolerance != task.tolerance
    ]
    diverge = listed([f"{listed(names)} at lr {where}" for where, names in lost.items()])
    target = "what another reaches" if several else words.level(tasks[0].tolerance or 0.0)
    parts = [f"Most seeds diverge with {diverge}"] if diverge else []
    if short:
        parts.append(f"{listed(short)} {'reaches' if len(short) == 1 else 'reach'} {target} at no learning rate")
    return "; ".join(parts) + "." if parts else ""


def _diverged(tuning: Tuning) -> str:
    """`1`, or the lowest and the highest of them; empty where most seeds of each learning rate stay finite."""
    rates = [cell.lr for cell in tuning.cells if cell.status == DIVERGED]
    return " to ".join(words.rate(lr) for lr in dict.fromkeys((min(rates), max(rates)))) if rates else ""
