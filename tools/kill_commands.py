"""Kill -9 under the commands that write a store or a file: sweep, import, export, merge, report and gate --update.

Each is killed after a random time, what it leaves is looked at, and it is started again until it ends by itself: a file
is as it was or as it is to be, a run that was imported is whole or not there, and nothing stray is left.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.kill_loop import PATIENCE_S, Child, Tally, begin

STORE, SOURCE, GIVEN, OUT = "store.sqlite", "source.sqlite", "given.jsonl", "out.jsonl"
PAGE, EXPECTED = "page.html", "expected.toml"
OLD = "# as it was\n"
KNOWN = {SOURCE, GIVEN, OUT, PAGE, EXPECTED, "log", "tmp"} | {
    f"{one}{suffix}" for one in ("was", "new") for suffix in (".jsonl", ".toml")
}
TRAINED = ("--problem", "four_points", "--optimizer", "sgd", "--seeds", "2", "--epochs", "20")
SWEEP = (*TRAINED, "--lr", "0.1", "--lr", "0.01", "--no-widen")
USAGE = 2
CELLS = 2


@dataclass(frozen=True)
class Command:
    """What is killed, how it is gone on with, and what is wrong with what it left: `ended` says that it ended."""

    words: tuple[str, ...]
    look: Callable[[Path, bool], Iterator[str]]
    again: tuple[str, ...] = ()


def commands() -> Mapping[str, Command]:
    """By name."""
    into, source = ("--store", STORE), ("--store", SOURCE)
    expected = ("--expectations", EXPECTED)
    return {
        "sweep": Command(
            ("sweep", *SWEEP, "--in-process", *into), _swept, ("sweep", "--resume", "--in-process", *into)
        ),
        "import": Command(("store", "import", GIVEN, *into), _taken),
        "merge": Command(("store", "merge", SOURCE, *into), _taken),
        "export": Command(("store", "export", OUT, *source), lambda folder, ended: _file(folder, OUT, ended)),
        "update": Command(
            ("gate", "--update", *expected, *source), lambda folder, ended: _file(folder, EXPECTED, ended)
        ),
        "report": Command(("report", "--quick", "-o", PAGE, *source), _page),
    }


def furnish(folder: Path) -> None:
    """A store with three runs, what an export and an update of it are, and the files that are to be replaced."""
    cases = ("--problem", "four_points", "--solver", "numpy_lstsq", "--solver", "normal_equations")
    for _ in range(3):
        _done(folder, "run", *cases, "--in-process", "--store", SOURCE)
    _done(folder, "store", "export", GIVEN, "--store", SOURCE)
    _done(folder, "store", "export", "new.jsonl", "--store", SOURCE)
    _done(folder, "gate", "--update", "--expectations", "new.toml", "--store", SOURCE, codes=(0, 3))
    new = (folder / "new.toml").read_text()
    (folder / "was.toml").write_text(re.sub(r"digits_min = [0-9.]+", "digits_min = 0.5", new))
    (folder / "was.jsonl").write_text(OLD)


def one_round(folder: Path, name: str, longest_s: float, chance: random.Random, tally: Tally, kills: int) -> int:
    """A command on new files, killed at most so many times; how many times it was."""
    command, done = commands()[name], 0
    for path in (folder / f"{STORE}{ending}" for ending in ("", "-wal", "-shm")):
        path.unlink(missing_ok=True)
    for path in (folder / OUT, folder / PAGE):
        path.write_text(OLD)
    (folder / EXPECTED).write_text((folder / "was.toml").read_text())
    while True:
        unfinished = command.again and _is_begun(folder)
        child = _begun(folder, *(command.again if unfinished else command.words))
        code = child.ended_within(chance.uniform(0, longest_s) if done < kills else PATIENCE_S)
        if code is None:
            child.kill()
            done += 1
        child.reports()
        tally.troubles += [f"{name}: {trouble}" for trouble in command.look(folder, code is not None)]
        if code is not None:
            if code not in (0, 3) and not (unfinished and code == USAGE):
                tally.troubles.append(f"{name} ended with {code}: {(folder / 'log').read_text()[-300:]}")
            tally.stray += sorted(path.name for path in _strays(folder))
            return done


def kill_commands(kills: int, chance: random.Random, folder: Path, tally: Tally) -> None:
    """So many kills, over all of the commands; a page, which takes seconds, has the fewest."""
    furnish(folder)
    longest_s = {}
    for name in commands():
        before = time.monotonic()
        one_round(folder, name, 0.0, chance, tally, 0)
        longest_s[name] = 1.1 * (time.monotonic() - before)
    names = [name for name in commands() for _ in range(1 if name == "report" else 3)]
    while (killed := sum(tally.of_commands.values())) < kills and not tally.troubles:
        name = chance.choice(names)
        done = one_round(folder, name, longest_s[name], chance, tally, min(3, kills - killed))
        tally.of_commands[name] = tally.of_commands.get(name, 0) + done
        tally.kills += done


def _begun(folder: Path, *words: str) -> Child:
    return begin(list(words), folder / "log", folder)


def _done(folder: Path, *words: str, codes: tuple[int, ...] = (0,)) -> None:
    """Run a command to its end. Raises RuntimeError where it ends otherwise."""
    child = _begun(folder, *words)
    code = child.ended_within(PATIENCE_S)
    child.reports()
    if code not in codes:
        raise RuntimeError(f"{' '.join(words)} ended with {code}: {(folder / 'log').read_text()[-300:]}")


def _strays(folder: Path) -> Iterator[Path]:
    ours = KNOWN | {f"{store}{ending}" for store in (STORE, SOURCE) for ending in ("", "-wal", "-shm")}
    yield from (path for path in folder.iterdir() if path.name not in ours)
    # torch keeps what it compiles there, for the next time
    yield from (path for path in (folder / "tmp").iterdir() if not path.name.startswith("torchinductor_"))


def _is_begun(folder: Path) -> bool:
    """Whether the store has a sweep that has not finished."""
    from harness.store.store import Store
    from harness.store.sweep_store import SweepStore

    if not (folder / STORE).exists():
        return False
    store = Store(str(folder / STORE), create=False)
    found = [sweep.finished_at is None for sweep in SweepStore(store).sweeps()]
    store.close()
    return any(found)


def _lines(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """All lines of each run and sweep of a store, and what is wrong with it."""
    from harness.store.entries import belongs_to, lines_of
    from harness.store.salvage import salvaging

    found: dict[str, list[str]] = {}
    with salvaging(str(path)) as salvaged:
        for entry in salvaged.entries():
            found.setdefault(belongs_to(entry), []).append(list(lines_of([entry]))[1])
        salvaged.integrity()
        return found, salvaged.troubles


def _swept(folder: Path, ended: bool) -> Iterator[str]:
    if not (folder / STORE).exists():
        return
    found, troubles = _lines(folder / STORE)
    yield from troubles
    cells = Counter(line for lines in found.values() for line in lines if line.startswith('{"cell"'))
    if len(cells) < sum(cells.values()):
        yield "a cell is there twice"
    if ended and sum(cells.values()) != CELLS * len(found):
        yield f"{sum(cells.values())} cells of {CELLS}"


def _taken(folder: Path, ended: bool) -> Iterator[str]:
    given, _ = _lines(folder / SOURCE)
    found, troubles = _lines(folder / STORE) if (folder / STORE).exists() else ({}, [])
    yield from troubles
    for name, lines in found.items():
        if sorted(lines) != sorted(given.get(name, [])):
            yield f"run {name} is there in part"
    if ended and found.keys() != given.keys():
        yield f"{len(found)} runs of {len(given)}"


def _file(folder: Path, name: str, ended: bool) -> Iterator[str]:
    """As it was, or as an undisturbed command makes it."""
    text, suffix = (folder / name).read_text(), Path(name).suffix
    was, new = ((folder / f"{one}{suffix}").read_text() for one in ("was", "new"))
    if text != new and (ended or text != was):
        yield f"{name} is neither as it was nor as it is to be"


def _page(folder: Path, ended: bool) -> Iterator[str]:
    text = (folder / PAGE).read_text()
    if not text.rstrip().endswith("</html>") and (ended or text != OLD):
        yield f"{PAGE} is neither as it was nor a whole page"
