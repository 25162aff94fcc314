"""harness speed: closed forms side by side, with the physical floor."""

from typing import Annotated

import typer

from harness.cli import options as cli


def speed(
    shape: Annotated[
        list[str] | None, typer.Option(help="ROWSxCOLUMNS, as 1e6x10; repeatable. Four shapes unless said.")
    ] = None,
    solver: Annotated[
        list[str] | None, typer.Option(help="Closed form; repeatable. The fastest peers unless said.")
    ] = None,
    memmap: Annotated[str, typer.Option(help="Shape of the memory map that is streamed; none for none.")] = "1e7x10",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a GitHub table.")] = False,
    as_json: cli.AsJson = False,
) -> None:
    """Time closed forms in turns on one thread, ratios to `streaming`, with its bars; minutes at the default sizes."""
    from harness import speed as measure
    from harness.judge.speed_bars import SpeedLine, judge_speed
    from harness.records.environment import environment
    from harness.report.console import err, out
    from harness.report.speed_table import print_speed, speed_json, speed_markdown

    asked = list(shape or measure.DEFAULT_SHAPES)
    shapes = [measure.Shape.parse(text) for text in asked]
    mapped = None if memmap == "none" or (shape and memmap == "1e7x10") else measure.Shape.parse(memmap)
    lines: list[SpeedLine] = []
    with err().status("starting") as status:
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
