"""Whether what a command prints is what a document shows, but for what another run or machine changes.

Times, ratios of times, ids of runs and lines about the machine are not compared. Numbers are compared with the margins
that `results/expectations.toml` leaves for another machine's arithmetic.
"""

import re
from functools import cache

from harness.judge.gate.expectations import Margins, read_expectations
from harness.paths import results_folder

ELLIPSIS = "[...]"
"""In a document: something is left out here, some words or some lines."""
TIME = re.compile(r"(?<![\w.])\d[\d.,]*\s?(?:ns|µs|ms|s|min|h)\b")
RATIO = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?: x|x|\u00d7)(?!\w)|(?<![\w.])x \d+\.\d+")
LESS = re.compile(r"\d+(?:\.\d+)? times\s+less(?:\s+\[[^\]]*\])?")
"""Of seconds; of epochs the harness says fewer."""
BYTES = re.compile(r"(?<![\w.])\d[\d.,]*\s?(?:(?:[kKMGT]i?)?B|bytes)\b")
RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]+\b")
NUMBER = re.compile(r"([-+\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
MACHINE = re.compile(r"^(?:doubtful: .*?harness\s+doctor\s+--run\s+\S+|note: [^\n]*)\n?", re.MULTILINE | re.DOTALL)
"""What is about the machine and the working tree; a doubt may take several lines."""
SECONDS = re.compile(r"^On [^\n]+, in seconds of the textbook loop,.*?\.\n(?=On |sweep )", re.MULTILINE | re.DOTALL)
"""What a sweep concludes from seconds: on a busy machine it may be another conclusion."""
MOST_DIGITS = 15.0
FEW = 10
"""Integers below are counts that must be right: ranks, statuses, exit codes."""


def alike(shown: str, got: str) -> bool:
    """Whether `got` is what is shown; ELLIPSIS stands for anything."""
    wanted = [_tokens(part) for part in shown.split(ELLIPSIS)]
    tokens = _tokens(got)
    if len(wanted) == 1:
        return _same(wanted[0], tokens)
    first, *middle, last = wanted
    if len(first) + len(last) > len(tokens) or not _same(first, tokens[: len(first)]):
        return False
    end = len(tokens) - len(last)
    if not _same(last, tokens[end:]):
        return False
    at = len(first)
    for part in middle:
        found = next((k for k in range(at, end - len(part) + 1) if _same(part, tokens[k : k + len(part)])), None)
        if found is None:
            return False
        at = found + len(part)
    return True


def told_apart(got: str) -> list[str]:
    """The lines of an output that a document shows: without those about the machine, and without blank ends."""
    lines = [line.rstrip() for line in MACHINE.sub("", got).strip("\n").splitlines()]
    return lines if any(lines) else []


def _tokens(text: str) -> list[str]:
    """Words, of lines that are not about the machine, with what another run changes named instead of said."""
    seen = SECONDS.sub("", "\n".join(told_apart(text)))
    for pattern, name in ((RUN, "<run>"), (LESS, "<ratio>"), (BYTES, "<bytes>"), (TIME, "<time>"), (RATIO, "<ratio>")):
        seen = pattern.sub(name, seen)
    return seen.split()


def _same(wanted: list[str], got: list[str]) -> bool:
    return len(wanted) == len(got) and all(map(_same_word, wanted, got))


def _same_word(wanted: str, got: str) -> bool:
    if wanted == got:
        return True
    ours, theirs = NUMBER.split(wanted), NUMBER.split(got)
    return len(ours) == len(theirs) and ours[::2] == theirs[::2] and all(map(_near, ours[1::2], theirs[1::2]))


def _near(wanted: str, got: str) -> bool:
    """Two numbers as printed: digits have one decimal, excess losses and errors an exponent."""
    a, b = (float(text.replace("\u2212", "-")) for text in (wanted, got))
    if a == b:
        return True
    if "e" in wanted.lower() and "e" in got.lower():
        small, large = sorted((abs(a), abs(b)))
        return large <= small * _margins().excess_loss
    if _decimals(wanted) == _decimals(got) == 1 and max(a, b) <= MOST_DIGITS:
        return abs(a - b) <= _margins().digits
    if _decimals(wanted) == _decimals(got) == 0:
        return min(a, b) >= FEW and abs(a - b) <= max(1.0, _margins().mse * abs(a))
    return abs(a - b) <= _margins().mse * abs(a)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


@cache
def _margins() -> Margins:
    return read_expectations(results_folder() / "expectations.toml").margins
