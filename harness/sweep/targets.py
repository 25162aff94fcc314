"""The least training loss that is known of an MLP on a problem: what its excess loss is measured from.

No training finds a network's least loss for certain. The best of many long trainings in float64 stands in
for it, kept with how it was made; a sweep that ends below it says so.
"""

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from harness.errors import UsageError
from harness.files.reading import read_toml
from harness.files.writing import replacing
from harness.paths import results_folder
from harness.records.environment import environment
from harness.records.record import Kept
from harness.records.run import now, this_command
from harness.solvers.training.training import Training
from harness.sweep.held_out import HeldOut, of_search
from harness.sweep.target_search import SearchSize, search
from harness.verify import reference_cache

FOLDER = Path("results/targets")
ROUNDING = 1e-9
"""Of a mean over the rows, relatively: far above that of 1e6 of them, which is 1e-10 at the worst (n eps)."""


STORED = SearchSize(32, 20_000, (0.001, 0.003, 0.01))
"""Of the targets that are committed: minutes on one core for 1000 rows."""
ON_THE_SPOT = SearchSize(16, 5000, (0.003, 0.01))
"""Of one that a sweep needs and nobody has stored: a fourteenth of that."""
ON_THE_SPOT_BY_LOOP = replace(ON_THE_SPOT, seeds=4)
"""Of a network that was brought, whose trainings are made one after the other: 40 000 epochs at some 0.2 ms."""


class Target(Kept):
    """A best loss and where it comes from.

    `best_loss` and `null_loss`, the mean predictor's, are mean losses over the `n` training rows in the
    units trained in. `network`: of one that was brought, which has no layers in `hidden`. `best_by_seed` (seeds,): over
    the learning rates and all epochs; `best_epoch` counts the steps made before that loss. `held_out`: the target of
    the rows that are held out, absent where there are none, and in files that are older than it.
    """

    schema_version: Literal[1] = 1
    problem: str
    problem_sha256: str
    n: int
    p: int
    hidden: tuple[int, ...] = ()
    network: str = ""
    loss: str
    scale: str
    best_loss: float
    null_loss: float
    best_seed: int
    best_lr: float
    best_epoch: int
    best_by_seed: tuple[float, ...]
    optimizer: str
    lr: tuple[float, ...]
    epochs: int
    dtype: str
    command: str
    made_at: str
    cpu: str
    system: str
    python: str
    versions: dict[str, str]
    held_out: HeldOut | None = None

    @property
    def how(self) -> str:
        """How it was made, in a few words."""
        rates = ", ".join(f"{rate:g}" for rate in self.lr)
        return f"{len(self.best_by_seed)} seeds by {self.epochs} epochs of Adam at lr {rates}, {self.dtype}"

    def differs(self, training: Training) -> str:
        """What of it is not a training's; empty if it is that training's target."""
        mine = _identity(training)
        names = [name for name, value in mine.items() if getattr(self, name) != value]
        if "problem_sha256" in names:
            return "is of other data (sha256)"
        if not names and not math.isclose(self.null_loss, null_loss(training), rel_tol=ROUNDING):
            return "has another null loss than the data"
        if not names and not 0 <= self.best_loss <= self.null_loss:
            return "has a best loss that is above the null loss, or none"
        return " and ".join(f"is of {name} {_text(getattr(self, name))}, not {_text(mine[name])}" for name in names)


def null_loss(training: Training) -> float:
    """The loss of the mean of y over the training rows, in the units trained in: 1 for standardised squared error."""
    y = training.arrays("train")[1]
    off = y - y.mean()
    return float(np.mean(np.abs(off) if training.options.loss == "l1" else off**2))


