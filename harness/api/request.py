"""What a Python user asks for, as a Request: one or many of each, names, files, arrays and frames."""

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from harness.api.brought import NO_PARTS, parts_of, solvers_of
from harness.errors import HarnessError, UsageError, unknown
from harness.measure.plan import Request
from harness.problems import catalog
from harness.problems.containers import is_frame, name_of, shape_of
from harness.problems.in_memory import NAME, column_beside, from_arrays, from_frame
from harness.problems.problem import Problem
from harness.problems.table_options import NOTHING_SAID, TableOptions
from harness.problems.weights import weighted
from harness.records.labels import text_of
from harness.solvers.options import Options
from harness.solvers.solver import Solver

AXES = {"seed": "seeds", "problem": "problems", "solver": "solvers", "device": "device", "n": "n", "lr": "lr"}
"""Options that have an argument of their own, by the name that somebody may try."""
OWN = ("python", "harness.run")
"""What a run's command says where no command line makes the same run."""
RENAMED = {"timeout": "timeout_s", "memory": "memory_bytes"}
"""Arguments that are not called as the command's option is."""
_OPTION = re.compile(r"--(?P<name>drop|missing|target) (?P<value>'[^']*'|[^\s,:;]+)|'[^']*'|--([a-z][a-z0-9-]*)")
PAIR, FRAME = 2, 2
"""The length of (X, y), and the dimensions of a frame."""


def asked(  # noqa: PLR0913  # as harness.run has them
    problems: object,
    solvers: object,
    *,
    axes: Mapping[str, object],
    device: str,
    target: object,
    options: Mapping[str, object],
    optimizers: object = (),
    parts: Mapping[str, object] = NO_PARTS,
    weights: object = None,
    intercept: bool = True,
    table: TableOptions = NOTHING_SAID,
) -> tuple[Request, dict[str, Problem], dict[str, Solver]]:
    """The request, the problems in it that only this process has, by their labels, and such solvers, by their names.

    `axes`: n, lr and seeds, each one value or many. Raises UsageError for what is no problem, no number, or an
    option that there is not.
    """
    column = weights if isinstance(weights, str) else None
    data = _named(problems)
    given = [_problem(one, name, target, table.with_weights(column)) for name, one in data]
    named = None if target is None else name_of(target)
    if weights is not None and column is None:
        loaded = [one if isinstance(one, Problem) else catalog.load(one, target=named, table=table) for one in given]
        given = [
            weighted(problem, column_beside(raw, weights, problem.label, "weights"))
            for problem, (_, raw) in zip(loaded, data, strict=True)
        ]
    own = {one.label: one for one in given if isinstance(one, Problem)}
    labels = tuple(one.label if isinstance(one, Problem) else one for one in given)
    texts, placed = parts_of(parts)
    names, brought = solvers_of(solvers, optimizers, placed, {*options, *texts})
    request = Request(
        problems=labels,
        solvers=names,
        device=device,
        n=tuple(_whole("n", value) for value in _many(axes["n"])),
        lr=tuple(_number("lr", value) for value in _many(axes["lr"])),
        seeds=tuple(_whole("seeds", value) for value in _many(axes["seeds"])),
        target=None if own and len(own) == len(labels) else named,
        weights=column,
        intercept=bool(intercept),
        table=NOTHING_SAID if own and len(own) == len(labels) else table,
        options=_options({**options, **texts}),
    )
    return request, own, brought


def command_of(request: Request, own: Mapping[str, Problem], brought: Mapping[str, Solver]) -> str:
    """The command line that makes the same run, with which it also goes on where it was cut off.

    Where there is none, because the data or a solver are in memory, what was called.
    """
    if own or brought or request.options.init is not None:
        return shlex.join([*OWN, *request.problems, *request.solvers])
    words = ["harness", "run", *request.table.words()]
    axes = {"problem": request.problems, "solver": request.solvers, "n": request.n, "lr": request.lr}
    for name, values in (*axes.items(), ("seed", request.seeds)):
        words += [word for value in values for word in (f"--{name}", text_of(value))]
    others_given = {"threads": request.options.threads} if request.options.threads > 1 else {}
    others = {"device": None if request.device == "auto" else request.device, "target": request.target}
    others["weights"] = request.weights
    others_given |= {} if request.intercept else {"no_intercept": True}
    for name, value in {**others, **request.options.given(), **others_given}.items():
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [text_of(value)])]
    return shlex.join(words)


