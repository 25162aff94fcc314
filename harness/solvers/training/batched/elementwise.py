"""torch.optim's optimizers that are nothing but elementwise rules, over the parameters of all models."""

from typing import TypeAlias

import torch

from harness.solvers.training.batched.settings import Owners, Settings

Number: TypeAlias = "float | torch.Tensor"
"""Of all models, or (P,) float64 of each parameter's own."""


class Elementwise:
    """What the optimizers below share: their state by parameter, and settings that models share or have of their own.

    `moved(theta, g)` is torch's step from theta (P,) with the gradient g (P,): the new theta.
    """

    state_size = 1

    def __init__(self, settings: Settings, owners: Owners, dtype: torch.dtype) -> None:
        """The state at zero."""
        self.settings, self.dtype, self.made = settings, dtype, 0
        zeros = torch.zeros(len(owners.owner), dtype=dtype, device=owners.owner.device)
        self.state = [zeros.clone() for _ in range(self.state_size)]
        self.constants(owners)

    def constants(self, owners: Owners) -> None:
        """What does not change from step to step, for the models that are left."""
        self.owners = owners
        self.lr = self.number("lr")
        self.decay = self.number("weight_decay") if self.settings.uses("weight_decay") else None

    def number(self, name: str) -> Number:
        """A setting: a float where all models share it."""
        shared = self.settings.shared(name)
        return self.owners.value(self.settings, name) if shared is None else shared

    def factor(self, name: str) -> Number:
        """A setting as a factor of the state."""
        return self.of(self.number(name))

    def of(self, value: Number) -> Number:
        """A number as a factor of the state."""
        return value.to(self.dtype) if isinstance(value, torch.Tensor) else value

    def step(self, theta: torch.Tensor, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Make a step from theta (P,) to `out`, which may be theta; the gradient (P,) may be overwritten."""
        self.made += 1
        if self.decay is not None:
            gradient = gradient + self.of(self.decay) * theta
        out.copy_(self.moved(theta, gradient))

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """The step itself."""
        raise NotImplementedError

    def averaged(self, place: int, fresh: torch.Tensor, share: Number) -> torch.Tensor:
        """The moving average at a place of the state with a `share` of old: share old + (1 - share) fresh."""
        self.state[place].mul_(self.of(share)).add_(fresh * self.of(1 - share))
        return self.state[place]

    def lerped(self, place: int, fresh: torch.Tensor, share: Number) -> torch.Tensor:
        """The same, as torch evaluates it for a first moment: old + (1 - share) (fresh - old)."""
        old = self.state[place]
        return old.add_((fresh - old) * self.of(1 - share))

    def restrict(self, kept: torch.Tensor, owners: Owners) -> None:
        """Forget all parameters but `kept` (P,) bool, which are `owners`'s."""
        self.state = [one[kept] for one in self.state]
        self.constants(owners)


class RmsProp(Elementwise):
    """v = alpha v + (1 - alpha) g²; u = g / (sqrt(v) + eps); b = mu b + u; theta -= lr b (Hinton 2012, lecture 6e)."""

    state_size = 2

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        v = self.averaged(0, g * g, self.number("alpha"))
        update = g / (v.sqrt() + self.factor("eps"))
        if self.settings.uses("momentum"):
            update = self.state[1].mul_(self.factor("momentum")).add_(update)
        return theta - self.of(self.lr) * update


class Adagrad(Elementwise):
    """s += g²; theta -= lr / (1 + (t - 1) decay) g / (sqrt(s) + eps) (Duchi, Hazan and Singer 2011)."""

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        s = self.state[0].add_(g * g)
        rate = self.lr / (1 + (self.made - 1) * self.number("lr_decay"))
        return theta - self.of(rate) * (g / (s.sqrt() + self.factor("eps")))


class Adadelta(Elementwise):
    """v = rho v + (1 - rho) g²; d = sqrt(u + eps) / sqrt(v + eps) g; u averages d²; theta -= lr d (Zeiler 2012)."""

    state_size = 2

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        rho, eps = self.number("rho"), self.factor("eps")
        v = self.averaged(0, g * g, rho)
        delta = (self.state[1] + eps).sqrt() / (v + eps).sqrt() * g
        self.averaged(1, delta * delta, rho)
        return theta - self.of(self.lr) * delta


class Adamax(Elementwise):
    """m as Adam's; u = max(b2 u, |g| + eps); theta -= lr / (1 - b1^t) m / u (Kingma and Ba 2015, algorithm 2)."""

    state_size = 2

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        beta1, beta2 = self.number("beta1"), self.number("beta2")
        m = self.lerped(0, g, beta1)
        u = self.state[1].mul_(self.of(beta2))
        torch.maximum(u, g.abs() + self.factor("eps"), out=u)
        return theta - self.of(self.lr / (1 - beta1**self.made)) * (m / u)


class NAdam(Elementwise):
    """Adam with Nesterov's momentum (Dozat 2016), whose share mu_t = b1 (1 - 0.96^(t psi) / 2) grows.

    torch keeps the product of all mu in its default dtype, float32, whatever is trained in, and so is it here.
    """

    state_size = 2

    def constants(self, owners: Owners) -> None:
        """The product of all mu so far is the same function of t for every model of the same betas."""
        super().constants(owners)
        self.product = torch.ones((), device=owners.owner.device)
        for t in range(1, self.made + 1):
            self._multiply(t)

    def _multiply(self, t: int) -> None:
        self.product = self.product * torch.as_tensor(self._share(t), dtype=torch.float32, device=self.product.device)

    def _share(self, t: int) -> Number:
        grown: Number = 0.96 ** (t * self.number("momentum_decay"))
        return self.number("beta1") * (1 - 0.5 * grown)

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        beta1, beta2, t = self.number("beta1"), self.number("beta2"), self.made
        mu, following = self._share(t), self._share(t + 1)
        self._multiply(t)
        product = self.product.double()
        m, v = self.lerped(0, g, beta1), self.averaged(1, g * g, beta2)
        root = (v / self.of(1 - beta2**t)).sqrt() + self.factor("eps")
        now, ahead = self.lr * (1 - mu) / (1 - product), self.lr * following / (1 - product * following)
        return theta - self.of(now) * (g / root) - self.of(ahead) * (m / root)


class RAdam(Elementwise):
    """Adam whose division by sqrt(v) waits until v is known, rho_t > 5, and then is rectified (Liu et al. 2020)."""

    state_size = 2

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        beta1, beta2, t = self.number("beta1"), self.number("beta2"), self.made
        m, v = self.lerped(0, g, beta1), self.averaged(1, g * g, beta2)
        most, left = 2 / (1 - beta2) - 1, 1 - beta2**t
        known = torch.as_tensor(most - 2 * t * beta2**t / left, dtype=torch.float64, device=theta.device)
        enough = known > RECTIFIED_FROM
        safe = known.clamp_min(RECTIFIED_FROM)
        rectified = ((safe - 4) * (safe - 2) * most / ((most - 4) * (most - 2) * safe)).sqrt() * left**0.5
        divided = m / (v.sqrt() + self.factor("eps")) * self.of(rectified)
        return theta - self.of(self.lr / (1 - beta1**t)) * torch.where(enough, divided, m)


RECTIFIED_FROM = 5.0
"""As torch has it; Liu et al. have 4."""


class Asgd(Elementwise):
    """theta = (1 - lambd eta) theta - eta g with eta = lr / (1 + lambd lr t)^alpha after t steps.

    torch keeps eta in its default dtype, float32, whatever is trained in, and so is it here. The average of the
    iterates (Polyak and Juditsky 1992), which torch keeps beside, is nobody's parameters.
    """

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        lambd, lr, done = self.number("lambd"), self.lr, self.made - 1
        exact = lr / (1 + lambd * lr * done) ** self.number("alpha")
        eta = torch.as_tensor(exact, device=theta.device).float().double()
        return theta * self.of(1 - lambd * eta) - g * self.of(eta)


class Rprop(Elementwise):
    """Each parameter has a step of its own, begun with lr, and goes it against the gradient's sign.

    It grows 1.2 times where the sign stays, and is halved where it turns, when no step is made (Riedmiller and Braun
    1993); between 1e-6 and 50, torch's defaults.
    """

    state_size = 2

    def constants(self, owners: Owners) -> None:
        """The steps begin with the learning rates."""
        super().constants(owners)
        if not self.made:
            self.state[1] = owners.value(self.settings, "lr").to(self.dtype)

    def moved(self, theta: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """As above."""
        before, size = self.state
        turned = torch.sign(g * before)
        grown = torch.ones_like(g).masked_fill_(turned > 0, SHRINK_GROW[1]).masked_fill_(turned < 0, SHRINK_GROW[0])
        self.state[1] = size = (size * grown).clamp_(*SIZES)
        self.state[0] = g = torch.where(turned < 0, 0.0, g)
        return theta - torch.sign(g) * size


SHRINK_GROW, SIZES = (0.5, 1.2), (1e-6, 50.0)
"""torch.optim.Rprop's etas and step_sizes."""
