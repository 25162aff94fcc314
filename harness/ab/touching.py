"""Which solvers an upgrade can touch: those whose libraries are the packages, or need them."""

from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.ab.requirements import holds
from harness.errors import UsageError
from harness.plugins import SOLVERS, plugins
from harness.solvers import catalog
from harness.solvers.solver import Kind, Solver, missing_library

JUDGED = (Kind.CLOSED_FORM, Kind.ITERATIVE)
"""What an exact answer judges; a curve and a baseline have none."""


def touching(packages: Collection[str]) -> list[str]:
    """The names of the solvers that are installed here and use one of the packages, by canonical names; all for none.

    Of other people's solvers, each of which loads libraries of its own, those that the packages are of. Raises
    UsageError where none does.
    """
    if not packages:
        return [one.name for one in catalog.CORE if one.kind is Kind.CLOSED_FORM and _is_judged(one)]
    tops = packages_distributions()
    found = [one.name for one in catalog.CORE if _is_judged(one) and not needs(one, tops).isdisjoint(packages)]
    found += [one.name for one in catalog.PEERS if _is_judged(one) and not own(one, tops).isdisjoint(packages)]
    found += [one.name for one in plugins(SOLVERS) if not _closure(canonicalize_name(one.package)).isdisjoint(packages)]
    if not found:
        names = ", ".join(sorted(packages))
        raise UsageError(f"no solver here uses {names}: name yours with --solver package.module:name")
    return found


def needs(solver: Solver, tops: Mapping[str, list[str]]) -> set[str]:
    """The distributions that a solver's modules are of and all that these require; `tops`: by top-level module."""
    return {name for one in own(solver, tops) for name in _closure(one)}


def own(solver: Solver, tops: Mapping[str, list[str]]) -> set[str]:
    """The distributions that a solver's modules are of."""
    modules = {name.partition(".")[0] for name in solver.requires} - {"harness"}
    return {canonicalize_name(one) for module in modules for one in tops.get(module, ())}


def _is_judged(solver: Solver) -> bool:
    return solver.kind in JUDGED and missing_library(solver.requires) is None


@cache
def _closure(package: str) -> frozenset[str]:
    """A distribution and what it requires here, extras apart, and what that requires."""
    seen: set[str] = set()
    waiting = [package]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            wanted = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue
        waiting += [canonicalize_name(one.name) for one in wanted if holds(one)]
    return frozenset(seen)
