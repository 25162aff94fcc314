"""harness history: one case over commits or dates, where its level changed, and what did it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.errors import COULD_NOT_MEASURE, UsageError
from harness.report.figures.size import Size


@cli.takes_model
def history(
    case: Annotated[
        list[str] | None, typer.Argument(help="A record's key, or PROBLEM SOLVER [OPTION=VALUE ...].")
    ] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    quantity: Annotated[
        str, typer.Option("--quantity", help="time, digits, excess_loss or epochs_to (1e-4).")
    ] = "time",
    effect: Annotated[
        float | None,
        typer.Option("--effect", help="Smallest step: 0.03 of time, 0.5 digits, 1 decade, 0.1 of epochs."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="commit, or date: a point a run, of whatever commit. By commit where there are two."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only from this date (ISO 8601) or commit on.")] = None,
    store: cli.StoreUrl = None,
    asv: Annotated[bool, typer.Option("--asv", help="Read asv's results instead of the store.")] = False,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it: FILE.png, FILE.svg or FILE.pdf.")] = None,
    plot_size: cli.PlotSize = None,
    every: Annotated[bool, typer.Option("--all", help="With --asv: every series of any suite, by commit.")] = False,
    bench: cli.Bench = None,
    atom: Annotated[Path | None, typer.Option("--atom", help="With --all: write an Atom feed of the steps.")] = None,
    commit_url: Annotated[
        str | None, typer.Option("--commit-url", help="With --all: what links a commit; asv.conf.json's by default.")
    ] = None,
    as_json: cli.AsJson = False,
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
    given = {"bench": bench, "atom": atom, "commit-url": commit_url}
    if every:
        for name, wrong in {
            "CASE": case,
            "--since": since,
            "--by": by,
            "--plot": plot,
            "--store": store,
            "no --asv": not asv,
            f"--{(cli.said_of_problems(given_model) or [''])[0]}": given_model != cli.NO_MODEL,
        }.items():
            if wrong:
                raise UsageError(f"--all goes with --asv, and is of every series: not with {name}")
        _show_all(machine, results, effect, bench, atom, commit_url, as_json=as_json)
        return
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name} goes with --all")
    if not case:
        raise UsageError("say which case: its key, or PROBLEM SOLVER, as in 'harness history auto_mpg numpy_lstsq'")
    drawing, source = (plot, cli.plot_size(plot_size, plot)), _Source(store, asv, machine, results)
    _show(_Case(case, given_model), quantity, effect, since, by, source, drawing, as_json=as_json)


@dataclass(frozen=True)
class _Case:
    """Which case: its key, or problem, solver and options as words, and what is said of the problem."""

    words: list[str]
    model: cli.GivenModel


class _Source:
    """Where to read launches from. Raises UsageError for what does not go together."""

    def __init__(self, store: str | None, asv: bool, machine: str | None, results: Path | None) -> None:
        for name, value in {"machine": machine, "results": results}.items():
            if value is not None and not asv:
                raise UsageError(f"--{name} goes with --asv")
        if asv and store:
            raise UsageError("--asv reads asv's results and --store a store: give one of them")
        self.store, self.asv, self.machine, self.results = store, asv, machine, results


def _show(
    case: _Case,
    quantity: str,
    effect: float | None,
    since: str | None,
    by: str | None,
    source: _Source,
    drawing: tuple[Path | None, Size],
    *,
    as_json: bool,
) -> None:
    from harness.asv.gate import existing_folder
    from harness.history.case import history_of
    from harness.history.sources import in_asv, stored
    from harness.judge.history.series import COMMIT, DATE
    from harness.report.render.objects import dumps
    from harness.report.render.terminal import print_document
    from harness.report.tables.history import history_object
    from harness.report.terminal.console import err, out
    from harness.report.words.history import over_commits
    from harness.store.store import Store

    if source.asv:
        if by == DATE:
            raise UsageError("--by date is of a store's runs: asv's results are of commits")
        launches, by = in_asv(existing_folder(source.results), source.machine), COMMIT
    else:
        launches = stored(Store(source.store, create=False))
    found = history_of(launches, case.words, model=case.model, quantity=quantity, effect=effect, since=since, by=by)
    plot, size = drawing
    if plot:
        from harness.files.writing import write
        from harness.report.figures.files import check_suffix, picture
        from harness.report.figures.history import history_picture

        check_suffix(plot.suffix, f"{plot}: ")
        write(plot, picture([history_picture(found)], plot.suffix.lower(), size))
        err().print(f"{plot}: written", markup=False, soft_wrap=True)
    if as_json:
        print_json(dumps(history_object(found)))
    else:
        print_document(out(), over_commits(found))
    if not found.compared:
        raise typer.Exit(COULD_NOT_MEASURE)


def _show_all(
    machine: str | None,
    results: Path | None,
    effect: float | None,
    bench: str | None,
    atom: Path | None,
    commit_url: str | None,
    *,
    as_json: bool,
) -> None:
    from harness.asv.gate import existing_folder, rules_of_repository
    from harness.asv.selection import AsvSelection
    from harness.asv.watch import commit_url_of, watched
    from harness.report.render.objects import dumps
    from harness.report.render.terminal import print_document
    from harness.report.tables.watch import watch_object
    from harness.report.terminal.console import err, out
    from harness.report.words.watch import over_store

    url = commit_url_of(commit_url)
    asked = AsvSelection(machine=machine, bench=bench)
    found = watched(existing_folder(results), asked, rules_of_repository(), effect)
    if atom:
        from harness.files.writing import write
        from harness.report.render.atom import atom as feed

        write(atom, feed(found, url).encode())
        err().print(f"{atom}: written", markup=False, soft_wrap=True)
    if as_json:
        typer.echo(dumps(watch_object(found, url)))
    else:
        print_document(out(), over_store(found))
    if not found.scan.tested:
        raise typer.Exit(COULD_NOT_MEASURE)
