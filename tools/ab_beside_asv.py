"""harness ab beside asv on slowdowns planted in three suites: python -m tools.ab_beside_asv FOLDER REPEATS OUTPUT.csv.

The suites are this project's, lmfit's and python-control's, as their releases carry them; a few cheap benchmarks of
each. What they need must be installed beside the harness (`NEEDS`). For each a repository is made in FOLDER: a base
commit, in which the library's calls that the benchmarks make go through a spin that is switched off, and three on top
of it: another comment, the spin at 5 % of each call, at 10 %. `asv continuous` compares them as it does by itself
(factor 1.1, wall clock unless the suite says otherwise) and with `-a repeat=30`; `asv compare --factor 1.03` reads the
same results as strictly as `harness ab --asv-suite` judges. asv's environment sees the libraries installed here.

A row of the output is one comparison: of its cells, how many were called slower and how many faster, the seconds, and
the load of the machine at its end. The order of the tools is drawn anew for every repeat. A row that is there is not
measured again: the same command goes on where it was cut off. What else is given, `taskset -c 1` say, is put before
the command of each comparison.
"""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

PLANTED = (0.0, 0.05, 0.10)
BUDGET = "45"
"""Seconds of `harness ab`, which ends when all is decided: about what `asv continuous` takes by itself."""
STRICT = "1.03"
TOOLS = {"asv": (), "asv -a repeat=30": ("-a", "repeat=30")}
AB = "harness ab"
NEEDS = "asteval uncertainties dill setuptools_scm matplotlib"
CONFIG = {
    "version": 1,
    "repo": ".",
    "branches": ["HEAD"],
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "environment_type": "virtualenv",
    "matrix": {"req": {"pip+asv_runner": ["0.3.2"]}},
    "build_command": [
        "python -m pip wheel --quiet --no-deps --no-build-isolation -w {build_cache_dir} {build_dir}",
    ],
    "install_command": [
        "in-dir={env_dir} python -m pip install --quiet --no-deps --no-index --force-reinstall {wheel_file}"
    ],
    "uninstall_command": ["return-code=any python -m pip uninstall -y {project}"],
}
SPIN = '''

_PLANTED = 0.0
_inside = False


def _longer(call):
    """The call, and the same again times _PLANTED; what it calls in turn is part of it."""
    import functools
    import time

    @functools.wraps(call)
    def longer(*args, **kwargs):
        global _inside
        if _inside:
            return call(*args, **kwargs)
        _inside = True
        begun = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            _inside = False
            until = time.perf_counter()
            until += _PLANTED * (until - begun)
            while time.perf_counter() < until:
                pass

    return longer


'''


@dataclass(frozen=True)
class Suite:
    """`release`: of the package index, or empty for this checkout; `file` gets the spin around `calls`."""

    name: str
    release: str
    folder: str
    bench: str
    file: str
    calls: tuple[str, ...]


SUITES = (
    Suite(
        "lmfit",
        "lmfit==1.3.4",
        "asv_benchmarking/benchmarks",
        r"time_minimize$|time_minimize_withnan|time_confinterval",
        "lmfit/__init__.py",
        ("Parameters.__init__", "Parameters.add", "minimize", "Minimizer.leastsq", "conf_interval"),
    ),
    Suite(
        "control",
        "control==0.10.2",
        "benchmarks",
        r"flatsys_bench\.time_point_to_point\(.* 8\)",
        "control/flatsys/__init__.py",
        (
            *("PolyFamily.__init__", "BezierFamily.__init__", "BSplineFamily.__init__"),
            *("point_to_point", "SystemTrajectory.eval"),
        ),
    ),
    Suite(
        "harness",
        "",
        "suites",
        r"closed_forms\.Fit\.time_fit\('(numpy_lstsq|normal_equations)', 1000,",
        "harness/suite.py",
        ("SuiteCase.run",),
    ),
)


@dataclass(frozen=True)
class Row:
    """One comparison: `worse` and `better` of `cells`; `load`: the one of the last minute, as uptime prints it."""

    suite: str
    tool: str
    planted: float
    repeat: int
    cells: int
    worse: int
    better: int
    took_s: float
    load: float

    @property
    def key(self) -> tuple[str, str, float, int]:
        """What it is a comparison of."""
        return self.suite, self.tool, self.planted, self.repeat


