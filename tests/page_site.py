"""Records and evidence for the page's sections, planted: no clock, no fit."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from harness.records.record import Accuracy, Record
from harness.records.run import Run, Selection
from harness.report.figures.figure import Figure
from harness.report.figures.rows import Row
from harness.report.figures.theme import vega_config
from harness.report.html.evidence import Evidence
from harness.solvers.solver import Kind
from harness.solvers.status import Status
from harness.timing.sampling import Samples
from tests.history_site import HERE

HOSTILE = "</script><img src=x onerror=alert(1)>'\"`${alert(1)}"
"""As a solver, a problem or a device may be called in a file from somebody."""


def planted(  # noqa: PLR0913  # a record has many sides
    solver: str,
    call_s: float,
    *,
    n: int = 1000,
    p: int = 10,
    problem: str = "synthetic",
    digits: float | None = 14.0,
    device: str = "cpu",
    status: Status = Status.OK,
    calls: int = 9,
    noise: float = 0.01,
    **changed: object,
) -> Record:
    """A closed form's record whose calls scatter around `call_s`; `changed`: fields of Record."""
    rng = np.random.default_rng(len(solver) + n)
    wall = tuple(float(call_s * np.exp(noise * z)) for z in rng.standard_normal(calls))
    label = f"{problem}:n={n},p={p},seed=0"
    fields: dict[str, object] = {
        "case": f"{label} {solver} {device} threads=1",
        "problem": label,
        "problem_name": problem,
        "family": "drawn",
        "relation": "linear",
        "problem_sha256": "0",
        "n": n,
        "p": p,
        "solver": solver,
        "kind": Kind.CLOSED_FORM,
        "optimizer": None,
        "device": device,
        "threads": 1,
        "options": {},
        "status": status,
        "unit": "fit",
        "peak_bytes": 2**20,
        "accuracy": Accuracy(digits=digits, excess_loss=1e-25),
        "samples": Samples(wall, wall),
    }
    return Record.model_validate(fields | changed)


def training(
    solver: str, epoch_s: float, lr: float, *, reached: Mapping[str, int | None], excess: float, **changed: object
) -> Record:
    """A training of 1000 epochs: epochs to each tolerance, and the excess loss at the end."""
    status = Status.OK if reached.get("1e-6") else Status.NOT_CONVERGED
    own = {
        "case": f"synthetic:n={changed.get('n', 1000)},p=10,seed=0 {solver} cpu threads=1 lr={lr} epochs=1000",
        "kind": Kind.ITERATIVE,
        "optimizer": "sgd",
        "options": {"lr": lr, "epochs": 1000},
        "unit": "epoch",
        "accuracy": Accuracy(digits=4.0, excess_loss=excess, epochs_to=dict(reached)),
        "status": status,
    }
    return planted(solver, epoch_s, **{**own, **changed})  # type: ignore[arg-type]  # fields of Record


def run_of(records: Sequence[Record]) -> Run:
    """A run of these records."""
    return Run(
        id="run-1",
        started_at="2026-03-01T12:00:00+00:00",
        finished_at="2026-03-01T12:01:00+00:00",
        command="harness run",
        selection=Selection(),
        planned=tuple(record.case for record in records),
        environment=HERE,
    )


def evidence(records: Sequence[Record], **more: object) -> Evidence:
    """A page's evidence of these records alone."""
    own = {"run": run_of(records), "records": tuple(records)}
    fields: dict[str, object] = {"made_at": "now", "command": "harness report", **own}
    return Evidence(**{**fields, **more})  # type: ignore[arg-type]  # fields of Evidence


def svg(figure: Figure, *, width: int = 1000, rows: Sequence[Row] | None = None) -> str:
    """The figure as vl-convert draws it; raises where the specification is wrong."""
    import vl_convert

    shown = list(figure.rows if rows is None else rows)
    spec = {**figure.spec, "width": width, "datasets": {"rows": shown}, "config": vega_config()}
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(spec, allow_nan=False))
    return drawn
