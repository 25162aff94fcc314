"""The harness's own QR in double-double arithmetic: see the package `reference_qr`."""

from types import MappingProxyType

from harness.problems.problem import Problem, design_matrix
from harness.solvers.closed_forms.closed_form import ClosedForm, ClosedFormPrepared
from harness.solvers.closed_forms.inference import complete_fit
from harness.solvers.options import Options
from harness.solvers.reference_qr import QRSolution, least_squares


class ReferenceQr(ClosedForm):
    """About 30 digits inside, so that 15 are right in the end up to condition numbers of 1e15; for moderate n."""

    name = "reference_qr"
    title = "QR in double-double arithmetic (own): for the last digit"
    takes = MappingProxyType({"minimum_norm": None})
    requires = ("numpy",)
    weighted = True

    def prepare(self, problem: Problem, options: Options) -> ClosedFormPrepared[QRSolution]:
        """Builds the design matrix; the timed work is the factorisation and everything after it."""
        A = design_matrix(problem)
        _, y = problem.rows("train")
        weights = problem.training_weights

        def solve() -> QRSolution:
            return least_squares(A, y, intercept=problem.intercept, weights=weights, threads=options.threads)

        least = bool(options.minimum_norm)
        return ClosedFormPrepared(solve, lambda found: complete_fit(problem, found, minimum_norm=least))