def main() -> None:
    """Make the commits, compare them REPEATS times, keep every comparison and print the shares."""
    folder, repeats, output, under = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    rows = read(output)
    benches = [Bench(folder.resolve(), suite, under) for suite in SUITES]
    for repeat in range(repeats):
        for bench in benches:
            for row in bench.compared(repeat, {row.key for row in rows}):
                rows.append(row)
                sys.stderr.write(f"{row}\n")
                write(rows, output)
    sys.stdout.write(table(rows))


class Bench:
    """A repository with the commits, asv's environment in it, and both tools."""

    def __init__(self, folder: Path, suite: Suite, under: Sequence[str]) -> None:
        self.suite = suite
        self.under = under
        self.clone = folder / suite.name
        if not (self.clone / ".made").is_file():
            shutil.rmtree(self.clone, ignore_errors=True)
            self._make(folder)
        self.base, *heads = (self.clone / ".made").read_text().split()
        self.heads = dict(zip(PLANTED, heads, strict=True))

    def compared(self, repeat: int, known: set[tuple[str, str, float, int]]) -> Iterator[Row]:
        """Every tool on every pair of commits, in an order by chance."""
        todo = [(tool, planted) for tool in (*TOOLS, AB) for planted in PLANTED]
        random.Random(repeat).shuffle(todo)  # noqa: S311  # an order, not a secret
        for tool, planted in todo:
            if (self.suite.name, tool, planted, repeat) in known:
                continue
            pair = (self.base, self.heads[planted])
            begun = time.monotonic()
            if tool == AB:
                found = self._by_ab(*pair, "--seed", str(repeat), "--budget", BUDGET)
                if found is None:  # the machine is too busy to start the workers: the next time
                    sys.stderr.write(f"{self.suite.name}, {planted}, {repeat}: harness ab measured nothing\n")
                else:
                    yield self._row(tool, planted, repeat, found, begun)
                continue
            # Results that are there would be read, not measured.
            shutil.rmtree(self.clone / ".asv/results", ignore_errors=True)
            words = ("continuous", *TOOLS[tool], "--bench", self.suite.bench, *pair)
            printed = self._run(*self.under, sys.executable, "-m", "asv", *words)
            # asv lists every combination of the parameters; those that were not measured have n/a for numbers.
            cells = len(re.findall(r"^\|(?!.*n/a).*\.time_", self._asv("compare", *pair), flags=re.MULTILINE))
            yield self._row(tool, planted, repeat, (cells, *marks(printed)), begun)
            strict = self._asv("compare", "--factor", STRICT, "--only-changed", *pair)
            yield self._row(f"{tool}, factor {STRICT}", planted, repeat, (cells, *marks(strict)), begun)

    def _row(self, tool: str, planted: float, repeat: int, found: tuple[int, int, int], begun: float) -> Row:
        took_s = round(time.monotonic() - begun, 1)
        return Row(self.suite.name, tool, planted, repeat, *found, took_s, round(os.getloadavg()[0], 2))

    def _by_ab(self, *words: str) -> tuple[int, int, int] | None:
        """Cells, slower and faster ones; None where nothing could be measured."""
        command = ("ab", *words, "--asv-suite", "--bench", self.suite.bench, "--json")
        printed = self._run(*self.under, sys.executable, "-P", "-m", "harness", *command)
        if not printed:
            return None
        speeds = [cell["speed"]["verdict"] for cell in json.loads(printed)["cells"]]
        return len(speeds), speeds.count("regression"), speeds.count("improvement")

    def _make(self, folder: Path) -> None:
        """The files of the suite's project, the four commits, and asv's environment."""
        self._fetch(folder)
        for name, value in (("user.name", "beside asv"), ("user.email", "beside@example.org")):
            self._run("git", "config", name, value)
        config = CONFIG | {"project": self.suite.release.partition("==")[0] or "ls-harness"}
        (self.clone / "asv.conf.json").write_text(json.dumps(config | {"benchmark_dir": self.suite.folder}))
        file = self.clone / self.suite.file
        spun = file.read_text() + SPIN + "".join(f"{call} = _longer({call})\n" for call in self.suite.calls)
        file.write_text(spun)
        made = [self._commit("the suite, and a spin that is off")]
        for planted in PLANTED:
            self._run("git", "checkout", "--quiet", made[0])
            changed = spun.replace(
                "_PLANTED = 0.0\n", f"_PLANTED = {planted}\n" if planted else "_PLANTED = 0.0  # off\n"
            )
            file.write_text(changed)
            made.append(self._commit(f"plant {planted:+.0%}"))
        self._asv("machine", "--yes")
        self._asv("setup")
        seen = "".join(f"{path}\n" for path in sys.path if path.endswith("site-packages"))
        for packages in self.clone.glob(".asv/env/*/lib/python*/site-packages"):
            (packages / "libraries.pth").write_text(seen)
        for commit in made[1:]:
            self._by_ab(made[0], commit, "--budget", "1")  # builds both
        (self.clone / ".made").write_text("\n".join(made))

    def _fetch(self, folder: Path) -> None:
        if not self.suite.release:
            here = Path(__file__).parents[1]
            self._run("git", "clone", "--quiet", str(here), str(self.clone), cwd=here)
            return
        name = self.suite.release.replace("==", "-")
        if not (folder / f"{name}.tar.gz").is_file():
            source = ("download", "--quiet", "--no-deps", "--no-binary", ":all:")
            self._run(sys.executable, "-m", "pip", *source, "--dest", str(folder), self.suite.release, cwd=folder)
        with tarfile.open(folder / f"{name}.tar.gz") as file:
            file.extractall(folder, filter="data")
        (folder / name).rename(self.clone)
        self._run("git", "init", "--quiet")

    def _commit(self, message: str) -> str:
        self._run("git", "add", "--all")
        self._run("git", "commit", "--quiet", "--message", message)
        return self._run("git", "rev-parse", "HEAD").strip()

    def _asv(self, *words: str) -> str:
        return self._run(sys.executable, "-m", "asv", *words)

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
    found = Counter(re.findall(r"^\|\s*([+-])\s*\|.*\.time_", printed, flags=re.MULTILINE))
    return found["+"], found["-"]


