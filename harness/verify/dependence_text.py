"""A combination of columns that is constant, as an equation that is read at once: "sand = 100 - clay - silt"."""

from collections.abc import Sequence
from fractions import Fraction

MOST_TERMS = 4
"""So many columns of a sum are written out; of more the first and the last."""
MOST_PLACES = 6
"""Decimal places of a number that is short."""


def in_words(factors: Sequence[Fraction], names: Sequence[str], constant: Fraction) -> tuple[str, bool]:
    """`factors` times the columns of those `names` are `constant`, as text; whether the text is an equation.

    Columns that sum to one are the intercept's: indicators of a category. Else the column stands alone on the left with
    which the other numbers are easiest to read; of two such the later column.
    """
    if len(names) > 1 and constant and set(factors) == {constant}:
        return f"{_sum(names)} = 1 (the intercept)", True
    own = dict(zip(names, factors, strict=True))

    def solved(lead: str) -> tuple[list[Fraction], Fraction]:
        return [-own[name] / own[lead] for name in names if name != lead], constant / own[lead]

    lead = min(reversed(names), key=lambda name: _effort(*solved(name)))
    others = [name for name in names if name != lead]
    if len(others) > 2 * MOST_TERMS:
        return f"{lead} depends on {listed(others)}", False
    return f"{lead} = {_equation(*solved(lead), others)}", True


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them, the last of many by their number."""
    if len(names) > 2 * MOST_TERMS:
        names = [*names[:MOST_TERMS], f"{len(names) - MOST_TERMS} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _effort(factors: Sequence[Fraction], constant: Fraction) -> tuple[int, int, int]:
    """What it takes to read an equation: numbers that are no short decimals, digits of those that are, minus signs."""
    if _is_mean(factors, constant):
        return 0, 1, 0
    places = [_places(value) for value in (*factors, constant)]
    return (
        sum(place is None for place in places),
        sum(place or 0 for place in places) + sum(abs(value) != 1 for value in factors),
        sum(value < 0 for value in (*factors, constant)),
    )


def _is_mean(factors: Sequence[Fraction], constant: Fraction) -> bool:
    divisor = factors[0].denominator if factors else 1
    return not constant and len(factors) > 1 and divisor > 1 and set(factors) == {Fraction(1, divisor)}


def _places(value: Fraction) -> int | None:
    """Decimal places that write the number exactly; None where it takes more than MOST_PLACES."""
    return next((d for d in range(MOST_PLACES + 1) if (value * 10**d).denominator == 1), None)


def _equation(factors: Sequence[Fraction], constant: Fraction, names: Sequence[str]) -> str:
    """The right-hand side: what is added, then what is subtracted; a constant last unless nothing else is added."""
    if _is_mean(factors, constant):
        return f"({_sum(names)}) / {factors[0].denominator}"
    pieces = [(value, f"{_factor(value)}{name}") for value, name in zip(factors, names, strict=True)]
    pieces.sort(key=lambda piece: piece[0] < 0)
    number = [(constant, _number(abs(constant)))] if constant or not pieces else []
    first = constant > 0 and all(value < 0 for value in factors)
    text = " ".join(
        f"{'-' if value < 0 else '+'} {piece}" for value, piece in (number + pieces if first else pieces + number)
    )
    return text.removeprefix("+ ") if text.startswith("+") else "-" + text.removeprefix("- ")


def _factor(value: Fraction) -> str:
    return "" if abs(value) == 1 else f"{_number(abs(value))} "


def _number(value: Fraction) -> str:
    return str(value) if _places(value) is None else f"{float(value):.12g}"


def _sum(names: Sequence[str]) -> str:
    return " + ".join(names) if len(names) <= MOST_TERMS else f"{names[0]} + ... + {names[-1]}"
