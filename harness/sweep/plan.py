"""From what a sweep was asked for to its candidates: problems by optimizers, and their learning rates in chunks."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import Field

from harness.errors import UsageError, unknown
from harness.measure.plan import Case
from harness.measure.resume import check_data
from harness.problems.asked import asked_problems
from harness.problems.model import Model
from harness.problems.problem import NONLINEAR, Problem, short
from harness.problems.table_options import options_of
from harness.records.environment import environment, moved
from harness.records.record import Kept
from harness.records.run import new_run_id, now, this_command
from harness.records.sweep import Sweep
from harness.solvers import catalog as solvers
from harness.solvers.options import Options, resolve
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_mlp import TorchMlp
from harness.solvers.training import engines
from harness.solvers.training.optimizers import PRESETS, is_brought
from harness.solvers.training.trained import Trained
from harness.solvers.training.training import Grid, Training
from harness.timing.device import check_device

TRUTHS = {"1": True, "true": True, "0": False, "false": False}
LINEAR, MLP = "linear", "mlp"
MODELS = (LINEAR, MLP)
TOGETHER = {LINEAR: 256, MLP: 64}
"""Most trainings that an engine is given at once. Measured on one core: beyond these a training costs no less."""
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


class JudgedBy(NamedTuple):
    """A problem by label and hash, a network by its layers or its place, and the function that is descended on."""

    problem: str
    sha256: str
    hidden: tuple[int, ...] | None
    network: str | None
    trained: Trained


@dataclass(frozen=True)
class Candidate(Case):
    """An optimizer with its settings on a model over a problem, at the learning rates and seeds of a grid.

    A learning rate is in the grid, from the plan to the engine; the options have none, and no seed.
    """

    solver: TorchLinear | TorchMlp
    optimizer: str
    grid: Grid

    @property
    def name(self) -> tuple[str, str]:
        """The problem's label and the optimizer's."""
        return self.problem.label, self.optimizer

    @cached_property
    def training(self) -> Training:
        """What an engine is given."""
        return self.solver.training(self.problem, self.options)

    @property
    def doing(self) -> str:
        """What is said while it is trained."""
        lr = self.grid.lr
        between = f"{lr[0]:g}" if len(lr) == 1 else f"{lr[0]:g} to {lr[-1]:g}"
        return f"{self.problem.label} {self.optimizer} lr {between}"

    @property
    def judged_by(self) -> JudgedBy:
        """What its goal depends on."""
        hidden, network = self.options.hidden, self.options.network
        return JudgedBy(self.problem.label, self.problem.sha256, hidden, network, self.training.trained)

    @property
    def loop(self) -> Case:
        """The textbook loop at the grid's first learning rate and seed, of which an epoch is timed."""
        options = replace(self.options, engine="loop", lr=self.grid.lr[0], seed=self.grid.seeds[0])
        return Case(self.problem, self.solver, options)

    @property
    def model(self) -> str:
        """`linear` or `mlp`."""
        return MLP if "hidden" in self.solver.takes else LINEAR

    @property
    def most_together(self) -> int | None:
        """How many trainings go together: one learning rate's with the loop, all with the oracle (None)."""
        if self.options.engine == "oracle":
            return None
        return 1 if self.options.engine == "loop" else TOGETHER[self.model]

    @property
    def batches(self) -> int:
        """In how many batches the grid's trainings are done; those by replayed graphs are each one's own."""
        together = 1 if self.options.engine == "graphed" else self.most_together
        return math.ceil(len(self.grid.cases) / (together or len(self.grid.cases)))

    @property
    def epochs(self) -> int:
        """Of all trainings of the grid together."""
        return len(self.grid.cases) * self.training.epochs

    def at(self, lr: Sequence[float]) -> "Candidate":
        """The same at these learning rates."""
        return replace(self, grid=replace(self.grid, lr=tuple(lr)))

    @property
    def chunks(self) -> "list[Candidate]":
        """What is worked on together and stored together: at least one learning rate, in order."""
        lr, together = self.grid.lr, self.most_together
        size = len(lr) if together is None else max(1, together // len(self.grid.seeds))
        return [self.at(lr[start : start + size]) for start in range(0, len(lr), max(size, 1))]


def candidates(request: SweepRequest) -> list[Candidate]:
    """Each problem with each optimizer, problem by problem.

    Raises UsageError, one line, for what is unknown, unusable or refused.
    """
    check_device(request.device)
    engines.get(request.engine)
    if request.seeds < 1:
        raise UsageError(f"--seeds is at least 1, not {request.seeds}")
    for name in ("hidden", "network"):
        if request.model == LINEAR and getattr(request, name) is not None:
            raise UsageError(f"--{name} is of the MLP: drop it, or say --model mlp")
    model = Model(request.target, request.weights, request.intercept, options_of(request.table))
    sizes = () if request.n is None else (request.n,)
    loaded = [problem for _, problem in asked_problems(request.problems, model, sizes)]
    optimizers = [parse_optimizer(text) for text in request.optimizers]
    found: dict[tuple[str, str], Candidate] = {}
    for problem in loaded:
        for label, optimizer, settings in optimizers:
            made = _candidate(problem, label, optimizer, settings, request)
            found.setdefault(made.name, made)
    return list(found.values())


def new_sweep(request: SweepRequest, planned: Sequence[Candidate]) -> Sweep:
    """The sweep that a request makes, with the hash of each problem's data."""
    return Sweep(
        id=new_run_id(),
        started_at=now(),
        command=this_command(),
        asked={
            "request": request.model_dump(mode="json"),
            "data": {candidate.problem.label: candidate.problem.sha256 for candidate in planned},
            "tables": {one.problem.label: texts for one in planned if (texts := _of_table(one.problem))},
        },
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
    problem: Problem, label: str, optimizer: str, settings: dict[str, float | bool], request: SweepRequest
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
    return Candidate(problem, solver, options, label, Grid(request.lr, tuple(range(request.seeds))))


def parse_optimizer(text: str) -> tuple[str, str, dict[str, float | bool]]:
    """`momentum:weight_decay=0.1` as its label, torch's optimizer and what is set in it.

    The label is the text with its settings in torch's order and its numbers in their shortest form.
    One that somebody brings, `package.module:Class:betas=0.9,0.99`, is its own label, and has its settings itself.
    Raises UsageError for an unknown preset, a setting that the optimizer does not take or that is given
    twice, or a value that is none.
    """
    name, _, rest = text.partition(":")
    if name not in PRESETS and is_brought(text):
        return text, text, {}
    if name not in PRESETS:
        raise unknown("optimizer", name, PRESETS)
    optimizer, preset = PRESETS[name]
    given: dict[str, float | bool] = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in optimizer.settings:
            raise unknown(f"setting of {name}", key, optimizer.settings)
        if key in given:
            raise UsageError(f"--optimizer '{text}' says {key} twice")
        given[key] = _value(key, value, text)
    settings = {**preset, **given}
    if settings.get("nesterov") and not settings.get("momentum"):
        raise UsageError(f"--optimizer '{text}': nesterov needs a momentum: sgd:momentum=0.9,nesterov=1")
    label = (
        name
        + ":" * bool(given)
        + ",".join(f"{key}={short(float(given[key]))}" for key in optimizer.settings if key in given)
    )
    return label, optimizer.name, settings


def _value(key: str, value: str, text: str) -> float | bool:
    if key == "nesterov":
        if value.lower() not in TRUTHS:
            raise UsageError(f"--optimizer '{text}': nesterov is 1 or 0, not '{value}'")
        return TRUTHS[value.lower()]
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
        raise UsageError(f"--optimizer '{text}': {key} is a number, not '{value}'")
    return float(value)