def read(output: Path) -> list[Row]:
    """The comparisons that are kept already."""
    if not output.is_file():
        return []
    with output.open(newline="") as file:
        return [
            Row(**{one.name: one.type(row[one.name]) for one in fields(Row)})  # type: ignore[operator]
            for row in csv.DictReader(file)
        ]


def write(rows: Sequence[Row], output: Path) -> None:
    """Every comparison, as CSV."""
    with output.open("w", newline="") as file:
        written = csv.DictWriter(file, [one.name for one in fields(Row)])
        written.writeheader()
        written.writerows(map(asdict, rows))


def table(rows: Sequence[Row]) -> str:
    """Markdown: by suite and tool, of how many cells each slowdown was called slower, and what was called wrongly."""
    lines = ["| suite | tool | repeats | same: false alarms | +5 % caught | +10 % caught | seconds |"]
    lines.append("|---|---|---|---|---|---|---|")
    for suite, tool in dict.fromkeys((row.suite, row.tool) for row in rows):
        mine = [row for row in rows if (row.suite, row.tool) == (suite, tool)]
        shares = []
        for planted in PLANTED:
            arm = [row for row in mine if row.planted == planted]
            wrong = sum(row.better for row in arm)
            hits = sum(row.worse for row in arm) + (0 if planted else wrong)
            shares.append(
                f"{hits} of {sum(row.cells for row in arm)}" + (f", {wrong} faster" if planted and wrong else "")
            )
        repeats = {sum(row.planted == planted for row in mine) for planted in PLANTED}
        said = " to ".join(map(str, sorted({min(repeats), max(repeats)})))
        seconds = sum(row.took_s for row in mine) / len(mine)
        lines.append(f"| {suite} | {tool} | {said} | {' | '.join(shares)} | {seconds:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
