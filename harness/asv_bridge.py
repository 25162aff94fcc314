"""asv's results as runs and records, for the gate, the store and the comparison."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError, unknown
from harness.judge.asv_gate import judge_against, judge_cells, judge_listed
from harness.judge.expectations import Expectations
from harness.judge.gate import GateReport, gate
from harness.judge.verdict import Judgement
from harness.plan import text_of
from harness.problems import catalog as problems
from harness.problems.problem import Problem
from harness.records.asv_results import AsvCell, AsvResults, listed_benchmarks, read_results
from harness.records.environment import Environment, resolve_commit
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.records.store import Store
from harness.solvers import catalog as solvers
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from harness.verify.accuracy import Accuracy
from harness.verify.digits import MAX_DIGITS

DEFAULT_FOLDER = Path("results/asv")
AXES = ("solver", "problem", "n", "device")
"""Parameters of a suite that are not options of the solver."""


@dataclass(frozen=True)
class Asked:
    """Which results: `commit` None is the newest; `env` and `base_env` are parts of an environment's name.

    With `base_env` and no `base`, two environments of one commit are compared: a library's upgrade.
    """

    machine: str | None = None
    commit: str | None = None
    base: str | None = None
    env: str | None = None
    base_env: str | None = None


def gate_asv(
    folder: Path, expectations: Expectations, asked: Asked
) -> list[tuple[AsvResults, AsvResults | None, GateReport]]:
    """Judge every environment's results of a commit, and where `base` is given against that commit's too.

    One (results, the base's or None, report) an environment.

    Raises what read_results raises, and UsageError for an unknown commit.
    """
    chosen = _environments(read_results(folder, asked.machine, resolve_commit(asked.commit)), asked.env)
    listed = listed_benchmarks(folder)
    judged = []
    for results in chosen:
        base = _base(folder, asked, results)
        judged.append((results, base, _judge(results, base, listed, expectations, asked)))
    return judged


def _environments(results: Sequence[AsvResults], wanted: str | None) -> list[AsvResults]:
    """Those whose environment has `wanted` in its name, all of them for None. Raises UsageError if none has."""
    found = [r for r in results if wanted is None or wanted in r.environment]
    if not found:
        raise unknown("environment", str(wanted), [r.environment for r in results])
    return found


def _base(folder: Path, asked: Asked, results: AsvResults) -> AsvResults | None:
    """What to compare with: the base commit's results in the same environment, or in the one asked for."""
    if asked.base is None and asked.base_env is None:
        return None
    commit = results.commit if asked.base is None else resolve_commit(asked.base)
    candidates = read_results(folder, asked.machine, commit)
    if asked.base_env is None:
        return next((r for r in candidates if r.environment == results.environment), None)
    return _environments(candidates, asked.base_env)[0]


def _judge(
    results: AsvResults,
    base: AsvResults | None,
    listed: Iterable[str],
    expectations: Expectations,
    asked: Asked,
) -> GateReport:
    run, records = as_run(results)
    report = gate(run, records, expectations, partial=True)
    judgements: list[Judgement] = [
        *report.judgements,
        *judge_cells(results.cells),
        *judge_listed(results.cells, listed),
    ]
    incomplete: tuple[str, ...] = ()
    if base is not None:
        judgements += judge_against(results.cells, base.cells)
    elif asked.base is not None:
        incomplete = (f"{asked.base} in the environment {results.environment}",)
    return GateReport(tuple(judgements), incomplete, report.unjudged)


def import_asv(folder: Path, store: Store, machine: str | None, commit: str | None) -> list[tuple[Run, list[Record]]]:
    """Bring a commit's results into the store, a run for each environment that is not there yet."""
    known = {run.id for run in store.runs()}
    imported = []
    for results in read_results(folder, machine, resolve_commit(commit)):
        run, records = as_run(results)
        if run.id in known:
            continue
        store.start(run)
        for record in records:
            store.add_samples(store.add(run.id, record), record.samples)
        store.finish(run.id)
        imported.append((run, records))
    return imported


def as_run(results: AsvResults) -> tuple[Run, list[Record]]:
    """A Run whose id is the commit's and environment's, and a Record for each case that the cells are about."""
    cases: dict[tuple[tuple[str, object], ...], dict[str, AsvCell]] = {}
    for cell in results.cells:
        if "solver" in dict(cell.params):
            cases.setdefault(cell.params, {})[cell.metric] = cell
    loaded: dict[str, Problem] = {}
    records = [
        record for params, cells in cases.items() if (record := _record(dict(params), cells, loaded)) is not None
    ]
    return _run(results, [record.case for record in records]), records


def _run(results: AsvResults, planned: Sequence[str]) -> Run:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(results.date_ms / 1000, UTC)
    machine = results.machine_params
    return Run(
        id=f"asv-{when:%Y%m%d-%H%M%S}-{results.commit[:8]}-{results.environment}",
        started_at=when.isoformat(timespec="seconds"),
        finished_at=when.isoformat(timespec="seconds"),
        command="asv run",
        # Nothing is in scope to vanish: the suite is a choice of cases, and benchmarks.json lists them.
        selection=Selection(problems=()),
        planned=tuple(planned),
        environment=Environment(
            cpu=machine.get("cpu", ""),
            cores=int(machine.get("num_cpu") or 1),
            memory_bytes=int(machine.get("ram") or 0),
            system=f"{machine.get('os', '')} {machine.get('arch', '')}",
            python=results.python,
            blas=(),
            versions=results.requirements,
            commit=results.commit,
            dirty=False,
        ),
    )


def _record(params: Mapping[str, object], cells: Mapping[str, AsvCell], loaded: dict[str, Problem]) -> Record | None:
    """The record of a case; None if it was skipped: every one of its cells is NaN."""
    values = {metric: cell.value for metric, cell in cells.items()}
    if all(value is not None and math.isnan(value) for value in values.values()):
        return None
    spec = str(params.get("problem") or f"synthetic:n={params['n']}")
    problem = loaded.setdefault(spec, problems.load(spec))
    solver = solvers.get(str(params["solver"]))
    device = str(params.get("device", "cpu"))
    options = {name: value for name, value in params.items() if name not in AXES}
    timed = cells.get("time_fit") or cells.get("time_epoch")
    said = "".join(f" {name}={text_of(value)}" for name, value in options.items())
    return Record(
        case=f"{problem.label} {solver.name} {device}{said}",
        problem=problem.label,
        problem_name=problem.name,
        family=problem.family,
        relation=problem.relation,
        problem_sha256=problem.sha256,
        n=len(problem.split.train),
        p=problem.p,
        solver=solver.name,
        kind=solver.kind,
        optimizer=solver.optimizer,
        device=device,
        threads=1,
        options=options,
        status=_status(values, solver.kind),
        message="a benchmark of this case failed" if None in values.values() else "",
        unit="" if timed is None else timed.metric.removeprefix("time_"),
        peak_bytes=_whole(values.get("peakmem_fit")),
        device_peak_bytes=_whole(values.get("track_device_peak_bytes")),
        accuracy=_accuracy(values, problem),
        samples=_samples(timed, device),
    )


def _status(values: Mapping[str, float | None], kind: Kind) -> Status:
    if None in values.values():
        return Status.ERROR
    if values.get("track_wrong"):
        return Status.WRONG
    excess = values.get("track_excess_loss")
    short = kind is Kind.ITERATIVE and excess is not None and not excess <= 1e-6  # noqa: PLR2004  # settle()'s
    return Status.NOT_CONVERGED if short else Status.OK


def _accuracy(values: Mapping[str, float | None], problem: Problem) -> Accuracy:
    lost, epochs = values.get("track_digits_lost"), values.get("track_epochs_to_tolerance")
    unexplained = values.get("track_unexplained_variance")
    part = "test" if len(problem.split.test) else "train"
    return Accuracy(
        digits=None if lost is None else MAX_DIGITS - lost,
        excess_loss=values.get("track_excess_loss"),
        excess_relative_to="optimum",
        epochs_to={} if epochs is None else {"1e-4": _whole(epochs)},
        r2={} if unexplained is None else {part: 1.0 - unexplained},
    )


def _samples(timed: AsvCell | None, device: str) -> Samples:
    """Take asv's samples where it kept them, else its median: CPU seconds on the CPU, wall seconds elsewhere."""
    if timed is None or timed.value is None or math.isnan(timed.value):
        return Samples()
    taken = timed.samples or (timed.value,)
    return Samples(cpu_s=taken) if device == "cpu" else Samples(wall_s=taken)


def _whole(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def existing_folder(folder: Path | None) -> Path:
    """The results folder that was named, or results/asv. Raises UsageError if a named one is no folder."""
    if folder is not None and not folder.is_dir():
        raise UsageError(f"no folder {folder}: --results names asv's results_dir")
    return folder or DEFAULT_FOLDER
