"""harness ab: two versions built, launched and alternated, with a verdict a cell."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.ab_benchmarks import Foreign
from harness.cli.ab_instructions import check_instructions, count_instructions
from harness.cli.outputs import NOTHING, Outputs, takes_outputs
from harness.cli.streams import print_json
from harness.config import expectations_file
from harness.errors import UsageError, counted

if TYPE_CHECKING:
    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.ab.measure import Decide, Task
    from harness.cli.ab_benchmarks import Cases
    from harness.judge.versions.ab import AbReport
    from harness.records.ab import Side


ONE_VERSION = "--calibrate compares one version with itself: give one revision, or nothing"


@cli.takes_model
@cli.takes_solver_options
@takes_outputs
def ab(
    base: Annotated[str | None, typer.Argument(help="The git revision to compare with.")] = None,
    head: Annotated[str | None, typer.Argument(help="The git revision in question; HEAD by default.")] = None,
    problem: Annotated[
        list[str] | None, typer.Option(help="Problem, or FILE:COLUMN; repeatable. Twelve cells by default.")
    ] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    solver: Annotated[list[str] | None, typer.Option(help="Solver; repeatable.")] = None,
    given_options: cli.GivenOptions = {},  # noqa: B006  # never changed
    python_a: Annotated[str | None, typer.Option(help="No revisions: base is this interpreter's harness.")] = None,
    python_b: Annotated[str | None, typer.Option(help="With --python-a: the head's interpreter.")] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="No revisions: base has this requirement, as scikit-learn==1.8.0; repeatable."),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="With --with: the head's requirement; what is installed by default.")
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="The head is the working tree as it is, what is not committed with it.")
    ] = False,
    asv_suite: Annotated[
        bool, typer.Option("--asv-suite", help="The benchmarks of this checkout's asv suite, in place of problems.")
    ] = False,
    bench: cli.Bench = None,
    call: Annotated[
        list[str] | None, typer.Option(help="A function without arguments, package.module:function; repeatable.")
    ] = None,
    budget: Annotated[float, typer.Option(help="Seconds to measure, once both are built.")] = 60.0,
    effect: Annotated[float, typer.Option(help="The smallest change of interest, as a fraction.")] = 0.03,
    seed: Annotated[int, typer.Option(help="Of the orders in which cells and versions take turns.")] = 0,
    duet: Annotated[bool, typer.Option("--duet", help="Both versions at once, one on each of two cores.")] = False,
    fastest: Annotated[
        bool, typer.Option("--fastest", help="Of each turn's calls the fastest counts, not the median.")
    ] = False,
    instructions: Annotated[
        bool, typer.Option("--instructions", help="Count instructions under valgrind instead: minutes, but no noise.")
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="One version against itself, slowdowns of 0, 3, 5 and 10 % planted, 0 and 10 % with the other cores "
            "busy too, ten times each: the error rates of this machine, in results/calibration. BASE alone, or nothing "
            "for what is installed.",
        ),
    ] = False,
    written: Outputs = NOTHING,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Compare two versions: speed with intervals over fresh processes, and accuracy; exit 1 for a regression."""
    from harness.ab.cores import all_cores
    from harness.ab.environments import alike
    from harness.ab.launch import Manner
    from harness.ab.measure import Allowance, Task
    from harness.report.render.ab_file import ab_json
    from harness.report.render.formats import Judged
    from harness.report.render.terminal import print_document, print_parts
    from harness.report.tables.document import Line
    from harness.report.terminal.console import err, out
    from harness.report.terminal.working import Working
    from harness.report.words.ab import compared, holdings
    from harness.report.words.checks import ab_checks

    check_numbers(budget, effect)
    foreign = Foreign(asv_suite, tuple(call or ()), bench)
    cases = (problem or (), solver or (), cli.solver_options(**given_options), given_model)
    foreign.check(cases, others=instructions or calibrate)
    if instructions:
        check_instructions(calibrate=calibrate)
    cores = all_cores()
    threads = cases[2].threads
    _check_cores(len(cores), threads, duet=duet, counted=instructions or calibrate)
    with Working(err(), "looking at both versions", quiet=quiet) as status:
        if dirty and (base is None or head is not None or calibrate):
            raise UsageError("--dirty is the head: give the revision to compare with alone, as harness ab main --dirty")
        if calibrate and head is not None:
            raise UsageError(ONE_VERSION)
        revisions = (base, base if calibrate else None if dirty else head or "HEAD")
        sides = built(lambda: _sides(revisions, (python_a, python_b), (with_, against), status.update, calibrate))
        sides, specs = _cells(sides, foreign, cases)
        described = _described(sides)
    same = "" if calibrate else sides.same or alike(*described)
    if not quiet:
        print_parts(err(), [*(Line(note, "note") for note in sides.notes), *holdings(described, same)])
    if instructions:
        count_instructions(sides, described, specs, written, same=same, as_json=as_json, quiet=quiet)
    task = Task(sides, described, specs, Allowance(budget, seed), Manner(duet, fastest, cores if threads == 1 else ()))
    if calibrate:
        _calibrate(task, effect, as_json=as_json)
    report = compared_task(task, effect, quiet=quiet)
    if as_json:
        print_json(ab_json(report, *described, same))
    elif not quiet or report.exit_code:
        print_document(out(), compared(report, described, same))
    name = f"harness ab {sides.base.name} {sides.head.name}"
    written.write(Judged(name, [compared(report, described, same)], ab_checks(report)))
    raise typer.Exit(report.exit_code)


