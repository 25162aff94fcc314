"""How often the rules that others publish err on our own calibration: python -m tools.published_rules prints the table.

Nothing is measured anew. Each comparison of results/calibration is launches of a base and a head, interleaved; a
launch is one number a side, the median of its rounds in CPU seconds. Every rule gets all launches of a comparison, so
that the time spent is the same for all. The base's launches are the history where a rule asks for one, and the head's
are its new samples, or their median or mean its new number. The sources:

- google benchmark, tools/compare.py and tools/gbench/report.py: scipy's two-sided Mann-Whitney U test, alpha 0.05, from
  two repetitions on; it warns below nine.
- Bencher, lib/bencher_boundary (boundary.rs, mean.rs, quartiles.rs; bencher.dev/docs/explanation/thresholds): an alert
  where the new number is above Student's t quantile, 0.99 in its documentation, around the history's mean with the
  history's standard deviation (of N, not N - 1); or above the median by the interquartile range times a boundary, 1.5
  in its tests.
- pytest-benchmark, utils.py, PercentageRegressionCheck: `--benchmark-compare-fail=min:5%` (the example of its help) and
  `mean:5%`: above the base's by more than 5 %.
- asv 0.6.6, commands/compare.py and _stats.py: worse by the factor 1.1, and different by a U test at 0.002 or, where
  the samples are too few for that, by 99 % intervals that do not overlap. asv_spyglass (src/asv_spyglass/compare.py)
  calls the same functions with the same factor; where a file has no samples, as with a factor alone.
- Welch's t-test at 0.05, one of benchstat's two tests (golang.org/x/perf/cmd/benchstat).
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from asv._stats import is_different  # asv's own
from asv_runner.statistics import compute_stats
from numpy.typing import NDArray
from scipy import stats

from harness.judge.versions.calibration import Arm, read_calibration

CALIBRATION = Path(__file__).parents[1] / "results/calibration/amd-epyc-2-cores.json"
Floats = NDArray[np.float64]
Rule = Callable[[Floats, Floats], bool]
"""Whether the second, head (launches,) in seconds, is called slower than the first, base (launches,)."""
LEVEL = 0.05
EARLIER = (1.0, None)
"""The base of the same cell's comparison before: one of six a repeat, 43 minutes for the ten repeats."""
ARMS = ((1.0, False), EARLIER, (1.05, False), (1.1, False), (1.0, True), (1.1, True))


def google(base: Floats, head: Floats) -> bool:
    """The U test, and the head's median above the base's."""
    p = stats.mannwhitneyu(base, head, alternative="two-sided").pvalue
    return bool(p < LEVEL and np.median(head) > np.median(base))


def welch(base: Floats, head: Floats) -> bool:
    """Different by Welch's t-test, and the head's mean above the base's."""
    return bool(stats.ttest_ind(base, head, equal_var=False).pvalue < LEVEL and head.mean() > base.mean())


def bencher_t(base: Floats, head: Floats) -> bool:
    """The head's median above the 0.99 quantile of the base's launches."""
    return bool(np.median(head) > stats.t.ppf(0.99, len(base) - 1, loc=base.mean(), scale=base.std()))


def bencher_iqr(base: Floats, head: Floats) -> bool:
    """The head's median above the base's by 1.5 interquartile ranges."""
    first, median, third = np.quantile(base, [0.25, 0.5, 0.75])
    return bool(np.median(head) > median + 1.5 * (third - first))


def pytest_benchmark(field: Callable[[Floats], Floats]) -> Rule:
    """The head's `field` above the base's by more than 5 %."""
    return lambda base, head: bool(field(head) > 1.05 * field(base))


def factor(base: Floats, head: Floats) -> bool:
    """The factor alone."""
    return bool(np.median(base) < np.median(head) / 1.1)


def asv(base: Floats, head: Floats) -> bool:
    """The same, of what asv calls different."""
    samples = base.tolist(), head.tolist()
    kept = [compute_stats(one, 1)[1] for one in samples]
    return factor(base, head) and bool(is_different(*samples, *kept))


RULES: dict[str, Rule] = {
    "google benchmark: U test, 0.05": google,
    "benchstat: Welch's t, 0.05": welch,
    "Bencher: t-test, 0.99": bencher_t,
    "Bencher: interquartile range, 1.5": bencher_iqr,
    "pytest-benchmark: min:5%": pytest_benchmark(np.min),
    "pytest-benchmark: mean:5%": pytest_benchmark(np.mean),
    "asv, asv_spyglass: factor 1.1 and samples": asv,
    "asv_spyglass without samples: factor 1.1": factor,
}


def comparisons(path: Path) -> dict[tuple[float, bool | None], list[tuple[Floats, Floats]]]:
    """By what was planted and whether the machine was busy: a pair of launches (base, head) a cell and repeat.

    Under (1.0, None): the head of each comparison, with nothing planted, and the base of the one before it.
    """
    kept = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            key = (float(row["planted"]), row["busy"] == "1", row["repeat"], row["case"])
            kept[key].append((float(row["base_cpu_s"]), float(row["head_cpu_s"])))
    sides = {key: tuple(np.array(pairs).T) for key, pairs in kept.items()}
    arms = defaultdict(list)
    for (planted, busy, repeat, case), (base, head) in sides.items():
        arms[planted, busy].append((base, head))
        before = (planted, busy, str(int(repeat) - 1), case)
        if planted == 1.0 and not busy and before in sides:
            arms[planted, None].append((sides[before][0], head))
    return arms


def table(calibration: Path = CALIBRATION) -> str:
    """Markdown: a rule a row; of the cells of each arm how many are called slower or, where nothing was planted, wrong.

    A rule is asked in both directions: a head that is faster where nothing is planted is as false an alarm.
    """
    arms = comparisons(calibration.with_suffix(".csv"))
    lines = [
        "| rule | nothing: false alarms | nothing, base 4 minutes older | +5 % | +10 % | nothing, busy | +10 %, busy |"
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for name, rule in RULES.items():
        shares = []
        for arm in ARMS:
            pairs = arms[arm]
            seen = sum(rule(*pair) for pair in pairs)
            if arm[0] == 1.0:
                seen += sum(rule(head, base) for base, head in pairs)
            shares.append(_share(seen, len(pairs)))
        lines.append(f"| {name} | {' | '.join(shares)} |")
    return "\n".join([*lines, f"| **harness ab** | {' | '.join(_ours(calibration))} |"]) + "\n"


def _ours(calibration: Path) -> Sequence[str]:
    """The same of the calibration's own verdicts."""
    found = read_calibration(calibration)
    if found is None:
        raise SystemExit(f"{calibration}: no calibration")
    known: dict[tuple[float, bool | None], Arm] = {(arm.factor, arm.busy): arm for arm in found.arms}
    return [
        "measures both"
        if arm == EARLIER
        else _share(known[arm].regressions + (known[arm].improvements if arm[0] == 1.0 else 0), known[arm].cells)
        for arm in ARMS
    ]


def _share(seen: int, cells: int) -> str:
    return f"{seen} of {cells}, {100 * seen / cells:.1f} %"


if __name__ == "__main__":
    sys.stdout.write(table())
