"""harness compare: records side by side along one axis, ratios first."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records.record import Record


def compare(
    by: Annotated[str, typer.Option("--by", help="solver, device, optimizer, lr or size.")],
    run: Annotated[
        list[str] | None, typer.Option("--run", help="A run's id; repeatable; the newest unless said.")
    ] = None,
    problem: Annotated[list[str] | None, typer.Option(help="Only this problem; repeatable.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The value that the others are ratios to.")] = None,
    store: cli.StoreUrl = None,
    as_json: cli.AsJson = False,
) -> None:
    """Compare by solver, device, optimizer, lr or size: time, digits, excess loss, epochs and seconds.

    By device: CUDA beside the CPU with the transfer apart, and from which n on CUDA is faster.
    """
    from harness.errors import unknown
    from harness.judge.speed.comparison import AXES
    from harness.judge.speed.comparison import compare as side_by_side
    from harness.report.console import out
    from harness.report.render.objects import dumps, objects
    from harness.report.render.terminal import print_document
    from harness.report.tables import comparison
    from harness.report.words.comparison import compared
    from harness.store.store import Store

    if by not in AXES:
        raise unknown("axis", by, AXES)
    opened = Store(store, create=False)
    runs = [opened.run(name) for name in run or (None,)]
    records = [record for found in runs for record in opened.records(found.id)]
    names = {record.problem_name for record in records} | {record.problem for record in records}
    for name in problem or ():
        if name not in names:
            raise unknown("problem in this run", name, names)
    chosen = [r for r in records if not problem or r.problem_name in problem or r.problem in problem]
    if by == "device":
        _by_device(chosen, baseline, ", ".join(found.id for found in runs), as_json=as_json)
        return
    rows = side_by_side(chosen, by, baseline)
    if as_json:
        typer.echo(dumps(objects(comparison.JSON, rows)))
    else:
        out().print(f"run {', '.join(found.id for found in runs)}, by {by}", markup=False)
        print_document(out(), compared(rows, by))


def _by_device(records: "Sequence[Record]", baseline: str | None, runs: str, *, as_json: bool) -> None:
    from harness.judge.speed.devices import compare_devices
    from harness.report.console import out
    from harness.report.render.objects import dumps, objects
    from harness.report.render.terminal import print_document
    from harness.report.tables.devices import JSON
    from harness.report.words.devices import devices

    series = compare_devices(records, baseline)
    if as_json:
        typer.echo(dumps(objects(JSON, series)))
    else:
        out().print(f"run {runs}, by device", markup=False)
        print_document(out(), devices(series))
