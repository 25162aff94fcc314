"""Every closed form on every NIST set or rung of the ladder, fitted and verified but not timed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.errors import CannotMeasureError, UsageError
from harness.measure.plan import Case, Request, plan
from harness.problems import catalog as problems
from harness.problems import ladder
from harness.problems.model import ANY, Model
from harness.problems.problem import Problem
from harness.report.tables.accuracy import Sheet
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Solver
from harness.timing.device import check_device
from harness.verify.certified import Agreement, agreement

NIST = "nist"
NIST_HEADS = {
    "nist_norris": "Norris",
    "nist_pontius": "Pontius",
    "nist_noint1": "NoInt1",
    "nist_noint2": "NoInt2",
    "nist_longley": "Longley",
    "nist_wampler1": "W1",
    "nist_wampler2": "W2",
    "nist_wampler3": "W3",
    "nist_wampler4": "W4",
    "nist_wampler5": "W5",
    "nist_filip": "Filip",
}
"""In the order of their difficulty, about NIST's; a set that is not here comes last, under its own name."""

SINGLE_PRECISION_FIRST = ("torch", "jax")
"""Libraries whose default arithmetic is float32: their solvers have a row of it too."""


@dataclass(frozen=True)
class AccuracyRequest:
    """What to fit: the named problems, else the NIST sets or the ladder; the named solvers, else every closed form."""

    problems: tuple[str, ...] = ()
    solvers: tuple[str, ...] = ()
    ladder: bool = False
    device: str = "auto"
    model: Model = ANY
    threads: int = 1


def plan_accuracy(asked: AccuracyRequest) -> tuple[Request, list[Case]]:
    """The request that the run is stored under, and its cases, problem by problem.

    A run of a whole set answers for every solver, so that a gate misses one that vanished; a narrowed
    run answers for what it fitted. Raises UsageError for what is unknown or no closed form,
    CannotMeasureError if nothing is left.
    """
    if asked.device not in ("auto", "all"):
        check_device(asked.device)
    chosen = _solvers(asked)
    if not chosen:
        raise CannotMeasureError(f"no closed form runs on {asked.device}: 'harness list solvers' says what does")
    request = Request(
        problems=asked.problems or (tuple(ladder.rungs()) if asked.ladder else _nist_names()),
        solvers=tuple(solver.name for solver in chosen),
        device=asked.device,
        target=asked.model.target,
        weights=asked.model.weights,
        intercept=asked.model.intercept,
        table=asked.model.table,
        options=Options(threads=asked.threads),
    )
    cases = plan(request)
    single = tuple(solver.name for solver in chosen if _has_float32_row(solver))
    if single:
        cases += plan(replace(request, solvers=single, options=Options(threads=asked.threads, dtype="float32")))
    order = {label: i for i, label in enumerate(dict.fromkeys(case.problem.label for case in cases))}
    cases.sort(key=lambda case: order[case.problem.label])
    whole = not (asked.problems or asked.solvers)
    return (replace(request, solvers=()) if whole else request), cases


def sheets(cases: Sequence[Case]) -> list[Sheet]:
    """The tables of a run's problems: NIST's, one for each group of the ladder, and the others."""
    here = {case.problem.label: case.problem for case in cases}
    found = [Sheet("NIST StRD linear regression", tuple(_nist(here.values())))]
    for group in ladder.groups().values():
        prefix = group.prefix()
        rungs = [(name, name.removeprefix(prefix)) for name in group.rungs if name in here]
        found.append(Sheet(f"{prefix}...: {group.title}" if prefix else group.title, tuple(rungs)))
    rest = [problem for problem in here.values() if problem.family not in (NIST, ladder.FAMILY)]
    names = [problem.name for problem in rest]
    heads = [problem.name if names.count(problem.name) == 1 else problem.label for problem in rest]
    found.append(Sheet("problems", tuple((p.label, head) for p, head in zip(rest, heads, strict=True))))
    return [sheet for sheet in found if sheet.columns]


def certified() -> list[Agreement]:
    """NIST's own figures against the exact solution of the decimal data, set by set."""
    known = problems.sidecars()
    return [agreement(known[name]) for name in _nist_names()]


def _nist(here: Iterable[Problem]) -> list[tuple[str, str]]:
    labels = [problem.label for problem in here if problem.family == NIST]
    return [(label, NIST_HEADS.get(label, label)) for label in labels]


def _nist_names() -> tuple[str, ...]:
    """The NIST sets in the order of NIST_HEADS."""
    stored = [name for name in problems.sidecars() if problems.load(name).family == NIST]
    order = list(NIST_HEADS)
    return tuple(sorted(stored, key=lambda name: order.index(name) if name in order else len(order)))


def _solvers(asked: AccuracyRequest) -> list[Solver]:
    """The named closed forms; without a name, all that have the device that was asked for."""
    named = [solvers.get(name) for name in dict.fromkeys(asked.solvers)]
    for solver in named:
        if solver.kind is not Kind.CLOSED_FORM:
            raise UsageError(f"{solver.name} is no closed form: 'harness run --solver {solver.name}' judges it")
    if named:
        return named
    every = [solver for solver in solvers.SOLVERS.values() if solver.kind is Kind.CLOSED_FORM]
    if asked.device in ("auto", "all"):
        return every
    return [solver for solver in every if asked.device.partition(":")[0] in solver.devices]


def _has_float32_row(solver: Solver) -> bool:
    packages = {module.partition(".")[0] for module in solver.requires}
    return "dtype" in solver.takes and not packages.isdisjoint(SINGLE_PRECISION_FIRST)
