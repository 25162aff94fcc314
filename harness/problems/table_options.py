"""What a person says of a table: how its file is written, which columns are used, what becomes of missing values."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from harness.errors import UsageError

REFUSE, DROP = "refuse", "drop"
DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}
"""Those that are hard to type, or to see."""


@dataclass(frozen=True)
class TableOptions:
    """Of a file or data in memory; what is not said is None or empty.

    `features`: the columns to fit on, and no others; `drop`: columns to leave out; `missing`: 'drop' leaves out each
    row with a missing value in a column that is used; `decimal`: what separates the whole from the fraction of a number
    that is text. Of a .csv file: `header` False where its first line holds values (its columns are then called 0, 1,
    ...), and `delimiter` what separates its fields. `weights`: the column that holds the rows' weights, by
    `with_weights`. Raises UsageError for a value that is none of these.
    """

    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: str | None = None
    header: bool = True
    delimiter: str | None = None
    decimal: str | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        if self.missing not in (None, REFUSE, DROP):
            raise UsageError(f"--missing: {DROP} or {REFUSE}, not '{self.missing}'")
        if self.decimal not in (None, ".", ","):
            raise UsageError(f"--decimal is . or , not '{self.decimal}'")
        delimiter = None if self.delimiter is None else DELIMITERS.get(self.delimiter, self.delimiter)
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0' or delimiter.isalnum()):
            raise UsageError(f"--delimiter is one character, as ; or tab, not '{self.delimiter}'")
        for name in self.drop:
            if name in self.features:
                raise UsageError(f"'{name}' is among --features and --drop: leave it out of one of them")
        object.__setattr__(self, "delimiter", delimiter)

    @property
    def point(self) -> str:
        """What stands between the whole and the fraction of a number that is written as text."""
        return self.decimal or "."

    @property
    def of_file(self) -> tuple[str, ...]:
        """The options that were said and that only a .csv file has."""
        return tuple(name for name in ("header", "delimiter") if name in self.given())

    def given(self) -> dict[str, str | bool | tuple[str, ...]]:
        """What was said, by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "weights"}
        return {name: value for name, value in found.items() if value != getattr(NOTHING_SAID, name)}

    def words(self) -> list[str]:
        """What was said, as the command line takes it."""
        found = self._model_words()
        found += [] if self.header else ["--no-header"]
        for name, value in (("--delimiter", self.delimiter), ("--decimal", self.decimal)):
            found += [] if value is None else [name, "tab" if value == "\t" else value]
        return found

    def _model_words(self) -> list[str]:
        """What was said of the columns and rows that are used."""
        found = ["--features", ",".join(self.features)] if self.features else []
        found += [word for name in self.drop for word in ("--drop", name)]
        return found + (["--missing", DROP] if self.missing == DROP else [])

    @property
    def model(self) -> str:
        """What the name and the label of a problem end in that is made of other columns or rows of a table."""
        words = self._model_words()
        return f"({shlex.join(words)})" if words else ""

    def with_(self, **changed: object) -> "TableOptions":
        """The same with these changed."""
        return replace(self, **changed)  # type: ignore[arg-type]

    def with_weights(self, column: str | None) -> "TableOptions":
        """The same where a column holds the rows' weights: it is taken with the features, until it is told apart."""
        more = (column,) if column is not None and self.features and column not in self.features else ()
        return self.with_(features=(*self.features, *more), weights=column)

    @property
    def command_line(self) -> str:
        """What was said, as it is typed."""
        return shlex.join(self.words())


NOTHING_SAID = TableOptions()


def options_of(given: "TableOptions | Mapping[str, object]") -> TableOptions:
    """The options, or those that a mapping by name makes. Raises UsageError for a value that is none."""
    if isinstance(given, TableOptions):
        return given
    return TableOptions(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})  # type: ignore[arg-type]


FLAGS = {"--no-header": ("header", False)}


def said_in(command_line: str) -> dict[str, str | bool | tuple[str, ...]]:
    """What `TableOptions.command_line` was made of, by name. Raises UsageError for what it never is."""
    words = iter(shlex.split(command_line))
    found: dict[str, str | bool | tuple[str, ...]] = {}
    for option in words:
        if option in FLAGS:
            name, flag = FLAGS[option]
            found[name] = flag
            continue
        value, name = next(words, None), option.removeprefix("--")
        if value is None or name not in ("features", "drop", "missing", "delimiter", "decimal"):
            raise UsageError(f"({command_line}): '{option}' is nothing that is said of a table")
        if name == "features":
            found[name] = tuple(value.split(","))
        elif name == "drop":
            before = found.get(name, ())
            found[name] = (*(before if isinstance(before, tuple) else ()), value)
        else:
            found[name] = value
    return found
