"""Fuzz every reader of files for a while: `python -m tools.fuzz_readers --seconds 3600`; exit 1 if one does not hold.

A reader holds if it reads an input or ends in a UsageError of one printable line, within SECONDS_EACH and a limit on
memory. With atheris (pip install atheris) inputs are grown by coverage of the harness; without it they are mutations of
good files and of one another, drawn from --seed. What a reader does not hold on is kept in --findings, a file an input.
"""

import argparse
import hashlib
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

SECONDS_EACH = 10
"""Of one input, a few kilobytes: a reader that takes longer hangs, or will on a megabyte."""
MEMORY_BYTES = 4 * 2**30
"""Of address space beyond what the imports take: readers stay below 1 GiB, threads of libraries reserve some."""
LARGEST_INPUT = 4096
MOST_KNOWN = 500
"""Inputs of a reader that others are mutated from."""
TOKENS = (
    *(b"1e999", b"nan", b"inf", b"NaN", b"-Infinity", b"9" * 400, b"0x" + b"f" * 60, b"null", b"true", b"-1", b"[]"),
    *(b",", b"\n", b"\r\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"[" * 200, b"{" * 200, b"]", b"}", b"=", b"."),
    *(b".a" * 90, b"\x1b[31m", b"\xe2\x80\xae", b"\\ud800", b"split", b"train", b"#", b'"""', b'"', b"'", b"\\", b"{}"),
)


class Fuzzing:
    """The readers, a folder for their inputs, and what was found."""

    def __init__(self, folder: Path, findings: Path) -> None:
        from tests.test_asv_results import BENCHMARKS
        from tests.test_properties import good
        from tests.test_strict import KINDS

        self.kinds, self.findings = KINDS, findings
        self.seeds = {name: good(name) for name in KINDS}
        self.paths = {name: folder / name.replace(" ", "_") / kind.name for name, kind in KINDS.items()}
        for path in self.paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        asv = self.paths["asv result"].parent
        (asv / "machine.json").write_text("{}")
        (asv.parent / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
        self.tried, self.found = Counter[str](), Counter[str]()

    def try_one(self, name: str, content: bytes) -> bool:
        """Whether the reader read it; what it does not hold on is kept and counted."""
        from harness.errors import UsageError

        self.tried[name] += 1
        self.paths[name].write_bytes(content)
        try:
            with alarm():
                self.kinds[name].read(self.paths[name])
        except UsageError as error:
            text = str(error)
            if text and text.isprintable() and text == " ".join(text.split()):
                return False
            self._keep(name, content, f"no printable line: {text!r}")
        except Exception:  # noqa: BLE001  # whatever else comes out of a reader is what is looked for
            self._keep(name, content, traceback.format_exc())
        else:
            return True
        return False

    def _keep(self, name: str, content: bytes, what: str) -> None:
        last = what.strip().splitlines()[-1]
        self.found[f"{name}: {last}"[:200]] += 1
        if self.found[f"{name}: {last}"[:200]] == 1:
            self.findings.mkdir(parents=True, exist_ok=True)
            path = self.findings / f"{name.replace(' ', '_')}-{hashlib.sha256(content).hexdigest()[:12]}"
            path.write_bytes(content)
            sys.stderr.write(f"{path}: {what}\n")


@contextmanager
def alarm() -> Iterator[None]:
    """Raise TimeoutError inside after SECONDS_EACH."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"still reading after {SECONDS_EACH} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS_EACH)
    try:
        yield
    finally:
        signal.alarm(0)


def mutated(seed: bytes, other: bytes, draw: random.Random) -> bytes:
    """Some pieces of `seed` replaced by tokens, noise, pieces of itself or of `other`, or cut out."""
    content = bytearray(seed)
    for _ in range(draw.choice((1, 1, 2, 3, 5, 9))):
        at = draw.randrange(len(content) + 1)
        end = min(len(content), at + draw.choice((0, 0, 1, 2, 8, 40)))
        start = draw.randrange(len(other) + 1)
        piece = draw.choice(
            (b"", draw.choice(TOKENS), draw.randbytes(draw.randrange(9)), other[start : start + draw.randrange(60)])
        )
        content[at:end] = piece
    return bytes(content[:LARGEST_INPUT])


def by_mutation(fuzzing: Fuzzing, seconds: float, seed: int) -> None:
    """Every reader in turn until the time is over; inputs that are read join the good ones."""
    draw, ends = random.Random(seed), time.monotonic() + seconds  # noqa: S311  # inputs, no secrets
    pool = {name: [content] for name, content in fuzzing.seeds.items()}
    while time.monotonic() < ends:
        for name, known in pool.items():
            content = mutated(draw.choice(known), draw.choice(pool[draw.choice(list(pool))]), draw)
            if fuzzing.try_one(name, content) and len(known) < MOST_KNOWN:
                known.append(content)


def by_coverage(fuzzing: Fuzzing, seconds: float, seed: int) -> None:
    """Let atheris grow the inputs; the first byte says which reader. It ends the process: stderr has what was found."""
    import atheris

    names = list(fuzzing.kinds)

    def one(data: bytes) -> None:
        if data:
            fuzzing.try_one(names[data[0] % len(names)], data[1:])

    corpus = fuzzing.paths["csv"].parent.parent / "corpus"
    corpus.mkdir()
    for number, content in enumerate(fuzzing.seeds.values()):
        (corpus / str(number)).write_bytes(bytes([number]) + content)
    limits = (f"-max_total_time={seconds:.0f}", f"-max_len={LARGEST_INPUT}", f"-seed={seed}", "-rss_limit_mb=4096")
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    """Fuzz, and say how many inputs each reader got and what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    asked = parser.parse_args()
    how: Callable[[Fuzzing, float, int], None] = by_mutation
    if find_spec("atheris"):
        import atheris

        how = by_coverage
        with atheris.instrument_imports(include=["harness", "tomllib"]):
            __import__("tests.test_strict")
    with tempfile.TemporaryDirectory() as folder:
        fuzzing = Fuzzing(Path(folder), asked.findings)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() or held + MEMORY_BYTES, resource.RLIM_INFINITY))
        try:
            how(fuzzing, asked.seconds, asked.seed)
        finally:
            for name, count in fuzzing.tried.items():
                sys.stdout.write(f"{name}: {count} inputs\n")
            for what, count in fuzzing.found.items():
                sys.stdout.write(f"FOUND {count} times: {what}\n")
    return int(bool(fuzzing.found))


def _address_space() -> int | None:
    """MEMORY_BYTES beyond this process's address space now; None where /proc does not say."""
    status = Path("/proc/self/statm")
    pages = int(status.read_text().split()[0]) if status.exists() else None
    return None if pages is None else pages * resource.getpagesize() + MEMORY_BYTES


if __name__ == "__main__":
    sys.exit(main())
