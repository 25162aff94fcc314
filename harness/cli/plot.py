"""harness plot: the tutorials' pictures, from fits made on the spot."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as cli


def plot(
    name: Annotated[str, typer.Argument(help="fit, loss, validation, learning-rates, network-and-ols or predictions.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: FILE.png, FILE.svg or FILE.pdf.")],
    problem: Annotated[
        str | None, typer.Option("--problem", help="A problem's name, or a file; the picture's own unless said.")
    ] = None,
    target: cli.Target = None,
    solver: Annotated[
        str | None, typer.Option("--solver", help="A solver's name; the picture's own unless said.")
    ] = None,
    lr: Annotated[
        list[float] | None, typer.Option("--lr", help="Learning rate; repeatable for learning-rates.")
    ] = None,
    epochs: cli.Epochs = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and batch order.")] = None,
) -> None:
    """Draw one of the tutorials' pictures from a fit made now."""
    from harness.gallery import PlotRequest, draw

    request = PlotRequest(problem=problem, target=target, solver=solver, lr=tuple(lr or ()), epochs=epochs, seed=seed)
    draw(name, output, request)
    typer.echo(f"{output}: written")
