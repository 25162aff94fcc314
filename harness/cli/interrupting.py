"""Ctrl-C while a run goes: a clean stop, soon, also while a library does not come back from its own code."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""What a shell expects of a process that Ctrl-C ended: 128 + SIGINT (POSIX.1-2017, XCU 2.8.2; bash, EXIT STATUS)."""
PATIENCE_S = 1.0
"""Python raises KeyboardInterrupt between two of its own instructions (docs.python.org, signal): a factorisation may
take minutes to get there. A second leaves another for the last words, of the two that a person is promised."""


@contextmanager
def interruptible(stop_drawing: Callable[[], None], last_words: Callable[[], None]) -> Iterator[None]:
    """Say `last_words` on Ctrl-C, then raise KeyboardInterrupt, or end the process with 130 if that cannot be.

    `stop_drawing` takes the progress bar away. The process is ended from a thread, which the signal wakes through a
    socket (signal.set_wakeup_fd), if the main thread is in foreign code for PATIENCE_S more; that is as safe as
    kill -9, which loses nothing that was reported. Foreign code that also keeps the interpreter's lock cannot be
    ended so; a case in a worker process can.
    """

    def end() -> None:
        stop_drawing()
        last_words()

    try:
        with _watched(end):
            yield
    except KeyboardInterrupt:
        end()
        raise


@contextmanager
def _watched(end: Callable[[], None]) -> Iterator[None]:
    """While this lasts, an interrupt that the main thread does not see in time ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signals come here
        return
    here, there = socket.socketpair()
    there.setblocking(False)
    left = threading.Event()

    def watch() -> None:
        while (woken := here.recv(1)) and woken[0] != signal.SIGINT:
            pass
        if woken and not left.wait(PATIENCE_S):
            try:
                end()
                sys.stdout.flush()
            finally:
                os._exit(INTERRUPTED)

    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="interrupts", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        there.close()
        watcher.join()  # for ever, if it is saying the last words: then it ends the process
        here.close()
