"""An accuracy run as JSON for other programs."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from harness.judge.gate.gate import GateReport
from harness.judge.studies.bars import Bar, dtype_of
from harness.records.record import Record


def accuracy_json(
    run_id: str, records: Sequence[Record], bars: Sequence[Bar], report: GateReport, exit_code: int
) -> str:
    """One object: the run, its exit code, the gate's counts, the bars, a cell a record; no number is null."""
    gate = {
        "exit_code": report.exit_code,
        "judgements": len(report.judgements),
        "breaches": len(report.breaches),
        "incomplete": len(report.incomplete),
        "unjudged": report.unjudged,
    }
    cells = [_cell(record) for record in records]
    shown = [asdict(bar) | {"verdict": bar.verdict} for bar in bars]
    return json.dumps({"run": run_id, "exit_code": exit_code, "gate": gate, "bars": shown, "cells": cells})


def _cell(record: Record) -> dict[str, object]:
    accuracy = record.accuracy
    return {
        "problem": record.problem,
        "solver": record.solver,
        "dtype": dtype_of(record),
        "device": record.device,
        "status": record.status.value,
        "message": record.message,
        "digits": _finite(accuracy.digits),
        "standard_error_digits": _finite(accuracy.standard_error_digits),
        "residual_sd_digits": _finite(accuracy.residual_sd_digits),
        "r_squared_digits": _finite(accuracy.r_squared_digits),
        "backward_error": _finite(accuracy.backward_error),
        "diagnosis": accuracy.diagnosis,
        "rank": accuracy.rank,
        "exact_rank": accuracy.exact_rank,
        "condition_number": _finite(accuracy.condition_number),
    }


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None
