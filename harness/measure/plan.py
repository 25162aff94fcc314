"""From what a person asked for to cases: the product of problems, solvers, devices and options."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, product
from types import MappingProxyType

from harness.config import config
from harness.errors import CannotMeasureError, UsageError
from harness.problems import catalog as problems
from harness.problems.asked import asked_problems
from harness.problems.model import Model
from harness.problems.problem import NONLINEAR, Problem, without_intercept
from harness.problems.table_options import NOTHING_SAID, TableOptions
from harness.problems.weights import weighted_by
from harness.records.labels import text_of
from harness.solvers import catalog as solvers
from harness.solvers.device_needs import lacking
from harness.solvers.options import Options, resolve
from harness.solvers.solver import Kind, Solver, needs_of
from harness.solvers.training import engines
from harness.solvers.training.trained import Trained
from harness.timing.device import check_device, devices

DEFAULT_SIZES = (1_000, 10_000, 100_000)
DEFAULT_LRS = (0.1, 0.01, 0.001, 0.0001)
DEFAULT_EPOCHS = 1000
"""Enough for lr 0.1 to reach 1e-6 on every tutorial problem trained on squared error; the rest is censored."""
TUTORIAL = "tutorial"
NONE: Mapping[str, Problem] = MappingProxyType({})
NO_SOLVERS: Mapping[str, Solver] = MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """A problem, a solver and the options it runs with, all resolved."""

    problem: Problem
    solver: Solver
    options: Options

    @property
    def requires(self) -> tuple[str, ...]:
        """Dotted names of the modules that its solver and its engine import."""
        return (*self.solver.requires, *engines.requires_of(self.options.engine))

    @property
    def trained(self) -> Trained | None:
        """The function that its linear model descends on; None of a curve."""
        return (
            None
            if self.solver.kind is Kind.CURVE
            else Trained.by(getattr(self.solver, "entry", self.solver.optimizer), self.options)
        )

    @property
    def uses_torch(self) -> bool:
        """Whether torch is loaded for it: by its solver, or since a device is torch's to wait for."""
        return self.options.device != "cpu" or any(name.partition(".")[0] == "torch" for name in self.requires)

    @property
    def key(self) -> str:
        """The case's identity over runs: problem, solver, device and every option."""
        given = {"threads": self.options.threads, **self.options.given()}
        return " ".join(
            [self.problem.label, self.solver.name, self.options.device]
            + [f"{name}={text_of(value)}" for name, value in given.items()]
        )


@dataclass(frozen=True)
class Request:
    """What a person asked for; an empty tuple means the default. `options` holds what is not an axis.

    `weights`: the column of every problem that holds the rows' weights. `intercept` False: every problem without its
    intercept. `table`: what is said of a file. `machine`: of a night the name of the machine.
    """

    problems: tuple[str, ...] = ()
    solvers: tuple[str, ...] = ()
    device: str = "auto"
    n: tuple[int, ...] = ()
    lr: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    target: str | None = None
    weights: str | None = None
    intercept: bool = True
    table: TableOptions = NOTHING_SAID
    options: Options = field(default_factory=Options)
    machine: str = ""

    @property
    def asked(self) -> dict[str, tuple[object, ...]]:
        """Each axis and option that was asked for, with its values."""
        given = {name: (value,) for name, value in self.options.given().items()}
        axes: dict[str, tuple[object, ...]] = {"n": self.n, "lr": self.lr, "seed": self.seeds}
        axes["device"] = (self.device,) if self.device not in ("auto", "all") else ()
        return given | {name: values for name, values in axes.items() if values}

    @property
    def model(self) -> Model:
        """What was said of every problem."""
        return Model(self.target, self.weights, self.intercept, self.table)

    def model_of(self, problem: Problem) -> Problem:
        """The problem with the model that was asked for."""
        found = problem if self.weights is None else weighted_by(problem, self.weights)
        return found if self.intercept else without_intercept(found)


def with_defaults(request: Request) -> Request:
    """The request with what the repository says (harness.config), where it names no problem or no solver.

    Rows that are asked for are of a drawn problem, as ever. Raises UsageError as `config` does.
    """
    said = config().content
    return replace(
        request,
        problems=request.problems or (() if request.n else said.problems),
        solvers=request.solvers or said.solvers,
    )


