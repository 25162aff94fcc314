"""How often verdicts over peak memory err: python -m tools.peak_memory LAUNCHES OUTPUT.csv prints the table.

Where OUTPUT is there nothing is measured. The suite's peakmem_fit of two solvers is run in LAUNCHES fresh pairs
of processes of one version, as `harness ab --asv-suite` runs it. Each five launches in a row are one comparison, judged
by its rule: worse by asv's factor of 1.1 where each of the head's five is worse than all five of the base's. What is
planted multiplies the head's bytes: what a process holds besides, and its scatter, are then multiplied too, which errs
on the side of more scatter.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.ab.benchmarks import of_suite, without_harness
from harness.ab.environments import of_interpreters
from harness.ab.measure import Allowance, Measurement
from harness.judge.verdict import Verdict
from harness.judge.versions.ab_values import ENOUGH, judge_values
from harness.records.ab import AbCell, Measured
from harness.solvers.status import Status

ROOT = Path(__file__).parents[1]
BENCH = r"Memory\.peakmem_fit\('(numpy_lstsq|normal_equations)'"
PLANTED = (1.0, 1.05, 1.10, 1.15, 1.20)
Peaks = dict[str, tuple[list[float], list[float]]]
"""By benchmark: bytes of base and head, launch by launch."""


def main() -> None:
    """Measure where there is no file yet, and print the table."""
    launches, output = int(sys.argv[1]), Path(sys.argv[2])
    if not output.is_file():
        write(measured(launches), output)
    sys.stdout.write(table(read(output)))


def measured(launches: int) -> Peaks:
    """Of the installed version against itself."""
    with TemporaryDirectory(prefix="peak-memory-") as scratch:
        sides = without_harness(of_interpreters(sys.executable, sys.executable), Path(scratch))
        specs, _ = of_suite(sides, ROOT, BENCH)
        run = Measurement((sides.base, sides.head), specs)

        def decided(cells: Sequence[AbCell]) -> set[str]:
            sys.stderr.write(f"{run.spent.launches} launches\n")
            return {cell.case for cell in cells} if run.spent.launches >= launches else set()

        cells = run.run(Allowance(float("inf")), decided)
        return {cell.case: ([*cell.base.values], [*cell.head.values]) for cell in cells}


def table(peaks: Peaks) -> str:
    """Markdown: what is planted a row, what was called what of all comparisons."""
    lines = [
        "| planted | comparisons | called worse | called better | unchanged | undecided |",
        "|---|---|---|---|---|---|",
    ]
    for planted in PLANTED:
        found = [
            verdict for base, head in comparisons(peaks) for verdict in verdicts(base, [planted * x for x in head])
        ]
        counts = [found.count(one) for one in (Verdict.REGRESSION, Verdict.IMPROVEMENT, Verdict.UNCHANGED)]
        said = "nothing" if planted == 1.0 else f"+{planted - 1:.0%}".replace("%", " %")
        lines.append(f"| {said} | {len(found)} | {' | '.join(map(str, counts))} | {len(found) - sum(counts)} |")
    return "\n".join(lines) + "\n"


def comparisons(peaks: Peaks) -> Iterator[tuple[list[float], list[float]]]:
    """Each five launches in a row."""
    for base, head in peaks.values():
        for first in range(0, len(base) - ENOUGH + 1, ENOUGH):
            yield base[first : first + ENOUGH], head[first : first + ENOUGH]


def verdicts(base: list[float], head: list[float]) -> list[Verdict]:
    """What `harness ab` says of these peaks."""
    sides = [Measured(status=Status.OK, values=tuple(values)) for values in (base, head)]
    cell = AbCell(
        case="peakmem",
        problem="closed_forms.Memory.peakmem_fit",
        solver="",
        device="any",
        base=sides[0],
        head=sides[1],
        unit="bytes",
    )
    return [one.verdict for one in judge_values(cell, ())]


def read(path: Path) -> Peaks:
    """A file that `write` wrote."""
    peaks: Peaks = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            base, head = peaks.setdefault(row["benchmark"], ([], []))
            base.append(float(row["base_bytes"]))
            head.append(float(row["head_bytes"]))
    return peaks


def write(peaks: Peaks, path: Path) -> None:
    """A launch a row."""
    with path.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(("benchmark", "launch", "base_bytes", "head_bytes"))
        for name, sides in peaks.items():
            written.writerows((name, number, *map(int, pair)) for number, pair in enumerate(zip(*sides, strict=True)))


if __name__ == "__main__":
    main()
