"""A network that somebody brings: a factory of an nn.Module, checked against the rows before it is trained."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROWS = 2
"""Of the rows that a network is tried on: one could be squeezed away."""


def network_of(factory: Callable[..., Any], p: int) -> "torch.nn.Module":
    """The module that `factory(p)`, or `factory()`, makes: of X (m, p) it gives (m, 1).

    Raises TypeError for what is no module, ValueError for one of another shape.
    """
    import torch

    name = getattr(factory, "__name__", type(factory).__name__)
    made = factory(p) if _takes_columns(factory) else factory()
    if not isinstance(made, torch.nn.Module):
        raise TypeError(f"{name} made {type(made).__name__}: a network is a torch.nn.Module")
    with torch.inference_mode():
        given = tuple(made(torch.zeros(ROWS, p)).shape)
    if given != (ROWS, 1):
        raise ValueError(
            f"the network of {name} gives {given} for ({ROWS}, {p}): one value a row, ({ROWS}, 1), is wanted"
        )
    return made


def _takes_columns(factory: Callable[..., Any]) -> bool:
    """Whether it has a parameter that the number of columns can be given for."""
    try:
        known = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL) for one in known)
