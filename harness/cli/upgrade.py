"""harness upgrade: may these packages be upgraded? Accuracy and speed of both sides on one's own data, as an answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.ab_sides import built
from harness.cli.ab_task import check_numbers, compared_task
from harness.cli.groups import Group, argument, option
from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, pasted, print_line, working
from harness.cli.solver_options import SolverGroup
from harness.config import config
from harness.errors import UsageError
from harness.files.writing import check_file, write
from harness.paths import UPGRADE

if TYPE_CHECKING:
    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.ab.measure import Allowance
    from harness.judge.versions.upgrade.answer import Machine, UpgradeAnswer
    from harness.records.ab import AbCell
    from harness.timing.conditions.readings import Readings

AT_MOST = 4.0
"""Times the budget, where no answer is lost and only times are open."""


@dataclass(frozen=True)
class PackagesGroup(Group):
    """What is upgraded. Raises UsageError for nothing."""

    requirement: list[str] | None = argument(metavar="PACKAGE==VERSION", help="What is upgraded; several at once.")
    from_: list[str] | None = option(
        help="What is there before, as scikit-learn==1.8.0; repeatable. As installed here."
    )
    python: str | None = option(help="Upgrade Python, or Python too: 3.13, or an interpreter's path.")

    def __post_init__(self) -> None:
        if not self.requirement and self.python is None:
            raise UsageError("say what is upgraded, as scikit-learn==1.9.1, or --python 3.13")

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical names of all that is named. Raises UsageError for what is no requirement."""
        from packaging.utils import canonicalize_name

        from harness.ab.requirements import asked

        texts = (*(self.requirement or ()), *(self.from_ or ()))
        return tuple(dict.fromkeys(canonicalize_name(asked(text).name) for text in texts))


def upgrade(
    *,
    packages: PackagesGroup,
    problem: list[str] | None = option(help="Your data: FILE, FILE:COLUMN, a folder, a problem's name; repeatable."),
    data: cli.ModelGroup,
    solver: list[str] | None = option(help="Solver; repeatable. All that use the packages by default."),
    solving: SolverGroup,
    budget: float = option(
        help="Seconds to measure where an answer is lost; else up to four times that, until times are told.",
        default=30.0,
    ),
    slower: float = option(help="The slowdown that you accept, as a fraction.", default=0.1),
    seed: int = option(help="Of the orders in which cases and sides take turns.", default=0),
    output: Path | None = option("--output", "-o", help=f"Where the answer is kept as JSON; {UPGRADE} by default."),
    written: OutputsGroup,
    printed: PrintGroup,
) -> None:
    """May I upgrade? Both sides built, fitted and timed on your data: exit 0 safe, 1 do not, 3 undecided."""
    from harness.ab.cells import cells
    from harness.report.render.formats import Judged
    from harness.report.render.upgrade_file import upgrade_json
    from harness.report.words.checks import upgrade_checks
    from harness.report.words.upgrade import upgrade as told

    check_numbers(budget, slower, "--slower")
    if output is not None:
        check_file(f"--output {output}", output)
    asked, named = _Asked(packages.names, slower, budget), problem or config().content.problems
    if not named:
        raise UsageError("say on which data: --problem FILE --target COLUMN, or --problem FILE:COLUMN")
    planned = partial(cells, named, asked=solving.options(), model=data.model)
    sides, specs = _built(packages, solver, planned, quiet=printed.quiet)
    answer = _answered(sides, specs, _allowance(budget, seed, len(specs)), asked, quiet=printed.quiet)
    kept = output or UPGRADE
    write(kept, upgrade_json(answer) + "\n", make_folder=output is None)
    if printed.wants(answer.exit_code):
        printed.print(lambda: upgrade_json(answer), lambda: told(answer))
        if not printed.as_json:
            following = pasted("report", "--for", "upgrade", *([] if output is None else [str(output)]))
            print_line(f"the answer is in {kept}; next: {following}")
    written.write(Judged("harness upgrade", [told(answer)], upgrade_checks(answer)))
    raise typer.Exit(answer.exit_code)


