"""harness ab: two versions built, launched and alternated, with a verdict a cell."""

from typing import TYPE_CHECKING

import typer

from harness.cli.ab_cells import CellsGroup
from harness.cli.ab_instructions import count_instructions
from harness.cli.ab_sides import SidesGroup
from harness.cli.ab_task import calibrate_machine, check_numbers, compared_task
from harness.cli.groups import flag, option
from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, note, working
from harness.errors import UsageError
from harness.report.tables.document import Document, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.records.ab import Side


def ab(
    *,
    asked: SidesGroup,
    cells: CellsGroup,
    budget: float = option(help="Seconds to measure, once both are built.", default=60.0),
    effect: float = option(help="The smallest change of interest, as a fraction.", default=0.03),
    seed: int = option(help="Of the orders in which cells and versions take turns.", default=0),
    duet: bool = flag(help="Both versions at once, one on each of two cores."),
    fastest: bool = flag(help="Of each turn's calls the fastest counts, not the median."),
    instructions: bool = flag(help="Count instructions under valgrind instead: minutes, but no noise."),
    written: OutputsGroup,
    printed: PrintGroup,
) -> None:
    """Compare two versions: speed with intervals over fresh processes, and accuracy; exit 1 for a regression."""
    from harness.ab.launch import Manner
    from harness.ab.measure import Allowance, Task
    from harness.cores.usable import all_cores
    from harness.report.render.ab_file import ab_json
    from harness.report.render.formats import Judged
    from harness.report.words.ab import compared
    from harness.report.words.checks import ab_checks

    check_numbers(budget, effect)
    cores, threads = all_cores(), cells.cases.solving.options().threads
    _check_way(cells, instructions=instructions, calibrate=asked.calibrate)
    _check_cores(len(cores), threads, duet=duet, counted=instructions or asked.calibrate)
    sides, specs, described, same = _prepared(asked, cells, quiet=printed.quiet)
    if instructions:
        raise typer.Exit(count_instructions(sides, described, specs, same, printed, written))
    task = Task(sides, described, specs, Allowance(budget, seed), Manner(duet, fastest, cores if threads == 1 else ()))
    if asked.calibrate:
        calibrate_machine(task, effect, printed)
        return
    report = compared_task(task, effect, quiet=printed.quiet)
    document = compared(report, described, same)
    if printed.wants(report.exit_code):
        printed.print(lambda: ab_json(report, *described, same), lambda: document)
    written.write(Judged(f"harness ab {sides.base.name} {sides.head.name}", [document], ab_checks(report)))
    raise typer.Exit(report.exit_code)


def _check_way(cells: CellsGroup, *, instructions: bool, calibrate: bool) -> None:
    """Raises UsageError for what does not go together, CannotMeasureError where valgrind is wanted and not there."""
    from harness.ab.instructions import need_valgrind

    if cells.foreign and (instructions or calibrate):
        raise UsageError("--instructions and --calibrate are about the harness's own cases alone")
    if instructions and calibrate:
        raise UsageError("--calibrate times and --instructions counts: give one of them")
    if instructions:
        need_valgrind()


def _check_cores(cores: int, threads: int, *, duet: bool, counted: bool) -> None:
    """Raises UsageError for a duet on one core, and for threads with what is of one thread."""
    if threads > 1 and (duet or counted):
        raise UsageError("--duet, --instructions and --calibrate are of one thread: drop --threads, or them")
    if duet and cores < 2:  # noqa: PLR2004  # a duet has two voices
        raise UsageError("--duet needs two cores that this process may use")


def _prepared(
    asked: SidesGroup, cells: CellsGroup, *, quiet: bool
) -> "tuple[Sides, Sequence[CellSpec], tuple[Side, Side], str]":
    """Both sides, ready; what is measured; what the sides hold; why they are alike, if they are."""
    from harness.ab.environments import alike
    from harness.ab.process import identify
    from harness.report.words.ab import holdings

    with working("looking at both versions", quiet=quiet) as status:
        sides, specs = cells.made(asked.made(status.update))
        described = identify(sides.base, "base"), identify(sides.head, "head")
    same = "" if asked.calibrate else sides.same or alike(*described)
    if not quiet:
        note(Document([*(Line(one, "note") for one in sides.notes), *holdings(described, same)]))
    return sides, specs, described, same
