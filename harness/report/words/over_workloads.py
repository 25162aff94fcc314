"""Who is best over all workloads, and with how many tries, in sentences."""

from collections.abc import Mapping, Sequence

from harness.errors import counted
from harness.judge.training.convergence import SweepSummary
from harness.judge.training.profile import Profile
from harness.judge.training.scores import Scores
from harness.report.words.sentences import listed


def over_workloads(summary: SweepSummary) -> list[str]:
    """The sentences over all workloads, where there are several, and by the number of tries."""
    over = summary.scores[0].open if summary.scores else {}
    if over:  # once, where every score and profile would say it again
        measures = listed([one.measure for one in summary.scores], len(summary.scores))
        return [f"Over {counted(len(summary.scores[0].workloads), 'workload')}, by {measures}, {_no_winner(over)}."]
    profiles = summary.profiles if len(summary.tasks) > 1 else ()
    found = [profile_sentence(one) for one in profiles]
    return found + [score_sentence(one) for one in summary.scores] + budget_sentences(summary)


def _no_winner(over: Mapping[str, Sequence[str]]) -> str:
    """Why none is named over several tasks."""
    where = "; ".join(f"{listed(list(who))} on {task}" for task, who in over.items())
    return f"no winner is named: a better setting may lie outside of what was tried of {where}"


def score_sentence(found: Scores) -> str:
    """Who has the highest score over all workloads, and how sure that is."""
    best, over = found.scores[0], f"Over {counted(len(found.workloads), 'workload')}, by {found.measure},"
    if found.open:
        return f"{over} {_no_winner(found.open)}."
    if found.winner is None:
        near = [one for one in found.scores if one.first >= NEAR] or [best]
        each = " and ".join(f"{one.optimizer} ({one.score:.2f}, first with {one.first:.0%})" for one in near)
        return f"{over} it is undecided whose score is the highest: {each}."
    return (
        f"{over} {best.optimizer} has the highest score, {best.score:.2f} "
        f"[{best.interval.low:.2f}, {best.interval.high:.2f}], and is first with a probability of {best.first:.0%}."
    )


NEAR = 0.05
"""Who is first less often than this is not named."""


def budget_sentences(summary: SweepSummary) -> list[str]:
    """Who is best with how many tries: the number from which somebody else is."""
    parts: list[str] = []
    last = None
    if any(one.open for one in summary.budgets):
        return []  # the contest or the scores have said why no winner is named
    for one in summary.budgets:
        who = one.winner or f"{one.best}, but luck decides ({one.first[one.best]:.0%})"
        if who != last:
            parts.append(f"with {counted(one.tries, 'try', 'tries')} {who}")
        last = who
    where = "" if len(summary.tasks) > 1 else f"On {summary.tasks[0].name}, " if summary.tasks else ""
    told = ", ".join(parts)
    return [f"{where}{told if where else told[:1].upper() + told[1:]} needs the fewest epochs."] if parts else []


def profile_sentence(profile: Profile) -> str:
    """Who is best on how many instances; several where they are level."""
    if profile.open:
        return f"Over {counted(profile.instances, 'problem')}, by {profile.measure}, {_no_winner(profile.open)}."
    firsts = {label: profile.share(label, 1.0) for label in profile.ratios}
    top = max(firsts.values())
    if top == 0:
        return f"Nobody reaches the tolerance on any of {counted(profile.instances, 'problem')}."
    names = " and ".join(label for label, share in firsts.items() if share == top)
    left = f"; left out, since not everyone was run there: {', '.join(profile.left_out)}" if profile.left_out else ""
    verb, each = ("need", " each") if " and " in names else ("needs", "")
    over = counted(profile.instances, "problem")
    return f"Over {over} {names} {verb} the fewest {profile.measure}, with {top:.0%} of the seeds{each}{left}."
