"""Cells of `harness ab` with a planted ratio, in noise as two busy cores make it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.records.ab import AbCell, Launch, Measured

CALL_S = 1e-4


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the log: between launches, of one call; a share `delayed` of calls by 30 % on average."""

    launch: float = 0.01
    call: float = 0.02
    delayed: float = 0.1


def launch_of(**lists: Iterable[float]) -> Launch:
    """A launch of its lists of seconds, as JSON has them: base_wall_s, head_cpu_s, ..."""
    return Launch.model_validate({name: tuple(values) for name, values in lists.items()})


def cell(
    rng: np.random.Generator,
    ratio: float = 1.0,
    *,
    case: str = "case",
    noise: Noise | None = None,
    launches: int = 12,
    rounds: int = 10,
    **changes: object,
) -> AbCell:
    """One cell; head is `ratio` times base."""
    noise = noise or Noise()

    def side(factor: float) -> tuple[float, ...]:
        logs = rng.normal(0, noise.call, rounds)
        logs += np.where(rng.random(rounds) < noise.delayed, rng.exponential(0.3, rounds), 0)
        return tuple((CALL_S * factor * np.exp(logs)).tolist())

    made = []
    for _ in range(launches):
        base, head = side(1.0), side(ratio * float(np.exp(rng.normal(0, noise.launch))))
        made.append(launch_of(base_wall_s=base, base_cpu_s=base, head_wall_s=head, head_cpu_s=head))
    kept = {"base": Measured(digits=12.0), "head": Measured(digits=12.0), "problem": "auto_mpg"}
    kept |= {"solver": "numpy_lstsq", "launches": tuple(made)}
    return AbCell.model_validate({"case": case, **kept, **changes})


def cells(
    rng: np.random.Generator, ratios: list[float], noise: Noise | None = None, launches: int = 12
) -> list[AbCell]:
    """A cell a ratio, cases numbered."""
    return [
        cell(rng, ratio, case=f"case {number}", noise=noise, launches=launches) for number, ratio in enumerate(ratios)
    ]
