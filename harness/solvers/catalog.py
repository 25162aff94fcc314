"""The solvers by name: one more is one file and one line here."""

import re
from collections.abc import Collection

from harness.errors import UsageError, unknown
from harness.plugins import OPTIMIZERS as OPTIMIZERS_PACKAGED
from harness.plugins import SOLVERS as PACKAGED
from harness.plugins import Plugin, plugin, plugins
from harness.solvers.brought.missing import Missing
from harness.solvers.brought.solver import solver_at, solver_of
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
from harness.solvers.solver import Kind, Solver
from harness.solvers.torch_linear import TorchLinear
from harness.solvers.torch_mlp import TorchMlp
from harness.solvers.training.optimizers import OPTIMIZERS

MODELS: dict[str, type[TorchLinear | TorchMlp]] = {"torch": TorchLinear, "mlp": TorchMlp}
"""What a trained solver's name begins with: torch_sgd, mlp_sgd, and torch[package.module:Optimizer] of somebody's."""
_TRAINED = re.compile(r"(?P<model>torch|mlp)\[(?P<optimizer>.+)\]")
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
    trained(name)
    for name in OPTIMIZERS
    if name not in {solver.optimizer for solver in CORE}
    for trained in MODELS.values()
)
"""What else runs where it is named: the linear model and the network with every other optimizer of the table."""

ALL: tuple[Solver, ...] = CORE + PEERS + NAMED

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in ALL}


def models_of(asked: Collection[str]) -> dict[str, type[TorchLinear | TorchMlp]]:
    """The models that take the options asked for: all, unless one is the other model's alone."""
    others = {name: {option for key, one in MODELS.items() if key != name for option in one.own} for name in MODELS}
    return {name: model for name, model in MODELS.items() if others[name].isdisjoint(asked)}


def trained(optimizer: str, asked: Collection[str] = ()) -> list[str]:
    """The names of the solvers that train the linear model and the network by an optimizer, of the table or a place."""
    ending = f"_{optimizer}" if optimizer in OPTIMIZERS else f"[{optimizer}]"
    return [f"{model}{ending}" for model in models_of(asked)]


def get(name: str) -> Solver:
    """The solver of that name, or at a place: `package.module:name`. Raises UsageError, with the nearest name."""
    if name in SOLVERS:
        return SOLVERS[name]
    if trained := _TRAINED.fullmatch(name):
        return _by_optimizer(name, MODELS[trained["model"]], trained["optimizer"])
    if is_spec(name):
        return solver_at(name)
    if (packaged := plugin(PACKAGED, name)) is not None:
        return of_plugin(packaged)
    raise unknown("solver", name, [*SOLVERS, *(one.name for one in plugins(PACKAGED))])


def of_plugin(packaged: Plugin) -> Solver:
    """The solver of an entry point; one that cannot be had is a row that says why."""
    try:
        return solver_of(packaged.load(), packaged.name, packaged.name)
    except UsageError as error:
        return Missing(packaged.name, packaged.value, str(error))


def _by_optimizer(name: str, model: type[TorchLinear | TorchMlp], optimizer: str) -> Solver:
    """The model trained by an optimizer; one of a package that cannot be had is a row that says why."""
    try:
        return model(optimizer)
    except UsageError as error:
        if is_spec(optimizer) or plugin(OPTIMIZERS_PACKAGED, optimizer) is None:
            raise
        return Missing(name, optimizer, str(error), Kind.ITERATIVE)
