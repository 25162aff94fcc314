"""harness report: the HTML page of a run, written, served, and kept up with a run that goes on."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.errors import UsageError
from harness.paths import UPGRADE
from harness.report.purpose import Purpose

if TYPE_CHECKING:
    from harness.report.html.watch import Watched

PORT = 8321
DEFAULT = Path("report.html")


def report(
    answer: Annotated[
        Path | None,
        typer.Argument(help=f"With --for upgrade: what 'harness upgrade' wrote; {UPGRADE} by default."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page: FILE.html, or FILE.pdf by Chromium; report.html by default."),
    ] = None,
    run: cli.RunId = None,
    title: Annotated[str, typer.Option("--title", help="What stands above the page.")] = "",
    purpose: Annotated[
        Purpose | None,
        typer.Option("--for", help="What it is to decide; upgrade with --ab, gate with --expectations, else race."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="The run to compare with; the newest earlier of another commit.")
    ] = None,
    ab: Annotated[
        Path | None,
        typer.Option("--ab", help="Speed verdicts: FILE, made by 'harness ab BASE HEAD --json > FILE'."),
    ] = None,
    asv: Annotated[
        Path | None, typer.Option("--asv", help="asv's results_dir: every series, by the commits of its steps.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", help="Of the training, the newest sweep of this suite, as linear-8.")
    ] = None,
    store: cli.StoreUrl = None,
    expectations: Annotated[Path | None, typer.Option(help="The expectations file; results/expectations.toml.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fit and time nothing: no tutorials, no floors under the times.")
    ] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Open it in the browser, served to this machine.")] = False,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help=f"With --serve; {PORT}, 0: any.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Make it anew as records come, until Ctrl-C.")] = False,
) -> None:
    """Write the page of a run: the decision first, then the evidence for it, what is nearest first.

    One file that works offline from disk, or on paper. Its conclusions are computed; filters, figures and tables go
    with them.
    """
    from harness.config import expectations_file
    from harness.judge.gate.expectations import read_expectations
    from harness.page.gather import PageRequest
    from harness.page.making import check_output
    from harness.page.watch import Keeper
    from harness.records.run import this_command
    from harness.report.render.ab_file import read_ab
    from harness.report.render.upgrade_file import read_upgrade
    from harness.store.store import Store

    if port is not None and not serve:
        raise UsageError("--port goes with --serve")
    if answer is not None and (purpose is not Purpose.UPGRADE or ab is not None or baseline is not None):
        raise UsageError(f"{answer}: a file goes with --for upgrade, without --ab and --baseline")
    path = output or (None if serve else DEFAULT)
    if path is not None:
        check_output(path)
    source = expectations or expectations_file()
    known = read_expectations(source), str(source)
    if purpose is Purpose.UPGRADE and ab is None and baseline is None:
        if watch or serve:
            raise UsageError("--watch and --serve are of a store, not of an upgrade's answer")
        told = PageRequest(this_command(), *known, upgrade=read_upgrade(answer or UPGRADE), title=title)
        Keeper(None, told, path, typer.echo, _busy).once()
        return
    compared = None if ab is None else read_ab(ab)
    watched = None if asv is None else _watched(asv)
    about = purpose or (Purpose.UPGRADE if ab else Purpose.GATE if expectations else Purpose.RACE)
    asked = PageRequest(
        this_command(), *known, run, baseline, quick, compared, watched, title=title, purpose=about, suite=suite
    )
    keeper = Keeper(Store(store, create=False), asked, path, typer.echo, _busy)
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
