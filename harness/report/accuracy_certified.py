"""NIST's certified figures beside the exact solution of the decimal data, as a table."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from harness.report.sections import Column, print_rows

HEADS = {
    "coef_digits": "coefficients",
    "standard_error_digits": "standard errors",
    "residual_sd_digits": "residual SD",
    "r_squared_digits": "R²",
}
LEAST_HEAD = 5
"""Two digits, the point, one more, and a gap; a head folds above it."""


def print_certified(console: Console, sets: Sequence[Mapping[str, object]], least: float) -> None:
    """A row a set: `name` and the digits under HEADS; those below `least` in red. Then one line of legend."""
    columns = (Column("set", 0, "left"), *(Column(head, least=LEAST_HEAD) for head in HEADS.values()))
    rows = []
    for one in sets:
        digits = [float(str(one[key])) for key in HEADS]
        rows.append((escape(str(one["name"])), *(f"[{'default' if d >= least else 'red'}]{d:.1f}[/]" for d in digits)))
    print_rows(console, columns, rows)
    console.print("digits to which NIST's figures agree with the exact solution of the decimal data, at most 15")


def all_agree(sets: Sequence[Mapping[str, object]], least: float) -> bool:
    """Whether every figure of every set agrees to so many digits; NaN does not."""
    return all(float(str(one[key])) >= least for one in sets for key in HEADS)
