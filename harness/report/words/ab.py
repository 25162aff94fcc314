"""What `harness ab` says: a row a cell, the worst first, why, and this machine's error rates; the calibration."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import COULD_NOT_MEASURE, counted
from harness.judge.grouped import grouped
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport, AbVerdict
from harness.judge.versions.calibration import NO_EFFECT, Calibration
from harness.judge.versions.instructions import InstructionLine, instructions_exit_code
from harness.records.ab import AbCell, Library, Side
from harness.records.bisection import SHORT
from harness.report.render.objects import objects
from harness.report.tables import ab as table
from harness.report.tables import numbers as show
from harness.report.tables.document import Document, Line, Part, table_of
from harness.report.words.gate import to_do

NOT_CALIBRATED = "not calibrated: harness ab --calibrate measures this machine's error rates"
FOREIGN = "how often such a verdict errs has not been measured: --calibrate is about the harness's own cases"
PLANTED = (1.03, 1.05, 1.10)
NOT_TIME = (
    "instructions of one call by difference under valgrind, one thread, mean of drawn memory layouts: no caches, "
    "no waiting, no GPU, and the code that BLAS and torch choose for the processor which valgrind presents"
)
OUTCOMES = {0: ("no regression", "green"), 1: ("regression", "red"), COULD_NOT_MEASURE: ("could not decide", "yellow")}
"""What an exit code means, and its colour."""


def compared(report: AbReport, sides: Sequence[Side] = (), same: str = "") -> Document:
    """What each side holds, the table, a line for each cell that is not decided well, how it went, how often it errs.

    `same`: why both sides are alike, if they are.
    """
    cells = sorted(report.cells, key=lambda one: show.worst_first(one.verdict, one.speed.ratio))
    parts: list[Part] = list(holdings(sides, same))
    if cells:
        parts += [table_of(table.cells(labels(report)), cells)]
        parts += [Line(by, style="dim")] if (by := judged_by(report)) else []
    parts += reasons(report, cells)
    parts += to_do(judged for one in cells for judged in one.accuracy if judged.verdict is not Verdict.IMPROVEMENT)
    verdicts = [one.verdict for one in cells]
    went = _went("harness ab", report.exit_code, verdicts, f"; smallest effect of interest {report.effect:.1%}")
    return Document(parts, [went, Line(_rates(report))], report.exit_code)


def holdings(sides: Sequence[Side], same: str) -> Iterator[Line]:
    """A line a side with what is installed, or one for both where that is the same; why both are alike, if they are."""
    installed = [", ".join(map(library, side.libraries)) or _versions(side) for side in sides]
    if len(installed) > 1 and len(set(installed)) == 1 and installed[0]:
        yield Line(installed[0], "both sides:")
    else:
        for word, text in zip(("base", "head"), installed, strict=False):
            if text:
                yield Line(text, f"{word}:")
    if same:
        yield Line(f"{same}: only noise is measured", "note")


def _versions(side: Side) -> str:
    """The Python and the libraries of an interpreter as it is; of a commit too, for which none was installed."""
    found = ", ".join(f"{name} {version}" for name, version in side.versions.items())
    return f"{side.python}: {found}, as installed here" if found else side.python


def library(one: Library) -> str:
    """Name, version, and where it came from with what tells it from any other of that name."""
    if not one.version:
        return f"{one.name} not installed"
    exact = f", commit {one.commit[:SHORT]}" if one.commit else f", sha256 {one.sha256[:SHORT]}" if one.sha256 else ""
    return f"{one.name} {one.version} " + (f"from {one.origin}{exact}" if one.origin else "as installed here")


def _went(command: str, code: int, verdicts: Sequence[Verdict], more: str = "") -> Line:
    """How it went, in a line: the exit code's word, then how many cells of each verdict."""
    word, style = OUTCOMES[code]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict if verdict in verdicts]
    return Line(f"{', '.join(counts) or 'no cells'}{more}", f"{command}: {word}:", style)


def labels(report: AbReport) -> dict[str, str]:
    """By case: problem and solver, or the whole key where two cells share them."""
    short = {one.cell.case: _short(one.cell) for one in report.cells}
    counts = Counter(short.values())
    return {case: label if counts[label] == 1 else case for case, label in short.items()}


