"""The options that several commands share, and the request that they make."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import UsageError
from harness.problems.model import ANY, Model
from harness.problems.table_options import NOTHING_SAID, TableOptions
from harness.report.figures.size import Size

if TYPE_CHECKING:
    from harness.solvers.options import Options

Solvers = Annotated[
    list[str] | None,
    typer.Option(
        "--solver",
        help="What fits: a name, or your estimator or function as package.module:name, path/file.py:name; repeatable. "
        "All that suit by default.",
    ),
]
Target = Annotated[str | None, typer.Option("--target", help="The column to fit, for a .csv or .parquet problem.")]
Weights = Annotated[
    str | None, typer.Option("--weights", help="The column that holds the rows' weights: sum w r² is minimised.")
]
Features = Annotated[
    str | None, typer.Option("--features", metavar="A,B", help="The columns of a file to fit on, and no others.")
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", metavar="NAME", help="A column of a file to leave out; repeatable.")
]
Missing = Annotated[
    str | None, typer.Option("--missing", help="drop: leave out the rows with a missing value; refuse by default.")
]
NoHeader = Annotated[bool, typer.Option("--no-header", help="A .csv file's first line holds values: columns 0, 1, ...")]
Delimiter = Annotated[str | None, typer.Option("--delimiter", help="Of a .csv file: ; or tab; a comma by default.")]
Decimal = Annotated[str | None, typer.Option("--decimal", help="Of a .csv file's numbers: , as in 3,14; . by default.")]
PlotSize = Annotated[
    Size | None,
    typer.Option("--plot-size", help="Of a picture: for a screen, a column of a paper (89 mm) or a page (182 mm)."),
]
NoIntercept = Annotated[bool, typer.Option("--no-intercept", help="Fit through the origin; R² is then about 0.")]
Device = Annotated[
    str, typer.Option("--device", help="auto (CPU, and a GPU if there is one), cpu, cuda, xpu, mps, all.")
]
Sizes = Annotated[list[str] | None, typer.Option("--n", help="Rows of a drawn problem, as 1000 or 1e5; repeatable.")]
Rates = Annotated[list[float] | None, typer.Option("--lr", help="Learning rate; repeatable.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Seed of weights and batch order; repeatable.")]
Loss = Annotated[str | None, typer.Option("--loss", help="mse or l1.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the training rows.")]
Batch = Annotated[int | None, typer.Option("--batch", help="Rows a step; all of them by default.")]
Momentum = Annotated[float | None, typer.Option("--momentum", help="Of SGD.")]
Betas = Annotated[str | None, typer.Option("--betas", help="Of Adam and its kin, as 0.9,0.999.")]
Dampening = Annotated[float | None, typer.Option("--dampening", help="Of SGD's momentum.")]
Eps = Annotated[float | None, typer.Option("--eps", help="What is added to the root of the second moment.")]
Alpha = Annotated[float | None, typer.Option("--alpha", help="Of RMSprop and ASGD.")]
Rho = Annotated[float | None, typer.Option("--rho", help="Of Adadelta.")]
MomentumDecay = Annotated[float | None, typer.Option("--momentum-decay", help="Of NAdam.")]
LrDecay = Annotated[float | None, typer.Option("--lr-decay", help="Of Adagrad.")]
Nesterov = Annotated[bool, typer.Option("--nesterov", help="Nesterov's momentum in SGD; needs --momentum.")]
WeightDecay = Annotated[float | None, typer.Option("--weight-decay", help="As torch's optimizer takes it.")]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine", help="Who does a training's arithmetic: loop, as people write it; batched, graphed, oracle, jax."
    ),
]
Implementation = Annotated[
    str | None, typer.Option("--implementation", help="Of torch's optimizer: forloop, foreach or fused.")
]
SuiteName = Annotated[
    str | None, typer.Option("--suite", help="A named set of problems, as linear-8; 'harness list suites' has them.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="NAME",
        help="constant, cosine, warm-up, step, one-cycle; or f(optimizer), as torch.optim.lr_scheduler:StepLR.",
    ),
]
LossOnDevice = Annotated[bool, typer.Option("--loss-on-device", help="The loop does not fetch each epoch's loss.")]
Tf32 = Annotated[bool, typer.Option("--tf32", help="On CUDA, let products of float32 be rounded to TF32.")]
Threads = Annotated[int, typer.Option("--threads", help="Threads of BLAS, OpenMP and torch.")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="float32 or float64.")]
Scale = Annotated[str | None, typer.Option("--scale", help="Train on standardized or raw columns.")]
Form = Annotated[str | None, typer.Option("--form", help="module (nn.Linear) or parameters (own weight and bias).")]
Hidden = Annotated[str | None, typer.Option("--hidden", help="Units of the MLP's hidden layers, as 8-8-8.")]
Network = Annotated[
    str | None,
    typer.Option("--network", metavar="PLACE", help="Instead of the MLP an nn.Module: nets.py:Net, called with p."),
]
MinimumNorm = Annotated[
    bool, typer.Option("--minimum-norm", help="Of a rank-deficient problem the minimum-norm solution, not a refusal.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="SQLite file, or postgresql://USER@HOST/DATABASE; results/harness.sqlite by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, and nothing at all unless the exit code is not 0.")
]
Machine = Annotated[str | None, typer.Option("--machine", help="With asv's results: the machine's name.")]
Bench = Annotated[
    str | None,
    typer.Option("--bench", help="Of asv's benchmarks: a regular expression sought in name('value', 10), as asv's."),
]
AsvFolder = Annotated[Path | None, typer.Option("--results", help="asv's results_dir; results/asv by default.")]
RunId = Annotated[str | None, typer.Option("--run", help="The run's id; the newest by default.")]


SOLVER_OPTIONS: Mapping[str, tuple[Any, object]] = MappingProxyType(
    {
        "loss": (Loss, None),
        "epochs": (Epochs, None),
        "batch": (Batch, None),
        "momentum": (Momentum, None),
        "nesterov": (Nesterov, False),
        "weight_decay": (WeightDecay, None),
        "dampening": (Dampening, None),
        "betas": (Betas, None),
        "eps": (Eps, None),
        "alpha": (Alpha, None),
        "rho": (Rho, None),
        "momentum_decay": (MomentumDecay, None),
        "lr_decay": (LrDecay, None),
        "engine": (Engine, None),
        "implementation": (Implementation, None),
        "scheduler": (Scheduler, None),
        "loss_on_device": (LossOnDevice, False),
        "tf32": (Tf32, False),
        "threads": (Threads, 1),
        "dtype": (Dtype, None),
        "scale": (Scale, None),
        "form": (Form, None),
        "hidden": (Hidden, None),
        "network": (Network, None),
        "minimum_norm": (MinimumNorm, False),
    }
)
"""What every command that runs solvers takes, with typer's type and default; by the names of Options."""
GIVEN = "given_options"
"""The parameter in whose place a command gets them."""
GivenOptions = Mapping[str, object]
"""The values given for SOLVER_OPTIONS, as Options takes them."""


