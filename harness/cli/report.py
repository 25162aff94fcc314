"""harness report: the HTML page of a run, written, served, and kept up with a run that goes on."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.groups import Group, argument, flag, option
from harness.errors import UsageError
from harness.paths import UPGRADE
from harness.report.purpose import Purpose

if TYPE_CHECKING:
    from harness.page.gather import PageRequest
    from harness.report.html.watch import Watched

PORT = 8321
DEFAULT = Path("report.html")


@dataclass(frozen=True, kw_only=True)
class ShownGroup(Group):
    """What the page is about, and which evidence is on it."""

    answer: Path | None = argument(help=f"With --for upgrade: what 'harness upgrade' wrote; {UPGRADE} by default.")
    run: cli.RunId = None
    title: str = option(help="What stands above the page.", default="")
    purpose: Purpose | None = option(
        "--for", help="What it is to decide; upgrade with --ab, gate with --expectations, else race."
    )
    baseline: str | None = option(help="The run to compare with; the newest earlier of another commit.")
    ab: Path | None = option(help="Speed verdicts: FILE, made by 'harness ab BASE HEAD --json > FILE'.")
    asv: Path | None = option(help="asv's results_dir: every series, by the commits of its steps.")
    suite: str | None = option(help="Of the training, the newest sweep of this suite, as linear-8.")
    expected: cli.ExpectationsGroup
    quick: bool = flag(help="Fit and time nothing: no tutorials, no floors under the times.")

    @property
    def of_upgrade(self) -> bool:
        """Whether it is of an upgrade's answer, and of no store. Raises UsageError for a file without need."""
        found = self.purpose is Purpose.UPGRADE and self.ab is None and self.baseline is None
        if self.answer is not None and not found:
            raise UsageError(f"{self.answer}: a file goes with --for upgrade, without --ab and --baseline")
        return found

    def request(self) -> "PageRequest":
        """All of it, with what is read from files."""
        from harness.page.gather import PageRequest
        from harness.records.run import this_command
        from harness.report.render.ab_file import read_ab
        from harness.report.render.upgrade_file import read_upgrade

        known = this_command(), *self.expected.read()
        if self.of_upgrade:
            return PageRequest(*known, upgrade=read_upgrade(self.answer or UPGRADE), title=self.title)
        gate = Purpose.GATE if self.expected.expectations else Purpose.RACE
        return PageRequest(
            *known,
            self.run,
            self.baseline,
            self.quick,
            None if self.ab is None else read_ab(self.ab),
            None if self.asv is None else _watched(self.asv),
            title=self.title,
            purpose=self.purpose or (Purpose.UPGRADE if self.ab else gate),
            suite=self.suite,
        )


def report(
    *,
    asked: ShownGroup,
    output: Path | None = option(
        "--output", "-o", help="The page: FILE.html, or FILE.pdf by Chromium; report.html by default."
    ),
    store: cli.StoreUrl = None,
    serve: bool = flag(help="Open it in the browser, served to this machine."),
    port: int | None = option(min=0, max=65535, help=f"With --serve; {PORT}, 0: any."),
    watch: bool = flag(help="Make it anew as records come, until Ctrl-C."),
) -> None:
    """Write the page of a run: the decision first, then the evidence for it, what is nearest first.

    One file that works offline from disk, or on paper. Its conclusions are computed; filters, figures and tables go
    with them.
    """
    from harness.page.making import check_output
    from harness.page.watch import Keeper
    from harness.store.database import NoStoreError
    from harness.store.store import Store

    if port is not None and not serve:
        raise UsageError("--port goes with --serve")
    if asked.of_upgrade and (watch or serve):
        raise UsageError("--watch and --serve are of a store, not of an upgrade's answer")
    path = output or (None if serve else DEFAULT)
    if path is not None:
        check_output(path)
    request = asked.request()
    try:
        opened = None if asked.of_upgrade else Store(store, create=False)
    except NoStoreError as error:
        if store is not None or not request.is_of_asv:
            raise
        if watch or serve:
            raise UsageError(f"--watch and --serve are of a store: {error}") from None
        opened = None
    keeper = Keeper(opened, request, path, typer.echo, _busy)
    if watch or serve:
        keeper.keep(watch=watch, port=(PORT if port is None else port) if serve else None)
    else:
        keeper.once()


def _watched(folder: Path) -> "Watched":
    from harness.asv.gate import existing_folder, rules_of_repository
    from harness.asv.selection import AsvSelection
    from harness.asv.watch import commit_url_of, watched
    from harness.report.html.watch import Watched

    found = watched(existing_folder(folder), AsvSelection(), rules_of_repository())
    return Watched(found, commit_url_of(None))


def _busy() -> AbstractContextManager[object]:
    """On a terminal, that the page takes a moment is said meanwhile."""
    from harness.report.terminal.console import err

    console = err()
    return console.status("making the page") if console.is_terminal else nullcontext()
