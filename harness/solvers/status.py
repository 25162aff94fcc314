"""How a case ended."""

from enum import StrEnum


class Status(StrEnum):
    """Every case ends as one of these; `advice` says what a person can do about it."""

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
    def advice(self) -> str:
        """One sentence: what to do."""
        return _ADVICE[self]

    @property
    def measured(self) -> bool:
        """Whether the case ended with a result that can be judged as it is: a short rank is the data's."""
        return self in (Status.OK, Status.NOT_CONVERGED, Status.RANK_DEFICIENT)

    @property
    def failed(self) -> bool:
        """Whether the case ended wrong; `unsupported` is an answer, not a failure."""
        return not self.measured and self is not Status.UNSUPPORTED


_ADVICE = {
    Status.OK: "",
    Status.NOT_CONVERGED: "Train for more epochs or with another learning rate.",
    Status.DIVERGED: "Lower the learning rate, or standardise the data with --scale standardized.",
    Status.RANK_DEFICIENT: "The coefficients are not unique: drop columns that the others determine.",
    Status.WRONG: "Do not use this solver on this problem: another one gets it right.",
    Status.ERROR: "The solver raised: read the message, and run the case alone with 'harness fit'.",
    Status.TIMEOUT: "Give the case more time with --timeout, or less to do: fewer rows or epochs.",
    Status.OUT_OF_MEMORY: "Use a smaller n, or a solver that needs less memory.",
    Status.CRASHED: "The process died: run the case alone with --in-process to see all that it says.",
    Status.UNSUPPORTED: "Choose another solver, device or option; the message gives the reason.",
}
