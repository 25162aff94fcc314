"""JSON as the standard has it, which Python's own is not: read without surprises, written without NaN."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST_DIGITS = 310
"""A float64 ends at 1.8e308; Python itself takes seconds for integers of millions of digits."""

LARGE = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{200}")
"""What every number beyond a float64 has in it: without, the largest is one of 199 digits and e99."""


def finite(value: Any, text: Callable[[str], str] = str) -> Any:
    """The value as JSON's kinds: NaN and infinities are null, tuples lists, numpy's numbers Python's.

    `text`: what becomes of each text, keys among them.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {text(str(name)): finite(one, text) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [finite(one, text) for one in value]
    return finite(value.item(), text)


def parsed_json(text: str, *, constants: bool = False) -> Any:
    """JSON strictly: no key twice, no number beyond a float64, and with `constants` only NaN and Infinity.

    Raises ValueError, with the line and column where the syntax is wrong.
    """
    may_overflow = LARGE.search(text) is not None
    try:
        return json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_int=_integer if may_overflow else None,
            parse_float=_float if may_overflow else None,
            parse_constant=float if constants else _constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, count),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key '{name}' is there {count} times")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS or math.isinf(float(text)):
        raise ValueError(f"an integer of {len(text.lstrip('-'))} digits is beyond every float64")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:30]} is beyond every float64")
    return value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
