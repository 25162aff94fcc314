"""harness ab --asv-suite and --call: what is measured is not the harness's."""

import atexit
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.problems.model import ANY, Model

if TYPE_CHECKING:
    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.solvers.options import Options


Cases = tuple[Sequence[str], Sequence[str], "Options", Model]
"""Problems, solvers and their options, as they were named, and what was said of the problems."""


@dataclass(frozen=True)
class Foreign:
    """What was asked for: the benchmarks of an asv suite, or callables."""

    asv_suite: bool
    calls: tuple[str, ...]
    bench: str | None

    @property
    def is_asked(self) -> bool:
        """Whether the cells are not the harness's own."""
        return self.asv_suite or bool(self.calls)

    def check(self, cases: Cases, *, others: bool) -> None:
        """Raises UsageError for what does not go together.

        `cases`: what was said of the harness's own; `others`: whether something was asked that only they have.
        """
        from harness.solvers.options import Options

        if self.bench is not None and not self.asv_suite:
            raise UsageError("--bench narrows a suite: give --asv-suite too")
        if self.asv_suite and self.calls:
            raise UsageError("--asv-suite and --call: one of them")
        if self.is_asked and cases != ((), (), Options(), ANY):
            raise UsageError("--asv-suite and --call have no problem, solver or option of one: drop these")
        if self.is_asked and others:
            raise UsageError("--instructions and --calibrate are about the harness's own cases alone")

    def cells(self, sides: "Sides") -> "tuple[Sides, list[CellSpec]]":
        """Both sides without a harness, in a folder that is removed at exit; and the cells."""
        from harness.ab.benchmarks import of_calls, of_suite, without_harness

        folder = TemporaryDirectory(prefix="harness-ab-")
        atexit.register(folder.cleanup)
        sides = without_harness(sides, Path(folder.name))
        return sides, of_calls(self.calls) if self.calls else of_suite(sides.head, Path.cwd(), self.bench)
