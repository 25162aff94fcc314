"""Work in a process of its own whose memory is laid out by chance.

Memory layout alone changes how many instructions the same training epoch is by up to 0.8 %: malloc finds other free
blocks, and CPython's caches have other collisions. Mytkowicz et al., "Producing wrong data without doing anything
obviously wrong" (ASPLOS 2009), have the effect, and Curtsinger and Berger, "Stabilizer" (ASPLOS 2013), the cure:
measure in several layouts drawn by chance. Forks that draw theirs before they prepare anything differ among themselves
as much as fresh processes do.

Only the standard library is imported: the process that is measured loads the file by its path.
"""

import ctypes
import json
import os
import random
import signal
from collections.abc import Callable
from typing import Any

SCRAMBLED = 2000
"""Blocks taken from malloc and from CPython's allocator to draw a layout, every other one given back."""
WALL_PER_CPU = 6.0
"""A fork may take so many times its limit of CPU time by the wall: what sleeps for ever is ended too."""

Answer = dict[str, Any]


def in_layout(seed: int, work: Callable[[], Answer], limit_s: float) -> Answer:
    """The answer of a child with the layout of that seed, or how it died, as `in_a_fork` has it."""

    def there() -> Answer:
        kept = scrambled(random.Random(seed))  # noqa: S311  # a layout, not a secret
        try:
            return work()
        finally:
            kept.clear()

    return in_a_fork(there, limit_s)


def in_a_fork(work: Callable[[], Answer], limit_s: float) -> Answer:
    """The answer of a child, or how it died: after `limit_s` CPU seconds, or six times that by the wall."""
    answers, answering = os.pipe()
    child = os.fork()
    if not child:
        os.close(answers)
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        signal.setitimer(signal.ITIMER_REAL, WALL_PER_CPU * limit_s)
        try:
            with os.fdopen(answering, "w") as there:
                json.dump(_said(work), there)
        finally:
            os._exit(0)  # whatever happens, the parent's work is not the child's
    os.close(answering)
    with os.fdopen(answers) as here:
        output = here.read()
    _, ended = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(ended)
    if code in (-signal.SIGPROF, -signal.SIGALRM):
        return {"status": "timeout", "message": f"not counted within {limit_s:g} s of CPU time under valgrind"}
    if code < 0:
        return {"status": "crashed", "message": f"died under valgrind of {signal.Signals(-code).name}"}
    if not output:
        return {"status": "crashed", "message": f"ended under valgrind without a word, exit code {code}"}
    answer: Answer = json.loads(output)
    return answer


def scrambled(by: random.Random) -> list[object]:
    """Draw a memory layout: holes in malloc's heap and in CPython's pools, and other version tags for its types.

    What is handed out holds the pools' blocks; malloc's that stay are never given back.
    """
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    taken = [libc.malloc(int(2 ** by.uniform(4, 14))) for _ in range(SCRAMBLED)]
    by.shuffle(taken)
    for block in taken[::2]:
        libc.free(block)
    objects: list[object] = [bytes(int(2 ** by.uniform(0, 9))) for _ in range(SCRAMBLED)]
    # Bytes begin at 33: the smallest blocks are object's and int's. A loop whose int is the last that its pool has room
    # for takes the pool out of a list and puts it back in every turn, 14 instructions of 190.
    objects += [object() for _ in range(by.randrange(SCRAMBLED))]
    objects += [by.randrange(2**20, 2**29) for _ in range(SCRAMBLED)]
    by.shuffle(objects)
    # A type gets its tag, which indexes CPython's cache of attributes, when one is first looked up.
    types = [type("Tagged", (), {"attribute": None}) for _ in range(by.randrange(SCRAMBLED // 10))]
    return [*objects[::2], *types, *(one.attribute for one in types)]  # type: ignore[attr-defined]  # as made above


def _said(work: Callable[[], Answer]) -> Answer:
    """The answer, or the one line of whatever was raised."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # a solver may raise anything: it is what there is to say
        return {"status": "error", "message": f"{type(error).__name__}: {str(error).partition(os.linesep)[0]}"}
