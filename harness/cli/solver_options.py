"""What may be asked of solvers and of trainings, by the names of `harness.solvers.options.Options`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cli.groups import Group, flag, option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.solvers.options import Options


@dataclass(frozen=True)
class TrainingGroup(Group):
    """Of every training, by itself or in a sweep."""

    loss: str | None = option(help="mse or l1.")
    epochs: int | None = option(help="Passes over the training rows.")
    batch: int | None = option(help="Rows a step; all of them by default.")
    scheduler: str | None = option(
        metavar="NAME",
        help="constant, cosine, warm-up, step, one-cycle; or f(optimizer), as torch.optim.lr_scheduler:StepLR.",
    )
    dtype: str | None = option(help="float32 or float64.")
    scale: str | None = option(help="Train on standardized or raw columns.")
    hidden: str | None = option(help="Units of the MLP's hidden layers, as 8-8-8.")
    network: str | None = option(metavar="PLACE", help="Instead of the MLP an nn.Module: nets.py:Net, called with p.")


@dataclass(frozen=True)
class SolverGroup(TrainingGroup):
    """What every command that runs solvers takes."""

    momentum: float | None = option(help="Of SGD.")
    nesterov: bool = flag(help="Nesterov's momentum in SGD; needs --momentum.")
    weight_decay: float | None = option(help="As torch's optimizer takes it.")
    dampening: float | None = option(help="Of SGD's momentum.")
    betas: str | None = option(help="Of Adam and its kin, as 0.9,0.999.")
    eps: float | None = option(help="What is added to the root of the second moment.")
    alpha: float | None = option(help="Of RMSprop and ASGD.")
    rho: float | None = option(help="Of Adadelta.")
    momentum_decay: float | None = option(help="Of NAdam.")
    lr_decay: float | None = option(help="Of Adagrad.")
    engine: str | None = option(
        help="Who does a training's arithmetic: loop, as people write it; batched, graphed, oracle, jax."
    )
    implementation: str | None = option(help="Of torch's optimizer: forloop, foreach or fused.")
    loss_on_device: bool = flag(help="The loop does not fetch each epoch's loss.")
    tf32: bool = flag(help="On CUDA, let products of float32 be rounded to TF32.")
    threads: int = option(help="Threads of BLAS, OpenMP and torch.", default=1)
    form: str | None = option(help="module (nn.Linear) or parameters (own weight and bias).")
    minimum_norm: bool = flag(help="Of a rank-deficient problem the minimum-norm solution, not a refusal.")

    def options(self, **more: Any) -> "Options":
        """All that was said, and `more`. Raises UsageError for what is no such value."""
        from harness.solvers.options import Options

        said: dict[str, Any] = self.given()
        said["hidden"] = layers(said.get("hidden"))
        said["betas"] = numbers(said.get("betas"), "--betas lists two numbers, as 0.9,0.999")
        return Options(**said, **more)


def numbers(text: str | None, wanted: str) -> tuple[float, ...] | None:
    """0.5,-0.1 as (0.5, -0.1). Raises UsageError, with what was `wanted`, for anything else."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{wanted}, not '{text}'") from None


def layers(text: str | None) -> tuple[int, ...] | None:
    """8-8-8 as (8, 8, 8). Raises UsageError for anything else."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split("-"))
    except ValueError:
        raise UsageError(f"--hidden lists units by layer, as 8-8-8, not '{text}'") from None