TABLE_OPTIONS: Mapping[str, tuple[Any, object]] = MappingProxyType(
    {
        "features": (Features, None),
        "drop": (Drop, None),
        "missing": (Missing, None),
        "no_header": (NoHeader, False),
        "delimiter": (Delimiter, None),
        "decimal": (Decimal, None),
    }
)
"""What every command that reads a person's file takes."""
NO_TABLE = NOTHING_SAID
GivenTable = TableOptions
"""The values given for TABLE_OPTIONS."""
MODEL_OPTIONS: Mapping[str, tuple[Any, object]] = MappingProxyType(
    {"target": (Target, None), "weights": (Weights, None), "no_intercept": (NoIntercept, False), **TABLE_OPTIONS}
)
"""What every command that takes problems takes of them."""
NO_MODEL = ANY
GivenModel = Model
"""The values given for MODEL_OPTIONS."""


def plot_size(size: Size | None, plot: Path | None, option: str = "--plot") -> Size:
    """The size of a picture that is drawn to `plot`. Raises UsageError for a size without a picture."""
    if size is not None and plot is None:
        raise UsageError(f"--plot-size goes with {option}")
    return size or Size.SCREEN


def pair(name: str, text: Any) -> tuple[float, ...] | None:
    """0.9,0.999 as its numbers. Raises UsageError for what is none."""
    if text is None:
        return None
    try:
        return tuple(map(float, str(text).split(",")))
    except ValueError:
        raise UsageError(f"--{name} '{text}': numbers with a comma between them are wanted, as 0.9,0.999") from None


