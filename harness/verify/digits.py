"""Correct significant digits of a computed value against the exact one."""

import numpy as np

from harness.problems.problem import Floats

MAX_DIGITS = 15.0
"""Float64 carries 15 decimal digits through a round trip (IEEE 754; NIST StRD certifies 15)."""


def digits(computed: Floats, exact: Floats) -> Floats:
    """Digits of each entry: the log relative error of NIST StRD, -log10 |c - e| / |e|, in [0, 15].

    The error is absolute where the exact value is 0; an entry that is not finite has 0 digits.
    """
    computed, exact = np.asarray(computed, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    with np.errstate(all="ignore"):
        error = np.abs(computed - exact) / np.where(exact == 0, 1.0, np.abs(exact))
        found = np.where(error == 0, MAX_DIGITS, -np.log10(error))
    # + 0.0 turns the -0.0 of an error of exactly 100 % into 0.0
    return np.minimum(np.maximum(np.where(np.isfinite(computed), found, 0.0), 0.0), MAX_DIGITS) + 0.0
