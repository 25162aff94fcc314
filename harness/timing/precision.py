"""How torch multiplies float32 matrices, said before every case and put back after it.

TF32 keeps float32's exponent and 10 of its 23 bits of mantissa (NVIDIA A100 white paper): a product is
several times faster on CUDA and good to three digits. It is a process-wide switch of torch's, so that a
case must not inherit what another left. cuDNN's switch of its own is left alone: no solver convolves.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.timing.device import CUDA, kind_of
from harness.timing.device_state import TF32_OVERRIDE

HIGHEST, HIGH = "highest", "high"
"""torch.set_float32_matmul_precision: float32 throughout; TF32 where the device has it."""


@contextmanager
def matmul_precision(*, tf32: bool) -> Iterator[None]:
    """Products of float32 are float32's inside, or TF32's where `tf32` says so; afterwards as before.

    Nothing to do unless torch is loaded: enter it after imports.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = Switches(torch)
    # The one call that every torch from 2.6 on has, and that sets the older and the newer switches alike.
    torch.set_float32_matmul_precision(HIGH if tf32 else HIGHEST)
    try:
        yield
    finally:
        before.put_back()


def tf32_in_force(device: str) -> bool | None:
    """Whether products of float32 may be TF32's on `device` now; None on the CPU, which has none.

    With NVIDIA_TF32_OVERRIDE=0 they are not, whatever is asked for. Other values of it may force them, which nothing
    here can see: 'harness doctor' says so.
    """
    torch = sys.modules.get("torch")
    if torch is None or kind_of(device) != CUDA:
        return None
    return cublas_tf32(torch) and os.environ.get(TF32_OVERRIDE) != "0"


def cublas_tf32(torch: Any) -> bool:
    """Whether cuBLAS may use TF32, by whichever switch this torch has.

    From 2.9 on it is `fp32_precision`; the older `allow_tf32` then raises where both have been used.
    """
    matmul = torch.backends.cuda.matmul
    return bool(matmul.fp32_precision == "tf32" if hasattr(matmul, "fp32_precision") else matmul.allow_tf32)


class Switches:
    """torch's switches as they are when this is made: the older one, and the newer ones where there are any."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        try:
            self._legacy = torch.get_float32_matmul_precision()
        except RuntimeError:
            # torch >= 2.9 refuses to say where the newer switch contradicts the older one, which it thereby says.
            self._legacy = HIGHEST if cublas_tf32(torch) else HIGH
        backends = (torch.backends.cuda, torch.backends.mkldnn)
        matmuls: list[Any] = [getattr(backend, "matmul", None) for backend in backends]
        self._newer = [(matmul, matmul.fp32_precision) for matmul in matmuls if hasattr(matmul, "fp32_precision")]

    @property
    def values(self) -> tuple[str, ...]:
        """What they say."""
        return self._legacy, *(value for _, value in self._newer)

    def put_back(self) -> None:
        """As they were; the older one first, because it sets the newer ones with it."""
        self._torch.set_float32_matmul_precision(self._legacy)
        for module, value in self._newer:
            module.fp32_precision = value
