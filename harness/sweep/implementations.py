"""The implementations of each optimizer from one start: torch's own of a class, and optax's, beside the plain loop."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from inspect import signature
from itertools import product
from typing import TYPE_CHECKING, Any

from harness.errors import CannotMeasureError
from harness.judge.studies.finding import Finding
from harness.judge.studies.implementations import Compared, Parting, distance, finding_of, first_parting, rounding
from harness.problems.problem import Floats
from harness.solvers.training.loop import Loop
from harness.solvers.training.loop_engine import loop_of, run_path
from harness.solvers.training.optimizers import Optimizer
from harness.solvers.training.training import Training
from harness.sweep.candidate import Candidate
from harness.sweep.optax_optimizers import NO_COUNTERPART, OPTAX, Optax

if TYPE_CHECKING:
    import torch

PLAIN = "forloop"
TORCH = ("foreach", "fused", "capturable", "differentiable")
IMPLEMENTATIONS = (*TORCH, "optax")
DTYPES = ("float32", "float64")
SIGNS: tuple[int | None, ...] = (1, -1, None, None, None, None, None, None)
"""Of the errors of the trainings from which the bound is taken: the same in all steps, as a rounded coefficient has it,
or drawn. The worst of k draws is passed by another draw once in k + 1; but each of them errs in every step by as much
as its roundings can, which rounding to nearest does not."""
OPERATIONS = 16
"""Roundings of a step where the table does not count its operations: more than any optimizer has that it counts."""


class Shadowing:
    """torch's optimizer over tensors that share their memory with the parameters and need no gradient.

    With `differentiable` torch steps while autograd watches, and refuses to do so in place on a leaf that it watches.
    """

    def __init__(self, make: "Callable[[list[torch.Tensor]], Any]", parameters: "Sequence[torch.nn.Parameter]") -> None:
        """`make`: torch's optimizer of these tensors."""
        self.parameters = parameters
        self.shadows = [one.detach() for one in parameters]
        self.inner = make(self.shadows)
        self.param_groups = self.inner.param_groups

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """One step."""
        for shadow, parameter in zip(self.shadows, self.parameters, strict=True):
            shadow.grad = parameter.grad
        self.inner.step()


class RandomlyRounded:
    """An optimizer whose every step errs as its roundings might, all in the worst way, by signs that are drawn.

    Of k operations the relative error is at most k u (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
    section 3.1): of what a step adds. The gradient and the new parameters err by one rounding to the next number, eps.
    Where a step also shrinks the parameters, by a coefficient near 1, they err by its rounding, u.
    """

    def __init__(self, inner: Any, entry: Optimizer, seed: int, always: int | None) -> None:
        """`inner`: the optimizer; `entry`: its own in the table; `always`: the sign, None: drawn."""
        import torch

        self.always = always
        self.inner, self.param_groups = inner, inner.param_groups
        self.parameters = [one for group in inner.param_groups for one in group["params"]]
        self.eps = torch.finfo(self.parameters[0].dtype).eps
        self.of_step = (entry.flops or OPERATIONS) * self.eps / 2
        self.of_decay = self.eps / 2 if entry.decays or entry.decoupled else 0.0
        self.signs = torch.Generator().manual_seed(seed)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.inner.zero_grad()

    def step(self) -> None:
        """One step with its errors."""
        import torch

        with torch.no_grad():
            before = [one.clone() for one in self.parameters]
            for one in self.parameters:
                if one.grad is not None and not self.always:
                    one.grad.mul_(1 + self._sign(one) * self.eps)
        self.inner.step()
        with torch.no_grad():
            for one, old in zip(self.parameters, before, strict=True):
                sign = self.always or self._sign(one)
                error = (one - old) * sign * self.of_step + one * sign * self.of_decay
                one.add_(error + one * self._sign(one) * self.eps)

    def _sign(self, like: "torch.Tensor") -> "torch.Tensor":
        import torch

        return (torch.randint(0, 2, like.shape, generator=self.signs) * 2 - 1).to(like)


def compare(
    planned: Sequence[Candidate],
    dtypes: Sequence[str],
    findings: Sequence[Finding],
    on_case: Callable[[str], None] = lambda _: None,
) -> list[Compared]:
    """Every candidate's training in each dtype, at its first learning rate and seed, by every implementation.

    `on_case` is told what is trained next. A finding says which partings are known.
    """
    found: list[Compared] = []
    here = [one for one in findings if one.parts and find_spec(one.library) and one.is_bad(version(one.library))]
    for candidate, dtype in product(planned, dtypes):
        on_case(f"{candidate.doing} {dtype}")
        training = candidate.training.of(candidate.grid.lr[0], candidate.grid.seeds[0])
        options = replace(training.options, dtype=dtype, implementation=PLAIN)
        found += _of_case(replace(training, options=options), candidate.optimizer, here)
    return found


