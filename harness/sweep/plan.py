"""From what a sweep was asked for to its candidates: problems by optimizers, and their learning rates in chunks."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise, product
from typing import Any, Literal, NamedTuple

from pydantic import Field

from harness.errors import UsageError, unknown
from harness.measure.plan import Case
from harness.measure.resume import check_data
from harness.problems import suites
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
from harness.solvers.training.engine import TOGETHER
from harness.solvers.training.optimizers import PAIRS, PRESETS, Optimizer, is_brought
from harness.solvers.training.trained import Trained
from harness.solvers.training.training import Grid, Settings, Training
from harness.sweep.search import released, tries
from harness.timing.device import check_device

TRUTHS = {"1": True, "true": True, "0": False, "false": False}
LINEAR, MLP = "linear", "mlp"
MODELS = (LINEAR, MLP)
DEFAULT_RATES = "1e-4:10:3/decade"
"""From where 1000 epochs do not suffice to where gradient descent on standardised columns diverges (limit 1, p = 1)."""


Setting = float | bool | tuple[float, ...]


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

    A learning rate is in the grid, from the plan to the engine; the options have none, and no seed. `suite` and
    `max_s`: as a Cell has them; `trials`: of a search the number of each learning rate's try; `target`: the tightest
    relative excess loss that is looked for, the harness's own without.
    """

    solver: TorchLinear | TorchMlp
    optimizer: str
    grid: Grid
    suite: str = ""
    target: float | None = None
    trials: Mapping[float, int] = field(default_factory=dict)
    max_s: float | None = None

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
        shared = self.options.threads if self.options.engine == "batched" else 1
        return 1 if self.options.engine == "loop" else shared * TOGETHER[self.model]

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
        return replace(self, grid=self.grid.at(lr))

    def trial_of(self, lr: float) -> int | None:
        """The number of the try of a search that has this learning rate."""
        return self.trials.get(lr)

    @property
    def epoch_flops(self) -> float | None:
        """Arithmetic operations of an epoch: products forward and back over the rows, and the optimizer's steps.

        Of W weights a product over n rows has 2 n W; a linear model's gradient needs none for its inputs: 4 n W, and a
        network's 6 n W (Kaplan et al. 2020, arXiv:2001.08361, table 1).
        """
        if self.training.entry.flops is None or self.options.network is not None:
            return None
        n, p = len(self.problem.split.train), self.problem.p
        widths = (p, *(self.options.hidden or ()), 1)
        weights = sum((a + 1) * b for a, b in pairwise(widths))
        steps = 1 if self.options.batch is None else max(1, math.ceil(n / self.options.batch))
        return float((4 if self.training.is_linear else 6) * n * weights + self.training.entry.flops * weights * steps)

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


def varied(optimizers: Sequence[str], grid: Sequence[str]) -> list[str]:
    """The optimizers as their settings are varied: `betas=0.9,0.95:0.99,0.999` makes four of each that has betas.

    Raises UsageError for a text that is none, or a setting that none of them takes.
    """
    found = list(optimizers)
    for text in grid:
        name, equal, values = text.partition("=")
        lists = [part.split(",") for part in values.split(":")]
        if not equal or not all(all(part) for part in lists) or len(lists) != len(PAIRS.get(name, (name,))):
            raise UsageError(
                f"--grid '{text}': name=0.9,0.95 is wanted, and of betas two lists, as betas=0.9,0.95:0.99"
            )
        takers = [one for one in found if name in parse_settings(one)]
        if not takers:
            raise UsageError(f"--grid '{text}': none of {', '.join(optimizers)} has a setting {name}")
        found = [
            new
            for one in found
            for new in (
                [f"{one}{',' if ':' in one else ':'}{name}={','.join(point)}" for point in product(*lists)]
                if one in takers
                else [one]
            )
        ]
    return found


def parse_settings(text: str) -> tuple[str, ...]:
    """The settings that the optimizer takes which a text begins with; none of one that somebody brings."""
    name = text.partition(":")[0]
    return PRESETS[name][0].settings if name in PRESETS else ()


def parse_optimizer(text: str) -> tuple[str, str, dict[str, Setting]]:
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
    given: dict[str, Setting] = {}
    for part in filter(None, re.split(r",(?=[^,=]*=)", rest)):
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
        name + ":" * bool(given) + ",".join(f"{key}={_shown(given[key])}" for key in optimizer.settings if key in given)
    )
    return label, optimizer.name, settings


def _shown(value: Setting) -> str:
    return ",".join(short(float(one)) for one in (value if isinstance(value, tuple) else (value,)))


def _value(key: str, value: str, text: str) -> Setting:
    if key in PAIRS:
        parts = value.split(",")
        if len(parts) != len(PAIRS[key]):
            raise UsageError(f"--optimizer '{text}': {key} are {len(PAIRS[key])} numbers, not '{value}'")
        return tuple(float(str(_value("", part, text))) for part in parts)
    if key == "nesterov":
        if value.lower() not in TRUTHS:
            raise UsageError(f"--optimizer '{text}': nesterov is 1 or 0, not '{value}'")
        return TRUTHS[value.lower()]
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
        raise UsageError(f"--optimizer '{text}': {key} is a number, not '{value}'")
    return float(value)
