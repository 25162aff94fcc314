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
    memmap: Annotated[
        str | None, typer.Option(help="Shape of a memory map that is streamed; none for none. 1e7x10 beside the four.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a GitHub table.")] = False,
    as_json: cli.AsJson = False,
) -> None:
    """Time closed forms in turns on one thread, ratios to `streaming`, with its bars; minutes at the default sizes."""
    from harness import speed as measure
    from harness.judge.speed_bars import SpeedLine, judge_speed
    from harness.records.environment import environment
    from harness.report.console import err, out
    from harness.report.speed_table import print_speed, speed_json, speed_markdown

    shapes = [measure.Shape.parse(text) for text in shape or measure.DEFAULT_SHAPES]
    wanted = memmap or ("none" if shape else measure.DEFAULT_MEMMAP)
    mapped = None if wanted == "none" else measure.Shape.parse(wanted)
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