@contextmanager
def as_python() -> Iterator[None]:
    """Say arguments, not the command's options, in what is raised inside; a command in quotes is one to be typed."""
    try:
        yield
    except HarnessError as error:
        raise type(error)(_OPTION.sub(_argument, str(error))) from None


def _argument(found: re.Match[str]) -> str:
    if found["name"]:
        value = "..." if found["value"] == "NAME" else repr(found["value"].strip("'"))
        return f"{found['name']}={value}"
    return found[0] if found[3] is None else RENAMED.get(found[3], found[3].replace("-", "_"))


def names_of(given: object) -> tuple[str, ...]:
    """One column or several by their names, whatever these are."""
    return tuple(map(name_of, _many(given)))


def _many(given: object) -> Sequence[Any]:
    """One or many as many: a text, a number and None are no sequences."""
    if given is None:
        return ()
    if isinstance(given, str | bytes | PathLike | float | int | np.number):
        return (given,)
    try:
        return tuple(given)  # type: ignore[arg-type]  # what cannot be gone through raises
    except TypeError:
        return (given,)


def _named(problems: object) -> list[tuple[str | None, object]]:
    """Each problem with the name that it is given: a mapping names its problems."""
    if isinstance(problems, Mapping):
        return [(str(name), one) for name, one in problems.items()]
    one = isinstance(problems, Problem) or _is_pair(problems) or is_frame(problems)
    return [(None, problem) for problem in ((problems,) if one else _many(problems))]


def _is_pair(given: object) -> bool:
    """(X, y): two things with numbers in them, of which neither is a problem by itself."""
    return (
        isinstance(given, tuple)
        and len(given) == PAIR
        and not any(isinstance(part, str | PathLike | Problem | tuple) for part in given)
        and len(shape_of(given[1])) < FRAME + 1
        and not (is_frame(given[0]) and is_frame(given[1]) and shape_of(given[1])[1] > 1)
    )


def _problem(given: object, name: str | None, target: object, table: TableOptions) -> Problem | str:
    """A problem of this process, or the name by which the catalog finds it."""
    if isinstance(given, str | PathLike):
        if name is not None:
            raise UsageError(f"'{name}': a mapping names arrays and frames; '{given}' has a name")
        return str(Path(given)) if isinstance(given, PathLike) else given
    if isinstance(given, Problem):
        for option in table.given():
            raise UsageError(f"{given.label} is a Problem: {option} goes with files, frames and arrays")
        return given
    if name in (known := catalog.names()):
        raise UsageError(f"'{name}' is a problem of the catalog: give your data another name ({len(known)} are taken)")
    with as_python():
        if is_frame(given):
            return from_frame(given, target, name=name or NAME, options=table)  # type: ignore[arg-type]  # it is one
        if _is_pair(given):
            return from_arrays(*given, name=name or NAME, options=table)  # type: ignore[misc]  # two they are
    raise UsageError(
        f"a problem is a name, a .csv or .parquet file, (X, y), or a frame with target=..., not {type(given).__name__}"
    )


def _options(options: Mapping[str, object]) -> Options:
    """Raises UsageError for an option that there is not, or that is an argument under another name."""
    known = [field.name for field in fields(Options) if field.name not in AXES]
    for name in options:
        if name in AXES and name != AXES[name]:
            raise UsageError(f"'{name}' is given as {AXES[name]}=...")
        if name not in known:
            raise unknown("option", name, known)
    try:
        return Options(**{name: _value(value) for name, value in options.items()})  # type: ignore[arg-type]
    except TypeError as error:
        raise UsageError(f"an option has a value of another kind: {error}") from None


def _value(value: object) -> object:
    """Lists as tuples, numpy's numbers as Python's: an option is part of a case's identity, by its text."""
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(map(_value, value))
    return value.item() if isinstance(value, np.generic) else value


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is a number or several, not {value!r}") from None


def _whole(name: str, value: Any) -> int:
    number = _number(name, value)
    if not math.isfinite(number) or not number.is_integer():
        raise UsageError(f"{name} is a whole number or several, not {value!r}")
    return int(number)