def takes_solver_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command each of SOLVER_OPTIONS in the place of its parameter `given_options`, which has their values."""

    def given_options(values: dict[str, Any]) -> dict[str, object]:
        # A flag that was not given is no option, as None is.
        found = {name: None if value is False else value for name, value in values.items()}
        return found | {"hidden": layers(found["hidden"]), "betas": pair("betas", found["betas"])}

    return _taking(command, SOLVER_OPTIONS, GIVEN, given_options)


def takes_table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command each of TABLE_OPTIONS in the place of its parameter `given_table`, a TableOptions of them."""
    return _taking(command, TABLE_OPTIONS, "given_table", _table)


def takes_model(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command each of MODEL_OPTIONS in the place of its parameter `given_model`, a Model of them."""

    def given_model(values: dict[str, Any]) -> Model:
        own = {name: values.pop(name) for name in ("target", "weights")}
        return Model(**own, intercept=not values.pop("no_intercept"), table=_table(values))

    return _taking(command, MODEL_OPTIONS, "given_model", given_model)


def said_of_problems(model: Model) -> list[str]:
    """The names of the options that made a Model, for an error about them."""
    found = {"target": model.target, "weights": model.weights, "no-intercept": not model.intercept}
    said = [name for name, value in found.items() if value]
    return said + [word.removeprefix("--") for word in model.table.words()[:1]]


def _table(values: dict[str, Any]) -> TableOptions:
    return TableOptions(
        features=tuple(filter(None, (values.pop("features") or "").split(","))),
        drop=tuple(values.pop("drop") or ()),
        header=not values.pop("no_header"),
        **values,
    )


def _taking(
    command: Callable[..., None],
    options: Mapping[str, tuple[Any, object]],
    place: str,
    made_of: Callable[[dict[str, Any]], object],
) -> Callable[..., None]:
    """The command with these options in the place of its parameter `place`, which has what is made of their values."""
    signature = inspect.signature(command)
    taken = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    shown = [one for own in signature.parameters.values() for one in (taken if own.name == place else [own])]

    @wraps(command)
    def taking(*shared: Any, **given: Any) -> None:
        values = {name: given.pop(name, default) for name, (_, default) in options.items()}
        command(*shared, **given, **{place: made_of(values)})

    taking.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]  # what typer reads
    return taking


def row_count(text: str) -> int:
    """A row count as people write it: 1000, 1e5. Raises UsageError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = 0.5
    if number != number // 1 or not 1 <= number < 2**53:
        raise UsageError(f"--n is a whole number of at least 1, as 1000 or 1e5, not '{text}'")
    return int(number)


def layers(text: str | None) -> tuple[int, ...] | None:
    """8-8-8 as (8, 8, 8). Raises UsageError for anything else."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split("-"))
    except ValueError:
        raise UsageError(f"--hidden lists units by layer, as 8-8-8, not '{text}'") from None


def initial(text: str | None) -> tuple[float, ...] | None:
    """0.5,-0.1 as (0.5, -0.1). Raises UsageError for anything else."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--init lists the initial weights, then the bias, as 0.5,-0.1, not '{text}'") from None


def solver_options(**values: object) -> "Options":
    """The Options of the command line."""
    from harness.solvers.options import Options

    return Options(**values)  # type: ignore[arg-type]  # Options checks every value
