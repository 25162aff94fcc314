"""harness gate: judge a run by the expectations."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.cli import options as cli
from harness.cli.gate_asv import JudgedAsvGroup, gate_asv
from harness.cli.gate_verdict import Verdicts
from harness.cli.groups import Group, flag, only_with, option
from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, note, pasted
from harness.config import config
from harness.errors import UsageError, counted
from harness.paths import EXPECTATIONS

if TYPE_CHECKING:
    from harness.judge.gate.expectations import Expectations
    from harness.measure.plan import Case, Request


@dataclass(frozen=True, kw_only=True)
class JudgedGroup(Group):
    """Which run is judged, or made first, and by what. Raises UsageError for what does not go together."""

    run: cli.RunId = None
    init: bool = flag(help="Write the first expectations: of the newest run, or of what is named here.")
    fresh: bool = flag(help="Run what the file expects first, and judge that; else the default grid.")
    problem: list[str] | None = option(help="With --init: what is run first, a name, FILE or FILE:COLUMN; repeatable.")
    data: cli.ModelGroup
    solver: list[str] | None = option(help="With --init: its solver; repeatable.")
    limits: cli.ExpectationsGroup
    update: bool = flag(help="Set the limits from this run, less the margins.")
    last: int | None = option(min=1, help="With --update: the worst of so many runs, this one and those before it.")
    store: cli.StoreUrl = None

    @property
    def named(self) -> bool:
        """Whether it is said what --init runs first."""
        return bool(self.problem or self.solver or self.data.given())

    @property
    def taken(self) -> int:
        """Of how many runs the limits are set first."""
        return 1 if self.init else (self.last or 1) if self.update else 0

    def __post_init__(self) -> None:
        refused = (
            (self.fresh and self.run, "--fresh makes a run and --run names one: give one of them"),
            (self.last and not self.update, "--last says of how many runs --update takes the worst: add --update"),
            (self.init and (self.update or self.fresh), "--init writes the first expectations: drop --update, --fresh"),
            (
                self.named and not self.init,
                "--problem and --solver say what --init runs first; --fresh runs what the file expects",
            ),
            (self.named and self.run, "--run names a run, and --problem and --solver make one: give one of them"),
        )
        for wrong, why in refused:
            if wrong:
                raise UsageError(why)
        if self.update and self.limits.path not in (self.limits.expectations, config().expectations, EXPECTATIONS):
            raise UsageError("--update would write into the package: name a file of yours with --expectations FILE")


def gate(
    *,
    asked: JudgedGroup,
    printed: PrintGroup,
    asv: bool = flag(help="Judge asv's results instead of a run."),
    of_asv: JudgedAsvGroup,
    written: OutputsGroup,
) -> None:
    """Judge the newest run, or asv's results, by results/expectations.toml: digits, excess loss, R² and MSE."""
    from harness.judge.gate.expectations import read_expectations

    if asv and (asked.fresh or asked.run or asked.taken):
        raise UsageError("--asv judges asv's results: --run, --init, --fresh and --update are for runs")
    path = _new_file(asked.limits.expectations) if asked.init else asked.limits.path
    expected = read_expectations(path) if path.exists() or not asked.taken else None
    verdicts = Verdicts(path, printed, written)
    if asv and expected is not None:
        raise typer.Exit(gate_asv(expected, of_asv, verdicts))
    only_with(of_asv.given(), "--asv")
    run = asked.run
    if asked.named:
        run = _made(_named(asked), None, asked.store, printed)
    elif asked.fresh:
        run = _made(*_expected(expected, path), asked.store, printed)
    raise typer.Exit(_judge(run, asked, verdicts))


def _new_file(named: Path | None) -> Path:
    """Where the first expectations go. Raises UsageError for a file that expects something already."""
    from harness.judge.gate.expectations import read_expectations

    path = named or config().expectations or EXPECTATIONS
    if path.exists() and (held := len(read_expectations(path).expect)):
        entries = counted(held, "expectation")
        raise UsageError(f"{path} has {entries} already: --update sets their limits; another file: --expectations FILE")
    return path


def _named(asked: JudgedGroup) -> "Request":
    from harness.measure.plan import Request

    return Request(tuple(asked.problem or ()), tuple(asked.solver or ()), "cpu", **vars(asked.data.model))


def _expected(expected: "Expectations | None", path: Path) -> "tuple[Request, list[Case] | None]":
    """What the file expects; the default grid where it is the package's own, expects nothing, or is to be made."""
    from harness.measure.expected import expected_cases
    from harness.measure.plan import Request

    if expected is not None and expected.expect and not expected.default_problems:
        return expected_cases(expected, path)
    return Request(), None


def _made(request: "Request", cases: "list[Case] | None", store: str | None, printed: PrintGroup) -> str:
    """A new run: its id."""
    from harness.cli.progress import nothing, table_only, watched_run
    from harness.measure.session import Where

    shown = table_only if printed.for_people else nothing
    return watched_run(request, store, Where(), shown, quiet=printed.quiet, cases=cases)[0].id


def _judge(run_id: str | None, asked: JudgedGroup, verdicts: Verdicts) -> int:
    """Judge one run of the store, the newest unless it is named, the limits set first where that is asked; its code."""
    from harness.judge.gate.expectations import read_expectations
    from harness.judge.gate.gate import gate as judge
    from harness.judge.gate.update import update_file
    from harness.report.words.gate import changes as changes_of
    from harness.store.store import Store

    opened, path, named = Store(asked.store, create=False), verdicts.path, asked.limits.expectations
    judged = opened.run(run_id)
    if asked.taken:
        runs = opened.runs()
        until = [run.id for run in runs].index(judged.id) + 1
        taken = runs[max(0, until - asked.taken) : until]
        path.parent.mkdir(parents=True, exist_ok=True)
        changes = update_file(path, [record for run in taken for record in opened.records(run.id)])
        note(changes_of(changes, str(path), len(taken)))
    report = judge(judged, opened.records(judged.id), read_expectations(path))
    verdicts.show(judged.id, report, pasted("gate", "--update", store=opened, expectations=named))
    verdicts.write([(judged.id, report)])
    if asked.taken and verdicts.printed.for_people:
        note(f"next: {pasted('gate', '--fresh', store=opened, expectations=named)}")
    return report.exit_code
