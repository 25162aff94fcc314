"""From what a sweep was asked for to its candidates: problems by optimizers, and their learning rates in chunks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from harness.errors import UsageError
from harness.measure.resume import check_data
from harness.problems import suites
from harness.problems.asked import asked_problems
from harness.problems.model import Model
from harness.problems.problem import NONLINEAR, Problem
from harness.problems.table_options import options_of
from harness.records.differences import moved
from harness.records.environment import environment
from harness.records.record import Kept
from harness.records.run import new_run_id, now, this_command
from harness.records.sweep import Sweep
from harness.solvers import catalog as solvers
from harness.solvers.options import Options, resolve
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_mlp import TorchMlp
from harness.solvers.training import engines
from harness.solvers.training.optimizers import Optimizer
from harness.solvers.training.training import Grid, Settings
from harness.sweep.candidate import LINEAR, MLP, Candidate
from harness.sweep.optimizer_text import Setting, parse_optimizer, varied
from harness.sweep.search import released, tries
from harness.timing.device import check_device

DEFAULT_RATES = "1e-4:10:3/decade"
"""From where 1000 epochs do not suffice to where gradient descent on standardised columns diverges (limit 1, p = 1)."""


class SweepRequest(Kept):
    """What a person asked for, as `harness sweep --resume` reads it back; `lr` ascends, seeds are 0 .. seeds - 1."""

    problems: tuple[str, ...] = ("auto_mpg",)
    target: str | None = None
    weights: str | None = None
    intercept: bool = True
    table: dict[str, str | bool | tuple[str, ...]] = Field(default_factory=dict)
    n: int | None = None
    optimizers: tuple[str, ...] = ("sgd", "momentum", "adam")
    lr: tuple[float, ...]
    seeds: int = 64
    epochs: int = 1000
    engine: str = "batched"
    device: str = "cpu"
    model: Literal["linear", "mlp"] | None = None
    hidden: tuple[int, ...] | None = None
    network: str | None = None
    scheduler: str | None = None
    loss: str | None = None
    batch: int | None = None
    dtype: str | None = None
    scale: str | None = None
    threads: int = 1
    widen: bool = False
    suite: str | None = None
    grid: tuple[str, ...] = ()
    budget: int | None = None
    studies: int = 3
    untuned: bool = False
    max_seconds: float | None = None


def candidates(request: SweepRequest) -> list[Candidate]:
    """Each problem with each optimizer, problem by problem.

    Raises UsageError, one line, for what is unknown, unusable or refused.
    """
    check_device(request.device)
    engines.get(request.engine)
    for name in ("seeds", "budget", "studies"):
        if (value := getattr(request, name)) is not None and value < 1:
            raise UsageError(f"--{name} is at least 1, not {value}")
    if request.max_seconds is not None and not 0 < request.max_seconds < math.inf:
        raise UsageError(f"--max-seconds is a positive number of seconds, not {request.max_seconds:g}")
    for name in ("hidden", "network"):
        if request.model == LINEAR and getattr(request, name) is not None:
            raise UsageError(f"--{name} is of the MLP: drop it, or say --model mlp")
    optimizers = [parse_optimizer(text) for text in varied(request.optimizers, request.grid)]
    found: dict[tuple[str, str], Candidate] = {}
    for problem, asked, suite, target in _workloads(request):
        for label, optimizer, settings in optimizers:
            made = replace(_candidate(problem, label, optimizer, settings, asked), suite=suite, target=target)
            found.setdefault(made.name, made)
    return list(found.values())


def _workloads(request: SweepRequest) -> list[tuple[Problem, SweepRequest, str, float | None]]:
    """Each problem with what is asked of it, the suite's label and the target; a suite's where one is named."""
    model = Model(request.target, request.weights, request.intercept, options_of(request.table))
    sizes = () if request.n is None else (request.n,)
    if request.suite is None:
        return [(problem, request, "", None) for _, problem in asked_problems(request.problems, model, sizes)]
    suite = suites.get(request.suite)
    changed = [
        f"{name} {value}"
        for name in ("n", "loss", "batch", "dtype", "scale", "scheduler", "intercept")
        if (value := getattr(request, name)) != SweepRequest.model_fields[name].default
    ]
    changed += [] if request.epochs == suite.epochs else [f"epochs {request.epochs}"]
    label = ", ".join([suite.label, *changed])
    loaded = asked_problems([one.problem for one in suite.workloads], model, sizes)
    return [
        (problem, request.model_copy(update={"hidden": one.hidden}), label, one.target)
        for one, (_, problem) in zip(suite.workloads, loaded, strict=True)
    ]


def new_sweep(request: SweepRequest, planned: Sequence[Candidate]) -> Sweep:
    """The sweep that a request makes, with the hash of each problem's data."""
    suite = {} if request.suite is None else {"suite": suites.get(request.suite).model_dump(mode="json")}
    return Sweep(
        id=new_run_id(),
        started_at=now(),
        command=this_command(),
        asked={
            "request": request.model_dump(mode="json"),
            "data": {candidate.problem.label: candidate.problem.sha256 for candidate in planned},
            "tables": {one.problem.label: texts for one in planned if (texts := _of_table(one.problem))},
        }
        | suite,
        environment=environment(devices=[request.device]),
    )


