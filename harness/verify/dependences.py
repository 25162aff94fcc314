"""Which columns depend on which, in words: "total = a + b", "tf = 1.8 tc + 32".

A direction of the data that does not count (harness.verify.data_rank) is a combination of columns that is constant but
for rounding. Where small whole numbers or short decimals make such a combination, that is what a person meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from harness.problems.problem import Floats
from harness.verify.data_rank import DataRank
from harness.verify.dependence_text import in_words, listed
from harness.verify.half_units import rounding_norms
from harness.verify.relations import BOXES, Relation, constants, in_decimals, simplest, sparsest, to_rounding

SUPPORT = 1.0
"""A column that adds less than this to every null direction, in units of the rounding, is in none of them."""


@dataclass(frozen=True)
class Dependence:
    """One combination of columns that is constant.

    text: in words. columns: the features in it. exact: it holds exactly in the decimal numbers that the data were
    written in; else but for rounding. named: `text` is an equation; else it only says which columns depend on others.
    """

    text: str
    columns: tuple[str, ...]
    exact: bool
    named: bool

    @property
    def in_full(self) -> str:
        """The text, and how far it holds: "total = a + b (exact in the decimals)"."""
        return f"{self.text} ({'exact in the decimals' if self.exact else 'to within rounding'})"


def dependences(X: Floats, features: Sequence[str], rank: DataRank, *, intercept: bool) -> tuple[Dependence, ...]:
    """A Dependence for each direction of X (n, p) that does not count, the sparsest that explain them.

    None where there are fewer rows than columns: then columns depend on each other by their number alone.
    """
    if not len(rank.null) or len(X) < len(features) + intercept:
        return ()
    parts = np.abs(rank.null) * np.linalg.norm(X - X.mean(axis=0) * intercept, axis=0)
    size = np.linalg.norm(rank.null * rounding_norms(X), axis=1)
    used = sorted({*rank.pivots, *np.flatnonzero((parts > SUPPORT * size[:, None]).any(axis=0)).tolist()})
    names, table = [features[j] for j in used], X[:, used]
    found = in_decimals(table, len(rank.null), intercept=intercept)
    if found is not None:
        return tuple(_described(one, names, table, exact=True, intercept=intercept) for one in sparsest(found))
    relations = to_rounding(table, [used.index(pivot) for pivot in rank.pivots], intercept=intercept)
    named = [one for one in relations if one is not None]
    if len(named) == len(relations):
        named = sparsest(named)
    words = [_described(one, names, table, exact=False, intercept=intercept) for one in named]
    if len(named) < len(relations):
        words.append(_unnamed(names, intercept=intercept))
    return tuple(words)


def _described(relation: Relation, names: Sequence[str], table: Floats, *, exact: bool, intercept: bool) -> Dependence:
    used = [j for j, value in enumerate(relation) if value]
    constant = _constant(relation, table, exact=exact) if intercept else Fraction(0)
    if constant is None:
        return _unnamed([names[j] for j in used], intercept=intercept)
    text, named = in_words([relation[j] for j in used], [names[j] for j in used], constant)
    return Dependence(text, tuple(names[j] for j in used), exact, named)


def _unnamed(names: Sequence[str], *, intercept: bool) -> Dependence:
    constant = " and a constant" if intercept else ""
    return Dependence(f"{listed(names)}{constant} are dependent", tuple(names), exact=False, named=False)


def _constant(relation: Relation, table: Floats, *, exact: bool) -> Fraction | None:
    """What the combination is: in decimals that of the first row, else the simplest number that rounding allows."""
    if exact:
        return sum((value * Fraction(repr(float(x))) for value, x in zip(relation, table[0], strict=True)), Fraction(0))
    for box in (*BOXES, 2 * BOXES[-1]):
        low, high = constants(table, relation, box)
        if low <= high:
            return simplest(Fraction(*low.as_integer_ratio()), Fraction(*high.as_integer_ratio()))
    return None
