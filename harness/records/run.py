"""One run: what was asked, what was planned, when, and in which environment."""

import secrets
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from pydantic import Field

from harness.errors import COULD_NOT_MEASURE, without_password
from harness.problems.problem import NO_INTERCEPT
from harness.problems.table_options import options_of
from harness.problems.weights import weights_text
from harness.records.environment import Environment
from harness.records.record import Kept


class Selection(Kept):
    """What a person named; None means everything that suits.

    With `device` as it was asked for (`auto` among them; None in a run from before it was kept), `target`,
    `weights`, `intercept`, `table` (what was said of a file) and `threads` this is all of a request, so that a run that
    was cut off can be planned again.

    `asked` holds each axis and option that was asked for with its values (`device`, `n`, `lr`,
    `seed`, `epochs`, ...), so that a gate knows which expectations the run can answer.

    `machine`: of a night (harness nightly) the name of the machine, whose nights are one series; empty of other runs.
    """

    problems: tuple[str, ...] | None = None
    solvers: tuple[str, ...] | None = None
    asked: dict[str, tuple[str | int | float | tuple[int | float, ...], ...]] = Field(default_factory=dict)
    device: str | None = None
    target: str | None = None
    weights: str | None = None
    intercept: bool = True
    table: dict[str, str | bool | tuple[str, ...]] = Field(default_factory=dict)
    threads: int = 1
    machine: str = ""

    @property
    def model(self) -> str:
        """What the names of its problems end in, whose own model was not asked for."""
        ending = options_of(self.table).with_weights(self.weights).model
        ending += "" if self.weights is None else weights_text(self.weights)
        return ending if self.intercept else ending + NO_INTERCEPT


class Run(Kept):
    """`planned` lists the case keys in order; `finished_at` is None while it runs or if it was cut off."""

    id: str
    started_at: str
    finished_at: str | None = None
    command: str
    selection: Selection
    planned: tuple[str, ...]
    environment: Environment


class Ended(Protocol):
    """A case of a run or a cell of a sweep."""

    @property
    def failed(self) -> bool:
        """Whether it ended wrong."""

    @property
    def measured(self) -> bool:
        """Whether it ended with a result."""


def exit_code(ended: Sequence[Ended], planned: int | None = None) -> int:
    """0 if all ended well, 1 if one ended wrong, 3 if none was measured or some of the `planned` are missing."""
    if planned is not None and len(ended) != planned:
        return COULD_NOT_MEASURE
    if any(one.failed for one in ended):
        return 1
    return 0 if any(one.measured for one in ended) else COULD_NOT_MEASURE


def now() -> str:
    """The time in UTC, to the microsecond, so that runs sort, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


HIDDEN = "--webhook"
"""An option whose address lets everybody write who knows it."""


def this_command() -> str:
    """The command that this process is, as it is kept and shown: without a store's password and a webhook's address."""
    words = [without_password(word) for word in sys.argv[1:]]
    for place, word in enumerate(words):
        if word.startswith(f"{HIDDEN}="):
            words[place] = f"{HIDDEN}=***"
        elif place and words[place - 1] == HIDDEN:
            words[place] = "***"
    return shlex.join(["harness", *words])


def new_run_id() -> str:
    """Sorts by time; the tail keeps two runs of one second apart."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(4)
