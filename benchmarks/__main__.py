"""`python -m benchmarks closed-forms` and `python -m benchmarks training`; exit code 1 if a bar is not held."""

from typing import Annotated

import typer

from benchmarks import closed_forms as forms
from benchmarks import closed_forms_table, training_table
from benchmarks import training as engines
from benchmarks.closed_forms_bars import SpeedLine, judge_speed
from benchmarks.training_bars import Ruling, judge_training
from harness.cli import main
from harness.cli.options import AsJson
from harness.records.environment import environment
from harness.report.render.terminal import print_document
from harness.report.terminal.console import err, out
from harness.report.terminal.working import Working
from harness.timing.clock import SystemClock
from harness.timing.device import check_device

Markdown = Annotated[bool, typer.Option("--markdown", help="Print a GitHub table.")]

app = typer.Typer(
    name="python -m benchmarks", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)


@app.command()
def closed_forms(
    shape: Annotated[
        list[str] | None, typer.Option(help="ROWSxCOLUMNS, as 1e6x10; repeatable. Four shapes by default.")
    ] = None,
    solver: Annotated[
        list[str] | None, typer.Option(help="Closed form; repeatable. The fastest peers by default.")
    ] = None,
    memmap: Annotated[
        str | None, typer.Option(help="Shape of a memory map that is streamed; none for none. 1e7x10 beside the four.")
    ] = None,
    markdown: Markdown = False,
    as_json: AsJson = False,
) -> None:
    """Time closed forms in interleaved rounds on one thread, ratios to `streaming`; minutes at the default sizes."""
    shapes = [forms.Shape.parse(text) for text in shape or forms.DEFAULT_SHAPES]
    wanted = memmap or ("none" if shape else forms.DEFAULT_MEMMAP)
    mapped = None if wanted == "none" else forms.Shape.parse(wanted)
    lines: list[SpeedLine] = []
    with Working(err(), "starting") as status:
        for one in shapes:
            lines += forms.in_memory(one, solver or forms.DEFAULT_SOLVERS, status.update)
        if mapped:
            lines += forms.on_disk(mapped, status.update)
    verdicts = list(judge_speed(lines))
    if as_json:
        typer.echo(closed_forms_table.speed_json(lines, verdicts, environment().model_dump(mode="json")))
    elif markdown:
        typer.echo(closed_forms_table.speed_markdown(lines))
    else:
        print_document(out(), closed_forms_table.speed(lines, verdicts))
    raise typer.Exit(any(verdict.held is False for verdict in verdicts))


@app.command()
def training(
    device: Annotated[str, typer.Option(help="cuda measures the lines on CUDA alone, in a minute.")] = "cpu",
    markdown: Markdown = False,
    as_json: AsJson = False,
) -> None:
    """Time an epoch with each engine of training beside the textbook loop, ratios to that loop; ten minutes."""
    check_device(device)
    with Working(err(), "starting") as status:
        lines = list(engines.training_lines(engines.FULL, device, status.update, SystemClock()))
    verdicts = list(judge_training(lines))
    if as_json:
        here = environment(devices=[device]).model_dump(mode="json")
        typer.echo(training_table.training_json(lines, verdicts, here))
    elif markdown:
        typer.echo(training_table.training_markdown(lines))
    else:
        print_document(out(), training_table.training(lines, verdicts))
    raise typer.Exit(any(verdict.ruling is Ruling.BROKEN for verdict in verdicts))


if __name__ == "__main__":
    main(app)
