"""From what somebody brings to a Solver: `solver_of`, the one function that all who take such things call."""

import inspect
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.plugins import last_line_of
from harness.problems.problem import Problem
from harness.solvers.brought.estimator import Estimator
from harness.solvers.brought.function import Function, is_model_class
from harness.solvers.brought.origin import Source
from harness.solvers.brought.spec import parse
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Prepared, Solver

CONTRACT = ("name", "kind", "takes", "unsupported", "prepare")
"""By which an object with this project's own contract is known."""
LONGEST_NAME = 60
"""Of what is shown in a table's first column."""
FORMS = "an estimator with fit(X, y), a function f(X, y), a class of models, or an object with the Solver contract"


class Brought:
    """A Solver around what was brought: `solver` does the work, `source` says where it is from."""

    def __init__(self, solver: Solver, given: Any, name: str, spec: str = "") -> None:
        """`given`: what was brought; `name`: as the records have it."""
        self.solver, self.name = solver, name
        self.source = Source(given, spec, repr(given) if _says_its_settings(given) else "")

    @property
    def title(self) -> str:
        """What it is, for a person."""
        return str(getattr(self.solver, "title", "") or self.name)

    @property
    def kind(self) -> Kind:
        """What it claims."""
        return Kind(self.solver.kind)

    @property
    def optimizer(self) -> str | None:
        """The optimizer of a training."""
        return getattr(self.solver, "optimizer", None)

    @property
    def takes(self) -> Mapping[str, object]:
        """Option -> default."""
        return self.solver.takes

    @property
    def devices(self) -> tuple[str, ...]:
        """`cpu`, `cuda`."""
        return tuple(getattr(self.solver, "devices", ("cpu",)))

    @property
    def weighted(self) -> bool:
        """Whether it takes weights."""
        return bool(getattr(self.solver, "weighted", False))

    @property
    def requires(self) -> tuple[str, ...]:
        """Its own requirements, and the module that it is in."""
        return (*getattr(self.solver, "requires", ()), *filter(None, (self.source.origin.module,)))

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Why not, or None."""
        return self.solver.unsupported(problem, options)

    def prepare(self, problem: Problem, options: Options) -> Prepared:
        """As the solver does it."""
        return self.solver.prepare(problem, options)


def solver_of(given: Any, name: str = "", spec: str = "") -> Brought:
    """The Solver of an estimator (or its class), a function, a class of statistical models, or an object with our own.

    `name`: as records have it; by default what it calls itself: `Ridge(alpha=0)`, `my_function`. `spec`: where it was
    found, if it was. Raises UsageError for what is none of these.
    """
    made = _instance(given.source.given if isinstance(given, Brought) else given)
    called = name or name_of(made)
    if _keeps_contract(made):
        return Brought(made, made, name or str(made.name), spec)
    if not inspect.isclass(made) and callable(getattr(made, "fit", None)):
        if _needs_no_data(made.fit):
            raise UsageError(f"{called} holds its data already: give its class, or a function f(X, y)")
        return Brought(Estimator(made, called), made, called, spec)
    if callable(made):
        return Brought(Function(made, called), made, called, spec)
    raise UsageError(f"{type(given).__name__} is no solver: give {FORMS}")


def solver_at(text: str) -> Brought:
    """The solver at a place, `package.module:name[:settings]`. Raises UsageError where it cannot be had."""
    made = parse(text).made()
    try:
        return solver_of(made, text, text)
    except UsageError as error:
        raise UsageError(f"'{text}': {error}") from None


def name_of(given: Any) -> str:
    """What it calls itself, in one word: an estimator's class with its settings, a function's name."""
    if inspect.isclass(given) or inspect.isroutine(given):
        return str(given.__name__).strip("<>")
    kind = type(given).__name__
    text = "".join(repr(given).split()) if _says_its_settings(given) else kind
    if not text.startswith(kind) and hasattr(given, "func"):
        return name_of(given.func)
    if len(text) > LONGEST_NAME:
        steps = [type(step).__name__ for _, step in getattr(given, "steps", ())]
        return f"{kind}({','.join(steps)})" if steps else kind
    return text


def _says_its_settings(given: Any) -> bool:
    """Whether its text is its own, and not Python's, which says where in memory it is."""
    return not inspect.isclass(given) and not inspect.isroutine(given) and " at 0x" not in repr(given)


def _keeps_contract(given: Any) -> bool:
    return not inspect.isclass(given) and all(hasattr(given, name) for name in CONTRACT)


def _instance(given: Any) -> Any:
    """A class of estimators or solvers is made an object, by its defaults."""
    if not inspect.isclass(given) or is_model_class(given):
        return given
    if not (callable(getattr(given, "fit", None)) or callable(getattr(given, "prepare", None))):
        raise UsageError(f"{given.__name__} is no solver: give {FORMS}")
    try:
        return given()
    except Exception as error:  # noqa: BLE001  # somebody's constructor may raise anything
        raise UsageError(
            f"{given.__name__} cannot be made without arguments ({last_line_of(error)}): give an object"
        ) from None


def _needs_no_data(fit: Any) -> bool:
    """Whether `fit` has no parameters for X and y."""
    try:
        known = inspect.signature(fit).parameters.values()
    except (TypeError, ValueError):
        return False
    takes = [one for one in known if one.kind not in (one.KEYWORD_ONLY, one.VAR_KEYWORD)]
    return not any(one.default is one.empty for one in takes)
