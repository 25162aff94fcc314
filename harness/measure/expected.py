"""The cases that an expectations file expects: what `harness gate --fresh` runs, and nothing else."""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.config import config
from harness.errors import UsageError
from harness.judge.gate.expectations import Expectation, Expectations
from harness.measure.plan import DEFAULT_EPOCHS, Case, Request, single
from harness.problems import catalog as problems
from harness.problems.labels import file_of
from harness.problems.problem import Problem, short
from harness.solvers import catalog as solvers
from harness.solvers.options import Options


def expected_cases(expected: Expectations, source: Path) -> tuple[Request, list[Case]]:
    """Each case of each entry that is about what is installed, with the request that its run is kept under.

    Raises UsageError, which names `source` and the entry, for one whose data nobody can find.
    """
    cases: dict[str, Case] = {}
    for entry in expected.expect:
        if not entry.is_about(_installed(entry)):
            continue
        for name in expected.problems_of(entry):
            problem = _problem(name, entry, source)
            for solver in expected.solvers_of(entry):
                case = _case(problem, solver, entry)
                cases.setdefault(case.key, case)
    request = Request(
        problems=tuple(dict.fromkeys(case.problem.label for case in cases.values())),
        solvers=tuple(dict.fromkeys(case.solver.name for case in cases.values())),
    )
    order = {label: place for place, label in enumerate(request.problems)}
    return request, sorted(cases.values(), key=lambda case: order[case.problem.label])


def _installed(entry: Expectation) -> dict[str, str]:
    """The versions of the libraries that an entry is about some versions of."""
    found = {}
    for library in entry.versions:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _case(problem: Problem, solver: str, entry: Expectation) -> Case:
    chosen = solvers.get(solver)
    options = Options(**{"device": entry.device or "cpu", **entry.options})  # type: ignore[arg-type]  # Options checks
    if "epochs" in chosen.takes and options.epochs is None:
        options = replace(options, epochs=DEFAULT_EPOCHS)
    return single(problem, chosen, options)


def _problem(name: str, entry: Expectation, source: Path) -> Problem:
    """As the entry names it: a label, a name of the catalog, or a file of harness.toml by its name."""
    if file_of(name)[1]:
        return problems.load(_found(name, source))
    if name not in problems.names():
        own = [spec for spec in config().content.problems if Path(file_of(spec)[0]).stem == name and file_of(spec)[1]]
        if not own:
            raise UsageError(
                f"{source}: '{entry.label}' does not say which file that is: write problem = \"{name}.csv:COLUMN\""
            )
        return problems.load(own[0])
    given = ",".join(f"{key}={_within(value)}" for key, value in entry.parameters.items())
    return problems.load(f"{name}:{given}" if given else name)


def _found(label: str, source: Path) -> str:
    """The label with its file as it is found: from here, from the folder of harness.toml, or from that of the file."""
    path = file_of(label)[0]
    folders = (Path(), config().folder, source.parent)
    found = next((folder / path for folder in folders if (folder / path).exists()), Path(path))
    return f"{found}{label.removeprefix(path)}"


def _within(value: float | tuple[float, float]) -> str:
    """A parameter, or the lowest one of a band."""
    return short(value[0] if isinstance(value, tuple) else value)
