"""What of two environments is another: whether measurements of both are of one thing."""

from collections.abc import Collection
from dataclasses import dataclass

from harness.records.environment import EVERY_RUN, Environment, distribution_of, libraries
from harness.records.record import Record
from harness.solvers import catalog
from harness.solvers.training import engines

COMPARED = ("cpu", "cores", "system", "python", "gpu", "driver", "cuda", "commit")
"""Fields by which two environments are compared, beside BLAS and the versions of libraries."""
BLAS = "BLAS"
STATE_OF = "the state of "
"""Before a device's name, what its description is compared as."""


@dataclass(frozen=True)
class Difference:
    """One thing that two environments say differently, as text; None where one says nothing of it."""

    name: str
    then: str | None
    here: str | None

    def __str__(self) -> str:
        """The name, and whether nothing was recorded of it then."""
        return self.name if self.then is not None else f"{self.name} (of which nothing was recorded)"


def compared_by(environment: Environment, ignored: Collection[str] = ()) -> dict[str, str]:
    """All that environments are compared by, by name, less `ignored`; of what is not recorded there is no entry."""
    fields = {name: getattr(environment, name) for name in COMPARED}
    states = {f"{STATE_OF}{one.device}": str(one) for one in environment.devices}
    found = {**fields, BLAS: ", ".join(environment.blas), **states, **environment.variables, **environment.versions}
    return {name: str(found[name]) for name in found if name not in ignored and found[name] not in (None, "")}


def differences(then: Environment, here: Environment, ignored: Collection[str] = ()) -> tuple[Difference, ...]:
    """What of a machine, its libraries and the commit is another: measurements of both are not of one thing.

    Whether the tree was dirty is no part of it: two dirty trees cannot be told apart. What only one of them has a
    record of is a difference.
    """
    before, after = compared_by(then, ignored), compared_by(here, ignored)
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return tuple(Difference(name, before.get(name), after.get(name)) for name in names)


def moved(then: Environment, here: Environment) -> tuple[Difference, ...]:
    """The differences between the beginning of a run and this process, which goes on with it.

    Which BLAS is loaded depends on what a process has imported so far: another one is one of which neither has all of
    the other's.
    """
    nested = set(then.blas) <= set(here.blas) or set(here.blas) <= set(then.blas)
    return differences(then, here, (BLAS,) if nested else ())


def of_record(environment: Environment, record: Record) -> Environment:
    """An environment less the libraries that only other solvers and engines of the catalog require.

    So an upgrade of jax is another environment for what jax computes, and for nothing else. Nothing is left out for a
    solver that the catalog has not, since nobody knows what it requires.
    """
    solver, engine = catalog.SOLVERS.get(record.solver), str(record.options.get("engine", "loop"))
    if solver is None or engine not in engines.ENGINES:
        return environment
    own = {distribution_of(module) for module in (*solver.requires, *engines.requires_of(engine))}
    others = set(libraries()) - set(EVERY_RUN) - own
    versions = {name: found for name, found in environment.versions.items() if name not in others}
    return environment.model_copy(update={"versions": versions})
