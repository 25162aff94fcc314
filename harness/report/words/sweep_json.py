"""A sweep as JSON for other programs: summaries, epochs by seed, contests and profiles; the store has the rest."""

import math
from collections.abc import Sequence

from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import Contest, TaskSummary
from harness.judge.training.convergence import summarise
from harness.judge.training.profile import Profile
from harness.judge.training.tuning import GOOD_FACTOR, Region, Tuning
from harness.records.sweep import Cell, Sweep
from harness.report.render.objects import dumps, objects
from harness.report.tables import sweep as table
from harness.report.words import sweep as words

Json = dict[str, object]


def sweep_json(sweep: Sweep, cells: Sequence[Cell]) -> str:
    """One object. Null: what is not known, and what is infinite or NaN: an epoch that is null is censored."""
    summary = summarise(cells)
    every = [(task.name, cell) for task in summary.tasks for tuning in task.tunings for cell in tuning.cells]
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
        "cells": objects(table.JSON, every),
    }
    return dumps(found)


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
            "interval": rival.interval,
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
        "reach": tuning.reach and table.reach_object(tuning.reach),
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
