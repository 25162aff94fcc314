"""harness nightly: measure what harness.toml names, keep it, and say what changed since the nights before."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.groups import Group, flag, option
from harness.cli.isolation import LimitsGroup
from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, note
from harness.cli.progress import nothing, show_doubts, watched_run
from harness.config import config
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.history.night_runs import NightlyTable
    from harness.history.nights import Nights
    from harness.judge.history.night import NightReport
    from harness.measure.session import Where
    from harness.records.run import Run
    from harness.store.store import Store

FEED_NIGHTS = 30
"""Of a feed, the newest: readers ask for it more often than monthly."""


@dataclass(frozen=True)
class SentGroup(Group):
    """Where else a night's report goes."""

    atom: Path | None = option(help="Write an Atom feed of what changed to FILE.")
    page: Path | None = option(help="Write the night's page to FILE.html.")
    webhook: str | None = option(envvar="HARNESS_WEBHOOK", help="Send one POST of JSON there.", show_envvar=True)
    slack: bool = flag(help="The message in the form of Slack's webhooks.")

    def checked(self, said: "NightlyTable") -> "SentGroup":
        """With what harness.toml says. Raises UsageError, before minutes of measuring, where it cannot go there."""
        from harness.cli.webhook import check_webhook
        from harness.files.writing import check_file
        from harness.page.making import check_output

        found = replace(self, webhook=self.webhook or said.webhook, slack=self.slack or said.slack)
        if found.slack and found.webhook is None:
            raise UsageError("--slack is the form of a message to --webhook URL: add it")
        check_webhook(found.webhook)
        if self.atom is not None:
            check_file(f"--atom {self.atom}", self.atom)
        if self.page is not None:
            check_output(self.page)
        return found

    def send(self, nights: "Nights", report: "NightReport", opened: "Store", written: OutputsGroup) -> None:
        """The message first: no file that cannot be written keeps it back."""
        from harness.files.writing import write
        from harness.report.render.atom import nights_atom
        from harness.report.render.formats import Judged
        from harness.report.words.checks import night_checks
        from harness.report.words.night import night

        if self.webhook is not None:
            self._post(self.webhook, report)
        written.write(Judged("harness nightly", [night(report)], night_checks(report)))
        if self.atom is not None:
            count = len(nights.nights)
            feed = nights_atom([nights.report(at) for at in range(max(0, count - FEED_NIGHTS), count)])
            write(self.atom, feed, what=f"--atom {self.atom}")
        if self.page is not None:
            _make_page(self.page, report, opened)

    def _post(self, url: str, report: "NightReport") -> None:
        from harness.cli.webhook import posted, slack
        from harness.report.tables.night import night_object
        from harness.report.words.night import conclusion, heading, lines

        said = conclusion(report)
        message = slack(f"{heading(report)}: {said}", lines(report)) if self.slack else night_object(report, said)
        if failed := posted(url, message):
            note(failed)


def nightly(
    *,
    run: str | None = option(help="Judge this night of the store again, by its id; measure nothing."),
    machine: str | None = option(help="What this machine is called; the host's name by default."),
    store: cli.StoreUrl = None,
    sent: SentGroup,
    limits: LimitsGroup,
    printed: PrintGroup,
    written: OutputsGroup,
) -> None:
    """Measure what harness.toml names, keep it, and say what changed since the nights before.

    Only what changed is told: status, digits, excess loss, epochs and times, each with the versions, the data and the
    commit that changed with it. Each machine has its own series. Without git it is the same, less the commits.

    Exit 0: nothing is worse; 1: something is; 3: nothing could be compared, as on the first night.
    """
    from harness.history.night_runs import NightlyTable, night_of
    from harness.history.nights import nights_of
    from harness.store.store import Store

    said = config().table("nightly", NightlyTable)
    sent = sent.checked(said)
    if run is not None and machine is not None:
        raise UsageError("--run names a night, which has its machine: drop --machine")
    if run is None:
        called = machine or said.machine or socket.gethostname()
        run = _measured(called, store, limits.where(), quiet=not printed.for_people)
    opened = Store(store, create=False)
    night = night_of(opened, run)
    nights = nights_of(opened, night)
    report = nights.report()
    _show(report, opened, printed)
    sent.send(nights, report, opened, written)
    _thin(opened, night, said)
    raise typer.Exit(report.exit_code)


def _measured(machine: str, store: str | None, where: "Where", *, quiet: bool) -> str:
    """A new night; the id of its run."""
    from harness.measure.plan import Request

    said = config()
    if not (said.content.problems or said.content.solvers):
        raise UsageError(f"{said.source} names no problem and no solver to measure: 'harness init' writes one")
    if not machine.strip() or not machine.isprintable():
        raise UsageError(f"--machine {machine!r}: a machine has a name of characters that can be seen")
    return watched_run(Request(machine=machine), store, where, nothing, quiet=quiet)[0].id


def _show(report: "NightReport", opened: "Store", printed: PrintGroup) -> None:
    from harness.measure.conditions import doubts_of
    from harness.report.render.objects import dumps
    from harness.report.tables.night import night_object
    from harness.report.words.night import conclusion, night

    if printed.wants(report.exit_code):
        printed.print(lambda: dumps(night_object(report, conclusion(report))), lambda: night(report))
        if not printed.as_json:
            show_doubts(report.run.id, doubts_of(opened, report.run), opened)


def _make_page(path: Path, report: "NightReport", opened: "Store") -> None:
    """The page of the night beside the one before; what was fitted last night is not fitted again."""
    from harness.page.gather import PageRequest
    from harness.page.watch import Keeper
    from harness.records.run import this_command
    from harness.report.purpose import Purpose

    last = None if report.last is None else report.last.id
    known = this_command(), *cli.ExpectationsGroup().read()
    asked = PageRequest(*known, report.run.id, last, quick=True, purpose=Purpose.GATE, night=report)
    Keeper(opened, asked, path, lambda _: None).once()


def _thin(opened: "Store", night: "Run", said: "NightlyTable") -> None:
    """Thin the samples of old nights; what hinders it is said, and costs the night nothing."""
    from harness.history.night_runs import runs_of
    from harness.store.thinning import thin

    old = [run.id for run in runs_of(opened, night.selection.machine)[: -said.whole]]
    try:
        thin(opened, old)
    except HarnessError as error:
        note(f"samples of old nights are not thinned: {error}")
