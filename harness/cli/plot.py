"""harness plot: the tutorials' pictures, from fits made on the spot, and the page's figures, from the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.errors import CannotMeasureError, HarnessError, UsageError, unknown
from harness.report.figures.size import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.report.figures.figure import Figure

LIST = "list"


@cli.takes_table_options
def plot(
    name: Annotated[
        str,
        typer.Argument(
            help="fit, loss, validation, learning-rates, network-and-ols, predictions; the page's figures: 'list'."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture: FILE.png, FILE.svg or FILE.pdf.")
    ] = None,
    problem: Annotated[
        str | None, typer.Option("--problem", help="A problem's name, or a file; the picture's own by default.")
    ] = None,
    target: cli.Target = None,
    given_table: cli.GivenTable = cli.NO_TABLE,
    solver: Annotated[
        str | None, typer.Option("--solver", help="A solver's name; the picture's own by default.")
    ] = None,
    lr: Annotated[
        list[float] | None, typer.Option("--lr", help="Learning rate; repeatable for learning-rates.")
    ] = None,
    epochs: cli.Epochs = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and batch order.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="With a figure of the page: the run; the newest.")] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="With a figure of the page: the run to compare with.")
    ] = None,
    store: cli.StoreUrl = None,
    size: cli.PlotSize = None,
) -> None:
    """Draw one of the tutorials' pictures from a fit made now, or a figure of the page; 'harness plot list' has all."""
    from harness.report.figures.catalog import FITTED

    if name == LIST:
        _list(run, baseline, store)
        return
    if output is None:
        raise UsageError(f"where to? 'harness plot {name} -o FILE.svg'")
    from harness.report.figures.files import check_path

    if name in FITTED:
        from harness.studies.gallery import PlotRequest, draw

        if run or baseline or store:
            raise UsageError(f"plot {name} is fitted now: --run, --baseline and --store are for the page's figures")
        request = PlotRequest(
            problem=problem,
            target=target,
            solver=solver,
            lr=tuple(lr or ()),
            epochs=epochs,
            seed=seed,
            table=given_table,
        )
        draw(name, output, request, size or Size.SCREEN)
    else:
        check_path(output)
        given = {"problem": problem, "target": target, "solver": solver, "lr": lr, "epochs": epochs, "seed": seed}
        given |= {word.removeprefix("--"): word for word in given_table.words()[:1]}
        for option, value in given.items():
            if value is not None:
                raise UsageError(f"--{option} goes with the tutorials' pictures, not with {name}")
        _draw(name, output, size or Size.SCREEN, run, baseline, store)
    typer.echo(f"{output}: written")


def _draw(name: str, output: Path, size: Size, run: str | None, baseline: str | None, store: str | None) -> None:
    """One figure of the page; a tutorial's is fitted again, and needs no store."""
    from harness.files.writing import write
    from harness.report.figures.catalog import names, tutorial_of
    from harness.report.figures.files import drawn

    tutorial = tutorial_of(name)
    found = _figures(run, baseline, store) if tutorial is None else _remade(tutorial, run, baseline, store)
    if name in found:
        write(output, drawn(found[name], output.suffix.lower(), size))
    elif name in names():
        there = f"it has {', '.join(found)}" if found else "it has none"
        raise CannotMeasureError(f"plot {name}: this run has nothing for that figure; {there}")
    else:
        raise unknown("plot", name, [*names(), *found])


def _remade(tutorial: str, run: str | None, baseline: str | None, store: str | None) -> "Mapping[str, Figure]":
    from harness.page.tutorials import remade

    if run or baseline or store:
        raise UsageError("a tutorial's picture is fitted now: --run, --baseline and --store are for the page's figures")
    return {figure.name: figure for figure in remade((tutorial,)).pictures[tutorial]}


def _figures(run: str | None, baseline: str | None, store: str | None) -> "Mapping[str, Figure]":
    """Every figure of the page by its name, but for the tutorials'."""
    from harness.config import expectations_file
    from harness.judge.gate.expectations import read_expectations
    from harness.page.gather import PageRequest, gather
    from harness.report.html.order import figures, sections
    from harness.store.store import Store

    source = expectations_file()
    asked = PageRequest("harness plot", read_expectations(source), str(source), run, baseline, quick=True)
    evidence = gather(Store(store, create=False), asked)
    return {figure.name: figure for figure in figures(sections(evidence))}


def _list(run: str | None, baseline: str | None, store: str | None) -> None:
    """All that can be drawn; where a run or a store is named, of the page's figures those that it has."""
    from harness.report.figures.catalog import FITTED, every
    from harness.report.render.text import visible

    shown = dict(every())
    if run or baseline or store:
        shown = dict(FITTED)
        try:
            shown |= {name: figure.heading for name, figure in _figures(run, baseline, store).items()}
        except HarnessError as error:
            typer.echo(f"figures of the page: {error}", err=True)
    for name, about in shown.items():
        typer.echo(visible(f"{name:36} {about}"))
