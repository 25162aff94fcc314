"""What the label of a problem says, and how the value of an option is written.

`everyday:n=2000,seed=0` is one of a drawn family, any other label is a name.
"""

import re
from collections.abc import Mapping

from harness.problems.problem import FILE_SUFFIXES, NO_INTERCEPT, short
from harness.problems.table_options import model_said, options_of

WEIGHTS = re.compile(r"(.*)\(weights=(.*)\)", re.DOTALL)
TABLE = re.compile(r"(.*?)\((--(?:features|drop|missing) .*)\)", re.DOTALL)
"""What a label ends in that was made of other columns or rows of a table."""


def parameters_of(label: str) -> tuple[str, dict[str, str]]:
    """`name:key=value,...` as the name and its parameters; any other label is a name without."""
    name, _, text = label.partition(":")
    pairs = [part.partition("=") for part in text.split(",")]
    if not text or any(not (equals and key.isidentifier()) for key, equals, _ in pairs):
        return label, {}
    return name, {key: value for key, _, value in pairs}


def model_of(label: str) -> tuple[str, dict[str, object]]:
    """The label of the problem as its source has it, and what `harness.problems.catalog.load` takes beside it."""
    plain = label.replace(NO_INTERCEPT, "")
    asked: dict[str, object] = {"intercept": False} if NO_INTERCEPT in label else {}
    if found := WEIGHTS.fullmatch(plain):
        plain, asked["weights"] = found.groups()
    if found := TABLE.fullmatch(plain):
        plain, asked["table"] = found[1], model_said(found[2])
    return plain, asked


def file_of(label: str) -> tuple[str, str]:
    """Path and target of a file's problem, `cars.csv:mpg`; of any other label the label, and no target."""
    plain, _ = model_of(label)
    path, _, target = plain.rpartition(":")
    return (path, target) if path.lower().endswith(FILE_SUFFIXES) else (plain, "")


def table_words(table: Mapping[str, object]) -> list[str]:
    """What was said of a table, by name, as the command line takes it."""
    return options_of(table).words()


def text_of(value: object) -> str:
    """An option's value as the command line takes it."""
    if isinstance(value, tuple):
        return "-".join(map(text_of, value)) if all(isinstance(v, int) for v in value) else ",".join(map(repr, value))
    return short(value) if isinstance(value, float) else str(value)