def _short(cell: AbCell) -> str:
    return f"{cell.problem} {cell.solver}" if cell.solver else cell.case


def reasons(report: AbReport, cells: Sequence[AbVerdict]) -> Iterator[Line]:
    """Verdict, cells and why, once for all cells that share both."""
    names = labels(report)
    for (verdict, why), found in grouped(cells, lambda one: (one.verdict, one.why)).items():
        if why:
            who = names[found[0].cell.case] if len(found) == 1 else f"{len(found)} cells"
            yield Line(f"{who}: {why}", verdict.value)


def judged_by(report: AbReport) -> str:
    """Which clock the ratio is of."""
    clocks = " and ".join(sorted({one.speed.clock for one in report.cells if not one.cell.unit}))
    return f"ratio: head / base in {clocks} time of one call, over launches" if clocks else ""


def _rates(report: AbReport) -> str:
    is_foreign = bool(report.cells) and not any(one.cell.solver for one in report.cells)
    return FOREIGN if is_foreign else error_rates(report.calibration)


def error_rates(calibration: Calibration | None) -> str:
    """The machine's measured error rates, in a line."""
    return NOT_CALIBRATED if calibration is None else f"on this machine {measured_rates(calibration)}"


def measured_rates(calibration: Calibration) -> str:
    """When they were measured, false alarms and slowdowns caught, with their exact intervals."""
    quiet = calibration.arm(1.0)
    parts = [] if quiet is None else [f"false alarms {quiet.false_alarms} of {counted(quiet.cells, 'cell')}"]
    for factor in PLANTED:
        arm = calibration.arm(factor)
        if arm is not None:
            parts.append(f"{factor - 1:+.0%} caught {arm.caught}")
    loud, slower = calibration.arm(1.0, busy=True), calibration.arm(PLANTED[-1], busy=True)
    if loud is not None and slower is not None:
        caught = f"{PLANTED[-1] - 1:+.0%} caught {slower.caught}"
        parts.append(f"with the other cores busy false alarms {loud.false_alarms}, {caught}")
    when = calibration.measured_at[:10]
    return f"({when}, {calibration.budget_s:g} s): " + ", ".join(parts or ["no arm was measured"])


def calibration(made: Calibration) -> Document:
    """A row an arm: how many cells were called what, and the rates with their exact 95 % intervals."""
    parts: list[Part] = [table_of(table.CALIBRATION, made.arms)]
    quiet = made.arm(NO_EFFECT)
    if quiet is not None:
        parts.append(Line(f"repeats with a false alarm: {quiet.repeats_with_a_false_alarm} of {quiet.repeats}"))
    return Document([*parts, Line(f"smallest effect of interest {made.effect:.1%}, {made.budget_s:g} s a repeat")])


def counted_instructions(lines: Sequence[InstructionLine], sides: Sequence[Side] = (), same: str = "") -> Document:
    """What each side holds, a row a cell, a line for each not decided well, how it went, and what was counted."""
    ordered = sorted(lines, key=lambda line: show.worst_first(line.verdict, line.ratio))
    shown = [column for key, column in table.INSTRUCTIONS.items() if key != "why"]
    parts: list[Part] = [*holdings(sides, same), *([table_of(shown, ordered)] if ordered else [])]
    parts += [Line(f"{line.cell.case}: {line.why}", line.verdict.value) for line in ordered if line.why]
    code = instructions_exit_code(lines)
    went = _went("harness ab --instructions", code, [line.verdict for line in ordered])
    return Document(parts, [went, Line(measured_what(lines), style="dim")], code)


def measured_what(lines: Sequence[InstructionLine]) -> str:
    """What the counts are of, and with which code of BLAS and torch."""
    kernels = sorted({name for line in lines for side in (line.cell.base, line.cell.head) for name in side.kernels})
    return NOT_TIME + (f" ({', '.join(kernels)})" if kernels else "")


def instruction_rows(lines: Sequence[InstructionLine]) -> list[Mapping[str, Any]]:
    """A JSON object a cell: the verdict, the ratio, and both versions' raw counts."""
    columns = [column for key, column in table.INSTRUCTIONS.items() if key != "case"]
    judged = objects(columns, lines)
    return [{**line.cell.model_dump(mode="json"), **one} for line, one in zip(lines, judged, strict=True)]
