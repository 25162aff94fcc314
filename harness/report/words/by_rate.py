"""Why a training by gradient descent takes other epochs than the rate of the end alone would have it."""

from harness.judge.training.by_rate import NOT_GENERIC, NOT_YET, ByRate, by_rate
from harness.judge.training.contest import TaskSummary
from harness.report.tables import numbers as show
from harness.report.words.sweep import level, named


def why_not_by_rate(task: TaskSummary) -> list[str]:
    """A sentence for each optimizer at its best learning rate whose epochs part from those by more than a tenth."""
    told = []
    for tuning in task.tunings:
        found = None if tuning.best is None else by_rate(tuning.best, tuning.tolerance)
        if found is not None and found.why:
            measured = f"{found.measured:.0f} epochs to {level(found.tolerance)}"
            alone = f"where the rate of the end alone would take {found.epochs:.0f}"
            told.append(f"{task.name}, {named(tuning)}: {measured}, {alone}: {found.why}{_how(found)}.")
    return told


def _how(found: ByRate) -> str:
    """By what it was told."""
    if found.why == NOT_YET:
        return (
            f" (over the second half of the way an epoch leaves {found.so_far:.3g} of the excess loss, in the end "
            f"{found.in_the_end:.3g})"
        )
    share = f"{found.lead:.2g}" if found.lead >= 0.01 else show.power(found.lead)  # noqa: PLR2004  # width
    return f" ({share} of its excess loss is in what falls so slowly)" if found.why == NOT_GENERIC else ""
