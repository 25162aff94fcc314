"""harness ab --instructions: two versions counted under valgrind instead of timed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from harness.cli.streams import print_json

if TYPE_CHECKING:
    from harness.ab.cells import CellSpec
    from harness.ab.environments import Sides
    from harness.cli.outputs import Outputs
    from harness.records.ab import Side


def check_instructions(*, calibrate: bool) -> None:
    """Raise before anything is built: UsageError with --calibrate, CannotMeasureError where there is no valgrind."""
    from harness.ab.instructions import need_valgrind
    from harness.errors import UsageError

    if calibrate:
        raise UsageError("--calibrate times and --instructions counts: give one of them")
    need_valgrind()


def count_instructions(
    sides: "Sides",
    described: "Sequence[Side]",
    specs: "Sequence[CellSpec]",
    outputs: "Outputs",
    *,
    same: str,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Count every cell in both versions, say what changed and end the command: 1 for a regression, 3 if undecided."""
    import json

    from harness.ab.instructions import count_and_judge
    from harness.judge.versions.instructions import instructions_exit_code
    from harness.report.render.formats import Judged
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import err, out
    from harness.report.terminal.working import Working
    from harness.report.words.ab import counted_instructions, instruction_rows
    from harness.report.words.checks import instruction_checks

    with Working(err(), "starting valgrind", quiet=quiet) as status:
        lines = count_and_judge(sides.base, sides.head, specs, status.update)
    code = instructions_exit_code(lines)
    if as_json:
        held = {side: one.model_dump(mode="json") for side, one in zip(("base", "head"), described, strict=True)}
        print_json(json.dumps({"exit_code": code, **held, "alike": same, "cells": instruction_rows(lines)}))
    elif not quiet or code:
        print_document(out(), counted_instructions(lines, described, same))
    name = f"harness ab --instructions {sides.base.name} {sides.head.name}"
    outputs.write(Judged(name, [counted_instructions(lines, described, same)], instruction_checks(lines)))
    raise typer.Exit(code)
