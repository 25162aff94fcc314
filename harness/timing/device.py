"""The devices of this machine, and how to wait for one.

An accelerator is found by torch.accelerator, which torch has from 2.6 on; without it CUDA is asked for by torch.cuda.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.errors import UsageError, counted

CPU, CUDA = "cpu", "cuda"
ACCELERATORS = {CUDA: "NVIDIA GPU", "xpu": "Intel GPU", "mps": "Apple GPU"}
"""What `--device` takes beside the CPU, by torch's names; only CUDA is listed where it is not there."""


@dataclass(frozen=True)
class Device:
    """A device's name as torch knows it, what it is, and why it cannot be used here ('' if it can)."""

    name: str
    description: str
    unavailable: str = ""


def kind_of(device: str) -> str:
    """`cuda` of `cuda:1`."""
    return device.partition(":")[0]


def devices() -> list[Device]:
    """The CPU, CUDA whether it is there or not, and each other accelerator that is there."""
    import torch

    cpu = Device(CPU, f"{counted(torch.get_num_threads(), 'thread')} by torch's default; the harness uses one")
    others = [_found(torch, kind) for kind in ACCELERATORS]
    return [cpu, *(one for one in others if one.name == CUDA or not one.unavailable)]


def unavailable(device: str) -> str:
    """Why a device cannot be used here; empty if it can."""
    kind, _, place = device.partition(":")
    if kind == CPU:
        return ""
    import torch

    found = _found(torch, kind)
    if found.unavailable or not place:
        return found.unavailable
    count = max(1, _count(torch, kind))
    if int(place) < count:
        return ""
    return f"this machine has {kind}:0" + (" alone" if count == 1 else f" to {kind}:{count - 1}")


def check_device(name: str) -> None:
    """Raise UsageError if `name` is no device that torch knows (cpu, cuda, cuda:1, ...), or one that is not there.

    `all`, the CPU and what is beside it, is refused where there is nothing beside it.
    """
    if name == "all":
        here = [one for one in devices() if one.name != CPU]
        if any(not one.unavailable for one in here):
            return
        name = CUDA
    if name != CPU and not re.fullmatch(rf"({'|'.join(ACCELERATORS)})(:\d+)?", name):
        known = ", ".join((CPU, *ACCELERATORS))
        raise UsageError(f"unknown device '{name}': known: {known}, and for 'harness run' auto and all")
    if reason := unavailable(name):
        raise UsageError(f"device {name} is not available: {reason}; use --device cpu")


def synchronizer(device: str) -> Callable[[], None]:
    """A call that returns when the device has finished all that was asked of it."""
    kind = kind_of(device)
    if kind not in ACCELERATORS:
        return lambda: None
    import torch

    if kind == CUDA:
        return partial(torch.cuda.synchronize, device)
    return partial(torch.accelerator.synchronize, device)


def _found(torch: Any, kind: str) -> Device:
    """An accelerator as it is here."""
    if kind == CUDA:
        if torch.cuda.is_available():
            return Device(kind, torch.cuda.get_device_name())
        built = torch.version.cuda
        reason = f"torch is built for CUDA {built} but finds no device" if built else "torch is a CPU-only build"
        return Device(kind, ACCELERATORS[kind], unavailable=reason)
    accelerator = getattr(torch, "accelerator", None)
    if accelerator is None:
        return Device(kind, ACCELERATORS[kind], unavailable="it is found by torch 2.6 and newer")
    if accelerator.is_available() and accelerator.current_accelerator().type == kind:
        return Device(kind, _named(torch, kind))
    return Device(kind, ACCELERATORS[kind], unavailable=f"torch finds no {ACCELERATORS[kind]}")


def _named(torch: Any, kind: str) -> str:
    """The device's own name, where torch has it."""
    named = getattr(getattr(torch, kind, None), "get_device_name", None)
    return ACCELERATORS[kind] if named is None else str(named())


def _count(torch: Any, kind: str) -> int:
    """How many devices of the kind there are."""
    return int(torch.cuda.device_count() if kind == CUDA else torch.accelerator.device_count())
