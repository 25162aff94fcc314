"""One address-space layout for both versions of a launch, another for every launch.

Where the kernel happens to map libraries and stack changes the speed of the same code. Measured (numpy's lstsq, three
sizes, same against same, 14 launches): with layouts of their own the two processes of a launch differ by 2.6 to 3.8 %
(standard deviation), with one layout for both by 0.3 to 1.0 %; in forks, which inherit the layout, and with fresh
allocations in the same process the difference stays. Mytkowicz et al., "Producing wrong data without doing anything
obviously wrong" (ASPLOS 2009), have the effect. So a launch draws a layout by chance, as the kernel would, and gives it
to both sides: what the layout does to both cancels, what it does to one of them stays in the spread of the launches.

The kernel's own chance is switched off by setarch (util-linux). Where that is missing or forbidden, as in a container
whose seccomp profile refuses it, each process keeps the layout that the kernel draws: correct, but noisier.
"""

import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

PADDING = "HARNESS_STACK_PADDING"
MAX_PAGES = 1 << 14
"""64 MiB of addresses, of which none is touched."""
STACK_BYTES, STACK_STEP = 1 << 14, 16
"""Four pages below the stack's top, in steps of its alignment (System V ABI for x86-64, section 3.2.2)."""
ROOM_BYTES = 1 << 13
"""What the paths of two interpreters may differ by: twice Linux's longest path."""
MAX_HASH_SEED = 1 << 32


@dataclass(frozen=True)
class Layout:
    """`pages`, mapped before any library is; `stack_bytes` above the stack; `hash_seed` of str and bytes."""

    pages: int
    stack_bytes: int
    hash_seed: int


def drawn(by: random.Random) -> Layout | None:
    """A layout by chance; None where processes cannot be given one."""
    layout = Layout(by.randrange(MAX_PAGES), by.randrange(0, STACK_BYTES, STACK_STEP), by.randrange(MAX_HASH_SEED))
    return layout if switch() else None


@cache
def switch() -> tuple[str, ...]:
    """The command that switches the kernel's own chance off for what follows it; empty where there is none."""
    setarch = shutil.which("setarch")
    if setarch is None:
        return ()
    command = (setarch, "--addr-no-randomize")
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603  # util-linux's own
    except OSError:
        return ()
    return command if tried.returncode == 0 else ()


def laid_out(
    command: Sequence[str], environment: Mapping[str, str], layout: Layout | None
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment with which a process has that layout, however long its interpreter's path is.

    The kernel puts the path on the stack twice, as the first argument and as the name of what it executes.
    """
    if layout is None:
        return list(command), dict(environment)
    room = ROOM_BYTES - 2 * len(command[0].encode())
    padding = {PADDING: "x" * (max(0, room) + layout.stack_bytes), "PYTHONHASHSEED": str(layout.hash_seed)}
    return [*switch(), *command], {**environment, **padding}
