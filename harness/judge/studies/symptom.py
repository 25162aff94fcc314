"""How a defect of a library shows: what was measured, what is expected of a record, and what a script prints."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.records.record import Status

ERROR = "error: "
"""What the last line begins with where an exception ended the script."""
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\binf\b|\bnan\b")
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]


class Entry(BaseModel):
    """A part of a finding's file: strict about kinds and names, every number finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Measurement(Entry):
    """What a case's record said, or the script printed; None is not measured.

    `different`: how many different coefficient vectors the repeats gave. `warned`: whether the library
    issued a warning. `prints`: the script's last line.
    """

    status: Annotated[Status, Field(strict=False)] | None = None
    digits: float | None = None
    standard_error_digits: float | None = None
    rank: int | None = None
    different: int | None = None
    warned: bool | None = None
    message: str | None = None
    prints: str | None = None

    @property
    def text(self) -> str:
        """What was measured in one line: 'wrong, 0.0 digits, rank 2'."""
        counts = {"digits": self.digits, "digits of standard errors": self.standard_error_digits}
        parts = [self.status.value] if self.status else []
        parts += [f"{value:.1f} {name}" for name, value in counts.items() if value is not None]
        parts += [f"rank {self.rank}"] if self.rank is not None else []
        parts += [f"{self.different} different answers"] if self.different is not None else []
        parts += [] if self.warned is None else ["with a warning" if self.warned else "without a warning"]
        return ", ".join(parts + [text for text in (self.message, self.prints) if text])


class Expected(Entry):
    """`[expect]`: what the record says where the defect is; each key that is given must hold."""

    status: Annotated[Status, Field(strict=False)] | None = None
    digits_max: float | None = None
    digits_min: float | None = None
    standard_error_digits_max: float | None = None
    rank: int | None = None
    different_min: int | None = None
    warned: bool | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one thing is expected of the record")
        return self

    def missed(self, seen: Measurement, *, partial: bool = False) -> list[str]:
        """What is not as expected, each in a few words; `partial` passes over what was not measured."""
        found = []
        for key, wanted in self.model_dump(exclude_none=True).items():
            name, _, bound = key.rpartition("_") if key.endswith(("_max", "_min")) else (key, "", "")
            value = getattr(seen, name)
            if value is None and partial:
                continue
            if value is None or not _holds(bound, value, wanted, within=name == "message"):
                found.append(f"{name.replace('_', ' ')} {value}, not {_BOUNDS[bound]}{wanted}")
        return found


_BOUNDS = {"": "", "max": "at most ", "min": "at least "}


def _holds(bound: str, value: object, wanted: object, *, within: bool) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, int | float) and bound:
        return value <= wanted if bound == "max" else value >= wanted
    return str(wanted) in str(value) if within else value == wanted


class Shows(Entry):
    """`[shows]`: what proves the defect in the script's output; exactly one kind.

    says: a text in the last line printed. most, least: bounds on the last number of that line, or
    both. raises: a text in the last lines of the error that ends the script.
    """

    says: Line | None = None
    raises: Line | None = None
    most: float | None = None
    least: float | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum((self.says is not None, self.raises is not None, (self.most, self.least) != (None, None))) != 1:
            raise ValueError("shows is one of says, raises, and most or least")
        return self

    @property
    def text(self) -> str:
        """What the script does where the defect is."""
        if self.raises is not None:
            return f"the script raises '{self.raises}'"
        if self.says is not None:
            return f"the script prints '{self.says}'"
        return f"the last number that the script prints is {_between(self.least, self.most)}"

    def missed(self, printed: str) -> str:
        """Why the last line that was printed (ERROR and the exception) does not prove it; empty if it does."""
        if (self.raises is not None) is not printed.startswith(ERROR):
            return f"it raises nothing: '{printed}'" if self.raises else printed
        text = self.says or self.raises
        if text is not None:
            return "" if text in printed else f"'{text}' is not in '{printed}'"
        numbers = NUMBER.findall(printed)
        value = float(numbers[-1]) if numbers else float("nan")
        low, high = self.least if self.least is not None else -float("inf"), self.most
        if low <= value and (high is None or value <= high):
            return ""
        return f"the last number of '{printed}' is not {_between(self.least, high)}"


def _between(least: float | None, most: float | None) -> str:
    parts = [f"at least {least:g}"] if least is not None else []
    return " and ".join(parts + ([f"at most {most:g}"] if most is not None else []))
