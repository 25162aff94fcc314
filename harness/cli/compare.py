"""harness compare: records side by side along one axis, ratios first."""

from typing import Annotated

import typer

from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.errors import CannotMeasureError, UsageError


@cli.takes_model
def compare(
    by: Annotated[str, typer.Option("--by", help="solver, device, optimizer, lr, size or threads.")],
    run: Annotated[
        list[str] | None, typer.Option("--run", help="A run's id; repeatable; the newest by default.")
    ] = None,
    problem: Annotated[list[str] | None, typer.Option(help="Only this problem; repeatable.")] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    baseline: Annotated[str | None, typer.Option(help="The value that the others are ratios to.")] = None,
    store: cli.StoreUrl = None,
    as_json: cli.AsJson = False,
) -> None:
    """Compare by solver, device, optimizer, lr, size or threads: time, digits, excess loss, epochs and seconds.

    By device: CUDA, or another, beside the CPU with the transfer apart, and from which n on it is faster. The CPU has
    the threads that it was run with, one by default: compare with all of them too.
    """
    from harness.history.naming import of_problems
    from harness.judge.speed.comparison import any_compared, check_axis
    from harness.judge.speed.comparison import compare as side_by_side
    from harness.judge.speed.devices import compare_devices
    from harness.report.render.objects import dumps, objects
    from harness.report.render.terminal import print_document
    from harness.report.tables import comparison
    from harness.report.tables import devices as device_columns
    from harness.report.terminal.console import out
    from harness.report.words.comparison import across_machines
    from harness.report.words.comparison import compared as words
    from harness.report.words.devices import devices
    from harness.store.store import Store

    check_axis(by)
    if not problem and given_model != cli.NO_MODEL:
        raise UsageError(f"--{cli.said_of_problems(given_model)[0]} goes with --problem")
    opened = Store(store, create=False)
    runs = [opened.run(name).id for name in run or (None,)]
    chosen = of_problems([record for name in runs for record in opened.records(name)], problem or (), given_model)
    if by == "device":
        series = compare_devices(chosen, baseline)
        described, found = devices(series), objects(device_columns.JSON, series)
        compared = any(pair.ratio is not None or pair.digits_difference is not None for s in series for pair in s.pairs)
    else:
        rows = side_by_side(chosen, by, baseline)
        described, found = words(rows, by), objects(comparison.JSON, rows)
        compared = any_compared(rows)
    if as_json:
        print_json(dumps(found))
    else:
        out().print(f"run {', '.join(runs)}, by {by}", markup=False)
        print_document(out(), described)
        print_document(out(), across_machines(chosen))
    if not compared:
        raise CannotMeasureError("nothing is compared: no case beside a baseline has a number that both have")
