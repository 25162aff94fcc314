"""harness ab --instructions: two versions counted under valgrind instead of timed."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.outputs import OutputsGroup
from harness.cli.printing import PrintGroup, working

if TYPE_CHECKING:
    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.records.ab import Side


def count_instructions(
    sides: "Sides",
    described: "Sequence[Side]",
    specs: "Sequence[CellSpec]",
    same: str,
    printed: PrintGroup,
    written: OutputsGroup,
) -> int:
    """Count every cell in both versions and say what changed; the exit code: 1 for a regression, 3 if undecided."""
    from harness.ab.instructions import count_and_judge
    from harness.judge.versions.instructions import instructions_exit_code
    from harness.report.render.formats import Judged
    from harness.report.words.ab import counted_instructions, instruction_rows
    from harness.report.words.checks import instruction_checks

    with working("starting valgrind", quiet=printed.quiet) as status:
        lines = count_and_judge(sides.base, sides.head, specs, status.update)
    code, document = instructions_exit_code(lines), counted_instructions(lines, described, same)
    if printed.wants(code):
        held = {side: one.model_dump(mode="json") for side, one in zip(("base", "head"), described, strict=True)}
        found = {"exit_code": code, **held, "alike": same, "cells": instruction_rows(lines)}
        printed.print(lambda: json.dumps(found), lambda: document)
    name = f"harness ab --instructions {sides.base.name} {sides.head.name}"
    written.write(Judged(name, [document], instruction_checks(lines)))
    return code