def _check_cores(cores: int, threads: int, *, duet: bool, counted: bool) -> None:
    """Raises UsageError for a duet on one core, and for threads with what is of one thread."""
    if threads > 1 and (duet or counted):
        raise UsageError("--duet, --instructions and --calibrate are of one thread: drop --threads, or them")
    if duet and cores < 2:  # noqa: PLR2004  # a duet has two voices
        raise UsageError("--duet needs two cores that this process may use")


def check_numbers(budget: float, effect: float, named: str = "--effect") -> None:
    """Raises UsageError for numbers that mean nothing; `named`: the option of the fraction."""
    if not 0 < budget < float("inf"):
        raise UsageError(f"--budget is seconds above 0, not {budget:g}")
    if not 0 < effect < 1:
        raise UsageError(f"{named} is a fraction between 0 and 1, as 0.03, not {effect:g}")


def _sides(
    revisions: tuple[str | None, str | None],
    pythons: tuple[str | None, str | None],
    libraries: "tuple[list[str] | None, list[str] | None]",
    notify: Callable[[str], None],
    calibrate: bool,
) -> "Sides":
    """Both sides by whichever of the three ways was asked for. Raises UsageError where it is not one of them.

    Of `revisions` the second is None where it is the working tree.
    """
    from harness.ab import environments

    base, head = revisions
    ways = [base is not None, any(pythons), any(libraries)]
    if sum(ways) > 1:
        raise UsageError("give two revisions, or --python-a and --python-b, or --with and --against: one of these")
    if calibrate and any(ways[1:]):
        raise UsageError(ONE_VERSION)
    if base is not None:
        return environments.of_revisions(base, head, Path.cwd(), notify)
    if calibrate:
        return environments.of_libraries((), (), notify)
    if any(pythons):
        if pythons[0] is None or pythons[1] is None:
            raise UsageError("--python-a and --python-b go together")
        return environments.of_interpreters(pythons[0], pythons[1])
    if any(libraries):
        return environments.of_libraries(libraries[0] or (), libraries[1] or (), notify)
    raise UsageError("say what to compare: harness ab BASE HEAD, or --python-a and --python-b, or --with")


def built(make: "Callable[[], Sides]") -> "Sides":
    """Make the sides ready; of a build that fails, show the end of its log."""
    from harness.ab.building import BuildFailedError
    from harness.report.terminal.console import err

    try:
        return make()
    except BuildFailedError as error:
        err().print(error.tail, markup=False)
        raise


def _cells(sides: "Sides", foreign: Foreign, cases: "Cases") -> "tuple[Sides, Sequence[CellSpec]]":
    """The sides, as they measure what was asked for, and that."""
    from harness.ab.cells import cells
    from harness.ab.environments import imported_from

    if foreign.is_asked:
        return foreign.cells(sides)
    imported_from(sides)
    problems, solvers, options, model = cases
    return sides, cells(problems, solvers, options, project=sides.head.tree is not None, model=model)


def _described(sides: "Sides") -> "tuple[Side, Side]":
    from harness.ab.process import identify

    return identify(sides.base, "base"), identify(sides.head, "head")


def compared_task(task: "Task", effect: float, *, quiet: bool, decide: "Decide | None" = None) -> "AbReport":
    """Measure until everything is decided or the budget is spent, and judge."""
    from functools import partial

    from harness.ab.calibrate import calibration_file
    from harness.ab.measure import measured
    from harness.asv.gate import rules_of_repository
    from harness.judge.gate.expectations import read_expectations
    from harness.judge.versions.ab import decided, judge_ab
    from harness.judge.versions.calibration import read_calibration
    from harness.records.environment import environment
    from harness.report.terminal.console import err
    from harness.report.terminal.working import Working

    with Working(err(), "starting", quiet=quiet) as status:
        compared = measured(task, decide or partial(decided, effect=effect), status.update)
    if not quiet:
        err().print(
            f"{counted(compared.launches, 'launch', 'launches')} in {compared.spent_s:.0f} s; "
            f"the newest took {compared.started_s:.1f} s to start both versions and {compared.visited_s:.1f} s with "
            "its cells",
            style="dim",
        )
    expectations = read_expectations(expectations_file())
    is_foreign = task.sides.head.scratch is not None
    return judge_ab(
        compared.cells,
        effect=effect,
        expectations=None if is_foreign else expectations,
        calibration=None if is_foreign else read_calibration(calibration_file(environment(), task.manner)),
        versions=compared.head.versions,
        rules=(*rules_of_repository(), *expectations.asv.rules) if is_foreign else (),
    )


def _calibrate(task: "Task", effect: float, *, as_json: bool) -> None:
    """Measure every arm, count the errors, store and show them; ends the command."""
    from functools import partial

    from harness.ab.calibrate import calibrate, calibration_file, write_ratios
    from harness.judge.versions.ab import decided
    from harness.judge.versions.calibration import Calibration, error_rates, write_calibration
    from harness.records.environment import environment
    from harness.records.run import now
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import err, out
    from harness.report.terminal.working import Working
    from harness.report.words.ab import calibration

    here = environment()
    path = calibration_file(here, task.manner)
    with Working(err(), "starting") as status:
        arms = calibrate(task, path.with_suffix(".jsonl"), partial(decided, effect=effect), status.update)
    found = Calibration(
        environment=here,
        measured_at=now(),
        budget_s=task.allowance.budget_s,
        effect=effect,
        arms=error_rates({one: [each.cells for each in repeats] for one, repeats in arms.items()}, effect=effect),
    )
    write_calibration(found, path)
    write_ratios(arms, path.with_suffix(".csv"))
    if as_json:
        print_json(found.model_dump_json())
    else:
        print_document(out(), calibration(found))
    raise typer.Exit
