"""Instruction counts for a CI system: the table as Markdown, and a check a cell."""

from collections.abc import Sequence

from harness.judge.verdict import Verdict
from harness.judge.versions.instructions import InstructionLine, instructions_exit_code
from harness.report.checks import Check, Outcome
from harness.report.instructions_table import HEADS, conclusion, measured_what, row, worst_first
from harness.report.render.markdown import MARKS, escaped
from harness.report.verdict_markdown import table

_OUTCOMES = {Verdict.REGRESSION: Outcome.FAILED, Verdict.UNDECIDED: Outcome.SKIPPED}


def instructions_markdown(lines: Sequence[InstructionLine]) -> str:
    """How it went, a row a cell with the worst first, why, and what was counted."""
    parts = [f"### {MARKS[instructions_exit_code(lines)]} harness ab --instructions: {escaped(conclusion(lines))}"]
    ordered = worst_first(lines)
    if ordered:
        parts.append(table(HEADS, [row(line) for line in ordered], words=(0, len(HEADS) - 1)))
    reasons = [f"- {line.verdict}: {escaped(line.cell.case)}: {escaped(line.why)}" for line in ordered if line.why]
    parts += ["\n".join(reasons), escaped(measured_what(lines))]
    return "\n\n".join(filter(None, parts)) + "\n"


def instruction_checks(lines: Sequence[InstructionLine]) -> tuple[Check, ...]:
    """A check a cell; what is undecided is skipped, and an improvement is passed."""
    return tuple(
        Check(line.cell.case, "instructions", _OUTCOMES.get(line.verdict, Outcome.PASSED), line.why) for line in lines
    )
