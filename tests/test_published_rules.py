"""The rules that other tools publish, peaks of memory, and what the documents say of how often verdicts err."""

from pathlib import Path

import numpy as np
import pytest

from tools import peak_memory, published_rules
from tools.published_rules import RULES

BASE = np.array([1.00, 1.01, 1.02, 1.03, 1.04])
README = Path(__file__).parents[1] / "results/calibration/README.md"


@pytest.mark.parametrize(
    ("rule", "unseen", "seen"),
    [
        ("google benchmark: U test, 0.05", 1.02, 1.05),  # all above all: p = 2/252; equal ranks: p = 1
        ("benchstat: Welch's t, 0.05", 1.02, 1.05),
        # mean 1.02, sd of five 0.01414, t(0.99, 4) = 3.747: 1.0730
        ("Bencher: t-test, 0.99", 1.0729, 1.0731),
        # median 1.02 and 1.5 times (1.03 - 1.01)
        ("Bencher: interquartile range, 1.5", 1.0499, 1.0501),
        ("pytest-benchmark: min:5%", 1.0699, 1.0701),  # minimum 1.00, and the head's minimum is its median less 0.02
        ("pytest-benchmark: mean:5%", 1.0709, 1.0711),
        ("asv_spyglass without samples: factor 1.1", 1.1219, 1.1221),
        ("asv, asv_spyglass: factor 1.1 and samples", 1.1219, 1.2),
    ],
)
def test_a_rule_calls_slower_what_its_source_says(rule: str, unseen: float, seen: float) -> None:
    base = BASE
    for median, expected in ((unseen, False), (seen, True)):
        assert RULES[rule](base, BASE - 1.02 + median) is expected


@pytest.mark.slow
def test_the_table_in_the_documents_is_what_the_rules_say_of_the_recorded_launches() -> None:
    assert published_rules.table() in README.read_text()


def test_the_table_of_peak_memory_in_the_documents_is_what_the_rule_says_of_the_recorded_launches() -> None:
    peaks = peak_memory.read(README.parent / "peak_memory.csv")
    assert peak_memory.table(peaks) in README.read_text()
