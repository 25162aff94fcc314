"""What a streamed fit answers: coefficients, their standard errors, and how they were got."""

from dataclasses import dataclass

import numpy as np

from harness.problems.problem import Floats


@dataclass(frozen=True)
class Answer:
    """A least-squares solution over n rows and p columns, float64.

    coef (p,); intercept (0 without one); standard_errors (p [+ 1],), intercept first, NaN where no degree
    of freedom is left; residual_sd: standard deviation of the residual, NaN likewise; rss: residual sum of
    squares; r_squared: about the mean with an intercept, NaN if y does not vary; rank: of the design with
    its column of ones; condition_number: of the design with its
    columns centred (if there is an intercept) and scaled to norm 1, estimated in the 1-norm (square root of
    the Gram matrix's). `path` says how it was got and why; passes: how often the data were read. notes: a line for
    each column of whole numbers that are no float64 and were rounded.
    """

    n: int
    coef: Floats
    intercept: float
    standard_errors: Floats
    residual_sd: float
    rss: float
    r_squared: float
    rank: int
    columns: int
    condition_number: float
    path: str
    passes: int
    notes: tuple[str, ...] = ()

    @property
    def beta(self) -> Floats:
        """(columns,): the coefficients over the design, intercept first if there is one."""
        return np.append(self.intercept, self.coef) if self.columns > len(self.coef) else self.coef

    @property
    def df_resid(self) -> int:
        """Degrees of freedom of the residual."""
        return self.n - self.rank
