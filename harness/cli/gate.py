"""harness gate: judge a run by the expectations."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli import isolation, outputs
from harness.cli import options as cli
from harness.cli.pasting import pasted
from harness.cli.streams import print_json
from harness.config import config, expectations_file
from harness.errors import UsageError, counted
from harness.paths import EXPECTATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.gate.expectations import Expectations
    from harness.judge.gate.gate import GateReport


@cli.takes_model
@outputs.takes_outputs
def gate(
    run: cli.RunId = None,
    init: Annotated[
        bool, typer.Option("--init", help="Write the first expectations: of the newest run, or of what is named here.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run what the file expects first, and judge that; else the default grid.")
    ] = False,
    problem: Annotated[
        list[str] | None, typer.Option(help="With --init: what is run first, a name, FILE or FILE:COLUMN; repeatable.")
    ] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    solver: Annotated[list[str] | None, typer.Option(help="With --init: its solver; repeatable.")] = None,
    expectations: Annotated[Path | None, typer.Option(help="The expectations file; results/expectations.toml.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Set the limits from this run, less the margins.")] = False,
    last: Annotated[
        int | None, typer.Option(min=1, help="With --update: the worst of so many runs, this one and those before it.")
    ] = None,
    store: cli.StoreUrl = None,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
    asv: Annotated[bool, typer.Option("--asv", help="Judge asv's results instead of a run.")] = False,
    commit: Annotated[str | None, typer.Option(help="With --asv: the commit; the newest with results.")] = None,
    base: Annotated[str | None, typer.Option(help="With --asv: a commit that must not be better.")] = None,
    env: Annotated[str | None, typer.Option(help="With --asv: a part of the environment's name.")] = None,
    base_env: Annotated[str | None, typer.Option(help="With --asv: compare with this environment.")] = None,
    bench: cli.Bench = None,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    written: outputs.Outputs = outputs.NOTHING,
) -> None:
    """Judge the newest run, or asv's results, by results/expectations.toml: digits, excess loss, R² and MSE."""
    from harness.judge.gate.expectations import read_expectations

    named = bool(problem or solver or given_model != cli.NO_MODEL)
    path = expectations or expectations_file()
    _check(run, named=named, init=init, fresh=fresh, update=update, last=last, asv=asv)
    if update and path not in (expectations, config().expectations, EXPECTATIONS):
        raise UsageError("--update would write into the package: name a file of yours with --expectations FILE")
    if init:
        path = _new_file(expectations)
        made = _first_run(problem, solver, given_model, store, shown=not (as_json or quiet)) if named else run
        _gate_run(made, store, _Limits(path, expectations, 1), written, as_json=as_json, quiet=quiet)
    expected = None if update and not path.exists() else read_expectations(path)
    asked = {"commit": commit, "base": base, "env": env, "base_env": base_env, "bench": bench, "machine": machine}
    if asv and expected is not None:
        _gate_asv(expected, path, results, asked, written, as_json=as_json, quiet=quiet)
    for name, value in {**asked, "results": results}.items():
        if value is not None:
            raise UsageError(f"--{name.replace('_', '-')} goes with --asv")
    if fresh:
        run = _fresh_run(expected, path, store, shown=not (as_json or quiet), quiet=quiet)
    limits = _Limits(path, expectations, (last or 1) if update else 0)
    _gate_run(run, store, limits, written, as_json=as_json, quiet=quiet)


def _check(run: str | None, *, named: bool, init: bool, fresh: bool, update: bool, last: int | None, asv: bool) -> None:
    """Raises UsageError for what does not go together; `named`: a problem or a solver was."""
    refused = (
        (fresh and run, "--fresh makes a run and --run names one: give one of them"),
        (last is not None and not update, "--last says of how many runs --update takes the worst: add --update"),
        (init and (update or fresh or asv), "--init writes the first expectations: drop --update, --fresh and --asv"),
        (named and not init, "--problem and --solver say what --init runs first; --fresh runs what the file expects"),
        (named and run, "--run names a run, and --problem and --solver make one: give one of them"),
        (asv and (fresh or run or update), "--asv judges asv's results: --run, --fresh and --update are for runs"),
    )
    for wrong, why in refused:
        if wrong:
            raise UsageError(why)


def _new_file(named: Path | None) -> Path:
    """Where the first expectations go. Raises UsageError for a file that expects something already."""
    from harness.judge.gate.expectations import read_expectations

    path = named or config().expectations or EXPECTATIONS
    if path.exists() and (held := len(read_expectations(path).expect)):
        entries = counted(held, "expectation")
        raise UsageError(f"{path} has {entries} already: --update sets their limits; another file: --expectations FILE")
    return path


