"""Which of several answers nobody beats at once in what it costs and in what it is worth."""

import math
from collections.abc import Sequence


def pareto(points: Sequence[tuple[float, float]]) -> tuple[bool, ...]:
    """Of points (cost, worth): whether none of the others is at least as good in both and better in one.

    Cost, seconds say, is better smaller, worth, digits say, larger (Pareto 1906, Manuale di economia politica). Equal
    points are both on the front or both not. One with a number that is NaN or infinite is neither on it nor beats any.
    """
    front = [False] * len(points)
    usable = [i for i, (cost, worth) in enumerate(points) if math.isfinite(cost) and math.isfinite(worth)]
    best, best_cost = -math.inf, math.inf
    for i in sorted(usable, key=lambda i: (points[i][0], -points[i][1])):
        cost, worth = points[i]
        front[i] = worth > best or (worth == best and cost == best_cost)
        if worth > best:
            best, best_cost = worth, cost
    return tuple(front)
