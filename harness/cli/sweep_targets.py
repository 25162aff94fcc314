"""harness sweep --make-target: the best loss of a network that long trainings find, written for sweeps to come."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.cli.groups import refuse
from harness.cli.printing import print_line
from harness.cli.sweep_request import request_of
from harness.errors import UsageError

HOW = "--make-target trains the MLP by Adam in float64, all rows at a time, in this process"
FIXED = ("optimizer", "engine", "model", "batch", "dtype", "timeout", "memory", "in_process", "on")


def make_targets(said: Mapping[str, Any], folder: Path) -> None:
    """Write a target for each problem."""
    from harness.files.writing import write_errors
    from harness.report.terminal.console import err
    from harness.report.terminal.live import SweepLive
    from harness.sweep import targets
    from harness.sweep.plan import candidates
    from harness.timing.threads import limited

    refuse([name for name in FIXED if name in said], HOW)
    size = targets.STORED
    stored = {"lr": [repr(lr) for lr in size.lr], "seeds": size.seeds, "epochs": size.epochs}
    request = request_of({**stored, **said})
    request = request.model_copy(update={"model": "mlp", "engine": "batched", "optimizers": ("adam",)})
    size = replace(size, lr=request.lr, seeds=request.seeds, epochs=request.epochs)
    planned = candidates(request)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--make-target {folder}: is a file; name a folder")
    import_module("torch")  # only a library that is loaded can be held to so many threads
    with limited(request.threads), SweepLive(err(), size.total_epochs * len(planned)) as live:
        for candidate in planned:
            live.working(f"{candidate.problem.label}: its target")
            target = targets.make(candidate.training, size, live.trained)
            path = targets.place(candidate.training, folder)
            with write_errors(f"--make-target {path}"):
                targets.write(target, path)
            live.stored(size.total_epochs)
            print_line(f"{path}: best loss {target.best_loss:.6g} of {target.how}")
