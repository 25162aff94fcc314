"""The solvers by name: one more is one file and one line here."""

from harness.errors import unknown
from harness.solvers.mean_predictor import MeanPredictor
from harness.solvers.normal_equations import NormalEquationsNumpy, NormalEquationsTorch
from harness.solvers.numpy_lstsq import NumpyLstsq
from harness.solvers.sklearn_ols import SklearnOls
from harness.solvers.solver import Solver
from harness.solvers.statsmodels_ols import StatsmodelsOls
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_lstsq import TorchLstsq
from harness.solvers.torch_mlp import TorchMlp

ALL: tuple[Solver, ...] = (
    StatsmodelsOls("pinv"),
    StatsmodelsOls("qr"),
    SklearnOls("sklearn", "scikit-learn LinearRegression"),
    SklearnOls("sklearn_tol0", "scikit-learn LinearRegression(tol=0)", tol=0.0),
    NumpyLstsq(),
    TorchLstsq(),
    NormalEquationsNumpy(),
    NormalEquationsTorch(),
    TorchLinear("sgd"),
    TorchLinear("adam"),
    TorchMlp("sgd"),
    TorchMlp("adam"),
    MeanPredictor(),
)

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in ALL}


def get(name: str) -> Solver:
    """The solver of that name. Raises UsageError with the nearest name if there is none."""
    if name not in SOLVERS:
        raise unknown("solver", name, SOLVERS)
    return SOLVERS[name]
