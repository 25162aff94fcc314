"""Standard output and standard error that may be full, closed, or left by their reader: a command goes to its end.

What it still has to do (a file to write, a run to finish) it does; then its exit code says that nobody got its output.
"""

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from harness.errors import COULD_NOT_MEASURE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Lasting(io.FileIO):
    """A descriptor of which the first failure to be written is kept, not raised; what comes after it is dropped."""

    failed: OSError | None = None

    def write(self, data: "ReadableBuffer") -> int:
        """Write, or drop; how many bytes are done with."""
        try:
            while self.failed is None:
                written = super().write(data)
                if written is not None:
                    return written
                select.select([], [self], [])  # a terminal that another program has made non-blocking
        except OSError as error:
            self.failed = error
        return memoryview(data).nbytes


def keep_standard_streams() -> None:
    """Let both streams of this process be such, and no file that is opened later take the number of a closed one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets the lowest number that is free; what is written to it fails
    sys.stdout, sys.stderr = _lasting(1, sys.stdout), _lasting(2, sys.stderr)


def _lasting(number: int, stream: TextIO | None) -> TextIO:
    """The stream, writing to a descriptor as before; None is one that was closed when the process began.

    A character that its encoding lacks is written as Python escapes it.
    """
    raw = io.BufferedWriter(_Lasting(number, "w", closefd=False))
    if not isinstance(stream, io.TextIOWrapper):
        return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace")
    stream.flush()
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors
    lines, through = stream.line_buffering, stream.write_through
    return io.TextIOWrapper(raw, stream.encoding, errors, line_buffering=lines, write_through=through)


def delivered(code: int, *, told: bool) -> int:
    """The exit code of a command that would end with `code`, once what it printed has been written.

    0 and 1 need a reader: where standard output could not be written it is 3, said in one line unless a line was
    `told` already. A reader that has left (head) is no failure, but a verdict of 1 that he may not have seen is 3.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failed = raw.failed if isinstance(raw, _Lasting) else None
    if failed is None or code not in (0, 1, COULD_NOT_MEASURE):
        return code
    if failed.errno == errno.EPIPE:
        return COULD_NOT_MEASURE if code else 0
    if not told:
        sys.stderr.write(f"harness: standard output cannot be written: {failed.strerror}\n")
        sys.stderr.flush()
    return COULD_NOT_MEASURE
