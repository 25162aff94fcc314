"""The problems by name: a sidecar in datasets/, a rung of the ladder, or a generator, one line below."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TypeVar

from harness.errors import UsageError, unknown
from harness.paths import datasets_folder
from harness.plugins import PROBLEMS, Plugin, plugin, plugins, printing_aside
from harness.problems import ladder
from harness.problems.generators import everyday, friedman, synthetic
from harness.problems.ill_conditioned import collinear, conditioned, correlated, scaled, shifted
from harness.problems.irregular import deficient, heavy, heavy_tails, outlier, wide
from harness.problems.labels import file_of, read_label
from harness.problems.problem import FILE_SUFFIXES, Problem, short, without_intercept
from harness.problems.table_options import NOTHING_SAID, TableOptions, options_of
from harness.problems.weights import weighted_by

Given = TypeVar("Given")
_DRAWN: tuple[Callable[..., Problem], ...] = (
    *(synthetic, everyday, conditioned, shifted, scaled, collinear, outlier, deficient, wide, heavy),
    *(correlated, heavy_tails, friedman),
)
GENERATORS = {one.__name__: one for one in _DRAWN}


def sidecars() -> dict[str, Path]:
    """Name -> sidecar of every stored data set."""
    return {path.stem: path for path in sorted(datasets_folder().glob("*.toml")) if path.name != ladder.FILE}


def names() -> list[str]:
    """Every problem's name: stored ones, generators, rungs of the ladder."""
    return [*sidecars(), *GENERATORS, *ladder.rungs()]


def own_name(name: str, instead: str) -> str:
    """What a person's own data are called: `name`, or `instead` where the catalog has a problem of that name.

    Somebody's auto_mpg.csv is not the built-in one, and meets none of its expectations.
    """
    return instead if name in names() else name


def load(  # what is asked of one problem, all by keyword
    spec: str,
    *,
    n: int | None = None,
    target: str | None = None,
    weights: str | None = None,
    intercept: bool = True,
    table: TableOptions | Mapping[str, object] = NOTHING_SAID,
) -> Problem:
    """The problem that `spec` names: `auto_mpg`, `condition_1e08`, `synthetic:n=1000,p=10`, a path, or any label.

    A path ends in .csv or .parquet; `cars.csv:mpg` names the target too, and the label of a problem, as tables print
    it, its model. `weights`: a column that holds the rows' weights. Without `intercept` the model goes through the
    origin. Raises UsageError for an unknown name, a parameter that the generator does not take, n for a stored data set
    or a rung, target and what is said of a `table` for anything but a file, what is said twice and differently, and
    what `weighted_by` raises.
    """
    spec, said = read_label(spec)
    weights = _once(spec, "--weights", said.weights, weights)
    table = _once(spec, "what is said of its table", said.table, options_of(table))
    intercept = intercept and said.intercept
    file, named_target = (spec, "") if spec.lower().endswith(FILE_SUFFIXES) and Path(spec).exists() else file_of(spec)
    if file.lower().endswith(FILE_SUFFIXES):
        # Imported here: pandas is only needed where a file is read.
        from harness.problems.table import load_file

        _refuse_n(spec, n)
        target = _once(spec, "--target", named_target or None, target)
        path = Path(file)
        found = load_file(path, target, options_of(table).with_weights(weights))
        found = replace(found, name=own_name(path.stem, path.name) + found.name.removeprefix(path.stem))
    else:
        for option in ["--target"] if target is not None else options_of(table).words()[:1]:
            raise UsageError(f"{spec}: {option} goes with a .csv or .parquet file")
        found = named(spec, n=n)
    found = found if weights is None else weighted_by(found, weights)
    return found if intercept else without_intercept(found)


def _once(spec: str, what: str, own: Given, given: Given) -> Given:
    """What the label says, or what was said beside it. Raises UsageError where both say something, and not the same."""
    nothing = (None, NOTHING_SAID)
    if own in nothing or own == given:
        return given
    if given not in nothing:
        raise UsageError(f"{spec}: its label and an option both say {what}: drop the option, or that of the label")
    return own


