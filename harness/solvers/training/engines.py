"""The engines by name: one more is one package and one line here."""

from harness.errors import unknown
from harness.solvers.training.engine import Engine
from harness.solvers.training.loop_engine import LoopEngine

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (LoopEngine(),)}


def get(name: str) -> Engine:
    """The engine of that name. Raises UsageError with the nearest name if there is none."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]
