"""Kill -9 at random moments under a running grid, and other commands that write: `python -m tools.kill_loop 200`.

Each round starts `harness run` on a new store and kills it with SIGKILL after a random time, then resumes it and
kills that, until one ends by itself. After each kill the store is looked at: is every record there, to the last bit,
whose end was reported before the kill, is none torn or doubled, is the file sound? At the end of each round: are the
records those of the plan, no more and no fewer? Exit code 1 if anything is not so.

The heavy imports are done once: each run is a fork, so that the kills fall on the run and not on the imports. Every
other round measures in that process, since most of a run with a worker process is that one's start.
"""

import argparse
import gc
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

PROBLEMS = ("four_points", "noiseless_line", "synthetic:n=60,p=2", "synthetic:n=80,p=3")
SOLVERS = ("numpy_lstsq", "scipy_gelsd", "normal_equations", "mean")
PLACES: tuple[tuple[str, ...], ...] = ((), ("--in-process",))
"""A worker process, as a run has it by default, and none."""
RUNS_SHARE = 40
"""Per cent of the kills, where all commands are tried."""
PATIENCE_S = 120.0
"""For a run that is left alone; it takes about a second on an idle machine."""


@dataclass
class Tally:
    """What happened: `late` kills came when the run had ended by itself; all from `lost` on should be 0 or empty."""

    seed: int
    kills: int = 0
    late: int = 0
    stores: int = 0
    resumed: int = 0
    completed: int = 0
    reported: int = 0
    lost: int = 0
    torn: int = 0
    doubled: int = 0
    troubles: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    of_commands: dict[str, int] = field(default_factory=dict)
    """Of the kills those under other commands than run, by name (tools.kill_commands)."""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, torn or doubled, and every round came to its end."""
        return (
            not (self.lost or self.torn or self.doubled or self.troubles or self.stray)
            and self.completed == self.stores
        )


@dataclass
class Child:
    """A run in a process of its own, which says on `told` which cases have ended."""

    pid: int
    told: int

    def ended_within(self, seconds: float) -> int | None:
        """The exit code, or None if it is still going after so long."""
        until = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= until:
                return None
            time.sleep(0.0005)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def reports(self) -> dict[str, str]:
        """The cases that it said had ended: the digest of each one's record."""
        os.set_blocking(self.told, False)
        text = b""
        with suppress(BlockingIOError):
            while piece := os.read(self.told, 2**16):
                text += piece
        os.close(self.told)
        lines = (line.split(" ", 1) for line in text.decode().splitlines())
        return {case: digest for digest, case in lines}


def begin(words: list[str], log: Path, folder: Path | None = None) -> Child:
    """`harness` with these words, in a fork of this process, in a folder."""
    told, telling = os.pipe()
    pid = os.fork()
    if pid:
        os.close(telling)
        return Child(pid, told)
    code = 70
    try:
        os.close(told)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder or Path())
        code = _run(words, telling)
    finally:
        os._exit(code)