def named(spec: str, *, n: int | None = None, most_numbers: int | None = None) -> Problem:
    """The problem that `spec` names, as `load`, but never a path: for names that come out of somebody's file.

    With `most_numbers`, a generator is refused more of them (n times p) before it draws any. Raises what `load` does.
    """
    name, _, text = spec.partition(":")
    if name in GENERATORS:
        return _generate(GENERATORS[name], name, text, n, most_numbers)
    stored = sidecars()
    if name not in stored and (packaged := plugin(PROBLEMS, name)) is not None:
        return _of_package(packaged, text, n, most_numbers)
    rung = None if name in stored else ladder.rungs().get(name)
    if name not in stored and rung is None:
        raise unknown("problem", name, [*names(), *(one.name for one in plugins(PROBLEMS))])
    _refuse_n(spec, n)
    if text:
        what = "a stored data set" if rung is None else f"a rung of {ladder.FILE}"
        raise UsageError(f"{name} is {what} and takes no parameters, not '{text}'")
    if rung is not None:
        return _rung(name, rung)
    from harness.problems.sidecar import load_stored

    return load_stored(stored[name])


def _rung(name: str, rung: ladder.Rung) -> Problem:
    """The rung as a problem of its own: its name is its label. Raises UsageError naming it if its line is wrong."""
    if rung.generator not in GENERATORS:
        raise UsageError(f"{ladder.FILE}: {name}: {unknown('generator', rung.generator, GENERATORS)}")
    text = ",".join(f"{key}={value!r}" for key, value in rung.parameters.items())
    try:
        problem = _generate(GENERATORS[rung.generator], rung.generator, text, None)
    except UsageError as error:
        raise UsageError(f"{ladder.FILE}: {name}: {error}") from None
    source = f"{problem.label}, {problem.source}"
    return replace(problem, name=name, family=ladder.FAMILY, title=rung.title, source=source, parameters={})


def _of_package(packaged: Plugin, text: str, n: int | None, most_numbers: int | None) -> Problem:
    """The problem of an entry point: a Problem, (X, y), or a function that gives one of them.

    Its label is the entry point's name with the parameters. Raises UsageError where it cannot be had.
    """
    given = packaged.load()
    if callable(given):
        given = _generate(given, packaged.name, text, n, most_numbers)
    elif n is not None or text:
        raise UsageError(f"{packaged.name} of {packaged.origin} is no function, and takes no parameters")
    if isinstance(given, Problem):
        return replace(given, name=packaged.name)
    from harness.problems.in_memory import from_arrays

    if isinstance(given, tuple) and len(given) == 2:  # noqa: PLR2004  # X and y
        drawn = ",".join(filter(None, (text, "" if n is None else f"n={n}")))
        label = f"{packaged.name}:{drawn}" if drawn else packaged.name
        return replace(from_arrays(*given, name=packaged.name), spec=label, title=packaged.origin)
    raise UsageError(f"{packaged.name} of {packaged.origin} gives {type(given).__name__}, no Problem and no (X, y)")


def _refuse_n(spec: str, n: int | None) -> None:
    if n is not None:
        raise UsageError(f"{spec} has the rows it has; --n goes with a drawn problem: {', '.join(GENERATORS)}")


def _generate(
    generator: Callable[..., Given], name: str, text: str, n: int | None, most_numbers: int | None = None
) -> Given:
    """Parse `key=value,...` by the generator's own signature and call it, unless it would draw too many numbers."""
    signature = inspect.signature(generator).parameters
    values: dict[str, float | int] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in signature:
            raise unknown(f"parameter of {name}", key, signature)
        values[key] = _number(value, type(signature[key].default), f"{name}: {key}")
    if n is not None:
        values["n"] = n
    size = prod(values.get(key, signature[key].default) for key in ("n", "p") if key in signature)
    if most_numbers is not None and size > most_numbers:
        raise UsageError(f"{name}: n times p is more than the {most_numbers} numbers that a file may ask for")
    try:
        with printing_aside():
            return generator(**values)
    except (MemoryError, ValueError, OverflowError):
        asked = ",".join(f"{key}={short(value)}" for key, value in values.items())
        raise UsageError(f"{name}:{asked} is more than this machine can hold: ask for less") from None


def _number(text: str, kind: type, what: str) -> float | int:
    """A generator's parameter; 1e5 is a whole number too. Raises UsageError naming `what`."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if kind is float and number == number:  # noqa: PLR0124  # not NaN
        return number
    if not number.is_integer():
        raise UsageError(f"{what} takes a {'whole ' if kind is int else ''}number, not '{text}'")
    return int(number)
