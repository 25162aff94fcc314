"""How a case ended."""

import re
from enum import StrEnum


class Status(StrEnum):
    """Every case ends as one of these; `meaning` says what it came to, `advice` what a person can do about it."""

    OK = "ok"
    NOT_CONVERGED = "not_converged"
    DIVERGED = "diverged"
    RANK_DEFICIENT = "rank_deficient"
    WRONG = "wrong"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    UNSUPPORTED = "unsupported"

    @property
    def meaning(self) -> str:
        """What the case came to."""
        return _MEANING_AND_ADVICE[self][0]

    @property
    def advice(self) -> str:
        """One sentence: what to do; empty where there is nothing to do."""
        return _MEANING_AND_ADVICE[self][1]

    @property
    def measured(self) -> bool:
        """Whether the case ended with a result that can be judged as it is: a short rank is the data's."""
        return self in (Status.OK, Status.NOT_CONVERGED, Status.RANK_DEFICIENT)

    @property
    def failed(self) -> bool:
        """Whether the case ended wrong; `unsupported` is an answer, not a failure."""
        return not self.measured and self is not Status.UNSUPPORTED


_MEANING_AND_ADVICE = {
    Status.OK: ("the answer is what the solver can be asked for", ""),
    Status.NOT_CONVERGED: (
        "a training ended before the tightest tolerance, a measurement",
        "Train for more epochs or with another learning rate.",
    ),
    Status.DIVERGED: (
        "the loss is not finite, or a thousand times the first",
        "Lower the learning rate, or standardise the data with --scale standardized.",
    ),
    Status.RANK_DEFICIENT: (
        "columns depend on each other, a property of the data; the message says which",
        "The coefficients are not unique: drop columns that the others determine.",
    ),
    Status.WRONG: (
        "far more loss than rounding explains, or another rank than the data's with half of the digits gone",
        "Do not use this solver on this problem: another one gets it right.",
    ),
    Status.ERROR: (
        "the solver raised, wrote to its data, kept its answer between calls, or gave what is no answer",
        "The solver raised, or gave no answer: read the message, and run the case alone with 'harness fit'.",
    ),
    Status.TIMEOUT: (
        "it was killed after its time",
        "Give the case more time with --timeout, or less to do: fewer rows or epochs.",
    ),
    Status.OUT_OF_MEMORY: (
        "it took more than --memory, or than there is",
        "Use a smaller n, or a solver that needs less memory.",
    ),
    Status.CRASHED: (
        "its process died",
        "The process died: run the case alone with --in-process to see all that it says.",
    ),
    Status.UNSUPPORTED: (
        "this solver cannot do this here; the message says why",
        "Choose another solver, device or option; the message gives the reason.",
    ),
}

EXHAUSTED = re.compile(
    r"out of memory|^\w*MemoryError\b"  # allocators of torch and mps, CUDA's driver, jax; Python's and torch's classes
    r"|CUDA_ERROR_OUT_OF_MEMORY|RESOURCE_EXHAUSTED"  # the driver's own name, XLA's status
    r"|STATUS_ALLOC(?:ATION)?_FAILED|CUFFT_ALLOC_FAILED"  # handles and workspaces: cuBLAS, cuSOLVER, cuDNN, cuRAND, ...
    r"|not enough memory|can't allocate memory",  # torch's allocator of the host
    re.IGNORECASE,
)
"""What says that memory is exhausted where no MemoryError does."""


def of_error(text: str) -> Status:
    """The status of a case that raised, by the class and the words of what it raised."""
    return Status.OUT_OF_MEMORY if EXHAUSTED.search(text) else Status.ERROR
