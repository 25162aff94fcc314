"""Options declared once as a class: what typer sees of a command that takes them, and what the command gets."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.groups import Group, flag, only_with, option, option_of, refuse, spread
from harness.errors import UsageError


@dataclass(frozen=True)
class Inner(Group):
    no_wind: bool = flag()
    from_: str | None = option()


@dataclass(frozen=True, kw_only=True)
class Outer(Group):
    sail: list[str] | None = option()
    inner: Inner
    knots: float = option(default=4.0)


@dataclass(frozen=True)
class Wider(Inner):
    tide: Annotated[int | None, typer.Option()] = None


def taken_by(command: object, *words: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(spread(command))  # type: ignore[arg-type]  # a command is any function
    ended = CliRunner().invoke(app, words)
    return ended.exit_code, ended.output


def test_a_command_has_the_options_of_its_groups_in_their_place_and_gets_the_groups() -> None:
    got: list[object] = []

    def command(
        *, port: Annotated[str, typer.Argument()], outer: Outer, last: Annotated[int, typer.Option()] = 1
    ) -> None:
        got.append((port, outer, last))

    assert list(signature(spread(command)).parameters) == ["port", "sail", "no_wind", "from_", "knots", "last"]
    assert taken_by(command, "Kiel")[0] == 0
    words = ("Kiel", "--sail", "jib", "--sail", "main", "--no-wind", "--from", "west", "--knots", "5", "--last", "2")
    assert taken_by(command, *words)[0] == 0
    assert got == [
        ("Kiel", Outer(inner=Inner()), 1),
        ("Kiel", Outer(sail=["jib", "main"], inner=Inner(no_wind=True, from_="west"), knots=5.0), 2),
    ]


def test_a_group_that_extends_another_has_its_options_first() -> None:
    assert [one.name for one in Wider.parameters()] == ["no_wind", "from_", "tide"]


def test_two_groups_with_one_option_are_no_command() -> None:
    def command(*, one: Inner, other: Wider) -> None:
        pass

    with pytest.raises(ValueError, match="duplicate parameter name: 'no_wind'"):
        spread(command)


def test_what_was_given_is_what_is_not_the_default_even_if_it_is_false() -> None:
    assert Outer(inner=Inner()).given() == {}
    assert Outer(sail=["jib"], inner=Inner(from_="")).given() == {"sail": ["jib"], "from_": ""}
    assert Wider(tide=0).given() == {"tide": 0}


def test_an_option_that_does_not_go_is_named_as_it_is_typed() -> None:
    assert [option_of(name) for name in ("from_", "no_wind")] == ["--from", "--no-wind"]
    with pytest.raises(UsageError, match="in harbour there is none: drop --no-wind"):
        refuse(Inner(no_wind=True).given(), "in harbour there is none")
    with pytest.raises(UsageError, match="--from goes with --sail"):
        only_with(Inner(from_="west").given(), "--sail")
    refuse({}, "nothing")
    only_with((), "nothing")
