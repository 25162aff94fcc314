"""The engines by name: one more is one package and one line here."""

from harness.errors import unknown
from harness.solvers.training.batched.engine import BatchedEngine
from harness.solvers.training.engine import Engine
from harness.solvers.training.graphed.engine import GraphedEngine
from harness.solvers.training.jax_scan.engine import JaxEngine
from harness.solvers.training.loop_engine import LoopEngine
from harness.solvers.training.oracle.engine import OracleEngine

ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in (LoopEngine(), BatchedEngine(), GraphedEngine(), OracleEngine(), JaxEngine())
}


def get(name: str) -> Engine:
    """The engine of that name. Raises UsageError with the nearest name if there is none."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name]


def requires_of(engine: str | None) -> tuple[str, ...]:
    """The modules that an engine imports beyond its solver's; none where no engine is named."""
    return () if engine is None else get(engine).requires