def _of_case(training: Training, label: str, findings: Sequence[Finding]) -> Iterator[Compared]:
    entry, dtype = training.entry, str(training.options.dtype)
    about = {"problem": training.problem.label, "optimizer": label, "dtype": dtype}
    reasons = {name: unsupported(training, name) for name in IMPLEMENTATIONS}
    tried = [name for name in IMPLEMENTATIONS if reasons[name] is None]
    if tried:
        plain = trained(training, lambda loop: loop.optimizer)
        rounded = [trained(training, partial(_rounded, entry, seed, sign)) for seed, sign in enumerate(SIGNS)]
        bound = rounding(plain, rounded)
    for name in IMPLEMENTATIONS:
        why = reasons[name]
        if why is not None:
            yield Compared(**about, implementation=name, status=Parting.UNSUPPORTED, reason=why)
            continue
        off = distance(plain, trained(training, partial(optimizer_of, training, name)))
        step = first_parting(off, bound)
        known = finding_of(findings, entry.name, dtype, name)
        formula = OPTAX[entry.name].differs(dtype) if name == "optax" else ""
        status = _status(step, same=not off.any(), known=known is not None, formula=formula)
        yield Compared(
            **about,
            implementation=name,
            steps=len(off) - 1,
            step=step,
            difference=float(off[-1]),
            bound=float(bound[-1]),
            status=status,
            finding=known.id if known is not None and status is Parting.KNOWN else "",
            reason=formula if status is Parting.FORMULA else _ended(len(off) - 1, training.epochs),
        )


def _ended(steps: int, asked: int) -> str:
    return f"the training diverges: compared up to step {steps} of {asked}" if steps < asked else ""


def _status(step: int | None, *, same: bool, known: bool, formula: str) -> Parting:
    if step is None:
        return Parting.SAME if same else Parting.ROUNDING
    if formula:
        return Parting.FORMULA
    return Parting.KNOWN if known else Parting.NEW


def _rounded(entry: Optimizer, seed: int, sign: int | None, loop: Loop) -> RandomlyRounded:
    return RandomlyRounded(loop.optimizer, entry, seed, sign)


def trained(training: Training, optimizer: Callable[[Loop], Any]) -> Floats:
    """The parameters (T + 1, P) from the start to the end of a training by what `optimizer` makes of the loop's own."""
    loop = loop_of(training)
    loop.optimizer = optimizer(loop)
    return run_path(training, loop, every=True).parameters


def optimizer_of(training: Training, implementation: str, loop: Loop) -> Any:
    """That implementation over the loop's parameters, at the settings of the loop's own optimizer."""
    entry, options = training.entry, training.options
    parameters = list(loop.model.parameters())
    if implementation == "optax":
        return Optax(entry.name, parameters, loop.optimizer.param_groups[0])
    if implementation in entry.implementations:
        return entry.build(parameters, replace(options, implementation=implementation))
    build: Callable[[Any], Any] = lambda given: entry.build(given, options, **{implementation: True})  # noqa: E731
    return Shadowing(build, parameters) if implementation == "differentiable" else build(parameters)


def unsupported(training: Training, implementation: str) -> str | None:
    """Why an implementation cannot be trained here, or None."""
    import torch

    if implementation == "optax":
        return _no_optax(training)
    entry = training.entry
    if entry.make is not None:
        return f"{entry.name} has one implementation"
    if implementation not in signature(getattr(torch.optim, entry.torch_class)).parameters:
        return f"torch has no {implementation} of it"
    if implementation == "capturable" and str(training.options.device) == "cpu":
        return "capturable needs a device that captures graphs: --device cuda"
    return None


def _no_optax(training: Training) -> str | None:
    name = training.entry.name
    if name not in OPTAX:
        return NO_COUNTERPART.get(name, "optax has no counterpart that is known here")
    if find_spec("optax") is None or find_spec("jax") is None:
        return "optax is not installed: pip install 'ls-harness[optax]'"
    return "optax's momentum has no dampening" if training.options.dampening else None


def check_measured(found: Sequence[Compared]) -> None:
    """Raises CannotMeasureError where nothing was compared."""
    if all(one.status is Parting.UNSUPPORTED for one in found):
        why = f": {found[0].reason}" if found else ""
        raise CannotMeasureError(f"no two implementations to compare{why}")
