"""What the table, the Markdown and the console say of a comparison, in words."""

from collections import Counter
from collections.abc import Sequence

from harness.errors import COULD_NOT_MEASURE
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport, AbVerdict
from harness.judge.versions.calibration import Calibration
from harness.report import numbers as show

NOT_CALIBRATED = "not calibrated: harness ab --calibrate measures this machine's error rates"
PLANTED = (1.03, 1.05, 1.10)
HEADS = ("case", "base", "head", "ratio", "95 %", "other clock", "digits", "launches", "verdict")
WORDS = (0, 8)
"""Columns of words; the others are numbers."""


def labels(report: AbReport) -> dict[str, str]:
    """By case: problem and solver, or the whole key where two cells share them."""
    short = {one.cell.case: f"{one.cell.problem} {one.cell.solver}" for one in report.cells}
    said = Counter(short.values())
    return {case: label if said[label] == 1 else case for case, label in short.items()}


def row(one: AbVerdict, label: str) -> tuple[str, ...]:
    """A cell of the table for each of HEADS; the case and the verdict plain."""
    speed = one.speed
    interval = show.NONE if speed.low is None or speed.high is None else f"{speed.low:.3f}–{speed.high:.3f}"
    other = show.NONE if one.other.ratio is None else f"{one.other.ratio:.3f} {one.other.clock}"
    return (
        label,
        show.compact_seconds(speed.base_s),
        show.compact_seconds(speed.head_s),
        show.NONE if speed.ratio is None else f"{speed.ratio:.3f}",
        interval,
        other,
        digits(one),
        str(speed.launches),
        one.verdict.value,
    )


def reasons(report: AbReport, cells: Sequence[AbVerdict]) -> list[tuple[Verdict, str, str]]:
    """Verdict, cells and why, once for all cells that share both."""
    said, names = dict[tuple[Verdict, str], list[str]](), labels(report)
    for one in cells:
        if one.why:
            said.setdefault((one.verdict, one.why), []).append(names[one.cell.case])
    return [
        (verdict, found[0] if len(found) == 1 else f"{len(found)} cells", why) for (verdict, why), found in said.items()
    ]


def digits(one: AbVerdict) -> str:
    """The digits of both, or of one where they agree."""
    texts = [show.fixed(side.digits, 1) for side in (one.cell.base, one.cell.head)]
    return texts[0] if texts[0] == texts[1] else "→".join(texts)


def conclusion(report: AbReport) -> str:
    """How it went, in a line: the exit code's word, then how many cells of each verdict."""
    words = {0: "no regression", 1: "regression", COULD_NOT_MEASURE: "could not decide"}
    counts = [f"{len(found)} {verdict}" for verdict in Verdict if (found := report.with_verdict(verdict))]
    told = ", ".join(counts) if counts else "no cells"
    return f"{words[report.exit_code]}: {told}; smallest effect of interest {report.effect:.1%}"


def judged_by(report: AbReport) -> str:
    """Which clock the ratio is of."""
    clocks = " and ".join(sorted({one.speed.clock for one in report.cells}))
    return f"ratio: head / base in {clocks or 'no'} time of one call, over launches" if report.cells else ""


def error_rates(calibration: Calibration | None) -> str:
    """The machine's measured error rates, in a line."""
    return NOT_CALIBRATED if calibration is None else f"on this machine {measured_rates(calibration)}"


def measured_rates(calibration: Calibration) -> str:
    """When they were measured, false alarms and slowdowns caught, with their exact intervals."""
    quiet = calibration.arm(1.0)
    parts = [] if quiet is None else [f"false alarms {quiet.false_alarms} of {quiet.cells} cells"]
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
