"""Times and verifies least-squares fits: speed from a trusted clock, accuracy against exact truth.

For Python: `run` fits, verifies, times and stores; `load` reads a run again; `compare` puts cases side by side along
one axis; `gate` judges a run by expectations. Each returns a pandas frame. They are imported when they are first
used: `import harness` itself loads neither pandas nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.errors import CannotMeasureError, HarnessError, UsageError

if TYPE_CHECKING:
    from harness.api import Comparison, Results, Verdicts, compare, gate, load, run

__version__ = "0.1.0"
__all__ = [
    "CannotMeasureError",
    "Comparison",
    "HarnessError",
    "Results",
    "UsageError",
    "Verdicts",
    "__version__",
    "compare",
    "gate",
    "load",
    "run",
]


def __getattr__(name: str) -> Any:
    """What is asked for the first time (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    found = getattr(import_module("harness.api"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
