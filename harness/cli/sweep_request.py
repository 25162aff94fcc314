"""What a sweep is asked for: problems, optimizers, and how each is tuned."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from harness.cli import options as cli
from harness.cli.groups import Group, flag, option, refuse
from harness.cli.solver_options import TrainingGroup, layers
from harness.errors import unknown
from harness.solvers.training.optimizers import PRESETS

if TYPE_CHECKING:
    from harness.sweep.plan import SweepRequest

TABLE = tuple(one.name for one in fields(cli.TableGroup))


@dataclass(frozen=True)
class TuningGroup(Group):
    """How the settings of an optimizer are tried: over a grid that widens, by quasi-random tries, or as released."""

    grid: list[str] | None = option(
        help="Vary a setting of each optimizer that has it: betas=0.9,0.95:0.99,0.999; repeatable."
    )
    budget: int | None = option(help="So many quasi-random tries of each optimizer in a study, and no grid of rates.")
    studies: int | None = option(help="With --budget: how many studies, 3 by default.")
    untuned: bool = flag(help="Each optimizer as it is released, tried once.")
    max_seconds: float | None = option(help="What a training may take in seconds of the loop, preparation included.")
    widen: bool | None = option(
        "--widen/--no-widen",
        help="Extend a grid while a better learning rate may lie outside of it, 4 decades at most; on by default.",
    )


@dataclass(frozen=True, kw_only=True)
class SweepGroup(Group):
    """What is trained."""

    problem: list[str] | None = option(help="Problem; repeatable. auto_mpg by default.")
    suite: cli.SuiteName = None
    data: cli.ModelGroup
    n: cli.Rows = None
    optimizer: list[str] | None = option(
        help=f"{', '.join(PRESETS)}; settings after a colon, "
        "as sgd:momentum=0.95,nesterov=1; or yours, as package.module:Class:betas=0.9,0.99, with --engine loop; "
        "repeatable. sgd, momentum and adam by default."
    )
    lr: list[str] | None = option(
        help="Learning rates: 0.1, or 1e-4:1:decades, 1e-4:1:3/decade, 1e-4:1:13; repeatable. "
        "1e-4:10:3/decade by default."
    )
    seeds: int | None = option(help="How many seeds, from 0; 64 by default.")
    training: TrainingGroup
    engine: str | None = option(help="Who does the arithmetic: batched by default.")
    device: str | None = option(help="cpu (the default), cuda, xpu or mps.")
    model: str | None = option(help="linear or mlp; what suits the problem by default.")
    threads: int | None = option(help="Threads of BLAS, OpenMP and torch; 1 by default.")
    tuning: TuningGroup


def request_of(said: Mapping[str, Any]) -> "SweepRequest":
    """The request, of what was said by the options' names; what was not is the request's default.

    Raises UsageError for a value that is none, and for options that say different things.
    """
    from harness.sweep.candidate import MODELS
    from harness.sweep.plan import DEFAULT_RATES, SweepRequest
    from harness.sweep.rates import rates

    searched = next((name for name in ("untuned", "budget") if name in said), None)
    if searched is None:
        refuse({"studies"} & said.keys(), "--studies goes with --budget")
    else:
        others = [name for name in ("lr", "widen", "untuned", "budget", "grid") if name != searched]
        refuse([name for name in others if name in said], f"--{searched} says itself what is tried")
    if "suite" in said:
        of_suite = ("problem", "target", "weights", "model", "hidden", "network", *TABLE)
        refuse(filter(said.__contains__, of_suite), f"--suite {said['suite']} says itself what is trained")
    if said.get("model") not in (None, *MODELS):
        raise unknown("model", said["model"], MODELS)
    own = {
        "table": cli.TableGroup(**{name: said[name] for name in TABLE if name in said}).table.given(),
        "intercept": "no_intercept" not in said,
        "hidden": layers(said.get("hidden")),
        "n": cli.row_count(said["n"]) if "n" in said else None,
        "lr": rates(said.get("lr", (DEFAULT_RATES,))),
    }
    for name, called in {"problem": "problems", "optimizer": "optimizers", "grid": "grid"}.items():
        if name in said:
            own[called] = tuple(said[name])
    same = {name: value for name, value in said.items() if name in SweepRequest.model_fields}
    return SweepRequest.model_validate({"widen": searched is None} | same | own)
