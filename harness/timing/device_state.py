"""What the driver says of a device, and the variables that change what libraries compute there or hold.

The driver's own tool is asked, nvidia-smi: of other devices than NVIDIA's there is the name that torch gives.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.timing.device import CUDA, kind_of

VARIABLES = re.compile(
    r"NVIDIA_TF32_OVERRIDE|TORCH_ALLOW_TF32_CUBLAS_OVERRIDE|CUBLAS(LT)?_\w+|TORCH_BLAS_PREFER_CUBLASLT|PYTORCH_TUNABLEOP_\w+"
    r"|PYTORCH_(\w+_)?ALLOC_CONF|PYTORCH_NO_CUDA_MEMORY_CACHING|XLA_PYTHON_CLIENT_\w+|XLA_FLAGS"
    r"|CUDA_LAUNCH_BLOCKING|CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER|CUDA_DEVICE_MAX_CONNECTIONS|CUDA_MODULE_LOADING"
    r"|PYTORCH_ENABLE_MPS_FALLBACK"
)
"""Arithmetic and workspaces (cuBLAS, TF32), allocators (torch's, XLA's), launches, which device is meant."""
TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
"""0: NVIDIA's libraries compute no TF32 whatever the program asks for (cuBLAS, cuDNN); other values may force it."""
TOOL_S = 10.0
"""Seconds for the driver's tool, which takes 0.05 to 1."""
LOOK_S = 0.01
"""How long the device works between two looks at whether the tool has answered."""
MHZ = 1e6
MIB = 2**20


@dataclass(frozen=True)
class DeviceState:
    """A device as it was found; None for what nobody says.

    `device`: torch's name of it; `mig`: whether it is divided (Multi-Instance GPU), as the driver writes it, and
    `compute_mode`: who may use it; `power_limit_w` and `clock_limit_hz`: what it may draw, and the highest clock of its
    multiprocessors.
    """

    device: str
    name: str | None = None
    uuid: str | None = None
    memory_bytes: int | None = None
    mig: str | None = None
    compute_mode: str | None = None
    power_limit_w: float | None = None
    clock_limit_hz: float | None = None
    driver: str | None = None

    def __str__(self) -> str:
        """In a line, less what tells two alike devices apart."""
        parts = [
            self.name,
            self.mig and f"MIG {self.mig}",
            self.compute_mode and f"compute mode {self.compute_mode}",
            f"at most {self.power_limit_w:g} W" if self.power_limit_w else None,
            f"at most {self.clock_limit_hz / MHZ:g} MHz" if self.clock_limit_hz else None,
        ]
        return ", ".join(filter(None, parts))

    @property
    def in_full(self) -> str:
        """The same with its memory and what tells it from others."""
        held = None if self.memory_bytes is None else f"{self.memory_bytes / 2**30:.1f} GiB"
        return ", ".join(filter(None, (str(self), held, self.uuid)))


FIELDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "name": ("name", str),
    "uuid": ("uuid", str),
    "memory_bytes": ("memory.total", lambda text: int(float(text) * MIB)),
    "mig": ("mig.mode.current", str),
    "compute_mode": ("compute_mode", str),
    "power_limit_w": ("power.limit", float),
    "clock_limit_hz": ("clocks.max.sm", lambda text: float(text) * MHZ),
    "driver": ("driver_version", str),
}
"""Of DeviceState: what nvidia-smi calls it (nvidia-smi --help-query-gpu), and how its text is read."""
ALWAYS = ("name", "driver")
"""What every driver's tool knows."""


def state_of(device: str) -> DeviceState:
    """What torch, where it is loaded, and the driver say of a device."""
    # Apart, since an older driver refuses a query of which it does not know every field.
    said = _asked(device, [FIELDS[name][0] for name in ALWAYS]) | _asked(
        device, [query for name, (query, _) in FIELDS.items() if name not in ALWAYS]
    )
    found = {name: _read(read, said.get(query)) for name, (query, read) in FIELDS.items()}
    found["name"] = _name_by_torch(device) or found["name"]
    return DeviceState(device, **found)


def clock_hz(device: str, keep_busy: Callable[[str, float], None]) -> float | None:
    """The clock of a device's multiprocessors while `keep_busy` makes it work; None where nobody says."""
    query = _query(device, ["clocks.sm"])
    if query is None:
        return None
    until = time.monotonic() + TOOL_S
    with suppress(Exception), subprocess.Popen(query, stdout=subprocess.PIPE, text=True) as tool:  # noqa: S603
        try:
            while True:
                keep_busy(device, LOOK_S)
                if tool.poll() is not None or time.monotonic() > until:
                    break
                time.sleep(LOOK_S / 10)
        finally:
            tool.kill()
        assert tool.stdout is not None  # noqa: S101  # it is a pipe
        return float(tool.stdout.read().strip()) * MHZ
    return None


def device_variables(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Those that change arithmetic, memory or launches on a device, where they are set."""
    return {name: variables[name] for name in sorted(variables) if VARIABLES.fullmatch(name)}


def _asked(device: str, fields: list[str]) -> dict[str, str]:
    """What the driver's tool says of a device, by field; nothing of a field of which it says nothing."""
    query = _query(device, fields)
    if query is None:
        return {}
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=TOOL_S)  # noqa: S603
        words = [word.strip() for word in done.stdout.split("\n")[0].split(",")]
        if len(words) == len(fields):
            said = zip(fields, words, strict=True)
            return {field: word for field, word in said if word and not word.startswith("[")}  # [N/A]
    return {}


def _query(device: str, fields: list[str]) -> list[str] | None:
    """The command that asks; None where there is no such tool, or no such device."""
    smi, which = shutil.which("nvidia-smi"), _which(device)
    if smi is None or which is None:
        return None
    return [smi, f"--id={which}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]


def _which(device: str) -> str | None:
    """What the driver's tool calls a device of CUDA's: torch's UUID, or else its place among those that are visible.

    CUDA numbers the fastest device first and the tool goes by the bus, unless CUDA_DEVICE_ORDER says otherwise.
    """
    if kind_of(device) != CUDA:
        return None
    torch, place = sys.modules.get("torch"), int(device.partition(":")[2] or 0)
    if torch is not None:
        with suppress(Exception):  # an older torch has no UUID, and one for the CPU no properties
            return f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(place)
    listed = [one.strip() for one in visible.split(",")]
    return listed[place] if place < len(listed) and listed[place] not in ("", "-1") else None


def _read(read: Callable[[str], Any], text: str | None) -> Any:
    with suppress(ValueError):
        return None if text is None else read(text)
    return None


def _name_by_torch(device: str) -> str | None:
    module = getattr(sys.modules.get("torch"), kind_of(device), None)
    with suppress(Exception):  # there is no such device, or no name
        return str(module.get_device_name(*([device] if ":" in device else [])))  # type: ignore[union-attr]
    return None
