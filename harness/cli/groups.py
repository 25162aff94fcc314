"""Options that belong together, declared once: a command takes a class of them as one argument.

    @dataclass(frozen=True)
    class PictureGroup(Group):
        plot: Path | None = option(help="Draw it to FILE.")

    def history(*, case: ..., picture: PictureGroup) -> None: ...

To typer, `spread(history)` has the option --plot where the function has `picture`.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import Field, field, fields
from functools import wraps
from typing import Annotated, Any, Self

import typer

from harness.errors import UsageError

DECLARED = "declared"
"""The key of a field's metadata that has what typer is told, by the field's name."""


def option(*names: str, default: object = None, **more: Any) -> Any:
    """An option of a command or a Group, called as the parameter unless by `names`; `more`: as of typer.Option."""
    return field(default=default, metadata={DECLARED: lambda name: typer.Option(*(names or [option_of(name)]), **more)})


def flag(*names: str, **more: Any) -> Any:
    """The same of one that is given or not."""
    return option(*names, default=False, **more)


def argument(**more: Any) -> Any:
    """An argument of a command or a Group that may be left out; `more`: as of typer.Argument."""
    return field(default=None, metadata={DECLARED: lambda _: typer.Argument(**more)})


class Group:
    """Base of frozen dataclasses, whose fields are options, arguments, what typer's Annotated says, or groups."""

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """What stands in the place of the group in a command's signature."""
        return _spread(
            inspect.Parameter(
                one.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=one if DECLARED in one.metadata else one.default,
                annotation=one.type,
            )
            for one in fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        )

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> Self:
        """The group of the values of its options, which are taken out of those of the whole command."""
        kinds: dict[str, Any] = {one.name: one.type for one in fields(cls)}  # type: ignore[arg-type]  # same
        return cls(
            **{name: kind.taken_from(values) if _is_group(kind) else values.pop(name) for name, kind in kinds.items()}
        )

    def given(self) -> dict[str, Any]:
        """What was said, by the fields' names: the values that are not the defaults, those of inner groups too."""
        found: dict[str, Any] = {}
        for one in fields(self):  # type: ignore[arg-type]  # same
            value = getattr(self, one.name)
            found |= value.given() if isinstance(value, Group) else {} if value == one.default else {one.name: value}
        return found


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer is to see it: with the options of each group in its place."""
    signature = inspect.signature(command)
    groups = {name: one.annotation for name, one in signature.parameters.items() if _is_group(one.annotation)}

    @wraps(command)
    def spread_out(**values: Any) -> None:
        made = {name: group.taken_from(values) for name, group in groups.items()}
        command(**values, **made)

    shown = _spread(signature.parameters.values())
    spread_out.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]  # what typer reads
    return spread_out


def refuse(given: Iterable[str], why: str) -> None:
    """Raises UsageError for the first of the options that were given, by the names of their fields."""
    for name in given:
        raise UsageError(f"{why}: drop {option_of(name)}")


def only_with(given: Iterable[str], what: str) -> None:
    """The same for options that mean nothing without `what`."""
    for name in given:
        raise UsageError(f"{option_of(name)} goes with {what}")


def option_of(name: str) -> str:
    """What is typed for a field: `--no-header` for no_header, `--from` for from_, which is a word of Python."""
    return f"--{name.strip('_').replace('_', '-')}"


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Group)


def _spread(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    found: list[inspect.Parameter] = []
    for one in parameters:
        if _is_group(one.annotation):
            found += one.annotation.parameters()
        elif isinstance(one.default, Field):
            kind = Annotated[one.annotation, one.default.metadata[DECLARED](one.name)]  # type: ignore[name-defined]  # a value
            found.append(one.replace(default=one.default.default, annotation=kind))
        else:
            found.append(one)
    return found
