"""harness ab beside asv on the same two commits: python -m tools.ab_beside_asv REPEATS OUTPUT.csv, 6 minutes a repeat.

In a clone of HEAD the twelve cells of `harness ab` become one asv benchmark with twelve parameters, timed by the same
clock (CPU seconds of the process), on one thread. Then three commits: one that changes a comment, one that makes every
call 5 % longer by a loop, one 10 %. `asv continuous` compares them as it does by itself (factor 1.1) and with `-a
repeat=30`; `asv compare --factor 1.03` reads the same results as strictly as `harness ab` judges. A row of the output
is one comparison: of its twelve cells, how many were called slower and how many faster. The order of the tools is
drawn anew for every repeat.
"""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

PLANTED = (0.0, 0.05, 0.10)
STRICT = "1.03"
TOOLS = {"asv": (), "asv -a repeat=30": ("-a", "repeat=30")}
AB = "harness ab"
BENCHMARK = """
import time

from harness.ab.cells import DEFAULT_CELLS

_made = {}


class Call:
    timer = staticmethod(time.process_time)
    param_names = ["cell"]
    params = [[f"{problem} {solver}" for problem, solver in DEFAULT_CELLS]]

    def setup(self, cell):
        from harness.suite import SuiteCase

        if cell not in _made:
            _made[cell] = SuiteCase(*cell.split())
        self.case = _made[cell]

    def time_call(self, cell):
        self.case.run()
"""
RUN = "        self._prepared.run()\n"
LONGER = """        begun = time.perf_counter()
        self._prepared.run()
        until = time.perf_counter()
        until += {planted} * (until - begun)
        while time.perf_counter() < until:
            pass
"""


@dataclass(frozen=True)
class Row:
    """One comparison: `worse` and `better` of `cells`, the seconds that it took without building."""

    tool: str
    planted: float
    repeat: int
    cells: int
    worse: int
    better: int
    took_s: float


def main() -> None:
    """Make the commits, compare them REPEATS times, write every comparison and print the shares."""
    repeats, output = int(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="beside-asv-") as folder:
        bench = Bench(Path(folder))
        rows: list[Row] = []
        for repeat in range(repeats):
            for row in bench.compared(repeat):
                rows.append(row)
                sys.stderr.write(f"{row}\n")
                write(rows, output)
    sys.stdout.write(table(rows))


class Bench:
    """A clone with the commits, asv's environment in it, and both tools."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        here = Path(__file__).parents[1]
        self._run("git", "clone", "--quiet", str(here), str(self.clone), cwd=here)
        for name, value in (("user.name", "beside asv"), ("user.email", "beside@example.org")):
            self._run("git", "config", name, value)
        config = (self.clone / "asv.conf.json").read_text()
        config = config.replace('"suites"', '"twelve"').replace('"results/asv"', '".asv/results"')
        (self.clone / "asv.conf.json").write_text(config)
        (self.clone / "twelve").mkdir()
        (self.clone / "twelve/__init__.py").write_text("")
        (self.clone / "twelve/cells.py").write_text(BENCHMARK)
        self.base = self._commit("the twelve cells as a benchmark")
        self.heads = {planted: self._planted(planted) for planted in PLANTED}
        self._asv("machine", "--yes")
        self._asv("setup")
        for commit in self.heads.values():
            self._ab(self.base, commit, "--budget", "1")  # builds both

    def compared(self, repeat: int) -> Iterator[Row]:
        """Every tool on every pair of commits, in an order by chance."""
        todo = [(tool, planted) for tool in (*TOOLS, AB) for planted in PLANTED]
        random.Random(repeat).shuffle(todo)  # noqa: S311  # an order, not a secret
        for tool, planted in todo:
            begun = time.monotonic()
            if tool == AB:
                found = self._by_ab(planted, repeat)
                yield Row(AB, planted, repeat, *found, time.monotonic() - begun)
                continue
            # Results that are there would be read, not measured.
            shutil.rmtree(self.clone / ".asv/results", ignore_errors=True)
            pair = (self.base, self.heads[planted])
            printed = self._asv("continuous", *TOOLS[tool], *pair)
            took_s = time.monotonic() - begun
            cells = len(self._asv("compare", *pair).split("time_call(")) - 1
            yield Row(tool, planted, repeat, cells, *marks(printed), took_s)
            strict = self._asv("compare", "--factor", STRICT, "--only-changed", *pair)
            yield Row(f"{tool}, factor {STRICT}", planted, repeat, cells, *marks(strict), took_s)

    def _by_ab(self, planted: float, repeat: int) -> tuple[int, int, int]:
        printed = self._ab(self.base, self.heads[planted], "--seed", str(repeat), "--json")
        speeds = [cell["speed"]["verdict"] for cell in json.loads(printed)["cells"]]
        return len(speeds), speeds.count("regression"), speeds.count("improvement")

    def _planted(self, planted: float) -> str:
        """A commit on top of the base whose calls take that much longer; at 0 with another comment."""
        self._run("git", "checkout", "--quiet", self.base)
        suite = self.clone / "harness/suite.py"
        text = suite.read_text()
        changed = text.replace(RUN, LONGER.format(planted=planted)) if planted else text + "\n# A comment.\n"
        if changed == text:
            raise SystemExit(f"{suite}: the timed call is not where it was; mend {__file__}")
        suite.write_text(changed)
        return self._commit(f"plant {planted:+.0%}")

    def _commit(self, message: str) -> str:
        self._run("git", "add", "--all")
        self._run("git", "commit", "--quiet", "--message", message)
        return self._run("git", "rev-parse", "HEAD").strip()

    def _asv(self, *words: str) -> str:
        return self._run(sys.executable, "-m", "asv", *words)

    def _ab(self, *words: str) -> str:
        return self._run(sys.executable, "-P", "-m", "harness", "ab", *words)

    def _run(self, *words: str, cwd: Path | None = None) -> str:
        """Standard output. Verdicts are exit codes: 1 and 3 of either tool are results, not errors."""
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            words, cwd=cwd or self.clone, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1, 3):
            raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def marks(printed: str) -> tuple[int, int]:
    """How many rows of asv's table are marked worse and better."""
    found = Counter(re.findall(r"^\|\s*([+-])\s*\|.*time_call", printed, flags=re.MULTILINE))
    return found["+"], found["-"]


def write(rows: Sequence[Row], output: Path) -> None:
    """Every comparison, as CSV."""
    with output.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(("tool", "planted", "repeat", "cells", "worse", "better", "took_s"))
        written.writerows((*astuple(row)[:-1], f"{row.took_s:.0f}") for row in rows)


def table(rows: Sequence[Row]) -> str:
    """Markdown: by tool, of how many cells each planted slowdown was called slower, and what was called wrongly."""
    lines = ["| tool | same: false alarms | +5 % caught | +10 % caught | seconds |", "|---|---|---|---|---|"]
    for tool in dict.fromkeys(row.tool for row in rows):
        shares = []
        for planted in PLANTED:
            mine = [row for row in rows if (row.tool, row.planted) == (tool, planted)]
            wrong = sum(row.better for row in mine)
            hits = sum(row.worse for row in mine) + (0 if planted else wrong)
            shares.append(
                f"{hits} of {sum(row.cells for row in mine)}" + (f", {wrong} faster" if planted and wrong else "")
            )
        seconds = [row.took_s for row in rows if row.tool == tool]
        lines.append(f"| {tool} | {' | '.join(shares)} | {sum(seconds) / len(seconds):.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
