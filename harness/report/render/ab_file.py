"""A comparison as JSON: for other programs, and for the page, which reads it back by the same models."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, NonNegativeInt

from harness.errors import UsageError
from harness.files.reading import read_json
from harness.judge.verdict import Verdict
from harness.judge.versions.ab import AbReport, AbVerdict
from harness.judge.versions.calibration import Calibration
from harness.records.ab import Side
from harness.solvers.status import Status


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Known = Annotated[FiniteFloat | None, BeforeValidator(_finite)]
"""A number; None where there is none or it is not finite."""
Size = Annotated[Annotated[FiniteFloat, Field(ge=0)] | None, BeforeValidator(_finite)]
"""Seconds or a ratio; None where there is none or it is not finite."""


class AbPart(BaseModel):
    """A part of the JSON: no key but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Ratio(AbPart):
    """head / base by one clock, as judge.versions.ab_cell.Speed says it: seconds of one call, the 95 % interval."""

    clock: Literal["CPU", "wall"]
    launches: NonNegativeInt
    base_s: Size
    head_s: Size
    ratio: Size
    low: Size
    high: Size
    why_not: str


class JudgedRatio(Ratio):
    """By the clock that is judged, with the verdict on speed and its p-values, corrected and paid for."""

    verdict: Verdict
    p_change: Known
    p_same: Known


class Answer(AbPart):
    """A harness.judge.verdict.Judgement of the head's accuracy."""

    case: str
    quantity: str
    measured: str
    expected: str
    verdict: Verdict
    detail: str
    advice: str
    reason: str


class Outcome(AbPart):
    """How well one version did, and the hash of the training rows that it was given (empty in older files).

    `values`: of a benchmark that is no time, a number a launch, in the cell's unit.
    """

    status: Status
    message: str
    digits: Known
    excess_loss: Known
    problem_sha256: str = ""
    values: tuple[Known, ...] = ()


class Rounds(AbPart):
    """A launch: seconds of one call, entry i of each list of the same round."""

    base_wall_s: tuple[Known, ...]
    base_cpu_s: tuple[Known, ...]
    head_wall_s: tuple[Known, ...]
    head_cpu_s: tuple[Known, ...]


class Cell(AbPart):
    """One case in both versions: the verdict on all of it, then what it follows from, to the raw samples."""

    case: str
    problem: str
    solver: str
    device: str
    verdict: Verdict
    why: str
    could_not_measure: bool
    speed: JudgedRatio
    other_clock: Ratio
    accuracy: tuple[Answer, ...]
    base: Outcome
    head: Outcome
    launches: tuple[Rounds, ...]
    unit: str = ""


class AbFile(AbPart):
    """What `harness ab --json` prints: both versions, every cell, and the error rates of the machine if known.

    `alike`: why both versions are the same, if they are.
    """

    schema_version: Literal[1]
    exit_code: Literal[0, 1, 3]
    effect: Annotated[float, Field(gt=0, lt=1)]
    base: Side
    head: Side
    alike: str = ""
    cells: tuple[Cell, ...]
    calibration: Calibration | None


def ab_file(report: AbReport, base: Side, head: Side, alike: str = "") -> AbFile:
    """The report as it is kept. A number that is not finite is None."""
    return AbFile(
        schema_version=1,
        exit_code=report.exit_code,
        effect=report.effect,
        base=base,
        head=head,
        alike=alike,
        cells=tuple(map(_cell, report.cells)),
        calibration=report.calibration,
    )


def ab_json(report: AbReport, base: Side, head: Side, alike: str = "") -> str:
    """One object on one line, which `read_ab` reads."""
    return ab_file(report, base, head, alike).model_dump_json()


def read_ab(path: Path) -> AbFile:
    """What `harness ab --json` printed into `path`. Raises UsageError, one line, if it is anything else."""
    try:
        return read_json(AbFile, path)
    except UsageError as error:
        raise UsageError(f"{error}: 'harness ab BASE HEAD --json > {path.name}' makes such a file") from None


def _cell(one: AbVerdict) -> Cell:
    judged = {name: getattr(one.found, name) for name in ("verdict", "p_change", "p_same")}
    document = {
        **{name: getattr(one.cell, name) for name in ("case", "problem", "solver", "device", "base", "head", "unit")},
        **{name: getattr(one, name) for name in ("verdict", "why", "could_not_measure", "accuracy")},
        "speed": Ratio.model_validate(one.speed).model_dump() | judged,
        "other_clock": one.other,
        "launches": tuple(launch.model_dump() for launch in one.cell.launches),
    }
    return Cell.model_validate(document)