def _first_run(
    problems: list[str] | None, solvers: list[str] | None, model: cli.GivenModel, store: str | None, *, shown: bool
) -> str:
    """Run what was named: the run's id."""
    from harness.cli.progress import nothing, table_only, watched_run
    from harness.measure.plan import Request

    asked = Request(
        problems=tuple(problems or ()),
        solvers=tuple(solvers or ()),
        device="cpu",
        target=model.target,
        weights=model.weights,
        intercept=model.intercept,
        table=model.table,
    )
    where = isolation.where(None, None, in_process=False)
    return watched_run(asked, store, where, table_only if shown else nothing, quiet=not shown)[0].id


def _fresh_run(expected: "Expectations | None", path: Path, store: str | None, *, shown: bool, quiet: bool) -> str:
    """Run what the file expects; the default grid where it is the package's own, or expects nothing: the run's id."""
    from harness.cli.progress import nothing, table_only, watched_run
    from harness.measure.expected import expected_cases
    from harness.measure.plan import Request

    asked, cases = Request(), None
    if expected is not None and expected.expect and not expected.default_problems:
        asked, cases = expected_cases(expected, path)
    where = isolation.where(None, None, in_process=False)
    return watched_run(asked, store, where, table_only if shown else nothing, quiet=quiet, cases=cases)[0].id


@dataclass(frozen=True)
class _Limits:
    """The file, what was named of it, and how many runs it is set by first; 0: none."""

    path: Path
    named: Path | None
    update: int


def _gate_run(
    run_id: str | None,
    store: str | None,
    limits: _Limits,
    written: outputs.Outputs,
    *,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Judge one run of the store, the newest unless named; first set the limits from it and others, where asked."""
    from harness.judge.gate.expectations import read_expectations
    from harness.judge.gate.gate import gate as judge
    from harness.judge.gate.update import update_file
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import err
    from harness.report.words.gate import changes as changes_of
    from harness.store.store import Store

    opened = Store(store, create=False)
    judged = opened.run(run_id)
    records = opened.records(judged.id)
    if limits.update:
        runs = opened.runs()
        until = [run.id for run in runs].index(judged.id) + 1
        taken = runs[max(0, until - limits.update) : until]
        limits.path.parent.mkdir(parents=True, exist_ok=True)
        changes = update_file(limits.path, [record for run in taken for record in opened.records(run.id)])
        print_document(err(), changes_of(changes, str(limits.path), len(taken)))
    report = judge(judged, records, read_expectations(limits.path))
    update = pasted("gate", "--update", store=opened, expectations=limits.named)
    _show(judged.id, report, limits.path, update, as_json=as_json, quiet=quiet)
    _write([(judged.id, report)], limits.path, written)
    if limits.update and not (as_json or quiet):
        following = pasted("gate", "--fresh", store=opened, expectations=limits.named)
        err().print(f"next: {following}", markup=False, soft_wrap=True)
    raise typer.Exit(report.exit_code)


def _show(
    name: str, report: "GateReport", path: Path, update: str | None = None, *, as_json: bool, quiet: bool
) -> None:
    """Print a report, by the name of what was judged; if `quiet`, one that is not as it should be.

    `update`: the command that sets the limits.
    """
    from harness.judge.gate.gate import UPDATE
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.gate import verdict

    if as_json:
        print_json(_json(report, name))
    elif not quiet or report.exit_code:
        print_document(out(), verdict(report, name, str(path), update or UPDATE))


def _write(judged: "Sequence[tuple[str, GateReport]]", path: Path, written: outputs.Outputs) -> None:
    """Write all reports to where they are asked for."""
    from harness.report.render.formats import Judged
    from harness.report.words.checks import gate_checks
    from harness.report.words.gate import verdict

    documents = [verdict(report, name, str(path)) for name, report in judged]
    checks = [check for _, report in judged for check in gate_checks(report)]
    written.write(Judged("harness gate", documents, checks, str(path)))


def _gate_asv(
    expected: "Expectations",
    path: Path,
    results_dir: Path | None,
    asked: "dict[str, str | None]",
    written: outputs.Outputs,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Judge asv's results, each environment in turn; exits with the worst code."""
    from harness.asv.gate import existing_folder, gate_asv, rules_of_repository
    from harness.asv.records import is_own
    from harness.asv.selection import AsvSelection
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.asv import speed

    judged = gate_asv(existing_folder(results_dir), expected, AsvSelection(**asked), rules_of_repository())
    named = []
    for results, before, report in judged:
        if before is not None and is_own(results) and not (as_json or quiet):
            print_document(out(), speed(results, before))
        named.append((f"{results.commit[:8]} {results.environment} on {results.machine}", report))
        _show(*named[-1], path, as_json=as_json, quiet=quiet)
    _write(named, path, written)
    codes = [report.exit_code for _, report in named]
    raise typer.Exit(1 if 1 in codes else max(codes))


def _json(report: "GateReport", run_id: str) -> str:
    import json
    from dataclasses import asdict

    return json.dumps({"run": run_id, "exit_code": report.exit_code, **asdict(report)})
