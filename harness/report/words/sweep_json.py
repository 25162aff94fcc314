"""A sweep as JSON for other programs: summaries, epochs by seed, contests and profiles; the store has the rest."""

import math
from collections.abc import Sequence

from harness.judge.training.budgets import Budget
from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import Contest, TaskSummary
from harness.judge.training.convergence import summarise
from harness.judge.training.profile import Profile
from harness.judge.training.scores import Scores
from harness.judge.training.tuning import GOOD_FACTOR, Region, Tuning
from harness.records.sweep import Cell, Sweep
from harness.report.render.objects import dumps, objects
from harness.report.tables import sweep as table
from harness.report.tables.column import Column, attributes
from harness.report.words import sweep as words

Json = dict[str, object]


def sweep_json(sweep: Sweep, cells: Sequence[Cell]) -> str:
    """One object. Null: what is not known, and what is infinite or NaN: an epoch that is null is censored."""
    summary = summarise(cells)
    names = [task.name for task in summary.tasks for tuning in task.tunings for _ in tuning.cells]
    found = {
        "schema_version": 1,
        "sweep": {name: getattr(sweep, name) for name in ("id", "started_at", "finished_at", "command")},
        "environment": sweep.environment.id,
        "tables": sweep.tables,
        "confidence": CONFIDENCE,
        "good_factor": GOOD_FACTOR,
        "conclusions": words.conclusions(summary),
        "work": [vars(one) for one in summary.work],
        "tasks": [_task(task) for task in summary.tasks],
        "profiles": [_profile(one) for one in summary.profiles],
        "scores": [_scores(one) for one in summary.scores],
        "budgets": [_budget(one) for one in summary.budgets],
        "cells": [{"task": name} | one for name, one in zip(names, objects(table.JSON, summary.cells), strict=True)],
    }
    return dumps(found)


def _task(task: TaskSummary) -> Json:
    return {
        "name": task.name,
        "tolerance": task.tolerance,
        "by_epochs": _contest(task.by_epochs),
        "by_seconds": _contest(task.by_seconds),
        "optimizers": objects(_TUNING, task.tunings),
    }


def _contest(contest: Contest | None) -> Json | None:
    if contest is None:
        return None
    rivals = objects(_RIVAL, contest.rivals)
    leader = contest.leader.optimizer
    winner = leader if contest.decided else None
    return {"leader": leader, "winner": winner, "decided": contest.decided, "rivals": rivals}


def _optimal(tuning: Tuning) -> Json | None:
    found = tuning.optimal
    if found is None:
        return None
    names = ("lr", "momentum", "rate", "epochs_per_decade")
    return {name: getattr(found, name) for name in names} | {"condition": tuning.condition}


def _region(region: Region | None) -> Json | None:
    if region is None:
        return None
    return vars(region) | {"decades": region.decades, "most_decades": region.most_decades, "at_least": region.open}


_RIVAL = attributes("optimizer=tuning.optimizer ratio interval behind")
_TUNING: tuple[Column[Tuning], ...] = (
    *attributes("optimizer tolerance best_lr=best.lr best_at_edge"),
    Column("edges", value=lambda tuning: [edge._asdict() for edge in tuning.edges]),
    Column("reach", value=lambda tuning: tuning.reach and table.reach_object(tuning.reach)),
    Column("good", value=lambda tuning: _region(tuning.good)),
    Column("optimal", value=_optimal),
    Column("converging", value=lambda tuning: _region(tuning.converging)),
)


def _scores(found: Scores) -> Json:
    winner = found.winner
    return {
        "measure": found.measure,
        "workloads": found.workloads,
        "winner": winner and winner.optimizer,
        "open": [{"workload": name, "optimizers": who} for name, who in found.open.items()],
        "scores": [vars(one) for one in found.scores],
        "pairs": [vars(one) for one in found.pairs],
    }


def _budget(budget: Budget) -> Json:
    each = [
        {"optimizer": name, "score": score, "band": budget.bands[name], "first": budget.first[name]}
        for name, score in budget.scores.items()
    ]
    return {"tries": budget.tries, "winner": budget.winner, "optimizers": each}


def _profile(profile: Profile) -> Json:
    """Steps (tau, share), and what each optimizer solves at all."""
    return {
        "measure": profile.measure,
        "instances": profile.instances,
        "left_out": profile.left_out,
        "steps": {label: profile.steps(label) for label in profile.ratios},
        "solved": {label: profile.share(label, math.inf) for label in profile.ratios},
    }
