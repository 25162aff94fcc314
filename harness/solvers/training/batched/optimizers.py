"""torch.optim's elementwise optimizers over the parameters of all models, as one flat vector."""

import torch

from harness.solvers.training.batched.elementwise import (
    Adadelta,
    Adagrad,
    Adamax,
    Asgd,
    Elementwise,
    NAdam,
    RAdam,
    RmsProp,
    Rprop,
)
from harness.solvers.training.batched.settings import Owners, Settings
from harness.solvers.training.optimizers import arithmetic_of


class Sgd:
    """torch.optim.SGD: g += wd theta; b = mu b + (1 - tau) g; theta -= lr (b, or with Nesterov g + mu b).

    The first b is g, whatever the dampening tau. A model without momentum in a batch with it has mu = 0, and so b = g,
    for which its dampening counts as 0.
    """

    def __init__(self, settings: Settings, owners: Owners, dtype: torch.dtype) -> None:
        """The state of torch's first step, in which b is g."""
        self.settings, self.dtype, self.begun = settings, dtype, False
        self.buffer = torch.zeros(len(owners.owner), dtype=dtype, device=owners.owner.device)
        self.constants(owners)

    def constants(self, owners: Owners) -> None:
        """What does not change from step to step, for the models that are left."""

        def spread(name: str) -> torch.Tensor | None:
            return owners.value(self.settings, name).to(self.dtype) if self.settings.uses(name) else None

        self.lr = owners.value(self.settings, "lr").to(self.dtype)
        self.decay, self.momentum, self.ahead = spread("weight_decay"), spread("momentum"), spread("nesterov")
        damped = spread("dampening")
        self.fresh = None if damped is None or self.momentum is None else torch.where(self.momentum > 0, 1 - damped, 1)
        if self.ahead is not None and self.momentum is not None:
            self.share = torch.where(self.ahead > 0, self.momentum, 1.0)

    def step(self, theta: torch.Tensor, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Make a step from theta (P,) to `out`, which may be theta; the gradient (P,) is overwritten."""
        if self.decay is not None:
            gradient.addcmul_(theta, self.decay)
        if self.momentum is not None:
            fresh = gradient * self.fresh if self.fresh is not None and self.begun else gradient
            self.buffer.mul_(self.momentum).add_(fresh)
            self.begun = True
            if self.ahead is not None:
                gradient.mul_(self.ahead).addcmul_(self.buffer, self.share)
            else:
                gradient = self.buffer
        torch.addcmul(theta, gradient, self.lr, value=-1, out=out)

    def restrict(self, kept: torch.Tensor, owners: Owners) -> None:
        """Forget all parameters but `kept` (P,) bool, which are `owners`'s."""
        self.buffer = self.buffer[kept]
        self.constants(owners)


class Adam:
    """torch.optim.Adam, and AdamW with its decoupled weight decay.

    torch's lr / (1 - b1^t) m / (sqrt(v) / c + eps) with c = sqrt(1 - b2^t) is evaluated as
    1 / (1 - b1^t) m / (sqrt(v) / c / lr + eps / lr): two constants of each parameter, and two numbers of each step.
    """

    def __init__(self, settings: Settings, owners: Owners, dtype: torch.dtype) -> None:
        """Both moments at zero."""
        self.settings, self.dtype, self.made = settings, dtype, 0
        self.m = torch.zeros(len(owners.owner), dtype=dtype, device=owners.owner.device)
        self.v = torch.zeros_like(self.m)
        self.shared = settings.shared("beta1"), settings.shared("beta2")
        self.constants(owners)

    def constants(self, owners: Owners) -> None:
        """What does not change from step to step, for the models that are left."""
        lr, eps, *self.betas = (owners.value(self.settings, name) for name in ("lr", "eps", "beta1", "beta2"))
        # torch allows a learning rate of 0: its steps become too small to change a parameter.
        inverse = 1 / lr.clamp_min(torch.finfo(self.dtype).tiny)
        self.inverse, self.softened = inverse.to(self.dtype), (eps * inverse).to(self.dtype)
        beta1, beta2 = self.betas
        self.fresh1, self.old2, self.fresh2 = (x.to(self.dtype) for x in (1 - beta1, beta2, 1 - beta2))
        self.work = torch.empty_like(self.m)
        self.decay, self.decoupled = None, self.settings.optimizer == "adamw"
        if self.settings.uses("weight_decay"):
            decay = owners.value(self.settings, "weight_decay")
            self.decay = ((1 - lr * decay) if self.decoupled else decay).to(self.dtype)

    def step(self, theta: torch.Tensor, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Make a step from theta (P,) to `out`, which may be theta; the gradient (P,) is overwritten."""
        self.made = made = self.made + 1
        if self.decay is not None and self.decoupled:
            theta = torch.mul(theta, self.decay, out=out)
        elif self.decay is not None:
            gradient.addcmul_(theta, self.decay)
        work, (beta1, beta2) = self.work, self.shared
        self.m.lerp_(gradient, self.fresh1)
        self.v.mul_(self.old2)
        if beta1 is None or beta2 is None:
            self.v.addcmul_(gradient.mul_(gradient), self.fresh2)
            torch.sqrt(self.v, out=work)
            grown1, grown2 = (1 - beta**made for beta in self.betas)
            torch.addcmul(self.softened, work, (self.inverse * grown2**-0.5).to(self.dtype), out=work)
            torch.addcdiv(theta, self.m, work.mul_(grown1), value=-1, out=out)
        else:
            self.v.addcmul_(gradient, gradient, value=1 - beta2)
            torch.sqrt(self.v, out=work)
            torch.addcmul(self.softened, work, self.inverse, value=(1 - beta2**made) ** -0.5, out=work)
            torch.addcdiv(theta, self.m, work, value=-1 / (1 - beta1**made), out=out)

    def restrict(self, kept: torch.Tensor, owners: Owners) -> None:
        """Forget all parameters but `kept` (P,) bool, which are `owners`'s."""
        self.m, self.v = self.m[kept], self.v[kept]
        self.constants(owners)


Rule = Sgd | Adam | Elementwise
WRITTEN: dict[str, type[Rule]] = {
    "sgd": Sgd,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RmsProp,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adamax": Adamax,
    "nadam": NAdam,
    "radam": RAdam,
    "asgd": Asgd,
    "rprop": Rprop,
}


def optimizer_of(settings: Settings, owners: Owners, dtype: torch.dtype) -> Rule:
    """The batch's optimizer, its state at zero. Raises UsageError for one that is not written out here."""
    return arithmetic_of("batched", WRITTEN, settings.optimizer)(settings, owners, dtype)
