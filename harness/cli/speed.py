"""harness speed: closed forms side by side, with the physical floor; or the engines of training."""

from typing import Annotated, NoReturn

import typer

from harness.cli import options as cli
from harness.errors import UsageError


def speed(
    shape: Annotated[
        list[str] | None, typer.Option(help="ROWSxCOLUMNS, as 1e6x10; repeatable. Four shapes unless said.")
    ] = None,
    solver: Annotated[
        list[str] | None, typer.Option(help="Closed form; repeatable. The fastest peers unless said.")
    ] = None,
    memmap: Annotated[
        str | None, typer.Option(help="Shape of a memory map that is streamed; none for none. 1e7x10 beside the four.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="The engines of training instead, beside the textbook loop.")
    ] = False,
    device: Annotated[
        str | None, typer.Option("--device", help="With --training: cuda measures the lines on CUDA too.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a GitHub table.")] = False,
    as_json: cli.AsJson = False,
) -> None:
    """Time closed forms in turns on one thread, ratios to `streaming`, with its bars; minutes at the default sizes.

    With --training the engines of training, ratios to the textbook loop, with theirs. Exit 1 if a bar is not held.
    """
    if training:
        named = {"--shape": shape, "--solver": solver, "--memmap": memmap}
        for option in (name for name, value in named.items() if value):
            raise UsageError(f"--training has sizes and engines of its own: drop {option}")
        _training(device or "cpu", markdown=markdown, as_json=as_json)
    if device:
        raise UsageError("--device goes with --training: closed forms are timed on the CPU here")
    from harness.judge.studies.speed_bars import SpeedLine, judge_speed
    from harness.records.environment import environment
    from harness.report.console import err, out
    from harness.report.speed_table import print_speed, speed_json, speed_markdown
    from harness.report.working import Working
    from harness.studies import speed as measure

    shapes = [measure.Shape.parse(text) for text in shape or measure.DEFAULT_SHAPES]
    wanted = memmap or ("none" if shape else measure.DEFAULT_MEMMAP)
    mapped = None if wanted == "none" else measure.Shape.parse(wanted)
    lines: list[SpeedLine] = []
    with Working(err(), "starting") as status:
        for one in shapes:
            lines += measure.in_memory(one, solver or measure.DEFAULT_SOLVERS, status.update)
        if mapped:
            lines += measure.on_disk(mapped, status.update)
    verdicts = list(judge_speed(lines))
    if as_json:
        typer.echo(speed_json(lines, verdicts, environment().model_dump(mode="json")))
    elif markdown:
        typer.echo(speed_markdown(lines))
    else:
        print_speed(out(), lines, verdicts)
    raise typer.Exit(1 if any(verdict.held is False for verdict in verdicts) else 0)


def _training(device: str, *, markdown: bool, as_json: bool) -> NoReturn:
    """The engines of training; ends the command."""
    from harness.judge.studies.training_bars import Ruling, judge_training
    from harness.records.environment import environment
    from harness.report.console import err, out
    from harness.report.training_speed_table import print_training, training_json, training_markdown
    from harness.report.working import Working
    from harness.studies import training_speed as measure
    from harness.timing.clock import SystemClock
    from harness.timing.device import check_device

    check_device(device)
    with Working(err(), "starting") as status:
        lines = list(measure.training_lines(measure.FULL, device, status.update, SystemClock()))
    verdicts = list(judge_training(lines))
    if as_json:
        typer.echo(training_json(lines, verdicts, environment().model_dump(mode="json")))
    elif markdown:
        typer.echo(training_markdown(lines))
    else:
        print_training(out(), lines, verdicts)
    raise typer.Exit(1 if any(verdict.ruling is Ruling.BROKEN for verdict in verdicts) else 0)