def _built(
    packages: PackagesGroup,
    named: Sequence[str] | None,
    planned: "Callable[[Sequence[str]], list[CellSpec]]",
    *,
    quiet: bool,
) -> "tuple[Sides, list[CellSpec]]":
    """Both sides, and the cases of the solvers: those that were named, else all that use the packages."""
    from harness.ab.environments import importable, of_upgrade
    from harness.ab.touching import touching
    from harness.solvers.brought.spec import is_spec

    with working("building both sides", quiet=quiet) as status:
        solvers = named or touching(packages.names if packages.python is None else ())
        places = list(filter(is_spec, solvers))
        specs = [] if places else planned(solvers)  # before minutes of building, where nothing must be built for it
        wanted = packages.from_ or (), packages.requirement or ()
        sides = built(lambda: of_upgrade(*wanted, status.update, python=packages.python, solvers=solvers))
        if places:
            importable(sides, places)
            specs = planned(solvers)
    return sides, specs


@dataclass(frozen=True)
class _Asked:
    """The packages by canonical names, the slowdown that is accepted, and the time for the evidence of a loss."""

    packages: tuple[str, ...]
    slower: float
    budget_s: float


def _allowance(budget_s: float, seed: int, cases: int) -> "Allowance":
    """So much time for the whole, in a launch for all cases half of what leaves room for as many as are judged."""
    from harness.ab.measure import MIN_LAUNCHES, Allowance

    return Allowance(AT_MOST * budget_s, seed, asked_from=1, turn_s=budget_s / (2 * MIN_LAUNCHES * max(1, cases)))


def _answered(
    sides: "Sides", specs: "Sequence[CellSpec]", allowance: "Allowance", asked: _Asked, *, quiet: bool
) -> "UpgradeAnswer":
    """Start, measure and judge both sides; one that cannot even be imported is an answer too."""
    from harness.ab.launch import Manner
    from harness.ab.measure import Task
    from harness.ab.process import FailedImportError, identify
    from harness.cores.usable import all_cores
    from harness.judge.versions.ab import AbReport
    from harness.judge.versions.upgrade.decide import UpgradeQuestion, decide_upgrade, failed_side
    from harness.records.ab import Side
    from harness.studies.findings import findings
    from harness.timing.conditions import snapshot

    described, failed = [], []
    for name, version in (("base", sides.base), ("head", sides.head)):
        try:
            described.append(identify(version, name))
        except FailedImportError as error:
            failed.append((name, error.why))
            described.append(Side(name=version.name, libraries=version.held))
    base, head = described
    problems = tuple(dict.fromkeys(one.problem for one in specs))
    question = UpgradeQuestion(base, head, asked.packages, findings(), asked.slower, sides.same, sides.notes, problems)
    if failed:
        return failed_side(question, problems, *failed[0])
    if sides.same:
        return decide_upgrade(AbReport((), asked.slower), question)
    task = Task(sides, (base, head), specs, allowance, Manner(cores=all_cores()))
    evidence, before = _Evidence(asked), snapshot.read()
    report = compared_task(task, asked.slower, quiet=quiet, decide=evidence.settled)
    return replace(decide_upgrade(report, question), machine=_machine(before, max(one.threads for one in specs)))


def _machine(before: "Readings", threads: int) -> "Machine":
    """The machine here, and what it did since it was read `before`."""
    from harness.judge.machine.conditions import judge_stretch
    from harness.judge.versions.upgrade.answer import Machine
    from harness.records.environment import environment
    from harness.store.conditions import Conditions
    from harness.timing.conditions import snapshot

    doubts = judge_stretch(Conditions(before=before, after=snapshot.read()), threads)
    here = environment(with_torch=False)
    return Machine(here.cpu, here.cores, here.memory_bytes, here.system, doubts)


class _Evidence:
    """Asked after each launch whether there is enough, it knows how long launches take."""

    def __init__(self, asked: _Asked) -> None:
        self._asked = asked
        self._began = self._last = time.monotonic()

    def settled(self, cells: "Sequence[AbCell]") -> set[str]:
        """The cases that need no more launches."""
        from harness.judge.versions.upgrade.decide import settled

        now = time.monotonic()
        longest, self._last = now - self._last, now
        return settled(cells, self._asked.slower, spent=now - self._began + longest > self._asked.budget_s)
