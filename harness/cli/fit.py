"""harness fit: one case in full, as the tutorials show it."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli

if TYPE_CHECKING:
    from harness.solvers.options import Options


@cli.takes_solver_options
def fit(
    problem: Annotated[str, typer.Argument(help="A problem's name, or a .csv or .parquet file.")],
    solver: Annotated[str, typer.Argument(help="A solver's name.")],
    target: cli.Target = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    n: Annotated[str | None, typer.Option("--n", help="Rows of a drawn problem.")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Learning rate.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and batch order.")] = None,
    said: cli.Said = MappingProxyType({}),
    init: Annotated[str | None, typer.Option("--init", help="Initial weights, then bias, as 0.5,-0.1.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Also draw the fit to FILE (.png, .svg, .pdf).")] = None,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Fit one problem with one solver and show everything: coefficients, digits, losses, scores, status."""
    options = cli.solver_options(device=device, lr=lr, seed=seed, init=cli.initial(init), **said)
    raise typer.Exit(_fit(problem, solver, options, n=n, target=target, plot=plot, as_json=as_json, quiet=quiet))


def _fit(
    problem: str,
    solver: str,
    options: "Options",
    *,
    n: str | None,
    target: str | None,
    plot: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fit, show and draw; the exit code."""
    from harness.plan import single
    from harness.problems import catalog as problems
    from harness.report.case_page import print_case
    from harness.report.console import out
    from harness.report.run_table import print_failures
    from harness.running import exit_code, measure_alone
    from harness.solvers import catalog as solvers
    from harness.timing.device import check_device

    chosen = solvers.get(solver)
    loaded = problems.load(problem, n=None if n is None else cli.whole(n), target=target)
    check_device(options.device)
    if plot is not None:
        from harness.gallery import check_path

        check_path(plot)
    outcome = measure_alone(single(loaded, chosen, options))
    if as_json:
        typer.echo(outcome.record.model_dump_json())
    elif quiet:
        print_failures(out(), [outcome.record])
    else:
        print_case(out(), outcome.record, f"{loaded.title or loaded.name}: {chosen.title}")
    if plot is not None and outcome.fit is not None:
        from harness.gallery import draw_case

        draw_case(outcome, plot)
    return exit_code([outcome.record])
