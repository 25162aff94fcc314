"""What no closed form gets below on a machine: one product X'X, one pass over X."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.medians import Estimate, estimate

PRODUCT, SUM = "X'X in one product", "sum of X"
"""The floors: n p² multiplications by BLAS (it does half of them: the product is symmetric), and one pass over X."""


@dataclass(frozen=True)
class Floor:
    """Raw wall seconds `samples_s` of single calls of `name` (PRODUCT or SUM) over float64 X (n, p), one thread.

    Measured on the CPU of the run, when the page was made.
    """

    name: str
    n: int
    p: int
    samples_s: tuple[float, ...]


@dataclass(frozen=True)
class FloorAt:
    """A floor at `n` rows. `scaled_from`: the rows measured, where it is that time times n over them; else None.

    Both floors are proportional to n once X is larger than the caches.
    """

    seconds: Estimate
    scaled_from: int | None = None


def floor_at(floors: Sequence[Floor], name: str, n: int, p: int) -> FloorAt | None:
    """The floor of that name at (n, p): as measured, else scaled up from the largest n measured with this p.

    None where no n up to this one was measured with this p: a floor is never scaled down.
    """
    known = [floor for floor in floors if floor.name == name and floor.p == p and floor.n <= n and floor.samples_s]
    if not known:
        return None
    largest = max(known, key=lambda floor: floor.n)
    found = estimate([s * (n / largest.n) for s in largest.samples_s])
    return FloorAt(found, None if largest.n == n else largest.n)
