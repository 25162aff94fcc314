"""harness plot: the tutorials' pictures, from fits made on the spot, and the page's figures, from the store."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from harness.cli import options as cli
from harness.cli.groups import Group, only_with, option
from harness.errors import CannotMeasureError, HarnessError, UsageError, unknown
from harness.report.figures.size import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.figures.figure import Figure

LIST = "list"


@dataclass(frozen=True, kw_only=True)
class FittedGroup(Group):
    """Of a tutorial's picture: what is fitted."""

    problem: str | None = option(help="A problem's name, or a file; the picture's own by default.")
    target: cli.Target = None
    file: cli.TableGroup
    solver: str | None = option(help="A solver's name; the picture's own by default.")
    lr: list[float] | None = option(help="Learning rate; repeatable for learning-rates.")
    epochs: int | None = option(help="Passes over the training rows.")
    seed: cli.Seed = None


@dataclass(frozen=True)
class StoredGroup(Group):
    """Of a figure of the page: what it is of."""

    run: str | None = option(help="With a figure of the page: the run; the newest.")
    baseline: str | None = option(help="With a figure of the page: the run to compare with.")
    store: cli.StoreUrl = None

    def figures(self) -> "Mapping[str, Figure]":
        """Every figure of the page by its name, but for the tutorials'."""
        from harness.page.gather import PageRequest, gather
        from harness.report.html.order import figures, sections
        from harness.store.store import Store

        known = cli.ExpectationsGroup().read()
        asked = PageRequest("harness plot", *known, self.run, self.baseline, quick=True)
        evidence = gather(Store(self.store, create=False), asked)
        return {figure.name: figure for figure in figures(sections(evidence))}


def plot(
    *,
    name: Annotated[
        str,
        Argument(
            help="fit, loss, validation, learning-rates, network-and-ols, predictions; the page's figures: 'list'."
        ),
    ],
    output: Path | None = option("--output", "-o", help="The picture: FILE.png, FILE.svg or FILE.pdf."),
    fitted: FittedGroup,
    stored: StoredGroup,
    plot_size: cli.PlotSize = None,
) -> None:
    """Draw one of the tutorials' pictures from a fit made now, or a figure of the page; 'harness plot list' has all."""
    from harness.report.figures.catalog import FITTED
    from harness.report.figures.files import check_path

    if name == LIST:
        _list(stored)
        return
    if output is None:
        raise UsageError(f"where to? 'harness plot {name} -o FILE.svg'")
    size = plot_size or Size.SCREEN
    if name in FITTED:
        _fit(name, output, size, fitted, stored)
    else:
        check_path(output)
        only_with(fitted.given(), f"the tutorials' pictures, not with {name}")
        _draw(name, output, size, stored)
    typer.echo(f"{output}: written")


def _fit(name: str, output: Path, size: Size, asked: FittedGroup, stored: StoredGroup) -> None:
    """A tutorial's picture, from fits made now."""
    from harness.studies.gallery import PlotRequest, draw

    if stored.given():
        raise UsageError(f"plot {name} is fitted now: --run, --baseline and --store are for the page's figures")
    lr, table = tuple(asked.lr or ()), asked.file.table
    draw(
        name, output, PlotRequest(asked.problem, asked.target, asked.solver, lr, asked.epochs, asked.seed, table), size
    )


def _draw(name: str, output: Path, size: Size, stored: StoredGroup) -> None:
    """One figure of the page; a tutorial's is fitted again, and needs no store."""
    from harness.files.writing import write
    from harness.report.figures.catalog import names, tutorial_of
    from harness.report.figures.files import drawn

    tutorial = tutorial_of(name)
    found = stored.figures() if tutorial is None else _remade(tutorial, stored)
    if name in found:
        write(output, drawn(found[name], output.suffix.lower(), size))
    elif name in names():
        there = f"it has {', '.join(found)}" if found else "it has none"
        raise CannotMeasureError(f"plot {name}: this run has nothing for that figure; {there}")
    else:
        raise unknown("plot", name, [*names(), *found])


def _remade(tutorial: str, stored: StoredGroup) -> "Mapping[str, Figure]":
    from harness.page.tutorials import remade

    if stored.given():
        raise UsageError("a tutorial's picture is fitted now: --run, --baseline and --store are for the page's figures")
    return {figure.name: figure for figure in remade((tutorial,)).pictures[tutorial]}


def _list(stored: StoredGroup) -> None:
    """All that can be drawn; where a run or a store is named, of the page's figures those that it has."""
    from harness.report.figures.catalog import FITTED, every
    from harness.report.render.text import visible

    shown = dict(every())
    if stored.given():
        shown = dict(FITTED)
        try:
            shown |= {name: figure.heading for name, figure in stored.figures().items()}
        except HarnessError as error:
            typer.echo(f"figures of the page: {error}", err=True)
    for name, about in shown.items():
        typer.echo(visible(f"{name:36} {about}"))
