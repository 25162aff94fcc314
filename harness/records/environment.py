"""What a run ran on: processor, libraries, threads, device, and the commit that was measured."""

import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ctypes import CDLL
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any

from pydantic import Field

from harness.git import head_of
from harness.records.record import Count, Kept
from harness.solvers import catalog
from harness.solvers.training import engines
from harness.timing.device import CPU, CUDA, kind_of
from harness.timing.device_state import DeviceState, device_variables, state_of
from harness.timing.precision import cublas_tf32

EVERY_RUN = ("numpy", "scipy", "scikit-learn", "statsmodels", "torch", "pandas", "python-flint", "ls-harness")
"""Libraries that are recorded whatever a run measures: what the package itself depends on to compute."""
DISTRIBUTIONS = {"flint": "python-flint", "sklearn": "scikit-learn", "sklearnex": "scikit-learn-intelex"}
"""Of modules whose distribution has another name; importlib.metadata knows it only where it is installed, and takes
0.7 s to look through all that are."""
ID_DIGITS = 16
"""Hexadecimal digits of an environment's id: 64 bits, so that two of a million environments share one with a chance of
3e-8."""


class Environment(Kept):
    """Equal environments have equal ids; the commit is part of it, the load of the machine is not.

    `versions`: of each library that any solver of the catalog requires and of those that every run uses, where it is
    installed; environments recorded before solvers' libraries were have only some of them.
    `gpu`: the name of the CUDA device that was used, of the first one where none was, and `driver` its driver.
    `tf32`: torch's setting of the process; what each case ran with is in its record. `devices`: beside the CPU, as
    they were found, those that were used, else the first one of CUDA; `variables`: of the shell, that change what is
    computed or held there (harness.timing.device_state).
    """

    cpu: str
    cores: Count
    memory_bytes: Count
    system: str
    python: str
    blas: tuple[str, ...]
    versions: dict[str, str]
    gpu: str | None = None
    driver: str | None = None
    cuda: str | None = None
    tf32: bool | None = None
    devices: tuple[DeviceState, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    dirty: bool | None = None

    @property
    def id(self) -> str:
        """Hash of everything above; without a device as before devices were described, so that old ids stay."""
        said = self.model_dump_json(exclude={name for name in ("devices", "variables") if not getattr(self, name)})
        return hashlib.sha256(said.encode()).hexdigest()[:ID_DIGITS]


def libraries(modules: Iterable[str] = ()) -> tuple[str, ...]:
    """Distributions whose versions are recorded: of every run, of all solvers and engines, and of further modules.

    Nothing is imported, and whether they are installed is not asked.
    """
    required = [module for solver in catalog.SOLVERS.values() for module in solver.requires]
    required += [module for engine in engines.ENGINES.values() for module in engine.requires]
    found = {distribution_of(module) for module in (*required, *modules)}
    return (*EVERY_RUN, *sorted(found - set(EVERY_RUN)))


@cache
def distribution_of(module: str) -> str:
    """The distribution that a module comes with: `sklearn.linear_model` with scikit-learn."""
    package = module.partition(".")[0]
    if package == "harness":
        return "ls-harness"
    if package in DISTRIBUTIONS:
        return DISTRIBUTIONS[package]
    if _version(package) is None and find_spec(package) is not None and (named := _named().get(package)):
        return named[0]
    return package.replace("_", "-")


@cache
def _named() -> Mapping[str, list[str]]:
    return packages_distributions()


def environment(modules: Iterable[str] = (), *, with_torch: bool = True, devices: Iterable[str] = ()) -> Environment:
    """The environment of this process in its working folder; `modules`: that solvers outside the catalog require.

    `devices`: those that are used, beside the CPU. `with_torch`: torch is loaded to say what it makes of the device,
    which takes seconds; not for runs without it.
    """
    import psutil

    if with_torch:
        import torch  # noqa: F401

    commit, dirty = head_of(Path.cwd())
    return Environment(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        blas=_blas(),
        versions={name: found for name in libraries(modules) if (found := _version(name))},
        commit=commit,
        dirty=dirty,
        **_accelerators(sorted(set(devices) - {CPU})),
    )


@cache
def _cpu() -> str:
    """The processor's name: Linux says it at once, where cpuinfo, which begins with the same line, takes a second."""
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(\S.*?)\s*$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if found:
            return found[1]
    import cpuinfo

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or "unknown")


def _blas() -> tuple[str, ...]:
    """The BLAS and OpenMP libraries that are loaded; numpy's and scipy's are loaded to be among them."""
    import numpy as np  # noqa: F401
    from threadpoolctl import threadpool_info

    _load_scipy_blas()
    found = {f"{pool['internal_api']} {pool.get('version') or ''}".strip() for pool in threadpool_info()}
    return tuple(sorted(found))


def _load_scipy_blas() -> None:
    """The extension module that is linked to scipy's BLAS, without what `import scipy.linalg` imports beside it.

    On two quiet cores 4 ms of CPU instead of 170. A scipy that has no module of this name is imported whole.
    """
    package = find_spec("scipy")
    folders = [f"{folder}/linalg" for folder in (package and package.submodule_search_locations) or ()]
    module = PathFinder.find_spec("_fblas", folders)
    if "scipy.linalg" in sys.modules or module is None or module.origin is None:
        import scipy.linalg  # noqa: F401
    else:
        CDLL(module.origin)


@cache  # a page of histories asks 40,000 times, and each time a file is read
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _accelerators(used: Sequence[str]) -> dict[str, Any]:
    """The devices that were used and how torch uses CUDA's; the first CUDA device where none was, if there is one.

    Nothing where torch is built for the CPU alone. torch is asked where it is loaded; to load it takes seconds: else
    the driver's own tool is.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        built, there = _cuda_of_torch(), True
    else:
        built, there = torch.version.cuda, torch.cuda.is_available()
    states = tuple(map(state_of, used or ((CUDA,) if built and there else ())))
    states = tuple(one for one in states if one.name)
    of_cuda = next((one for one in states if kind_of(one.device) == CUDA), None)
    found: dict[str, Any] = {"devices": states, "variables": device_variables() if states else {}}
    if of_cuda is not None:
        found |= {"gpu": of_cuda.name, "driver": of_cuda.driver, "cuda": built}
        found |= {} if torch is None else {"tf32": cublas_tf32(torch)}
    return found


def _cuda_of_torch() -> str | None:
    """The CUDA that torch is built for, read from its version.py: torch itself is not imported."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    found = run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return None if found is None else str(found)
