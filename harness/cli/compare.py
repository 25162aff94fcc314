"""harness compare: records side by side along one axis, ratios first."""

from typing import Annotated

import typer

from harness.cli import options as cli
from harness.cli.groups import only_with, option
from harness.cli.printing import JsonGroup
from harness.errors import CannotMeasureError
from harness.report.tables.document import Document, Line


def compare(
    *,
    by: Annotated[str, typer.Option(help="solver, device, optimizer, lr, size or threads.")],
    run: list[str] | None = option(help="A run's id; repeatable; the newest by default."),
    problem: list[str] | None = option(help="Only this problem; repeatable."),
    data: cli.ModelGroup,
    baseline: str | None = option(help="The value that the others are ratios to."),
    store: cli.StoreUrl = None,
    printed: JsonGroup,
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
    from harness.report.tables import comparison, devices
    from harness.report.words import comparison as words
    from harness.report.words.devices import devices as by_device
    from harness.store.store import Store

    check_axis(by)
    if not problem:
        only_with(data.given(), "--problem")
    opened = Store(store, create=False)
    runs = [opened.run(name).id for name in run or (None,)]
    chosen = of_problems([record for name in runs for record in opened.records(name)], problem or (), data.model)
    if by == "device":
        series = compare_devices(chosen, baseline)
        document, found = by_device(series), objects(devices.JSON, series)
        compared = any(pair.ratio is not None or pair.digits_difference is not None for s in series for pair in s.pairs)
    else:
        rows = side_by_side(chosen, by, baseline)
        document, found = words.compared(rows, by), objects(comparison.JSON, rows)
        compared = any_compared(rows)
    heading = Document([Line(f"run {', '.join(runs)}, by {by}")])
    printed.print(lambda: dumps(found), lambda: heading, lambda: document, lambda: words.across_machines(chosen))
    if not compared:
        raise CannotMeasureError("nothing is compared: no case beside a baseline has a number that both have")