def _of_table(problem: Problem) -> list[str]:
    """What was done to a person's table."""
    return [f"left out: {name} ({reason})" for name, reason in problem.left_out] + list(problem.notes)


def asked_of(sweep: Sweep) -> tuple[SweepRequest, list[Candidate]]:
    """What a stored sweep was asked for. Raises UsageError if a problem's data are no longer what they were."""
    request = SweepRequest.model_validate(sweep.asked["request"])
    planned = candidates(request)
    then = sweep.asked["data"]
    known = {one.problem.label: "" for one in planned} | (then if isinstance(then, dict) else {})
    check_data(known, planned, f"sweep {sweep.id}", sweep.command)
    return request, planned


def moved_since(sweep: Sweep) -> str:
    """What of the machine and its libraries is no longer as when a sweep began; empty if nothing is."""
    here = environment(devices=[one.device for one in sweep.environment.devices])
    names = ", ".join(map(str, moved(sweep.environment, here)))
    return f"sweep {sweep.id} began with another {names}: its cells are of both" if names else ""


def _candidate(
    problem: Problem, label: str, optimizer: str, settings: dict[str, Setting], request: SweepRequest
) -> Candidate:
    nonlinear = problem.relation == NONLINEAR or request.hidden is not None or request.network is not None
    model = request.model or (MLP if nonlinear else LINEAR)
    solver = solvers.get(solvers.trained(optimizer)[model == MLP])
    assert isinstance(solver, TorchLinear | TorchMlp)  # noqa: S101  # these names are its
    asked = Options(
        device=request.device,
        threads=request.threads,
        dtype=request.dtype,
        loss=request.loss,
        epochs=request.epochs,
        batch=request.batch,
        engine=request.engine,
        scale=request.scale,
        hidden=request.hidden,
        network=request.network,
        scheduler=request.scheduler,
        **settings,  # type: ignore[arg-type]  # Options checks every value
    )
    options = replace(resolve(solver.name, solver.takes, asked, problem.recipe), lr=None, seed=None)
    points = _points(solver.entry, settings, request)
    seeds = tuple(range(request.seeds))
    grid = Grid(tuple(points), seeds, tuple(points.values()) if any(points.values()) else ())
    searched = request.untuned or request.budget is not None
    first = 0 if request.untuned else 1
    trials = {lr: number for number, lr in enumerate(points, first)} if searched else {}
    return Candidate(problem, solver, options, label, grid.at(sorted(points)), trials=trials, max_s=request.max_seconds)


def _points(entry: Optimizer, settings: Mapping[str, Any], request: SweepRequest) -> dict[float, Settings]:
    """The learning rates that are tried, in the order of the tries of a search, with what else is set there."""
    if request.untuned:
        return {released(entry): ()}
    if request.budget is None:
        return dict.fromkeys(request.lr, ())
    studies = (tries(entry, settings, request.budget, study) for study in range(request.studies))
    return {lr: own for study in studies for lr, own in study}
