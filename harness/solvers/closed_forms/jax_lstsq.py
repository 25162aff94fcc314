"""jax.numpy.linalg.lstsq on the CPU: a thin SVD compiled by XLA."""

from typing import Any

from harness.problems.problem import Problem
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared, design
from harness.solvers.closed_forms.jax_client import cannot_change_to, device_of
from harness.solvers.fit import fit_from_design
from harness.solvers.options import Options


class JaxLstsq(ClosedForm):
    """jax's least squares with its default cut-off (rcond = eps max(n, p)), float64 or float32.

    Double precision is switched on inside `jax.enable_x64`, for these calls alone. XLA sizes its pool
    once, from NPROC, when the client is made (the solver's first preparation); its SVD is scipy's LAPACK,
    which threadpoolctl limits. Where something else has made the client before, its size is not known.
    """

    name = "jax_lstsq"
    title = "jax.numpy.linalg.lstsq (SVD, XLA)"
    # XLA loads scipy's LAPACK when it first needs it: too late to be limited
    requires = ("jax.numpy", "jaxlib", "scipy.linalg")
    weighted = True

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """The client's pool has the size that it was made with."""
        return cannot_change_to(options.threads)

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[Any]:
        """Copies the design to jax's CPU and compiles; the timed work is lstsq until its answer is there."""
        import jax

        double = options.dtype == "float64"
        cpu = device_of("cpu", options.threads)
        with jax.enable_x64(double):
            A, y = (jax.device_put(part, cpu) for part in design(problem, options))

        def solve() -> Any:
            with jax.enable_x64(double):
                return jax.block_until_ready(jax.numpy.linalg.lstsq(A, y))  # type: ignore[no-untyped-call]

        solve()  # compiles
        return ClosedFormPrepared(solve, lambda a: fit_from_design(a[0], problem.intercept, rank=int(a[2])))
