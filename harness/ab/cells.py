"""Which cases are compared: as a person names them, and by the key that records have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from harness.config import config
from harness.cores.usable import thread_count
from harness.errors import UsageError, counted
from harness.measure.plan import DEFAULT_EPOCHS, meant_for, of_trainings, single
from harness.problems.asked import asked_problems
from harness.problems.labels import spec_of
from harness.problems.model import ANY, Model
from harness.problems.problem import OWN, Problem
from harness.solvers import catalog as solvers
from harness.solvers.options import Options

CLOSED_FORMS = ("numpy_lstsq", "sklearn", "normal_equations")
SIZES = (1_000, 10_000, 100_000)
TRAININGS = (("auto_mpg", "torch_sgd"), ("auto_mpg", "torch_adam"), ("sine", "mlp_adam"))
DEFAULT_CELLS = (*((f"synthetic:n={n}", solver) for solver in CLOSED_FORMS for n in SIZES), *TRAININGS)
"""Twelve: calls of 30 us to 11 ms, of BLAS, LAPACK, scikit-learn and torch."""


@dataclass(frozen=True)
class Benchmark:
    """A cell that is none of the harness's: a benchmark of an asv suite, or a plain callable.

    `order`: what a worker is told of it. `params`: names and values, as asv writes them. `is_time`: it is timed; else
    it has a value, in `unit`. `is_fresh`: only a process of its own has it, as a peak of memory. `timeout_s`: for its
    setup, and for one turn of calls; `cache_timeout_s`: for what its setups share. `failed`: by side, why neither can
    measure it, where that is known before.
    """

    order: Mapping[str, object]
    params: tuple[tuple[str, str], ...] = ()
    is_time: bool = True
    is_fresh: bool = False
    unit: str = "seconds"
    timeout_s: float = 120.0
    cache_timeout_s: float = 0.0
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_suites(self) -> bool:
        """Whether it is of a suite, a file of which is imported for it."""
        return "place" in self.order


@dataclass(frozen=True)
class CellSpec:
    """One case: `spec` has a worker load the problem, `problem` is its label, `case` the key that records have.

    `imports`: the modules that its solver needs. `spreads`: the standard deviation of each column, by name.

    A benchmark has its name as problem, no solver, and `case` is its name with its parameters.
    """

    case: str
    problem: str
    solver: str
    spec: str
    device: str = "cpu"
    options: Mapping[str, object] = field(default_factory=dict)
    benchmark: Benchmark | None = None
    imports: tuple[str, ...] = ()
    spreads: Mapping[str, float] = field(default_factory=dict)

    @property
    def threads(self) -> int:
        """That the case is given."""
        return int(str(self.options.get("threads", 1)))

    @property
    def order(self) -> dict[str, object]:
        """What a worker is told to prepare."""
        if self.benchmark is not None:
            return {"cell": self.case, **self.benchmark.order}
        return {
            "cell": self.case,
            "problem": self.spec,
            "solver": self.solver,
            "device": self.device,
            "options": dict(self.options),
            "imports": list(self.imports),
        }


def cells(
    specs: Sequence[str] = (),
    names: Sequence[str] = (),
    asked: Options | None = None,
    *,
    project: bool = False,
    model: Model = ANY,
) -> list[CellSpec]:
    """Every problem with every solver; where neither is named what harness.toml names, else the default twelve.

    Only problems: with the closed forms of the twelve; only solvers: on their three sizes. Trainings have the epochs
    that `harness run` gives them: their whole fit is only for the accuracy. `project`: of somebody's project, of which
    solvers must be named. `model`: what is said of every problem. A file is read as it lies here, by both versions.
    Raises UsageError for an unknown name, a refused option, more threads than cores, or no solver of a project.
    """
    said = config().content
    specs, names = specs or said.problems, names or said.solvers
    if project and not names:
        raise UsageError(
            "no solver of this project is named: give --solver package.module:name, or say it in harness.toml"
        )
    asked = asked or Options()
    thread_count(asked.threads)
    left = of_trainings([solvers.get(name) for name in names])
    found = (_cell(*one, asked, left, model) for one in _pairs(specs, names, model))
    return list({cell.case: cell for cell in found}.values())


def _pairs(specs: Sequence[str], names: Sequence[str], model: Model) -> list[tuple[str, Problem, str]]:
    """What is compared: each problem as it is named and loaded, with the name of a solver."""
    if specs or names:
        found = asked_problems(specs or [f"synthetic:n={n}" for n in SIZES], model)
        return [(*one, name) for one, name in product(found, names or CLOSED_FORMS)]
    if model != ANY:
        raise UsageError("--target and what is said of a table go with --problem FILE")
    return [(spec, problem, name) for spec, name in DEFAULT_CELLS for _, problem in asked_problems([spec])]


def _cell(spec: str, problem: Problem, name: str, asked: Options, left: frozenset[str], model: Model) -> CellSpec:
    """The cell of one problem and solver; `left`: the options that are trainings' alone."""
    solver = solvers.get(name)
    own = meant_for(solver, asked, left)
    own = own if own.epochs or "epochs" not in solver.takes else replace(own, epochs=DEFAULT_EPOCHS)
    case = single(problem, solver, own)
    return CellSpec(
        case.key,
        problem.label,
        name,
        spec if model == ANY and problem.family != OWN else spec_of(problem),
        own.device,
        own.given() | ({"threads": own.threads} if own.threads > 1 else {}),
        imports=tuple(name for name in case.requires if not name.startswith("harness")),
        spreads=_spreads(problem),
    )


def one_case(found: Sequence[CellSpec], named: str) -> CellSpec:
    """The only one. Raises UsageError where what was `named` is several: a folder of files."""
    if len(found) != 1:
        raise UsageError(f"{named}: {counted(len(found), 'case')}; name one file")
    return found[0]


def _spreads(problem: Problem) -> dict[str, float]:
    """The standard deviation of each column over the training rows."""
    return dict(zip(problem.features, np.std(problem.rows("train")[0], axis=0).tolist(), strict=True))
