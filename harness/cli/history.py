"""harness history: one case over commits or dates, where its level changed, and what did it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.groups import Group, argument, flag, only_with, option, option_of
from harness.cli.history_all import FeedGroup, every_series
from harness.cli.printing import JsonGroup, note
from harness.errors import COULD_NOT_MEASURE, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.history.sources import Launch


@dataclass(frozen=True, kw_only=True)
class CaseGroup(Group):
    """Of one case: which, and what of it."""

    case: list[str] | None = argument(help="A record's key, or PROBLEM SOLVER [OPTION=VALUE ...].")
    data: cli.ModelGroup
    quantity: str = option(help="time, digits, excess_loss or epochs_to (1e-4).", default="time")
    by: str | None = option(help="commit, or date: a point a run, of whatever commit. By commit where there are two.")
    since: str | None = option(help="Only from this date (ISO 8601) or commit on.")
    store: cli.StoreUrl = None
    picture: cli.PictureGroup


def history(
    *,
    asked: CaseGroup,
    effect: float | None = option(help="Smallest step: 0.03 of time, 0.5 digits, 1 decade, 0.1 of epochs."),
    asv: bool = flag(help="Read asv's results instead of the store."),
    of_asv: cli.AsvGroup,
    all_: bool = flag(help="With --asv: every series of any suite, by commit."),
    feed: FeedGroup,
    printed: JsonGroup,
) -> None:
    """Show one case over commits, or over dates, with its change points and what made them; it judges nothing.

    A file is named as tables print it, or with --target and what else was said of it; the same rows by another path
    are the same case.

    Without git, or with one commit, it is by date: a point a run in the order of the store, with the versions, the
    data and the commit that changed since the one before.

    With --asv --all the same of every series in asv's results at once, whoever's suite it is: the commits at which
    series have steps, the worst first.

    A level is sought within one environment and one content of the data: an upgraded library, another processor or
    other data are told apart. Exit 3 where there are too few points to compare.
    """
    if all_:
        for name in (*asked.given(), *(() if asv else ("asv",))):
            wrong = "CASE" if name == "case" else "no --asv" if name == "asv" else option_of(name)
            raise UsageError(f"--all goes with --asv, and is of every series: not with {wrong}")
        compared = every_series(of_asv, effect, feed, printed)
    else:
        only_with(feed.given(), "--all")
        compared = _one_case(asked, effect, of_asv, printed, asv=asv)
    if not compared:
        raise typer.Exit(COULD_NOT_MEASURE)


def _one_case(asked: CaseGroup, effect: float | None, of_asv: cli.AsvGroup, printed: JsonGroup, *, asv: bool) -> bool:
    """Draw and print one case; whether there were points to compare."""
    from harness.history.case import history_of
    from harness.judge.history.series import COMMIT
    from harness.report.render.objects import dumps
    from harness.report.tables.history import history_object
    from harness.report.words.history import over_commits

    if not asked.case:
        raise UsageError("say which case: its key, or PROBLEM SOLVER, as in 'harness history auto_mpg numpy_lstsq'")
    launches, by = _launches(asked, of_asv, asv=asv), COMMIT if asv else asked.by
    found = history_of(
        launches, asked.case, model=asked.data.model, quantity=asked.quantity, effect=effect, since=asked.since, by=by
    )
    if asked.picture.plot is not None:
        from harness.files.writing import write
        from harness.report.figures.files import picture
        from harness.report.figures.history import history_picture

        path = asked.picture.plot
        write(path, picture([history_picture(found)], path.suffix.lower(), asked.picture.size))
        note(f"{path}: written")
    printed.print(lambda: dumps(history_object(found)), lambda: over_commits(found))
    return bool(found.compared)


def _launches(asked: CaseGroup, of_asv: cli.AsvGroup, *, asv: bool) -> "Iterator[Launch]":
    """What was measured, from asv's results or the store. Raises UsageError for what does not go together."""
    from harness.history.sources import in_asv, stored
    from harness.judge.history.series import DATE
    from harness.store.store import Store

    if not asv:
        only_with(of_asv.given(), "--asv")
        return stored(Store(asked.store, create=False))
    if asked.store:
        raise UsageError("--asv reads asv's results and --store a store: give one of them")
    if asked.by == DATE:
        raise UsageError("--by date is of a store's runs: asv's results are of commits")
    return in_asv(of_asv.folder, of_asv.machine)
