"""The problems by name: one sidecar in datasets/ is one problem; a generator is one line below."""

import inspect
from collections.abc import Callable
from pathlib import Path

from harness.errors import UsageError, unknown
from harness.paths import datasets_folder
from harness.problems.generators import everyday, synthetic
from harness.problems.problem import Problem

GENERATORS: dict[str, Callable[..., Problem]] = {
    "synthetic": synthetic,
    "everyday": everyday,
}

FILE_SUFFIXES = (".csv", ".parquet")


def sidecars() -> dict[str, Path]:
    """Name -> sidecar of every stored data set."""
    return {path.stem: path for path in sorted(datasets_folder().glob("*.toml"))}


def names() -> list[str]:
    """Every problem's name, stored ones first."""
    return [*sidecars(), *GENERATORS]


def takes_n(spec: str) -> bool:
    """Whether the problem is drawn, so that its number of rows can be asked for."""
    return spec.partition(":")[0] in GENERATORS


def load(spec: str, *, n: int | None = None, target: str | None = None) -> Problem:
    """The problem that `spec` names: `auto_mpg`, `synthetic:n=1000,p=10` or a path to .csv or .parquet.

    Raises UsageError for an unknown name, a parameter that the generator does not take, n for a
    stored data set, target for anything but a file.
    """
    if spec.lower().endswith(FILE_SUFFIXES):
        # Imported here: pandas is only needed where a file is read.
        from harness.problems.table import load_file

        _refuse_n(spec, n)
        return load_file(Path(spec), target)
    name, _, text = spec.partition(":")
    if target is not None:
        raise UsageError(f"{spec}: --target goes with a .csv or .parquet file")
    if name in GENERATORS:
        return _generate(name, text, n)
    stored = sidecars()
    if name not in stored:
        raise unknown("problem", name, names())
    _refuse_n(spec, n)
    if text:
        raise UsageError(f"{name} is a stored data set and takes no parameters, not '{text}'")
    from harness.problems.sidecar import load_stored

    return load_stored(stored[name])


def _refuse_n(spec: str, n: int | None) -> None:
    if n is not None:
        raise UsageError(f"{spec} has the rows it has; --n goes with a drawn problem: {', '.join(GENERATORS)}")


def _generate(name: str, text: str, n: int | None) -> Problem:
    """Parse `key=value,...` by the generator's own signature and call it."""
    generator = GENERATORS[name]
    signature = inspect.signature(generator).parameters
    values: dict[str, float | int] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in signature:
            raise unknown(f"parameter of {name}", key, signature)
        values[key] = _number(value, type(signature[key].default), f"{name}: {key}")
    if n is not None:
        values["n"] = n
    try:
        return generator(**values)
    except (MemoryError, ValueError, OverflowError):
        raise UsageError(
            f"{name}: n={values.get('n')} rows are more than this machine can hold: ask for fewer"
        ) from None


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
