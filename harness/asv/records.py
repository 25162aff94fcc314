"""asv's results as a Run and Records: one record a case, whatever benchmarks measured it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from harness.errors import UsageError
from harness.measure.recording import identity_of
from harness.problems import catalog as problems
from harness.problems.columns import MOST_NUMBERS
from harness.problems.problem import Problem
from harness.records.asv_cells import AsvCell
from harness.records.asv_results import AsvResults
from harness.records.environment import Environment
from harness.records.labels import text_of
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.solvers import catalog as solvers
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from harness.verify.accuracy import Accuracy
from harness.verify.digits import MAX_DIGITS
from harness.verify.excess_loss import TOLERANCES

AXES = ("solver", "problem", "n", "device")
"""Parameters of a suite that are not options of the solver."""


METRICS = frozenset(
    {
        *("time_fit", "time_epoch", "peakmem_fit"),
        *("track_digits_lost", "track_excess_loss", "track_unexplained_variance", "track_wrong"),
        *("track_epochs_to_tolerance", "track_device_peak_bytes"),
    }
)
"""What the suites over harness.suite measure."""


def as_run(results: AsvResults, cells: Sequence[AsvCell] | None = None) -> tuple[Run, list[Record]]:
    """A Run whose id is the commit's and environment's, and a Record for each case that the cells are about.

    `cells`: those of the results that count; all unless given.
    """
    cases: dict[tuple[tuple[str, str | int | float], ...], dict[str, AsvCell]] = {}
    for cell in results.cells if cells is None else cells:
        if is_case(cell):
            cases.setdefault(cell.params, {})[cell.metric] = cell
    records = [record for params, cells in cases.items() if (record := _record(dict(params), cells)) is not None]
    return _run(results, [record.case for record in records]), records


def is_case(cell: AsvCell) -> bool:
    """Whether the suite is one over harness.suite, whose cells are cases: by the benchmark's name and its parameters.

    Another project's suite may have a parameter `solver` as well; its solvers are none of the harness's.
    """
    params = dict(cell.params)
    return cell.metric in METRICS and {"solver", "device"} <= params.keys() and _is_solver(str(params["solver"]))


def parted(results: AsvResults) -> tuple[AsvResults, AsvResults]:
    """The benchmarks over harness.suite, and all others: without a case of the harness there are none of the first."""
    mine = any(map(is_case, results.cells))
    own = tuple(one for one in results.benchmarks if mine and is_own_name(one.name))
    others = tuple(one for one in results.benchmarks if not (mine and is_own_name(one.name)))
    return replace(results, benchmarks=own), replace(results, benchmarks=others)


def is_own_name(name: str) -> bool:
    """Whether a benchmark is called as those over harness.suite are."""
    return name.rpartition(".")[2] in METRICS


@lru_cache(maxsize=256)
def _is_solver(name: str) -> bool:
    try:
        solvers.get(name)
    except UsageError:
        return False
    return True


def case_key(params: Mapping[str, object]) -> str:
    """A case's key: problem, solver, device and the options among the suite's parameters."""
    options = "".join(f" {name}={text_of(value)}" for name, value in params.items() if name not in AXES)
    return f"{_problem(params).label} {params['solver']} {params.get('device', 'cpu')}{options}"


@lru_cache(maxsize=32)
def _loaded(spec: str) -> Problem:
    return problems.named(spec, most_numbers=MOST_NUMBERS)


def _problem(params: Mapping[str, object]) -> Problem:
    if not (params.get("problem") or params.get("n")):
        raise UsageError(f"asv's results of {params['solver']} have neither a parameter 'problem' nor 'n'")
    return _loaded(str(params.get("problem") or f"synthetic:n={params['n']}"))


def _run(results: AsvResults, planned: Sequence[str]) -> Run:
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
            cores=_count(machine.get("num_cpu", "")) or 1,
            memory_bytes=_count(machine.get("ram", "")),
            system=f"{machine.get('os', '')} {machine.get('arch', '')}",
            python=results.python,
            blas=(),
            versions=results.requirements,
            commit=results.commit,
            dirty=False,
        ),
    )


def _count(text: str) -> int:
    """What asv says of a machine is free text: 0 where it is no whole number that a store can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004  # 2**63 has 19


def _record(params: Mapping[str, str | int | float], cells: Mapping[str, AsvCell]) -> Record | None:
    """The record of a case; None if it was skipped on a device that the machine lacks."""
    values = {metric: cell.value for metric, cell in cells.items()}
    skipped = all(cell.skipped for cell in cells.values())
    device = str(params.get("device", "cpu"))
    if skipped and device != "cpu":
        return None
    problem, solver = _problem(params), solvers.get(str(params["solver"]))
    options = {name: value for name, value in params.items() if name not in AXES}
    timed = cells.get("time_fit") or cells.get("time_epoch")
    return Record(
        case=case_key(params),
        **identity_of(problem, solver),
        device=device,
        threads=1,
        options=options,
        status=Status.UNSUPPORTED if skipped else _status(values, solver.kind),
        message="skipped" if skipped else "a benchmark of this case failed" if None in values.values() else "",
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
    short = kind is Kind.ITERATIVE and excess is not None and not excess <= TOLERANCES[-1]
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
    """None for what no count is; a store's integers have 64 bits."""
    return int(value) if value is not None and 0 <= value < 2**63 else None
