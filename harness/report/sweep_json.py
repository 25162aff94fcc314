"""A sweep as JSON for other programs: summaries, epochs by seed, contests and profiles; the store has the rest."""

import json
import math
from collections.abc import Sequence

from harness.judge.training.censored import CONFIDENCE, Interval
from harness.judge.training.contest import Contest, TaskSummary
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import GOOD_FACTOR, CellSummary, Reach, Region, Tuning
from harness.records.sweep import Cell, Sweep
from harness.report import sweep_words as words

Json = dict[str, object]


def sweep_json(sweep: Sweep, cells: Sequence[Cell]) -> str:
    """One object. Null: what is not known, and what is infinite or NaN: an epoch that is null is censored."""
    summary = summarise(cells)
    found = {
        "schema_version": 1,
        "sweep": {name: getattr(sweep, name) for name in ("id", "started_at", "finished_at", "command")},
        "environment": sweep.environment.id,
        "confidence": CONFIDENCE,
        "good_factor": GOOD_FACTOR,
        "conclusions": words.conclusions(summary),
        "work": [vars(one) for one in summary.work],
        "tasks": [_task(task) for task in summary.tasks],
        "profiles": [_profile(one) for one in summary.profiles],
        "cells": [_cell(cell, task) for cell, task in _with_tasks(summary)],
    }
    return json.dumps(_finite(found), allow_nan=False)


def _with_tasks(summary: SweepSummary) -> list[tuple[CellSummary, str]]:
    return [(cell, task.name) for task in summary.tasks for tuning in task.tunings for cell in tuning.cells]


def _finite(value: object) -> object:
    """The same with null for every number that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _task(task: TaskSummary) -> Json:
    return {
        "name": task.name,
        "tolerance": task.tolerance,
        "by_epochs": _contest(task.by_epochs),
        "by_seconds": _contest(task.by_seconds),
        "optimizers": [_tuning(tuning) for tuning in task.tunings],
    }


def _contest(contest: Contest | None) -> Json | None:
    if contest is None:
        return None
    rivals = [
        {
            "optimizer": rival.tuning.optimizer,
            "ratio": rival.ratio,
            "interval": _interval(rival.interval),
            "behind": rival.behind,
        }
        for rival in contest.rivals
    ]
    return {"leader": contest.leader.optimizer, "decided": contest.decided, "rivals": rivals}


def _tuning(tuning: Tuning) -> Json:
    return {
        "optimizer": tuning.optimizer,
        "tolerance": tuning.tolerance,
        "best_lr": tuning.best and tuning.best.lr,
        "best_at_edge": tuning.best_at_edge,
        "reach": tuning.reach and _reach(tuning.reach),
        "good": _region(tuning.good),
        "converging": _region(tuning.converging),
    }


def _region(region: Region | None) -> Json | None:
    if region is None:
        return None
    return vars(region) | {"decades": region.decades, "most_decades": region.most_decades, "at_least": region.open}


def _profile(profile: Profile) -> Json:
    """Steps (tau, share), and what each optimizer solves at all."""
    return {
        "measure": profile.measure,
        "instances": profile.instances,
        "left_out": profile.left_out,
        "steps": {label: profile.steps(label) for label in profile.ratios},
        "solved": {label: profile.share(label, math.inf) for label in profile.ratios},
    }


def _cell(cell: CellSummary, task: str) -> Json:
    kept = cell.cell
    return {
        "task": task,
        "problem": kept.problem,
        "solver": kept.solver,
        "optimizer": cell.optimizer,
        "lr": kept.lr,
        "device": kept.device,
        "engine": kept.engine,
        "options": kept.options,
        "epochs": kept.epochs,
        "status": cell.status,
        "message": kept.message,
        "scale": kept.scale,
        "seeds": kept.seeds,
        "reaches": [_reach(reach) for reach in cell.reaches],
        "epochs_to": kept.epochs_to,
        "predicted": kept.predicted,
        "tolerances": kept.tolerances,
        "epochs_run": kept.epochs_run,
        "final": kept.final,
        "final_gap": cell.final_gap,
        "diverged": kept.diverged,
        "stability_limit": kept.stability_limit,
        "lr_over_limit": cell.lr_over_limit,
        "loop_epoch_s": cell.loop_epoch_s,
    }


def _reach(reach: Reach) -> Json:
    return vars(reach) | {
        "interval": _interval(reach.interval),
        "seconds_interval": _interval(reach.seconds_interval),
        "beyond_theory": reach.beyond_theory,
    }


def _interval(interval: Interval | None) -> list[float] | None:
    """Ends; a null one is censored."""
    return None if interval is None else list(interval)
