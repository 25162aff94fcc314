"""What harness ab measures in both versions: cases of the harness, an asv suite's benchmarks, or callables."""

import atexit
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.cli import options as cli
from harness.cli.groups import Group, flag, option
from harness.cli.solver_options import SolverGroup
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides


@dataclass(frozen=True, kw_only=True)
class CasesGroup(Group):
    """The harness's own cases."""

    problem: list[str] | None = option(help="Problem, or FILE:COLUMN; repeatable. Twelve cells by default.")
    data: cli.ModelGroup
    solver: list[str] | None = option(help="Solver; repeatable.")
    solving: SolverGroup


@dataclass(frozen=True, kw_only=True)
class CellsGroup(Group):
    """What is measured. Raises UsageError for what does not go together."""

    cases: CasesGroup
    asv_suite: bool = flag(help="The benchmarks of this checkout's asv suite, in place of problems.")
    bench: cli.Bench = None
    call: list[str] | None = option(help="A function without arguments, package.module:function; repeatable.")

    def __post_init__(self) -> None:
        if self.bench is not None and not self.asv_suite:
            raise UsageError("--bench narrows a suite: give --asv-suite too")
        if self.asv_suite and self.call:
            raise UsageError("--asv-suite and --call: one of them")
        if self.foreign and self.cases.given():
            raise UsageError("--asv-suite and --call have no problem, solver or option of one: drop these")

    @property
    def foreign(self) -> bool:
        """Whether the cells are not the harness's own."""
        return self.asv_suite or bool(self.call)

    def made(self, sides: "Sides") -> "tuple[Sides, Sequence[CellSpec]]":
        """The sides, as they measure what was asked for, and that; what is not ours in a folder removed at exit."""
        from harness.ab.benchmarks import of_calls, of_suite, without_harness
        from harness.ab.cells import cells
        from harness.ab.environments import imported_from

        if self.foreign:
            folder = TemporaryDirectory(prefix="harness-ab-")
            atexit.register(folder.cleanup)
            sides = without_harness(sides, Path(folder.name))
            if self.call:
                return sides, of_calls(self.call)
            specs, notes = of_suite(sides, Path.cwd(), self.bench)
            return replace(sides, notes=(*sides.notes, *notes)), specs
        imported_from(sides)
        named = self.cases.problem or (), self.cases.solver or (), self.cases.solving.options()
        return sides, cells(*named, project=sides.head.tree is not None, model=self.cases.data.model)
