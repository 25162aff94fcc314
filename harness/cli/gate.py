"""harness gate: judge a run by the expectations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli import isolation, outputs
from harness.cli import options as cli
from harness.cli.streams import print_json
from harness.config import config, expectations_file
from harness.errors import UsageError
from harness.paths import EXPECTATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.gate.expectations import Expectations
    from harness.judge.gate.gate import GateReport


@outputs.takes_outputs
def gate(
    run: cli.RunId = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run the default grid first and judge that.")] = False,
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
    bench: Annotated[str | None, typer.Option(help="With --asv: only benchmarks with this regular expression.")] = None,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    written: outputs.Outputs = outputs.NOTHING,
) -> None:
    """Judge the newest run, or asv's results, by results/expectations.toml: digits, excess loss, R² and MSE."""
    from harness.judge.gate.expectations import read_expectations

    if fresh and run:
        raise UsageError("--fresh makes a run and --run names one: give one of them")
    if last is not None and not update:
        raise UsageError("--last says of how many runs --update takes the worst: add --update")
    path = expectations or expectations_file()
    if update and path not in (expectations, config().expectations, EXPECTATIONS):
        raise UsageError("--update would write into the package: name a file of yours with --expectations FILE")
    expected = None if update and not path.exists() else read_expectations(path)
    asked = {"commit": commit, "base": base, "env": env, "base_env": base_env, "bench": bench, "machine": machine}
    if asv:
        if fresh or run or update or expected is None:
            raise UsageError("--asv judges asv's results: --run, --fresh and --update are for runs")
        _gate_asv(expected, path, results, asked, written, as_json=as_json, quiet=quiet)
    for name, value in {**asked, "results": results}.items():
        if value is not None:
            raise UsageError(f"--{name.replace('_', '-')} goes with --asv")
    if fresh:
        from harness.cli.progress import nothing, table, watched_run
        from harness.measure.plan import Request

        where = isolation.where(None, None, in_process=False)
        show = nothing if as_json or quiet else table
        run = watched_run(Request(), store, where, show, quiet=quiet)[0].id
    _gate_run(run, store, path, written, update=(last or 1) if update else 0, as_json=as_json, quiet=quiet)


def _gate_run(
    run_id: str | None,
    store: str | None,
    path: Path,
    written: outputs.Outputs,
    *,
    update: int,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Judge one run of the store, the newest unless named; first set the limits from it and others, `update` in all."""
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
    if update:
        runs = opened.runs()
        until = [run.id for run in runs].index(judged.id) + 1
        taken = runs[max(0, until - update) : until]
        changes = update_file(path, [record for run in taken for record in opened.records(run.id)])
        print_document(err(), changes_of(changes, str(path), len(taken)))
    report = judge(judged, records, read_expectations(path))
    _show(judged.id, report, path, as_json=as_json, quiet=quiet)
    _write([(judged.id, report)], path, written)
    raise typer.Exit(report.exit_code)


def _show(name: str, report: "GateReport", path: Path, *, as_json: bool, quiet: bool) -> None:
    """Print a report, by the name of what was judged; if `quiet`, one that is not as it should be."""
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.gate import verdict

    if as_json:
        print_json(_json(report, name))
    elif not quiet or report.exit_code:
        print_document(out(), verdict(report, name, str(path)))


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
    from harness.asv.gate import AsvSelection, existing_folder, gate_asv, rules_of_repository
    from harness.asv.records import is_own
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
