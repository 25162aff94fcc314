"""harness bisect: the commit that made a case slower or wronger."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.ab_task import check_numbers
from harness.cli.groups import option
from harness.cli.printing import note, print_json, working
from harness.cli.solver_options import SolverGroup
from harness.errors import COULD_NOT_MEASURE, counted

if TYPE_CHECKING:
    from harness.ab.bisect.compare_commit import BisectRequest
    from harness.ab.bisect.suspects import Suspects
    from harness.records.bisection import Bisection, Marked


def bisect(
    *,
    problem: Annotated[str, typer.Argument(help="The problem of the case, or FILE:COLUMN.")],
    solver: Annotated[str, typer.Argument(help="Its solver.")],
    good: Annotated[str, typer.Option(help="A revision in which it was well.")],
    bad: str = option(help="A revision in which it is not.", default="HEAD"),
    quantity: str = option(help="time, digits, excess_loss or status.", default="time"),
    data: cli.ModelGroup,
    solving: SolverGroup,
    budget: float = option(help="Seconds a commit, of time; twice that where it is undecided.", default=60.0),
    effect: float = option(help="The smallest change of time of interest, as a fraction.", default=0.03),
    seed: int = option(help="Of the orders in which the versions take turns.", default=0),
    as_json: cli.AsJson = False,
) -> None:
    """Find the commit that made a case slower or wronger: git's bisection, each commit compared with the good one.

    The working tree is not touched. A commit that does not build, or that cannot be told, is skipped. Exit 3 where no
    single commit can be named.
    """
    from harness.ab.bisect.compare_commit import BisectRequest
    from harness.ab.bisect.suspects import Suspects
    from harness.ab.cells import cells, one_case
    from harness.ab.environments import imported_from, of_revisions
    from harness.ab.launch import Manner
    from harness.cores.usable import all_cores
    from harness.judge.versions.bisection import known
    from harness.report.terminal.console import out
    from harness.report.words.bisect import bisection_json, print_bisection
    from harness.solvers.brought.spec import is_spec

    check_numbers(budget, effect)
    suspects = Suspects(good, bad, Path.cwd())
    if is_spec(solver):
        imported_from(of_revisions(suspects.good, suspects.bad, suspects.checkout, lambda _: None))
    spec = one_case(cells([problem], [solver], solving.options(), model=data.model), problem)
    asked = BisectRequest(spec, known(quantity), budget, effect, Manner(cores=all_cores()), seed)
    found = _searched(suspects, asked)
    named = [suspects.commit(one) for one in found.suspects]
    if as_json:
        print_json(bisection_json(spec.case, quantity, found, named))
    else:
        print_bisection(out(), quantity, named)
    raise typer.Exit(0 if len(named) == 1 else COULD_NOT_MEASURE)


def _searched(suspects: "Suspects", asked: "BisectRequest") -> "Bisection":
    """Compare both ends, then halve; a line a commit on standard error as it is marked."""
    from harness.ab.bisect.compare_commit import Bench
    from harness.ab.bisect.search import search
    from harness.ab.environments import of_revisions
    from harness.report.words.bisect import step_line

    where = ""
    with working("comparing both ends") as status:

        def tell(line: str) -> None:
            status.update(f"{where}{line}")

        def left(suspected: int, steps: int) -> None:
            nonlocal where
            where = f"{counted(suspected, 'suspect')}, about {counted(steps, 'more step')}: "

        def mark(commit: str) -> "Marked":
            found = bench.mark(commit)
            note(step_line(suspects.commit(commit), found))
            return found

        bench = Bench(asked, lambda one: of_revisions(suspects.good, one, suspects.checkout, tell), tell)
        ends = bench.compare_ends(suspects.bad)
        note(step_line(suspects.commit(suspects.bad), ends))
        return search(suspects, mark, left)
