"""`python -m tools.change_points NOISE [--record LAUNCHES] [--nights] [--compare]`: record noise, try rules.

A comparison takes half an hour; detectors that are not installed are named with how to install them.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import main
from harness.cli.options import AsJson
from harness.errors import UsageError
from harness.report.terminal.console import err
from harness.report.terminal.working import Working
from tools.change_points.nights import table
from tools.change_points.noise import read_noise, record_noise, write_noise
from tools.change_points.table import trial_markdown
from tools.change_points.trial import WITHIN, Effort, compare, trial_json

LAUNCHES = (1, 5, 15)
"""Of a commit: as one `harness run` measures it, and what repeating it gains."""

app = typer.Typer(name="python -m tools.change_points", pretty_exceptions_enable=False, add_completion=False)


@app.command()
def change_points(
    noise: Annotated[Path, typer.Argument(metavar="NOISE", help="The file of recorded noise.")],
    record: Annotated[int | None, typer.Option(help="Record so many launches of the same code into NOISE.")] = None,
    compare_detectors: Annotated[
        bool, typer.Option("--compare", help="Compare the detectors on NOISE; half an hour.")
    ] = False,
    nights: Annotated[bool, typer.Option("--nights", help="Try the rule of a night's times on NOISE.")] = False,
    as_json: AsJson = False,
) -> None:
    """Record noise, try the rule of harness nightly on it, compare change-point detectors on it."""
    if record is None and not (compare_detectors or nights):
        raise UsageError("say what to do with it: --record LAUNCHES, --nights, --compare")
    if nights:
        typer.echo("\n".join(table(noise)))
    with Working(err(), "starting") as status:
        if record is not None:
            write_noise(noise, record_noise(record, status.update))
        if not compare_detectors:
            return
        recorded = read_noise(noise)
        trials = [trial_json(compare(recorded, count, Effort(), status.update)) for count in LAUNCHES]
    if as_json:
        typer.echo(json.dumps({"effort": asdict(Effort()), "trials": trials}, indent=1))
    else:
        typer.echo("\n".join(trial_markdown(one, WITHIN) for one in trials))


if __name__ == "__main__":
    main(app)
