"""Optimizers as people write them, with settings of their own: `momentum:weight_decay=0.1`, and many at once."""

import re
from collections.abc import Sequence
from itertools import product

from harness.errors import UsageError, unknown
from harness.problems.problem import short
from harness.solvers.training.optimizers import PAIRS, PRESETS, is_brought

TRUTHS = {"1": True, "true": True, "0": False, "false": False}
Setting = float | bool | tuple[float, ...]


def varied(optimizers: Sequence[str], grid: Sequence[str]) -> list[str]:
    """The optimizers as their settings are varied: `betas=0.9,0.95:0.99,0.999` makes four of each that has betas.

    Raises UsageError for a text that is none, or a setting that none of them takes.
    """
    found = list(optimizers)
    for text in grid:
        name, equal, values = text.partition("=")
        lists = [part.split(",") for part in values.split(":")]
        if not equal or not all(all(part) for part in lists) or len(lists) != len(PAIRS.get(name, (name,))):
            raise UsageError(
                f"--grid '{text}': name=0.9,0.95 is wanted, and of betas two lists, as betas=0.9,0.95:0.99"
            )
        takers = [one for one in found if name in parse_settings(one)]
        if not takers:
            raise UsageError(f"--grid '{text}': none of {', '.join(optimizers)} has a setting {name}")
        found = [
            new
            for one in found
            for new in (
                [f"{one}{',' if ':' in one else ':'}{name}={','.join(point)}" for point in product(*lists)]
                if one in takers
                else [one]
            )
        ]
    return found


def parse_settings(text: str) -> tuple[str, ...]:
    """The settings that the optimizer takes which a text begins with; none of one that somebody brings."""
    name = text.partition(":")[0]
    return PRESETS[name][0].settings if name in PRESETS else ()


def parse_optimizer(text: str) -> tuple[str, str, dict[str, Setting]]:
    """`momentum:weight_decay=0.1` as its label, torch's optimizer and what is set in it.

    The label is the text with its settings in torch's order and its numbers in their shortest form.
    One that somebody brings, `package.module:Class:betas=0.9,0.99`, is its own label, and has its settings itself.
    Raises UsageError for an unknown preset, a setting that the optimizer does not take or that is given
    twice, or a value that is none.
    """
    name, _, rest = text.partition(":")
    if name not in PRESETS and is_brought(text):
        return text, text, {}
    if name not in PRESETS:
        raise unknown("optimizer", name, PRESETS)
    optimizer, preset = PRESETS[name]
    given: dict[str, Setting] = {}
    for part in filter(None, re.split(r",(?=[^,=]*=)", rest)):
        key, _, value = part.partition("=")
        if key not in optimizer.settings:
            raise unknown(f"setting of {name}", key, optimizer.settings)
        if key in given:
            raise UsageError(f"--optimizer '{text}' says {key} twice")
        given[key] = _value(key, value, text)
    settings = {**preset, **given}
    if settings.get("nesterov") and not settings.get("momentum"):
        raise UsageError(f"--optimizer '{text}': nesterov needs a momentum: sgd:momentum=0.9,nesterov=1")
    label = (
        name + ":" * bool(given) + ",".join(f"{key}={_shown(given[key])}" for key in optimizer.settings if key in given)
    )
    return label, optimizer.name, settings


def _shown(value: Setting) -> str:
    return ",".join(short(float(one)) for one in (value if isinstance(value, tuple) else (value,)))


def _value(key: str, value: str, text: str) -> Setting:
    if key in PAIRS:
        parts = value.split(",")
        if len(parts) != len(PAIRS[key]):
            raise UsageError(f"--optimizer '{text}': {key} are {len(PAIRS[key])} numbers, not '{value}'")
        return tuple(float(str(_value("", part, text))) for part in parts)
    if key == "nesterov":
        if value.lower() not in TRUTHS:
            raise UsageError(f"--optimizer '{text}': nesterov is 1 or 0, not '{value}'")
        return TRUTHS[value.lower()]
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
        raise UsageError(f"--optimizer '{text}': {key} is a number, not '{value}'")
    return float(value)
