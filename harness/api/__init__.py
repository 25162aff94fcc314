"""What Python users call: `harness.run`, `load`, `compare` and `gate`, each a pandas frame; nothing is printed."""

from harness.api.frames import Comparison, Results, Verdicts
from harness.api.judging import compare, gate
from harness.api.runs import load, run

__all__ = ["Comparison", "Results", "Verdicts", "compare", "gate", "load", "run"]
