"""The devices of this machine, and how to wait for one."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import UsageError


@dataclass(frozen=True)
class Device:
    """A device's name as torch knows it, what it is, and why it cannot be used here ('' if it can)."""

    name: str
    description: str
    unavailable: str = ""


def devices() -> list[Device]:
    """cpu, and cuda whether it is there or not."""
    import torch

    cpu = Device("cpu", f"{torch.get_num_threads()} threads by torch's default; the harness uses one")
    if not torch.cuda.is_available():
        built = torch.version.cuda
        reason = f"torch is built for CUDA {built} but finds no device" if built else "torch is a CPU-only build"
        return [cpu, Device("cuda", "NVIDIA GPU", unavailable=reason)]
    return [cpu, Device("cuda", torch.cuda.get_device_name())]


def check_device(name: str) -> None:
    """Raise UsageError if `name` is neither cpu nor cuda (or cuda:0, ...), or is cuda and there is none."""
    if name == "cpu":
        return
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise UsageError(f"unknown device '{name}': known: cpu, cuda, and for 'harness run' auto and all")
    cuda = devices()[-1]
    if cuda.unavailable:
        raise UsageError(f"device {name} is not available: {cuda.unavailable}; use --device cpu")


def synchronizer(device: str) -> Callable[[], None]:
    """A call that returns when the device has finished all that was asked of it."""
    if not device.startswith("cuda"):
        return lambda: None
    import torch

    return lambda: torch.cuda.synchronize(device)