def _run(words: list[str], telling: int) -> int:
    """The command itself; each case is told when the run's observer is."""
    from harness.cli import main
    from harness.records.record import Record
    from harness.report.terminal.live import Live

    class Telling(Live):
        def ended(self, record: Record) -> None:
            os.write(telling, f"{digest(record)} {record.case}\n".encode())
            super().ended(record)

    sys.modules["harness.report.terminal.live"].Live = Telling  # type: ignore[attr-defined]  # the command looks it up there
    sys.argv = ["harness", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def digest(record: object) -> str:
    """Of all that a record holds."""
    return hashlib.sha256(record.model_dump_json().encode()).hexdigest()  # type: ignore[attr-defined]  # a Record


def look(path: Path, reported: dict[str, str], tally: Tally) -> bool:
    """Compare the store with what was reported; whether a run is in it that has not finished."""
    from harness.store.entries import RecordEntry
    from harness.store.salvage import salvaging

    if not path.exists():
        tally.lost += len(reported)
        return False
    with salvaging(str(path)) as found:
        entries = [entry for entry in found.entries() if isinstance(entry, RecordEntry)]
        found.integrity()
        tally.torn += sum("torn" in trouble for trouble in found.troubles)
        tally.troubles += found.troubles
        cases = Counter(entry.record.case for entry in entries)
        tally.doubled += sum(cases.values()) - len(cases)
        whole = {entry.record.case: digest(entry.record) for entry in entries if entry.whole}
        tally.lost += sum(whole.get(case) != said for case, said in reported.items())
        return bool(found.unfinished)


def one_round(path: Path, kills: int, longest_s: float, chance: random.Random, tally: Tally, *place: str) -> None:
    """A run on a new store, killed and resumed until it ends by itself or by its last kill; at most so many kills."""
    log, reported = path.with_suffix(".log"), dict[str, str]()
    fresh = ["run", *(word for name in PROBLEMS for word in ("--problem", name))]
    fresh += [word for name in SOLVERS for word in ("--solver", name)]
    unfinished, left, code = False, kills, None
    while code is None:
        words = ["run", "--resume"] if unfinished else fresh
        tally.resumed += unfinished
        child = begin([*words, *place, "--store", str(path)], log)
        code = child.ended_within(chance.uniform(0, longest_s) if left else PATIENCE_S)
        if code is None:
            child.kill()
            tally.kills += 1
            left -= 1
        elif left:
            tally.late += 1
        reported |= child.reports()
        unfinished = look(path, reported, tally)
        if code is None and not unfinished and finished(path):
            code = 0  # the kill came between the run's last commit and the end of its process
    tally.reported += len(reported)
    tally.stray += sorted(one.name for one in path.parent.iterdir() if one.name.startswith("."))
    # A record whose commit was the last thing before a kill is there, and nobody was told.
    stored = planned(path)
    if code or unfinished or len(stored) != len(PROBLEMS) * len(SOLVERS) or not reported.keys() <= set(stored):
        tally.troubles.append(f"{path.name} ended with {code}, {len(reported)} cases: {log.read_text()[-300:]}")
    else:
        tally.completed += 1


def finished(path: Path) -> bool:
    """Whether the store has a run that went through all its cases."""
    from harness.store.store import Store

    if not path.exists():
        return False
    store = Store(str(path), create=False)
    found = [run.finished_at is not None for run in store.runs()]
    store.close()
    return any(found)


def planned(path: Path) -> list[str]:
    """The cases that the store's only run planned, where each has its record."""
    from harness.store.store import Store

    store = Store(str(path), create=False)
    (run,) = store.runs()
    records = [record.case for record in store.records(run.id)]
    store.close()
    return sorted(run.planned) if records == list(run.planned) else records


IMPORTED = (
    *("torch", "torch._dynamo", "altair", "vl_convert", "harness.cli", "harness.measure.session", "harness.sweep.run"),
    *("harness.page.gather", "harness.page.making", "harness.report.html.order", "harness.report.terminal.live"),
)
"""What the commands import as they run: seconds, on which most kills would fall."""


def import_once() -> None:
    """Do before the first fork what each would do for itself."""
    import typer.main

    from harness.records.environment import environment

    gc.disable()  # imports leave next to nothing to collect
    for name in IMPORTED:
        import_module(name)
    gc.enable()
    vars(typer.main)["get_command"] = cache(typer.main.get_command)
    typer.main.get_command(sys.modules["harness.cli"].app)
    environment()  # the processor's name takes a second to find, once
    gc.collect()
    gc.freeze()  # a collection in a fork would touch all of that, and so copy it


def kill_loop(kills: int, seed: int, folder: Path) -> Tally:
    """So many kills, over as many stores as it takes."""
    tally, chance = Tally(seed), random.Random(seed)  # noqa: S311  # moments, not secrets
    longest_s = {}
    for place in PLACES:
        before = time.monotonic()
        one_round(folder / f"undisturbed{len(place)}.sqlite", 0, 0.0, chance, tally, *place)
        longest_s[place] = 1.1 * (time.monotonic() - before)
    tally.stores = len(PLACES)
    while tally.kills < kills and not tally.troubles:
        place = PLACES[tally.stores % len(PLACES)]
        tally.stores += 1
        left = kills - tally.kills
        one_round(folder / f"{tally.stores}.sqlite", left, longest_s[place], chance, tally, *place)
    return tally


def main() -> int:
    """0 if everything was sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--of", choices=("run", "all"), default="all", help="which commands; runs get two fifths of all"
    )
    said = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HARNESS_CACHE_DIR", str(Path(folder) / "cache"))
        before = time.monotonic()
        for name in ("runs", "commands", "commands/tmp"):
            (Path(folder) / name).mkdir()
        os.environ["TMPDIR"] = str(Path(folder) / "commands" / "tmp")
        tempfile.tempdir = os.environ["TMPDIR"]
        import_once()
        of_runs = said.kills if said.of == "run" else RUNS_SHARE * said.kills // 100
        tally = kill_loop(of_runs, said.seed, Path(folder) / "runs")
        if said.of == "all":
            from tools.kill_commands import kill_commands

            chance = random.Random(said.seed)  # noqa: S311  # moments, not secrets
            kill_commands(said.kills - of_runs, chance, Path(folder) / "commands", tally)
        sys.stdout.write(json.dumps(asdict(tally) | {"seconds": round(time.monotonic() - before, 1)}) + "\n")
    return 0 if tally.sound else 1


if __name__ == "__main__":
    sys.exit(main())
