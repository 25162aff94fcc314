"""One fresh process of recorded noise: prepares the cells of its argument, times them in turns, prints JSON."""

import json
import sys
from collections.abc import Callable

from harness.measure.plan import single
from harness.problems import catalog as problems
from harness.solvers import catalog as solvers
from harness.solvers.options import Options
from harness.timing.clock import SystemClock
from harness.timing.sampling import Effort, Work, sample_interleaved
from harness.timing.threads import limited, pools_of


def _prepared(problem: str, solver: str) -> Callable[[], object]:
    case = single(problems.load(problem), solvers.get(solver), Options())
    return case.solver.prepare(case.problem, case.options).run


def main(cells: str) -> None:
    """`cells`: a JSON list of [problem, solver]; one object of wall_ns and cpu_ns each comes out, in order."""
    with pools_of(1), limited(1):
        works = [Work(_prepared(problem, solver)) for problem, solver in json.loads(cells)]
        sampled = sample_interleaved(works, SystemClock(), Effort())
    for samples in sampled:
        if samples.error:
            sys.exit(samples.error)
    shown = [
        {"wall_ns": [round(1e9 * s) for s in one.wall_s], "cpu_ns": [round(1e9 * s) for s in one.cpu_s]}
        for one in sampled
    ]
    sys.stdout.write(json.dumps(shown) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
