"""Evidence to make pages of: one that fills every section, one whose names are hostile, one as large as is wanted."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.judge.gate.gate import GateReport
from harness.judge.history.history import judge_history
from harness.judge.history.series import History, Point, quantity_of
from harness.judge.machine.doubts import Doubt, State
from harness.judge.studies.findings import Ending as Checked
from harness.judge.studies.findings import FindingLine, Present
from harness.judge.studies.published import Ending, Line
from harness.judge.verdict import Judgement, Verdict
from harness.judge.versions.ab import judge_ab
from harness.judge.versions.calibration import Arm, Calibration
from harness.records.ab import AbCell, Measured, Side
from harness.records.environment import Environment
from harness.records.record import Record
from harness.records.run import Run, Selection
from harness.report.html.evidence import Evidence
from harness.report.render.ab_file import AbFile, ab_file
from harness.solvers.status import Status
from tests.ab_cells import Noise
from tests.ab_cells import cell as ab_cell
from tests.page_records import HERE, HOSTILE, RATES, faster, hostile_run, many_records, small_run
from tests.sweep_data import cell, sweep

COMMAND = "harness report -o report.html"


def run_of(records: Sequence[Record], run_id: str = "20260101-120000-planted0") -> Run:
    """A run that planned these records and one case more, which is missing."""
    return Run(
        id=run_id,
        started_at="2026-01-01T12:00:00.000000+00:00",
        finished_at="2026-01-01T12:01:00.000000+00:00",
        command="harness run",
        selection=Selection(),
        planned=(*(one.case for one in records), "everyday:n=2000,seed=0 left_out"),
        environment=HERE,
    )


def everything(**changed: Any) -> Evidence:
    """Evidence for every section: solvers, problems, sizes, devices and learning rates that differ in every figure."""
    records = tuple(small_run())
    slower = tuple(faster(one) for one in records)
    given: dict[str, Any] = {
        "made_at": "2026-01-01T12:02:00+00:00",
        "command": COMMAND,
        "run": run_of(records),
        "records": records,
        "gate": gate_report(),
        "expectations": "results/expectations.toml",
        "baseline": run_of(slower, "20251231-120000-planted0"),
        "baseline_records": slower,
        "ab": comparison(*(one.case for one in records[:4])),
        "doubts": doubts(),
        "sweep": sweep(),
        "cells": tuple(cells()),
        "published": tuple(lines()),
        "histories": (history("time"), history("digits")),
        "findings": findings(),
    }
    return Evidence(**given | changed)


def gate_report(case: str = "everyday:n=2000,seed=0 sklearn") -> GateReport:
    """A breach, a cured failure and one that is as it was."""
    return GateReport(
        judgements=(
            Judgement(case, "digits", "0", ">= 9", Verdict.REGRESSION, "9 below the floor", "Find the commit.", "IEEE"),
            Judgement(
                "diabetes:n=442,seed=0 sklearn",
                "status",
                "ok",
                "wrong",
                Verdict.IMPROVEMENT,
                "an expected one is cured",
            ),
            Judgement("diabetes:n=442,seed=0 numpy_lstsq", "digits", "12", ">= 11", Verdict.UNCHANGED),
        ),
        incomplete=("everyday:n=2000,seed=0 left_out",),
        unjudged=2,
    )


def comparison(*cases: str, name: str = "", calibrated: bool = True) -> AbFile:
    """harness ab of these cases: slower, faster, unchanged and so on in turn, the second with a wrong answer; `name` is
    what everything in it is called.
    """
    rng, quiet = np.random.default_rng(0), Noise(launch=0.002, call=0.005, delayed=0.0)
    wrong = Measured(status=Status.WRONG, digits=0.0, message=name or "rank 2")
    made: list[AbCell] = []
    for (i, case), ratio in zip(enumerate(cases), itertools.cycle((1.2, 0.8, 1.0))):  # as long as the cases
        problem, _, solver = (case or name).partition(" ")
        head = wrong if i == 1 else Measured(digits=12.0)
        who: dict[str, Any] = {"problem": name or problem, "solver": name or solver, "device": name or "cpu"}
        made.append(ab_cell(rng, ratio, case=case, noise=quiet, launches=6, head=head, **who))
    arm = Arm(factor=1.0, repeats=1, cells=100, regressions=1, improvements=0, unchanged=90, undecided=9)
    known = Calibration(environment=HERE, measured_at=name[:9] or "2026-01-01", budget_s=60, effect=0.03, arms=(arm,))
    report = judge_ab(made, calibration=known if calibrated else None)
    return ab_file(report, Side(name=name or "main"), Side(name=name or "HEAD"))


def doubts(text: str = "load 3.1 on 2 cores") -> tuple[Doubt, ...]:
    """One check of each state."""
    return tuple(
        Doubt(f"{state} check", state, text, "Other work takes the processor.", "End it.", "the project's own bar")
        for state in State
    )


def cells(problem: str = "auto_mpg") -> Iterator[Any]:
    """Two optimizers at three learning rates over three seeds, the largest of which diverges."""
    at = (0, 1, 3, 10, 30, 100, 300, 1000)
    for optimizer, lr in itertools.product(("sgd", "adam"), RATES):
        grows = lr > 0.5
        excess = tuple(
            tuple(10 * math.exp((0.01 if grows else -2.0 * lr) * e) * k for k in (0.8, 1.0, 1.3)) for e in at
        )
        epochs = math.ceil(math.log(1e7) / (2.0 * lr))
        yield cell(
            optimizer,
            lr,
            (None,) * 3 if grows else (epochs, epochs + 2, epochs + 5),
            problem=problem,
            problem_name=problem,
            at=at,
            excess=excess,
            loss=tuple(tuple(1 + e for e in row) for row in excess),
            diverged=(grows,) * 3,
            final=excess[-1],
            stability_limit=0.9 if optimizer == "sgd" else None,
        )


def lines(name: str = "The intercept") -> Iterator[Line]:
    """A figure that is reproduced, one that is not, one that cannot be."""
    for tutorial, ending in itertools.product(("auto_mpg", "mlp"), Ending):
        found = {Ending.REPRODUCED: 2.5, Ending.NOT_REPRODUCED: 9.0}.get(ending)
        yield Line(
            tutorial=tutorial,
            figure=f"{name} {ending}",
            printed=2.5,
            reproduced=found,
            count=1,
            matched=int(found == 2.5),
            deviation=None if found is None else abs(found - 2.5),
            tolerance_text="abs 0.01",
            outcome=ending,
            reason="" if ending is Ending.REPRODUCED else "it was drawn at random",
        )


def history(quantity: str, case: str = "everyday:n=2000,seed=0 numpy_lstsq") -> History:
    """Twenty-four commits, the last eight of them a step worse."""
    wanted = quantity_of(quantity)
    before, after = (1e-4, 1.5e-4) if quantity == "time" else (12.0, 9.0)
    spread = (1.0, 1.001, 0.999) if wanted.noisy else (1.0,)
    points = [
        Point(
            f"{i:040x}", i, 1_767_225_600.0 + 3600 * i, HERE, tuple((before if i < 16 else after) * k for k in spread)
        )
        for i in range(24)
    ]
    return judge_history(case, wanted, points, lambda old, new: int(new[:2], 16) - int(old[:2], 16) - 1)


def findings(title: str = "LinearRegression drops a column", says: str = "R² 0.185") -> tuple[FindingLine, ...]:
    """One that is here and one that is cured."""
    return tuple(
        FindingLine(
            id=f"a_finding_{present.name.lower()}",
            title=title,
            library="scikit-learn",
            kind="wrong answer",
            nature="defect",
            documentation="lstsq: 'it solves the equation'.",
            bad=">=1.9,<1.10",
            good="<1.9",
            installed="1.9.1",
            present=present,
            outcome=Checked.REPRODUCED if present is Present.YES else Checked.NOT_CHECKED,
            case_says=says,
            script_says=says,
            reason="",
        )
        for present in (Present.YES, Present.CURED)
    )


def hostile() -> Evidence:
    """Evidence in which every text that comes from a person's file or a library is one of HOSTILE."""
    records = tuple(hostile_run())
    name = HOSTILE[0]
    return everything(
        command=f"harness report -o '{HOSTILE[1]}'",
        expectations=name,
        run=run_of(records).model_copy(update={"command": HOSTILE[1], "environment": _environment(name)}),
        records=records,
        baseline=run_of(records, HOSTILE[2]),
        baseline_records=tuple(faster(one) for one in records),
        ab=comparison(*HOSTILE, name=HOSTILE[0]),
        gate=GateReport(tuple(_judgement(name) for name in HOSTILE), HOSTILE, 1),
        doubts=tuple(itertools.chain.from_iterable(map(doubts, HOSTILE))),
        cells=tuple(itertools.chain.from_iterable(cells(name) for name in HOSTILE[:4])),
        published=tuple(itertools.chain.from_iterable(map(lines, HOSTILE))),
        histories=(history("time", HOSTILE[1]), history("digits", HOSTILE[0])),
        findings=findings(HOSTILE[1], HOSTILE[0]),
    )


def _judgement(name: str) -> Judgement:
    return Judgement(name, "digits", name, name, Verdict.REGRESSION, name, name, name)


def _environment(name: str) -> Environment:
    return HERE.model_copy(update={"cpu": name, "system": name, "blas": (name,), "versions": {"numpy": name}})


def many(count: int) -> Evidence:
    """A run of so many records, and as many before it."""
    records = tuple(many_records(count))
    slower = tuple(faster(one) for one in records)
    return everything(run=run_of(records), records=records, baseline=run_of(slower, "before"), baseline_records=slower)
