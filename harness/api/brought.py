"""What a Python user brings beside data: solvers, optimizers, schedulers and networks, as names and as objects."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from harness.errors import UsageError
from harness.solvers import catalog
from harness.solvers.brought.origin import place_of
from harness.solvers.brought.solver import name_of, solver_of
from harness.solvers.solver import Solver
from harness.solvers.training import optimizers as table
from harness.solvers.training.brought_optimizer import factory_of
from harness.solvers.training.torch_trained import TorchTrained

Parts = Mapping[str, Callable[..., Any]]
NO_PARTS: Mapping[str, object] = MappingProxyType({})


def parts_of(given: Mapping[str, object]) -> tuple[dict[str, str], Parts]:
    """The options `scheduler` and `network` as texts, and the functions that no place has, by these texts."""
    texts: dict[str, str] = {}
    parts: dict[str, Callable[..., Any]] = {}
    for option, one in given.items():
        if one is None:
            continue
        if isinstance(one, str):
            texts[option] = one
            continue
        if not callable(one):
            raise UsageError(f"{option} is a place or a function, not {type(one).__name__}")
        texts[option] = place_of(one) or name_of(one)
        if ":" not in texts[option]:
            parts[texts[option]] = one
    return texts, parts


def solvers_of(
    given: object, optimizers: object, parts: Parts = MappingProxyType({}), asked: Collection[str] = ()
) -> tuple[tuple[str, ...], dict[str, Solver]]:
    """The names of the solvers, in their order, and those that were brought as objects. A mapping names its solvers.

    An optimizer is two solvers, the linear model and the network, where both take the options `asked` for.
    `parts`: go along with every training.
    Raises UsageError for what is no solver or optimizer, and for a name that another has.
    """
    names: list[str] = []
    brought: dict[str, Solver] = {}
    for name, one in _pairs(given):
        if isinstance(one, str) and not name:
            names.append(one)
            continue
        found = solver_of(catalog.get(one) if isinstance(one, str) else one, name)
        _enter(found, found.name, names, brought)
    for name, one in _pairs(optimizers):
        if isinstance(one, str) and not name:
            names += catalog.trained(one, asked)
            continue
        called = name or name_of(one)
        if called in table.OPTIMIZERS:
            raise UsageError(f"'{called}' is an optimizer of the harness: name yours otherwise, as {{'mine': ...}}")
        entry = table.brought(factory_of(one, called), called)
        for model in catalog.models_of(asked).values():
            made = model(entry)
            _enter(made, made.name, names, brought)
    if parts:
        for name in names:
            solver = brought[name] if name in brought else catalog.get(name)
            if isinstance(solver, TorchTrained):
                brought[name] = solver.with_parts(parts)
    return tuple(names), brought


def _pairs(given: object) -> Iterable[tuple[str, Any]]:
    """One or many with their names, empty where they have none. A pipeline has a length, and is one all the same."""
    if isinstance(given, Mapping):
        return [(str(name), one) for name, one in given.items()]
    if given is None:
        return []
    return [("", one) for one in (given if isinstance(given, list | tuple | set | Iterator) else (given,))]


def _enter(solver: Solver, name: str, names: list[str], brought: dict[str, Solver]) -> None:
    if name in catalog.SOLVERS:
        raise UsageError(f"'{name}' is a solver of the harness: name yours otherwise, as {{'mine': ...}}")
    if name in names:
        raise UsageError(f"two solvers are called '{name}': name them, as {{'one': ..., 'other': ...}}")
    names.append(name)
    brought[name] = solver
