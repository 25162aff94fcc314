"""An optimizer that somebody brings: torch's kind of class, or a factory f(params, lr), made to check what it makes."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.plugins import OPTIMIZERS, plugin
from harness.solvers.brought.spec import is_spec, parse, settings_of

if TYPE_CHECKING:
    import torch

Factory = Callable[..., Any]
"""Makes an optimizer of (parameters, **settings), `lr` among them."""
NEEDED = ("zero_grad", "step")
"""What the loop calls."""


@dataclass(frozen=True)
class Made:
    """A Factory around what was brought. `given` is called with (params, lr=lr, **settings), or with (params, lr).

    `found`: whether another process finds it by its name.
    """

    given: Callable[..., Any]
    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    found: bool = False

    def __call__(self, parameters: "Iterable[torch.nn.Parameter]", **settings: Any) -> Any:
        """The optimizer. Raises TypeError where it is none."""
        lr = settings.pop("lr")
        by_name = takes_by_name(self.given, "lr")
        made = (
            self.given(parameters, lr=lr, **self.settings) if by_name else self.given(parameters, lr, **self.settings)
        )
        lacking = [name for name in NEEDED if not callable(getattr(made, name, None))]
        if lacking:
            raise TypeError(f"{self.name} made {type(made).__name__}, which has no {lacking[0]}: no torch optimizer")
        return made


def takes_by_name(call: Callable[..., Any], name: str) -> bool:
    """Whether a parameter has that name, or any name will do; so it is taken of what does not say."""
    try:
        known = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.name == name or one.kind is one.VAR_KEYWORD for one in known)


def factory_of(given: Any, name: str, settings: Mapping[str, object] | None = None, *, found: bool = False) -> Made:
    """The Factory of a class or a function. Raises UsageError for what cannot be called."""
    if not callable(given):
        raise UsageError(f"{name}: {type(given).__name__} is no optimizer: give a class, or a function f(params, lr)")
    return Made(given, name, dict(settings or {}), found)


def factory_at(text: str) -> Made | None:
    """The Factory at a place, `module:Class:betas=0.9,0.99`, or of an installed package, `name:betas=0.9,0.99`.

    None where the text is neither; raises UsageError where it cannot be had.
    """
    name, _, settings = text.partition(":")
    if (packaged := plugin(OPTIMIZERS, name)) is not None:
        return factory_of(packaged.load(), text, settings_of(settings, text), found=True)
    if not is_spec(text):
        return None
    spec = parse(text)
    return factory_of(spec.load(), text, spec.settings, found=True)


def needs_closure(optimizer: object) -> bool:
    """Whether its `step` must be given a function that computes the loss again, as LBFGS's must."""
    try:
        known = inspect.signature(type(optimizer).step).parameters  # type: ignore[attr-defined]  # it has one
    except (TypeError, ValueError, AttributeError):
        return False
    return "closure" in known and known["closure"].default is inspect.Parameter.empty


def in_training(optimizer: Any) -> None:
    """Tell an optimizer that averages its iterates (schedule-free: Defazio et al. 2024) that it is stepped."""
    if callable(getattr(optimizer, "train", None)):
        optimizer.train()


@contextmanager
def where_evaluated(optimizer: Any) -> Iterator[None]:
    """Inside, the parameters are those at which it wants the model evaluated: its average, where it keeps one."""
    averages = callable(getattr(optimizer, "eval", None))
    if averages:
        optimizer.eval()
    yield
    if averages:
        optimizer.train()
