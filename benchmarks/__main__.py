"""`python -m benchmarks closed-forms`, `threads` and `training`; exit code 1 if a bar is not held."""

from typing import Annotated, NoReturn

import typer

from benchmarks import closed_forms as forms
from benchmarks import closed_forms_table, training_table
from benchmarks import training as engines
from benchmarks.closed_forms_bars import THREAD_SHAPES, SpeedLine, judge_speed
from benchmarks.training_bars import Ruling, judge_training
from harness.cli import main
from harness.cli.options import AsJson
from harness.cores.usable import thread_count, usable_cores
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
    _end(lines, markdown=markdown, as_json=as_json)


@app.command()
def threads(
    shape: Annotated[
        list[str] | None, typer.Option(help="ROWSxCOLUMNS, as 2e6x10; repeatable. Three shapes by default.")
    ] = None,
    count: Annotated[
        list[int] | None, typer.Option(help="Threads beside one; repeatable. 2 and all cores by default.")
    ] = None,
    markdown: Markdown = False,
    as_json: AsJson = False,
) -> None:
    """Time `streaming` and oneDAL with several threads in interleaved rounds, by the wall clock; a minute."""
    cores = usable_cores()
    counts = sorted({1, *map(thread_count, count or [min(2, cores), cores])})
    lines: list[SpeedLine] = []
    with Working(err(), "starting") as status:
        for one in map(forms.Shape.parse, shape or THREAD_SHAPES):
            lines += forms.by_threads(one, counts, status.update)
    _end(lines, markdown=markdown, as_json=as_json)


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


def _end(lines: list[SpeedLine], *, markdown: bool, as_json: bool) -> NoReturn:
    """Print the lines and their bars, and exit: 1 if one is not held."""
    verdicts = list(judge_speed(lines))
    if as_json:
        typer.echo(closed_forms_table.speed_json(lines, verdicts, environment().model_dump(mode="json")))
    elif markdown:
        typer.echo(closed_forms_table.speed_markdown(lines))
    else:
        print_document(out(), closed_forms_table.speed(lines, verdicts))
    raise typer.Exit(any(verdict.held is False for verdict in verdicts))


if __name__ == "__main__":
    main(app)
