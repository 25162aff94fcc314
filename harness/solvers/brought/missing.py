"""A solver that an installed package names and that cannot be had: a row that says why."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.problems.problem import Problem
from harness.solvers.device_needs import TORCH_DEVICES
from harness.solvers.options import Options
from harness.solvers.solver import Kind, Prepared


@dataclass(frozen=True)
class Missing:
    """It takes every option, and runs nowhere."""

    name: str
    title: str
    reason: str
    kind: Kind = Kind.CLOSED_FORM
    optimizer: str | None = None
    devices: tuple[str, ...] = TORCH_DEVICES
    requires: tuple[str, ...] = ()
    weighted: bool = True

    @property
    def takes(self) -> Mapping[str, object]:
        """Whatever is asked: the reason is the answer to it."""
        return {field.name: None for field in fields(Options) if field.name not in ("device", "threads")}

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Always."""
        return self.reason

    def prepare(self, problem: Problem, options: Options) -> Prepared:
        """Never: it is unsupported."""
        raise NotImplementedError(self.reason)