def find(training: Training, notify: Callable[[str], None]) -> Target | None:
    """The stored target of a training, else the cached one, else None.

    A stored one that is of other data or another network is left alone, and `notify` hears why.
    """
    others = []
    for folder in dict.fromkeys((FOLDER, results_folder() / "targets")):
        for path in (folder / name for name in names_of(training) if (folder / name).is_file()):
            target = read(path)
            differs = target.differs(training)
            if not differs:
                return target
            others.append(f"{path} {differs}: it is not used")
    for other in others[:1]:
        notify(other)
    with suppress(UsageError):
        cached = read(_cached(training))
        differs = cached.differs(training)
        if not differs:
            return cached
        notify(f"{_cached(training)} {differs}: it is not used")
    return None


def names_of(training: Training) -> tuple[str, str]:
    """The file of a problem's target: of one network alone, and of a further one by its layers, sine_8-8.toml."""
    name = training.problem.name
    return f"{name}.toml", f"{name}_{_text(training.options.hidden or ())}.toml"


def place(training: Training, folder: Path) -> Path:
    """Where its target is written: to the problem's file unless that is of another network."""
    alone, further = (folder / name for name in names_of(training))
    return further if alone.is_file() and read(alone).hidden != (training.options.hidden or ()) else alone


def find_or_make(training: Training, notify: Callable[[str], None], progress: Callable[[int], None]) -> Target:
    """The target of a training; one that nobody has is made on the spot and kept in the user's cache folder."""
    target = find(training, notify)
    if target is None:
        effort = ON_THE_SPOT_BY_LOOP if training.network else ON_THE_SPOT
        notify(
            f"{training.problem.label}: no stored target: making one, {effort.seeds} seeds by {effort.epochs} epochs "
            f"at {len(effort.lr)} learning rates"
        )
        target = make(training, effort, progress)
        path = _cached(training)
        # A folder that cannot be written to costs the next sweep the same time, and nothing else.
        with suppress(OSError):
            write(target, path)
            notify(f"{training.problem.label}: best loss {target.best_loss:.6g}, kept in {path}")
    return target


def make(training: Training, effort: SearchSize, progress: Callable[[int], None]) -> Target:
    """Train the network in float64 over all rows at a time; `progress` hears the epochs that are done, all together."""
    best = search(training, effort, progress)
    here = environment()
    return Target(
        problem=training.problem.label,
        **_identity(training),
        n=len(training.problem.split.train),
        p=training.problem.p,
        best_loss=float(best.by_seed.min()),
        null_loss=null_loss(training),
        best_seed=best.seed,
        best_lr=best.lr,
        best_epoch=best.epoch,
        best_by_seed=tuple(map(float, best.by_seed)),
        optimizer="adam",
        lr=effort.lr,
        epochs=effort.epochs,
        dtype="float64",
        command=this_command(),
        made_at=now(),
        cpu=here.cpu,
        system=here.system,
        python=here.python,
        versions={name: here.versions[name] for name in ("numpy", "torch", "ls-harness") if name in here.versions},
        held_out=of_search(training, effort.lr, best.held_out),
    )


def read(path: Path) -> Target:
    """The target in a file. Raises UsageError, one line, if it is none."""
    return read_toml(Target, path)


def write(target: Target, path: Path) -> None:
    """Write the file, whole or not at all, and its folder where there is none. Raises OSError if that cannot be."""
    import tomlkit

    with replacing(path, make_folder=True) as made:
        made.write_text(tomlkit.dumps(target.model_dump(mode="json", exclude_none=True)), encoding="utf-8")


def _identity(training: Training) -> dict[str, object]:
    """What a target must share with a training."""
    options = training.options
    names = {
        "hidden": options.hidden or (),
        "network": training.network,
        "loss": str(options.loss),
        "scale": str(options.scale),
    }
    return {"problem_sha256": training.problem.sha256, **names}


def _text(value: object) -> str:
    return ("-".join(map(str, value)) if isinstance(value, tuple) else str(value)) or "none"


def _cached(training: Training) -> Path:
    """Below the user's cache folder, by the content that the target depends on."""
    content = sorted(_identity(training).items())
    if training.held_out:
        content.append(("content_sha256", training.problem.content_sha256))
    name = hashlib.sha256(repr(content).encode()).hexdigest()
    return reference_cache.folder().parent / "targets" / f"{name}.toml"
