"""Work in a fork with a memory layout of its own: whatever it does, its parent goes on."""

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.timing.layouts import SCRAMBLED, in_layout, scrambled


def raising() -> dict[str, Any]:
    raise ValueError("no more\nsecond line")


def dying() -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def sleeping() -> dict[str, Any]:
    time.sleep(60)
    return {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "answer"),
    [
        (lambda: {"a": 1}, {"a": 1}),
        (raising, {"status": "error", "message": "ValueError: no more"}),
        (dying, {"status": "crashed", "message": "died under valgrind of SIGKILL"}),
        (lambda: os._exit(3), {"status": "crashed", "message": "ended under valgrind without a word, exit code 3"}),
        (sleeping, {"status": "timeout", "message": "not counted within 0.1 s of CPU time under valgrind"}),
    ],
    ids=["answers", "raises", "dies", "leaves", "sleeps"],
)
def test_whatever_happens_in_a_layout_its_parent_goes_on(
    work: Callable[[], dict[str, Any]], answer: dict[str, Any]
) -> None:
    assert in_layout(4, work, limit_s=0.1) == answer


@pytest.mark.slow
def test_a_layout_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    def sizes(seed: int) -> list[int]:
        drawn = scrambled(random.Random(seed))  # noqa: S311  # a layout, not a secret
        return [len(one) for one in drawn if isinstance(one, bytes)]

    kept = scrambled(random.Random(1))  # noqa: S311  # a layout, not a secret
    assert {bytes, int, object} <= {type(one) for one in kept}, "blocks of every size, the smallest too"
    assert 0 < len(sizes(1)) < SCRAMBLED, "some are given back"
    assert sizes(1) == sizes(1)
    assert sizes(1) != sizes(2)
