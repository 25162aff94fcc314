"""What a run ran on: processor, libraries, threads, device, and the commit that was measured."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from harness.errors import UsageError
from harness.records.record import Kept
from harness.timing.precision import cublas_tf32

HASH = re.compile("[0-9a-f]{6,40}")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "statsmodels", "torch", "pandas", "python-flint", "ls-harness")


class Environment(Kept):
    """Equal environments have equal ids; the commit is part of it, the load of the machine is not.

    `tf32`: torch's setting of the process; what each case ran with is in its record.
    """

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    blas: tuple[str, ...]
    versions: dict[str, str]
    gpu: str | None = None
    driver: str | None = None
    cuda: str | None = None
    tf32: bool | None = None
    commit: str | None = None
    dirty: bool | None = None

    @property
    def id(self) -> str:
        """Hash of everything above."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def differences(then: Environment, here: Environment) -> tuple[str, ...]:
    """What of a machine, its libraries and the commit is another: measurements of both are not of one thing.

    Whether the tree was dirty is no part of it: two dirty trees cannot be told apart. Which BLAS was loaded depends
    on what a process has imported so far; another one is one of which neither has all of the other's.
    """
    fields = ("cpu", "cores", "system", "python", "gpu", "driver", "cuda", "commit")
    names = [name for name in fields if getattr(then, name) != getattr(here, name)]
    versions = sorted({*then.versions, *here.versions})
    names += [name for name in versions if then.versions.get(name) != here.versions.get(name)]
    if not (set(then.blas) <= set(here.blas) or set(here.blas) <= set(then.blas)):
        names.append("BLAS")
    return tuple(names)


def environment(*, with_torch: bool = True) -> Environment:
    """The environment of this process in its working folder.

    `with_torch`: torch is loaded to say what it makes of the device, which takes seconds; not for runs without it.
    """
    import psutil

    if with_torch:
        import torch  # noqa: F401

    commit, dirty = commit_of(Path.cwd())
    return Environment(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        blas=_blas(),
        versions={name: found for name in LIBRARIES if (found := _version(name))},
        commit=commit,
        dirty=dirty,
        **_gpu(),
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
    """The BLAS and OpenMP libraries that are loaded; numpy and scipy are loaded to have theirs."""
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    found = {f"{pool['internal_api']} {pool.get('version') or ''}".strip() for pool in threadpool_info()}
    return tuple(sorted(found))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit_of(folder: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout that `folder` is in and whether it has changes; None outside one."""
    git = shutil.which("git")
    if git is None:
        return None, None

    def ask(*words: str) -> str | None:
        done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return commit, None if commit is None else bool(ask("status", "--porcelain"))


def resolve_commit(name: str | None) -> str | None:
    """A revision of the checkout (HEAD, a branch, a tag) as its hash; a hash that git does not know stays as it is.

    Raises UsageError for a name that is neither.
    """
    if name is None:
        return None
    git = shutil.which("git")
    if git is not None:
        words = [git, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return done.stdout.strip()
    if HASH.fullmatch(name):
        return name
    raise UsageError(f"unknown commit '{name}': give a revision of this checkout or a commit's hash")


def _gpu() -> dict[str, str | bool | None]:
    """The first CUDA device and how torch uses it; nothing without one, or where torch is built for the CPU alone.

    torch is asked where it is loaded. To load it takes seconds: else the driver's own tool is, of the same device.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        name, driver = _nvidia_smi("name", "driver_version")
        built = _cuda_of_torch()
        return {"gpu": name, "driver": driver, "cuda": built} if name and built else {}
    if not torch.cuda.is_available():
        return {}
    return {
        "gpu": torch.cuda.get_device_name(),
        "driver": _nvidia_smi("driver_version")[0],
        "cuda": torch.version.cuda,
        "tf32": cublas_tf32(torch),
    }


def _nvidia_smi(*fields: str) -> list[str | None]:
    """What the driver says of the first device that CUDA programs see; None for each field where there is none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    smi = shutil.which("nvidia-smi")
    if smi is None or visible in ("", "-1"):
        return [None] * len(fields)
    query = [smi, f"--id={visible}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)  # noqa: S603
    found = [word.strip() or None for word in done.stdout.split("\n")[0].split(",")]
    return found if done.returncode == 0 and len(found) == len(fields) else [None] * len(fields)


def _cuda_of_torch() -> str | None:
    """The CUDA that torch is built for, read from its version.py: torch itself is not imported."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    found = run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return None if found is None else str(found)
