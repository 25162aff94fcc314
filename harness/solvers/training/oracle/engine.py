"""The engine `oracle`: the exact trajectories of the linear model on squared loss, in float64."""

from dataclasses import replace
from functools import partial

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.closed_forms.closed_form import ClosedFormPrepared
from harness.solvers.training import optimizers
from harness.solvers.training.engine import Progress, only_full_batches, refusal
from harness.solvers.training.followed import Followed, path_of
from harness.solvers.training.learning_map import Learned, curve_epochs
from harness.solvers.training.oracle.adaptive import Adaptive
from harness.solvers.training.oracle.crossings import learning_map
from harness.solvers.training.oracle.descent import Descent
from harness.solvers.training.oracle.quadratic import Quadratic
from harness.solvers.training.path import Path, fit_of
from harness.solvers.training.training import Aim, Grid, Training
from harness.solvers.training.watch import Watch

SGD = "sgd"
DECOUPLED = {name: optimizers.get(name).decoupled for name in ("adam", "adamw")}
"""Whether weight decay is apart from the gradient, by the optimizer that is stepped on the quadratic."""


class OracleEngine:
    """Gradient descent in closed form, Adam by stepping the quadratic: numpy alone, the rows factored once."""

    name = "oracle"
    requires: tuple[str, ...] = ()

    def unsupported(self, training: Training) -> str | None:
        """Everything that is not full-batch training of the linear model on squared loss in float64 on the CPU."""
        options = training.options
        asked = {
            "is of linear models: a network's loss is no quadratic; use --engine loop": not training.is_linear,
            f"is of squared loss, not {options.loss}: add --loss mse": options.loss != "mse",
            "has no weight decay of SGD: drop --weight-decay": training.optimizer == SGD and bool(options.weight_decay),
            "runs on the CPU: add --device cpu": options.device != "cpu",
            f"is exact in float64, not in {options.dtype}: drop --dtype": options.dtype != "float64",
            "has no torch optimizer, and so no implementation of one: drop --implementation": bool(
                options.implementation
            ),
            "fetches no losses: drop --loss-on-device": bool(options.loss_on_device),
            "multiplies no float32 on CUDA: drop --tf32": bool(options.tf32),
        }
        return refusal(self.name, training, asked, only_full_batches(training))

    def prepare(self, training: Training) -> ClosedFormPrepared[Path]:
        """Factors the rows and draws the initial weights; the timed work is a whole training, all of it kept."""
        # Nothing is judged here: with a scale of 1, an excess loss is absolute, and exists where the best loss is 0.
        quadratic, start = training.quadratic(loss_scale=1.0), training.initial_parameters(training.case[1:])
        return ClosedFormPrepared(lambda: _path(training, quadratic, start), partial(fit_of, training))

    def learn(self, training: Training, grid: Grid, aim: Aim, progress: Progress) -> Learned:
        """Crossings and curves of all trainings, from `aim.quadratic`.

        The loss is told as every engine sees it: where an epoch steps from, and so not after the last one.
        """
        assert aim.quadratic is not None  # noqa: S101  # of a linear model there is one
        start = training.initial_parameters(grid.seeds)
        if training.optimizer == SGD:
            learned = _descend(training, grid, aim, start)
        else:
            watch, decays = Watch(grid, aim, training.epochs), bool(training.trained.weight_decay)
            stepped = training.quadratic(loss_scale=1.0) if decays else aim.quadratic
            for block in rule_of(training, stepped).blocks(start, grid.lr, training.epochs):
                # Weight decay is the rule's own: the steps are on the loss alone, the excess is of what is aimed at.
                watch.note(replace(block, excess=None) if decays else block)
            learned = watch.learned()
        progress(training.epochs * len(grid.cases))
        return learned


def _descend(training: Training, grid: Grid, aim: Aim, start: Floats) -> Learned:
    """How SGD's trainings end, and the way there, without stepping."""
    assert aim.quadratic is not None  # noqa: S101  # learn() has seen it
    descent, at = _descent(training, aim.quadratic, start, np.array(grid.lr)), curve_epochs(training.epochs)
    with np.errstate(over="ignore", invalid="ignore"):  # what lies after a divergence, and is not shown
        ended, excess = learning_map(descent, training.epochs, aim.tolerances), descent.excess(at)
        loss = aim.quadratic.best_loss + aim.quadratic.loss_scale * excess
    done = at[:, None, None]
    excess = np.where(done <= ended.epochs_run, excess, np.nan)
    return Learned(ended, at, excess, np.where(done < ended.epochs_run, loss, np.nan))


def _descent(training: Training, quadratic: Quadratic, start: Floats, lr: Floats) -> Descent:
    options = training.options
    return Descent.of(quadratic, start, lr, options.momentum or 0.0, bool(options.nesterov))


def rule_of(training: Training, quadratic: Quadratic) -> Adaptive:
    """Adam or AdamW with the training's settings, on that quadratic."""
    decoupled = optimizers.arithmetic_of("oracle", DECOUPLED, training.optimizer)
    own = optimizers.get(training.optimizer).defaults
    decay = training.trained.weight_decay
    options = training.options
    betas = options.betas or (own["beta1"], own["beta2"])
    return Adaptive(quadratic, betas, own["eps"] if options.eps is None else options.eps, decay, decoupled)


def _path(training: Training, quadratic: Quadratic, start: Floats) -> Path:
    """Losses and parameters of every epoch of one training from start (1, k)."""
    lr = np.array(training.case[:1])
    if training.optimizer != SGD:
        return path_of(rule_of(training, quadratic).blocks(start, lr, training.epochs), every=True)
    with np.errstate(over="ignore", invalid="ignore"):  # what lies after a divergence
        theta, loss = _descent(training, quadratic, start, lr).path(range(training.epochs + 1))
        block = Followed(np.zeros(1, dtype=np.int64), training.epochs).take(loss[:-1, None], theta[:, None])
    return path_of([block], every=True)
