"""What a solver needs of a device, and what each kind of device has; what it lacks is said before anything is run."""

from collections.abc import Collection, Mapping

FLOAT64, LINALG, GRAPH = "float64", "linalg", "graph"
TORCH_DEVICES = ("cpu", "cuda", "xpu", "mps")
"""Where tensors of torch can be, by its names, as `--device` takes them."""
HAS: Mapping[str, Collection[str]] = {
    "cpu": (FLOAT64, LINALG),
    "cuda": (FLOAT64, LINALG, GRAPH),
    "xpu": (FLOAT64,),
    "mps": (),
}
"""By kind of device. torch.linalg of Intel's GPUs falls back to the CPU, operator by operator (torch-xpu-ops,
XPUFallback): its time would be the CPU's. Apple's have no float64, and torch.linalg.lstsq is not there (torch's notes
on MPS). CUDA's graphs are what is captured. Only the CPU has been run by this project."""
WORDS: Mapping[str, str] = {
    FLOAT64: "float64",
    LINALG: "torch.linalg, which it would leave to the CPU",
    GRAPH: "CUDA graphs",
}
INSTEAD: Mapping[str, str] = {FLOAT64: "add --dtype float32, where the solver takes it, or --device cpu"}


def lacking(device: str, needs: Collection[str]) -> str | None:
    """What a device has not that is needed, and what to do; None where it has all, or is of no known kind."""
    kind = device.partition(":")[0]
    missing = [need for need in WORDS if need in needs and kind in HAS and need not in _has(kind, device)]
    if not missing:
        return None
    words = " and no ".join(WORDS[need] for need in missing)
    return f"{device} has no {words}: {INSTEAD.get(missing[0], 'add --device cpu')}"


def _has(kind: str, device: str) -> Collection[str]:
    """Of a kind, less float64 where an Intel GPU says that it has none."""
    if kind != "xpu":
        return HAS[kind]
    import torch

    try:
        has_float64 = torch.xpu.get_device_properties(device).has_fp64
    except (AttributeError, AssertionError, RuntimeError):  # there is no such device: whoever uses it says so
        has_float64 = True
    return HAS[kind] if has_float64 else [each for each in HAS[kind] if each != FLOAT64]
