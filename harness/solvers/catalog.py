"""The solvers by name: one more is one file and one line here."""

from harness.errors import unknown
from harness.solvers.brought.solver import solver_at
from harness.solvers.brought.spec import is_spec
from harness.solvers.closed_forms.glum_normal import GlumNormal
from harness.solvers.closed_forms.jax_lstsq import JaxLstsq
from harness.solvers.closed_forms.linearmodels_ols import LinearmodelsOls
from harness.solvers.closed_forms.mean_predictor import MeanPredictor
from harness.solvers.closed_forms.normal_equations import NormalEquationsNumpy, NormalEquationsTorch
from harness.solvers.closed_forms.numpy_lstsq import NumpyLstsq
from harness.solvers.closed_forms.onedal import OneDal
from harness.solvers.closed_forms.polars_least_squares import PolarsLeastSquares
from harness.solvers.closed_forms.pyfixest_feols import PyfixestFeols
from harness.solvers.closed_forms.reference_qr_ols import ReferenceQr
from harness.solvers.closed_forms.scipy_lstsq import ScipyLstsq
from harness.solvers.closed_forms.sklearn_ols import SklearnOls
from harness.solvers.closed_forms.statsmodels_ols import StatsmodelsOls
from harness.solvers.closed_forms.streaming_ols import StreamingOls
from harness.solvers.closed_forms.torch_lstsq import TorchLstsq
from harness.solvers.solver import Solver
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_mlp import TorchMlp
from harness.solvers.training.optimizers import OPTIMIZERS

TRAINED = (TorchLinear, TorchMlp)
CORE: tuple[Solver, ...] = (
    StatsmodelsOls("pinv"),
    StatsmodelsOls("qr"),
    SklearnOls("sklearn", "scikit-learn LinearRegression"),
    SklearnOls("sklearn_tol0", "scikit-learn LinearRegression(tol=0)", tol=0.0),
    NumpyLstsq(),
    ScipyLstsq("gelsd"),
    ScipyLstsq("gelsy"),
    TorchLstsq("gels"),
    TorchLstsq("gelsy"),
    TorchLstsq("gelsd"),
    NormalEquationsNumpy(),
    NormalEquationsTorch(),
    StreamingOls(),
    ReferenceQr(),
    TorchLinear("sgd"),
    TorchLinear("adam"),
    TorchMlp("sgd"),
    TorchMlp("adam"),
    MeanPredictor(),
)
"""What the default grid runs: the libraries that the package depends on."""

PEERS: tuple[Solver, ...] = (
    OneDal(),
    PolarsLeastSquares(),
    PyfixestFeols(),
    LinearmodelsOls(),
    GlumNormal(),
    JaxLstsq(),
)
"""What runs where it is named: other people's solvers, of the extra `peers`."""

NAMED: tuple[Solver, ...] = tuple(
    trained(name) for name in OPTIMIZERS if name not in {solver.optimizer for solver in CORE} for trained in TRAINED
)
"""What else runs where it is named: the linear model and the network with every other optimizer of the table."""

ALL: tuple[Solver, ...] = CORE + PEERS + NAMED

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in ALL}


def get(name: str) -> Solver:
    """The solver of that name, or at a place: `package.module:name`. Raises UsageError, with the nearest name."""
    if name not in SOLVERS and is_spec(name):
        return solver_at(name)
    if name not in SOLVERS:
        raise unknown("solver", name, SOLVERS)
    return SOLVERS[name]
