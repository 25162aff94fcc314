"""What the label of a problem says, and how the value of an option is written.

`everyday:n=2000,seed=0` is one of a drawn family, any other label is a name.
"""

from collections.abc import Mapping

from harness.problems.labels import file_of, model_of
from harness.problems.problem import short
from harness.problems.table_options import options_of

__all__ = ["file_of", "model_of", "parameters_of", "table_words", "text_of"]  # what judges may ask


def parameters_of(label: str) -> tuple[str, dict[str, str]]:
    """`name:key=value,...` as the name and its parameters; any other label is a name without."""
    name, _, text = label.partition(":")
    pairs = [part.partition("=") for part in text.split(",")]
    if not text or any(not (equals and key.isidentifier()) for key, equals, _ in pairs):
        return label, {}
    return name, {key: value for key, _, value in pairs}


def table_words(table: Mapping[str, object]) -> list[str]:
    """What was said of a table, by name, as the command line takes it."""
    return options_of(table).words()


def text_of(value: object) -> str:
    """An option's value as the command line takes it."""
    if isinstance(value, tuple):
        return "-".join(map(text_of, value)) if all(isinstance(v, int) for v in value) else ",".join(map(repr, value))
    return short(value) if isinstance(value, float) else str(value)