def plan(request: Request, own: Mapping[str, Problem] = NONE, brought: Mapping[str, Solver] = NO_SOLVERS) -> list[Case]:
    """The cases of a request, problem by problem.

    `own` holds problems that no catalog and no file has, by label; `brought` such solvers, by name.

    A solver that was named must take every option that was asked for, but beside trainings a closed form need not take
    what only trainings have (`of_trainings`). With the default solvers an option goes to those that take it. Raises
    UsageError for what is unknown, unusable or refused, CannotMeasureError if nothing is left.
    """
    if request.device != "auto":
        check_device(request.device)
    named = [brought[name] if name in brought else solvers.get(name) for name in dict.fromkeys(request.solvers)]
    cases = [
        case
        for problem in _problems(request, own)
        for solver in named or _suitable(problem)
        for case in _cases(problem, solver, request, of_trainings(named) if named else None)
    ]
    _refuse_unused(request, cases)
    if not cases:
        raise CannotMeasureError("nothing was selected: 'harness list problems' and 'harness list solvers' say what is")
    return cases


def single(problem: Problem, solver: Solver, asked: Options) -> Case:
    """One case with the problem's own recipe, as `harness fit` runs it."""
    return Case(problem, solver, resolve(solver.name, solver.takes, asked, problem.recipe))


def _problems(request: Request, own: Mapping[str, Problem]) -> Iterator[Problem]:
    """Each problem that was named, at each n where one is drawn; else the tutorials' and the synthetic sizes."""
    specs = list(dict.fromkeys(request.problems))
    if specs:
        for brought, named in groupby(specs, own.__contains__):
            if brought:
                yield from (request.model_of(own[spec]) for spec in named)
            else:
                yield from (found for _, found in asked_problems(list(named), request.model, request.n))
        return
    for option in ["--target"] if request.target is not None else request.table.words()[:1]:
        raise UsageError(f"{option} goes with --problem FILE")
    if not request.n:
        stored = map(problems.load, problems.sidecars())
        yield from (request.model_of(found) for found in stored if found.family == TUTORIAL)
    for n in request.n or DEFAULT_SIZES:
        yield request.model_of(problems.load("synthetic", n=n))


def _suitable(problem: Problem) -> list[Solver]:
    """The solvers of the default grid: a trained line for data with a line in them, a curve for the others."""
    unsuited = Kind.ITERATIVE if problem.relation == NONLINEAR else Kind.CURVE
    return [solver for solver in solvers.CORE if solver.kind is not unsuited]


def of_trainings(named: Sequence[Solver]) -> frozenset[str]:
    """Options that trainings among these solvers take and no closed form of the catalog: epochs, lr, batch, ..."""
    closed = {name for solver in solvers.SOLVERS.values() if "epochs" not in solver.takes for name in solver.takes}
    return frozenset(name for solver in named if "epochs" in solver.takes for name in solver.takes) - closed


def passed_by(solver: Solver, name: str, left: Collection[str] | None) -> bool:
    """Whether an option that was asked for is not meant for this solver.

    `left`: of solvers that were named the options that are trainings' alone; None: of the default ones.
    """
    if name in solver.takes:
        return False
    return left is None or (name in left and "epochs" not in solver.takes)


def meant_for(solver: Solver, asked: Options, left: Collection[str] | None) -> Options:
    """What was asked for, less what is not meant for this solver."""
    return replace(asked, **{name: None for name in asked.given() if passed_by(solver, name, left)})  # type: ignore[arg-type]  # None is no value


def _cases(problem: Problem, solver: Solver, request: Request, left: Collection[str] | None) -> Iterator[Case]:
    trained, named = "epochs" in solver.takes, left is not None
    lrs = () if passed_by(solver, "lr", left) else request.lr or (DEFAULT_LRS if trained else ())
    seeds = () if passed_by(solver, "seed", left) else request.seeds
    asked = meant_for(solver, request.options, left)
    if trained and asked.epochs is None:
        asked = replace(asked, epochs=DEFAULT_EPOCHS)
    for device in _devices(solver, request.device, named=named):
        for lr, seed in product(lrs or (None,), seeds or (None,)):
            case = single(problem, solver, replace(asked, device=device, lr=lr, seed=seed))
            if named or device == request.device or not lacking(device, needs_of(solver, case.options)):
                yield case


def _devices(solver: Solver, wanted: str, *, named: bool) -> list[str]:
    """The devices to run a solver on; a named solver on a device it lacks is a row that says so."""
    if wanted in ("auto", "all"):
        here = [device.name for device in devices() if not device.unavailable] if len(solver.devices) > 1 else ["cpu"]
        return [name for name in here if name in solver.devices]
    return [wanted] if named or wanted.partition(":")[0] in solver.devices else []


def _refuse_unused(request: Request, cases: list[Case]) -> None:
    """An option that no selected solver takes is refused, not ignored."""
    taken = {name for case in cases for name in case.solver.takes}
    for name in sorted(set(request.asked) - {"n", "device"} - taken):
        option = f"--{name.replace('_', '-')}"
        raise UsageError(f"no selected solver takes {name}: drop {option}, or name a solver that does")
