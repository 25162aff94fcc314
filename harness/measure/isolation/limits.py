"""What a case may take: seconds, by the size of its work, and bytes."""

import math
from dataclasses import dataclass
from itertools import pairwise

from harness.measure.plan import Case

LEAST_S = 120.0
"""What every case may take, besides its work: just-in-time compilation takes tens of seconds on a busy machine."""
MULTIPLY_ADDS_PER_S = 1e7
"""A twenty-fifth of the slowest library's (statsmodels' pinv at 1e6 rows: 2.5e8, results/speed/two_cores.json)."""
STEP_S = 0.01
"""Some hundred times a step of torch's loop (70 us, results/speed/training_two_cores.json)."""
CUDA_BYTES = 4 * 2**30
"""Of the host, that torch's CUDA libraries and a context take before any case: an estimate, not measured here."""
PASSES = 3
"""A training step multiplies its rows by the weights three times: forward, and backward to inputs and to weights."""


@dataclass(frozen=True)
class Limits:
    """`timeout_s`: for preparing, fitting and verifying a case, and for each call that is timed; None: by its size.

    `memory_bytes`: resident memory of the worker, libraries and data included; None: the machine's own limit.
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None

    def allowed_s(self, case: Case, trainings: int = 1, turns: int = 1) -> float:
        """Seconds that a case may take, or so many of its trainings that are done in so many turns."""
        return default_timeout_s(case, trainings, turns) if self.timeout_s is None else self.timeout_s

    def memory_advice(self, case: Case) -> str:
        """What to add where a case was ended for its memory: with less than CUDA itself takes, no case there fits."""
        little = case.options.device != "cpu" and self.memory_bytes is not None and self.memory_bytes < CUDA_BYTES
        return f"; CUDA alone takes about {CUDA_BYTES // 2**30} GiB of the host: raise --memory" if little else ""


def default_timeout_s(case: Case, trainings: int = 1, turns: int = 1) -> float:
    """Two minutes, and many times what the arithmetic takes on a core: a hang must end, a slow case must not.

    A closed form is n k^2 multiply-adds (Golub and Van Loan 2013, 5.3: half of Householder QR's 2 n k^2), k its
    columns with the intercept's; a training is its epochs times three products of the rows with the weights,
    and a step is one of all `trainings` of a turn.
    """
    n, columns, options = len(case.problem.split.train), case.problem.p + 1, case.options
    if options.epochs is None:
        return LEAST_S + n * columns**2 / MULTIPLY_ADDS_PER_S
    layers = (columns, *(options.hidden or ()), 1)
    weights = sum(a * b for a, b in pairwise(layers))
    steps = options.epochs * math.ceil(n / (options.batch or n))
    multiply_adds = trainings * PASSES * options.epochs * n * weights
    return LEAST_S + multiply_adds / MULTIPLY_ADDS_PER_S + turns * STEP_S * steps
