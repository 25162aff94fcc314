"""A comparison as JSON for other programs."""

import json
import math
from dataclasses import asdict
from typing import Any

from harness.judge.ab import AbReport, AbVerdict
from harness.judge.ab_cell import Speed
from harness.judge.calibration import Calibration


def ab_json(report: AbReport) -> str:
    """One object: the exit code, the effect, a cell a case with both clocks, accuracy and raw samples.

    A number that is not finite, or is missing, is null.
    """
    return json.dumps(
        {
            "exit_code": report.exit_code,
            "effect": report.effect,
            "cells": [_cell(one) for one in report.cells],
            "calibration": None if report.calibration is None else _calibration(report.calibration),
        },
        allow_nan=False,
    )


def _cell(one: AbVerdict) -> dict[str, object]:
    cell = one.cell
    sides = {name: _finite(side.model_dump(mode="python")) for name, side in (("base", cell.base), ("head", cell.head))}
    return {
        "case": cell.case,
        "problem": cell.problem,
        "solver": cell.solver,
        "device": cell.device,
        "verdict": one.verdict.value,
        "why": one.why,
        "could_not_measure": one.could_not_measure,
        "speed": {**_speed(one.speed), "verdict": one.found.verdict.value}
        | {"p_change": one.found.p_change, "p_same": one.found.p_same},
        "other_clock": _speed(one.other),
        "accuracy": [asdict(judgement) for judgement in one.accuracy],
        **sides,
        "launches": [_finite(launch.model_dump(mode="python")) for launch in cell.launches],
    }


def _speed(speed: Speed) -> dict[str, Any]:
    found = asdict(speed)
    del found["test"]
    return {name: _finite(value) for name, value in found.items()}


def _calibration(calibration: Calibration) -> dict[str, Any]:
    arms = [
        {
            **arm.model_dump(),
            "caught": {"share": arm.caught.share, "interval": arm.caught.interval},
            "false_alarms": {"share": arm.false_alarms.share, "interval": arm.false_alarms.interval},
        }
        for arm in calibration.arms
    ]
    return {**calibration.model_dump(mode="json"), "arms": arms}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
