"""What harness ab does against noise: as many rounds as a cell needs, one address-space layout for both versions."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.ab.layout import Layout, laid_out, switch
from harness.ab.process import SCRIPT
from harness.ab.progress import MAX_ROUNDS, MIN_ROUNDS, rounds
from harness.records.ab import Launch
from tests.ab_cells import launch_of


def _launch(noise: float, count: int = 40) -> Launch:
    """Rounds whose log ratios have that standard deviation, as far as a normal sample's quantiles have it."""
    logs = noise * stats.norm.ppf((np.arange(count) + 0.5) / count)
    return launch_of(
        base_wall_s=(1.0,) * count,
        base_cpu_s=(1.0,) * count,
        head_wall_s=(1.5,) * count,
        head_cpu_s=tuple(1.1 * np.exp(logs)),
    )


def test_a_noisy_cell_gets_the_rounds_that_leave_its_median_one_per_cent() -> None:
    assert rounds([_launch(0.05)], "cpu") == pytest.approx((1.2533 * 0.05 / 0.01) ** 2, rel=0.1)
    assert rounds([_launch(0.001)], "cpu") == MIN_ROUNDS
    assert (
        rounds([_launch(0.03)], "cpu") < rounds([_launch(0.03), _launch(0.05)], "cpu") < rounds([_launch(0.05)], "cpu")
    )
    assert rounds([_launch(0.5)], "cpu") == MAX_ROUNDS
    assert rounds([_launch(0.5)], "cuda:0") == MIN_ROUNDS  # by the wall it is still


def test_a_few_disturbed_rounds_change_nothing() -> None:
    still, disturbed = _launch(0.03), _launch(0.03)
    later = replace(disturbed.head, cpu_s=(9.0, 9.0, *disturbed.head.cpu_s[2:]))
    disturbed = disturbed.model_copy(update={"head": later})
    assert rounds([disturbed], "cpu") <= 1.2 * rounds([still], "cpu")


def test_what_has_no_times_gets_as_many_rounds_as_the_first_launch() -> None:
    nothing = launch_of(base_wall_s=(0.1,), base_cpu_s=(0.0,), head_wall_s=(0.1,), head_cpu_s=(0.0,))
    assert rounds([Launch(), nothing], "cpu") == rounds([], "cpu")


MAPPED = """
import runpy, sys
kept = runpy.run_path(sys.argv[1])["shifted"](int(sys.argv[2]))
import numpy.linalg
print(sys.flags.hash_randomization, hash("a name"))
print(open("/proc/self/maps").read())
"""


def _mapped(layout: Layout, python: str = sys.executable) -> list[str]:
    """Where a process with that layout has its libraries and its stack, and what it hashes a name to."""
    command, environment = laid_out([python, "-c", MAPPED, str(SCRIPT), str(layout.pages)], os.environ, layout)
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    hashed, *lines = printed.splitlines()
    return [hashed, *(line.split()[0] for line in lines if "_multiarray_umath" in line or "[stack]" in line)]


@pytest.mark.slow
@pytest.mark.skipif(not switch(), reason="the kernel's address-space randomisation cannot be switched off here")
def test_a_layout_is_where_libraries_and_stack_are() -> None:
    first, second = Layout(100, 160, 1), Layout(3000, 8000, 2)
    assert _mapped(first) == _mapped(first)
    assert not set(_mapped(first)) & set(_mapped(second)) - {"[stack]"}


@pytest.mark.slow
@pytest.mark.skipif(not switch(), reason="the kernel's address-space randomisation cannot be switched off here")
def test_the_length_of_the_interpreters_path_does_not_matter(tmp_path: Path) -> None:
    stack = """
with open("/proc/self/stat") as file:
    print(file.read().rpartition(")")[2].split()[25])  # startstack, as proc(5) has it
"""
    linked = tmp_path / "a path of quite another length" / "python"
    linked.parent.mkdir()
    linked.symlink_to(sys.executable)
    starts = set()
    for python in (sys.executable, str(linked)):
        command, environment = laid_out([python, "-c", stack], os.environ, Layout(1, 32, 7))
        starts.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(starts) == 1
    assert starts.pop().strip() != "0"


def test_without_a_layout_nothing_is_changed() -> None:
    assert laid_out(["python", "-P"], {"HOME": "/"}, None) == (["python", "-P"], {"HOME": "/"})
