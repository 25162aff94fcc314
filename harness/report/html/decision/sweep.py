"""Which optimizer gets to the optimum first, and at which learning rate."""

from harness.errors import counted
from harness.judge.training.contest import TaskSummary
from harness.judge.training.convergence import SweepSummary
from harness.report.html.section import BAD, DOUBT, GOOD, Decision, Fact
from harness.report.html.training_words import conclusion
from harness.report.tables import numbers as show
from harness.report.words import sweep as words


def sweep(summary: SweepSummary) -> Decision:
    """The decision of a sweep: by epochs, of the first task where there are several."""
    tasks = summary.tasks
    where = tasks[0].name if len(tasks) == 1 else counted(len(tasks), "problem")
    contests = [task.by_epochs for task in tasks]
    decided = all(one is not None and one.decided for one in contests)
    tone = GOOD if decided else DOUBT if any(contests) else BAD
    return Decision(
        f"Which optimizer, at which learning rate, is first at the optimum of {where}?",
        " ".join(conclusion(summary)),
        tone,
        _facts(tasks[0]),
    )


def _facts(task: TaskSummary) -> list[Fact]:
    contest = task.by_epochs
    if contest is None or contest.leader.reach is None:
        return []
    reach, seconds = contest.leader.reach, task.by_seconds
    who = words.named(contest.leader)
    interval = f", 95 % {words.spread(reach.interval)}" if reach.interval is not None else ""
    facts = [Fact(f"epochs to {words.level(reach.tolerance)}", words.count(reach.epochs), f"{who}{interval}")]
    if seconds is not None and seconds.leader.reach is not None and seconds.leader.reach.seconds is not None:
        facts.append(
            Fact(
                "seconds of the textbook loop", show.seconds(seconds.leader.reach.seconds), words.named(seconds.leader)
            )
        )
    if contest.rivals:
        rival = contest.rivals[0]
        facts.append(Fact("the next needs", words.times(rival.ratio), f"times the epochs: {words.named(rival.tuning)}"))
    return facts
