"""torch takes seconds to import: a command that nothing of torch was asked of does without it, in all its processes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.records.environment import environment

POISON = """
import os, sys
with open({trace!r}, "a") as trace:
    print(os.path.basename(sys.argv[0]), file=trace)
raise ImportError("torch was imported")
"""


@pytest.fixture
def poisoned(tmp_path: Path) -> Path:
    """A folder with a torch that writes into the file `trace` beside it who imports it, and cannot be imported."""
    folder = tmp_path / "poisoned"
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(POISON.format(trace=str(tmp_path / "trace")))
    (folder / "torch" / "version.py").write_text("cuda = None\n")
    return folder


def harness(words: str, poisoned: Path) -> tuple[int, list[str]]:
    """The exit code of a command, and the scripts of the processes that imported torch."""
    paths = os.pathsep.join([str(poisoned), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words.split()],
        cwd=poisoned.parent,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    trace = poisoned.parent / "trace"
    return done.returncode, trace.read_text().split() if trace.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "run --problem four_points --solver numpy_lstsq --solver scipy_gelsd --store s.sqlite",
        "fit four_points numpy_lstsq",
    ],
)
def test_neither_the_command_nor_its_worker_imports_torch_where_nothing_of_it_is_asked(
    words: str, poisoned: Path
) -> None:
    assert harness(words, poisoned) == (0, [])


@pytest.mark.slow
def test_the_command_imports_torch_for_its_record_of_a_run_with_torch(poisoned: Path) -> None:
    words = "run --problem four_points --solver torch_gels --device cpu --store s.sqlite"
    code, importers = harness(words, poisoned)
    assert code != 0
    assert "__main__.py" in importers


@pytest.mark.slow
def test_the_worker_imports_torch_for_a_solver_of_torch(poisoned: Path) -> None:
    _, importers = harness("fit four_points torch_gels", poisoned)
    assert "worker.py" in importers


@pytest.mark.slow
def test_the_device_is_named_without_torch_as_the_driver_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi, asked = tmp_path / "nvidia-smi", tmp_path / "asked"
    smi.write_text(f'#!/bin/sh\necho "$@" > {asked}\necho "NVIDIA H200, 570.86.10"\n')
    smi.chmod(smi.stat().st_mode | stat.S_IXUSR)
    torch = tmp_path / "torch"
    torch.mkdir()
    (torch / "__init__.py").write_text("raise ImportError")
    (torch / "version.py").write_text("cuda = '12.8'\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    here = environment(with_torch=False)
    assert (here.gpu, here.driver, here.cuda, here.tf32) == ("NVIDIA H200", "570.86.10", "12.8", None)
    assert "--id=2" in asked.read_text()

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert environment(with_torch=False).gpu is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (torch / "version.py").write_text("cuda = None\n")
    assert environment(with_torch=False).gpu is None, "a torch for the CPU alone finds no device"
