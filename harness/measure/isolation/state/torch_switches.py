"""torch's switches of the whole process: a line each, with what torch begins with."""

import operator
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from harness.measure.isolation.state.item import Item
from harness.timing.precision import Switches

Torch = Any


def _torch() -> Torch:
    return sys.modules.get("torch")


def _item(
    name: str,
    initial: Any,
    read: Callable[[Torch], Any],
    put_back: Callable[[Torch, Any], object] | None = None,
    same: Callable[[Any, Any], bool] = operator.eq,
) -> Item:
    """An Item whose functions are given torch first."""
    return Item(
        f"torch's {name}",
        lambda: None if _torch() is None else read(_torch()),
        None if put_back is None else lambda was: put_back(_torch(), was),
        initial=initial,
        same=same,
    )


def _random(torch: Torch) -> bytes:
    return bytes(torch.get_rng_state().numpy().tobytes())


def _set_random(torch: Torch, state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _of_devices(torch: Torch) -> tuple[bytes, ...] | None:
    """Of CUDA's generators; None where none was used, or a device is lost."""
    if not torch.cuda.is_initialized():
        return None
    with suppress(RuntimeError):
        return tuple(bytes(state.numpy().tobytes()) for state in torch.cuda.get_rng_state_all())
    return None


def _set_of_devices(torch: Torch, states: tuple[bytes, ...]) -> None:
    torch.cuda.set_rng_state_all([torch.frombuffer(bytearray(state), dtype=torch.uint8) for state in states])


def _device(torch: Torch) -> str:
    """Empty where none was set; `torch.get_default_device` says "cpu" of both."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)  # noqa: SLF001  # no public way to ask
    return "" if context is None else str(context.device)


def _modes(torch: Torch) -> tuple[Any, ...]:
    """Modes that were entered and not left, and whether a profiler records."""
    c = torch._C  # noqa: SLF001  # no public way to ask
    recording = torch.autograd._profiler_enabled()  # noqa: SLF001  # same
    return torch.is_inference_mode_enabled(), recording, c._len_torch_function_stack(), c._len_torch_dispatch_stack()  # noqa: SLF001  # same


def _fill(torch: Torch, on: bool) -> None:
    torch.utils.deterministic.fill_uninitialized_memory = on


def _cudnn(torch: Torch) -> tuple[Any, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic


def _set_cudnn(torch: Torch, before: tuple[Any, ...]) -> None:
    cudnn = torch.backends.cudnn
    cudnn.enabled, cudnn.benchmark, cudnn.deterministic = before


def _hooks(_: Torch) -> dict[str, dict[Any, Any]]:
    """What is called for every module and every optimizer."""
    return {name: dict(hooks) for name, hooks in _hook_tables().items() if hooks}


def _set_hooks(_: Torch, before: dict[str, dict[Any, Any]]) -> None:
    for name, hooks in _hook_tables().items():
        hooks.clear()
        hooks.update(before.get(name, {}))


def _hook_tables() -> dict[str, dict[Any, Any]]:
    modules = [
        sys.modules[name] for name in ("torch.nn.modules.module", "torch.optim.optimizer") if name in sys.modules
    ]
    found = {name: value for one in modules for name, value in vars(one).items() if name.startswith("_global_")}
    return {name: value for name, value in found.items() if isinstance(value, dict)}


ITEMS = (
    # Its modes first: what follows may be refused inside one, or be said through one.
    _item("modes", (False, False, 0, 0), _modes),
    _item("default device", "", _device, lambda torch, device: torch.set_default_device(device or None)),
    _item("random state", None, _random, _set_random),
    _item("random state on devices", None, _of_devices, _set_of_devices),
    _item(
        "default dtype",
        "torch.float32",
        lambda torch: str(torch.get_default_dtype()),
        lambda torch, name: torch.set_default_dtype(getattr(torch, name.rpartition(".")[2])),
    ),
    _item("gradient mode", True, lambda torch: torch.is_grad_enabled(), lambda torch, on: torch.set_grad_enabled(on)),
    _item(
        "anomaly detection",
        (False, True),
        lambda torch: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda torch, was: torch.set_anomaly_enabled(*was),
    ),
    _item(
        "autocast",
        False,
        lambda torch: torch.is_autocast_enabled("cpu"),
        lambda torch, on: torch.set_autocast_enabled("cpu", on),
    ),
    _item(
        "warn-always mode",
        False,
        lambda torch: torch.is_warn_always_enabled(),
        lambda torch, on: torch.set_warn_always(on),
    ),
    _item(
        "deterministic mode",
        0,
        lambda torch: torch.get_deterministic_debug_mode(),
        lambda torch, mode: torch.set_deterministic_debug_mode(mode),
    ),
    _item("filling of new memory", True, lambda torch: torch.utils.deterministic.fill_uninitialized_memory, _fill),
    _item("cuDNN flags", None, _cudnn, _set_cudnn),
    _item(
        "precision of products",
        None,
        Switches,
        lambda _, was: was.put_back(),
        same=lambda was, now: was.values == now.values,
    ),
    _item("global hooks", {}, _hooks, _set_hooks),
)
