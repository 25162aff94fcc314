"""harness upgrade: may these packages be upgraded? Accuracy and speed of both sides on one's own data, as an answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.cli.outputs import NOTHING, Outputs, takes_outputs
from harness.cli.pasting import pasted
from harness.cli.streams import print_json
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
Requirements = Annotated[
    list[str] | None, typer.Argument(metavar="PACKAGE==VERSION", help="What is upgraded; several at once.")
]


@cli.takes_model
@cli.takes_solver_options
@takes_outputs
def upgrade(
    requirement: Requirements = None,
    from_: Annotated[
        list[str] | None,
        typer.Option("--from", help="What is there before, as scikit-learn==1.8.0; repeatable. As installed here."),
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", help="Upgrade Python, or Python too: 3.13, or an interpreter's path.")
    ] = None,
    problem: Annotated[
        list[str] | None, typer.Option(help="Your data: FILE, FILE:COLUMN, a folder, a problem's name; repeatable.")
    ] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    solver: Annotated[
        list[str] | None, typer.Option(help="Solver; repeatable. All that use the packages by default.")
    ] = None,
    given_options: cli.GivenOptions = {},  # noqa: B006  # never changed
    budget: Annotated[
        float,
        typer.Option(
            help="Seconds to measure where an answer is lost; else up to four times that, until times are told."
        ),
    ] = 30.0,
    slower: Annotated[float, typer.Option(help="The slowdown that you accept, as a fraction.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the orders in which cases and sides take turns.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"Where the answer is kept as JSON; {UPGRADE} by default.")
    ] = None,
    written: Outputs = NOTHING,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """May I upgrade? Both sides built, fitted and timed on your data: exit 0 safe, 1 do not, 3 undecided."""
    from harness.ab.cells import cells
    from harness.ab.environments import importable, of_upgrade
    from harness.ab.touching import touching
    from harness.cli.ab import built, check_numbers
    from harness.report.render.formats import Judged
    from harness.report.render.terminal import print_document
    from harness.report.render.upgrade_file import upgrade_json
    from harness.report.terminal.console import err, out
    from harness.report.terminal.working import Working
    from harness.report.words.checks import upgrade_checks
    from harness.report.words.upgrade import upgrade as told
    from harness.solvers.brought.spec import is_spec

    if not requirement and python is None:
        raise UsageError("say what is upgraded, as scikit-learn==1.9.1, or --python 3.13")
    check_numbers(budget, slower, "--slower")
    if output is not None:
        check_file(f"--output {output}", output)
    packages = _packages(requirement or (), from_ or ())
    named = problem or config().content.problems
    if not named:
        raise UsageError("say on which data: --problem FILE --target COLUMN, or --problem FILE:COLUMN")
    with Working(err(), "building both sides", quiet=quiet) as status:
        solvers = solver or touching(packages if python is None else ())
        planned = partial(cells, named, solvers, cli.solver_options(**given_options), model=given_model)
        places = list(filter(is_spec, solvers))
        specs = [] if places else planned()  # before minutes of building, where nothing must be built for it
        sides = built(lambda: of_upgrade(from_ or (), requirement or (), status.update, python=python, solvers=solvers))
        if places:
            importable(sides, places)
            specs = planned()
    answer = _answered(
        sides, specs, _allowance(budget, seed, len(specs)), _Asked(packages, slower, budget), quiet=quiet
    )
    kept = output or UPGRADE
    write(kept, upgrade_json(answer) + "\n", make_folder=output is None)
    if as_json:
        print_json(upgrade_json(answer))
    elif not quiet or answer.exit_code:
        print_document(out(), told(answer))
        following = pasted("report", "--for", "upgrade", *([] if output is None else [str(output)]))
        out().print(f"the answer is in {kept}; next: {following}", markup=False, soft_wrap=True)
    written.write(Judged("harness upgrade", [told(answer)], upgrade_checks(answer)))
    raise typer.Exit(answer.exit_code)


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


def _packages(*requirements: Sequence[str]) -> tuple[str, ...]:
    """The canonical names of all that is named. Raises UsageError for what is no requirement."""
    from packaging.utils import canonicalize_name

    from harness.ab.libraries import asked

    return tuple(dict.fromkeys(canonicalize_name(asked(text).name) for side in requirements for text in side))


def _answered(
    sides: "Sides", specs: "Sequence[CellSpec]", allowance: "Allowance", asked: _Asked, *, quiet: bool
) -> "UpgradeAnswer":
    """Start, measure and judge both sides; one that cannot even be imported is an answer too."""
    from harness.ab.cores import all_cores
    from harness.ab.launch import Manner
    from harness.ab.measure import Task
    from harness.ab.process import FailedImportError, identify
    from harness.cli.ab import compared_task
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
