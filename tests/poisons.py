"""What a solver may leave in its process that would spoil an exact answer that is worked out there."""

import ctypes
import decimal
import platform
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.problems.problem import Problem
from tests.faults import Faulty

FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO = (
    (0x800, 0x400, 0xC00) if platform.machine() == "x86_64" else (1 << 22, 2 << 22, 3 << 22)
)
"""<bits/fenv.h> of x86 and of ARM."""
Poison = Callable[[], object]


def rounding(mode: int) -> object:
    return ctypes.CDLL("libm.so.6").fesetround(mode)


def flush_denormals() -> object:
    import torch

    return torch.set_flush_denormal(True)


def replaced(module: Any, name: str) -> Callable[[], object]:
    """A function of a library that doubles what it finds from now on."""

    def replace() -> None:
        own = getattr(module, name)

        def doubled(*given: Any, **named: Any) -> Any:
            found = own(*given, **named)
            return tuple(2 * one for one in found) if isinstance(found, tuple) else 2 * found

        setattr(module, name, doubled)

    return replace


def no_decimals() -> None:
    decimal.getcontext().prec = 1


def another_qr() -> None:
    import scipy.linalg

    replaced(scipy.linalg, "qr")()
    replaced(scipy.linalg, "lstsq")()


POISONS: dict[str, Poison] = {
    "numpy.linalg.qr": replaced(np.linalg, "qr"),
    "numpy.linalg.svd": replaced(np.linalg, "svd"),
    "numpy.linalg.norm": replaced(np.linalg, "norm"),
    "numpy.ldexp": replaced(np, "ldexp"),
    "scipy.linalg": another_qr,
    "rounding up": lambda: rounding(FE_UPWARD),
    "rounding down": lambda: rounding(FE_DOWNWARD),
    "rounding to zero": lambda: rounding(FE_TOWARDZERO),
    "flush to zero": flush_denormals,
    "decimal precision": no_decimals,
}


def _leaving(poison: Poison) -> Callable[[Problem], object]:
    return lambda _: poison()


SOLVERS = {name: Faulty(name, _leaving(poison)) for name, poison in POISONS.items()}
SOLVERS["healthy"] = Faulty("healthy", lambda _: None)
