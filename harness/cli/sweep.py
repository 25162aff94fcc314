"""harness sweep: optimizers over learning rates and seeds, to the exact optimum or the best loss that is known."""

from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.cli.implementations import compared, only_once
from harness.cli.pasting import pasted
from harness.cli.streams import print_json
from harness.errors import UsageError, unknown
from harness.report.figures.size import FORMATS, Size
from harness.solvers.training.optimizers import PRESETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.measure.session import Where
    from harness.records.sweep import Cell, Sweep
    from harness.store.store import Store
    from harness.sweep.candidate import Candidate
    from harness.sweep.measuring import Place
    from harness.sweep.plan import SweepRequest

Optimizers = Annotated[
    list[str] | None,
    typer.Option(
        help=f"{', '.join(PRESETS)}; settings after a colon, "
        "as sgd:momentum=0.95,nesterov=1; or yours, as package.module:Class:betas=0.9,0.99, with --engine loop; "
        "repeatable. sgd, momentum and adam by default."
    ),
]
RateRanges = Annotated[
    list[str] | None,
    typer.Option(
        "--lr",
        help="Learning rates: 0.1, or 1e-4:1:decades, 1e-4:1:3/decade, 1e-4:1:13; repeatable. "
        "1e-4:10:3/decade by default.",
    ),
]


@cli.takes_table_options
def sweep(
    sweep_id: Annotated[str | None, typer.Argument(metavar="ID", help="With --show: which sweep.")] = None,
    problem: Annotated[list[str] | None, typer.Option(help="Problem; repeatable. auto_mpg by default.")] = None,
    suite: cli.SuiteName = None,
    target: cli.Target = None,
    weights: cli.Weights = None,
    no_intercept: cli.NoIntercept = False,
    given_table: cli.GivenTable = cli.NO_TABLE,
    n: Annotated[str | None, typer.Option("--n", help="Rows of a drawn problem.")] = None,
    optimizer: Optimizers = None,
    lr: RateRanges = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds, from 0; 64 by default.")] = None,
    epochs: cli.Epochs = None,
    engine: Annotated[str | None, typer.Option(help="Who does the arithmetic: batched by default.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="cpu (the default), cuda, xpu or mps.")] = None,
    model: Annotated[str | None, typer.Option(help="linear or mlp; what suits the problem by default.")] = None,
    hidden: cli.Hidden = None,
    network: cli.Network = None,
    scheduler: cli.Scheduler = None,
    loss: cli.Loss = None,
    batch: cli.Batch = None,
    dtype: cli.Dtype = None,
    scale: cli.Scale = None,
    threads: Annotated[int | None, typer.Option(help="Threads of BLAS, OpenMP and torch; 1 by default.")] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="Vary a setting of each optimizer that has it: betas=0.9,0.95:0.99,0.999; repeatable."),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="So many quasi-random tries of each optimizer in a study, and no grid of rates.")
    ] = None,
    studies: Annotated[int | None, typer.Option(help="With --budget: how many studies, 3 by default.")] = None,
    untuned: Annotated[bool, typer.Option("--untuned", help="Each optimizer as it is released, tried once.")] = False,
    max_seconds: Annotated[
        float | None,
        typer.Option("--max-seconds", help="What a training may take in seconds of the loop, preparation included."),
    ] = None,
    widen: Annotated[
        bool | None,
        typer.Option(
            "--widen/--no-widen",
            help="Extend a grid while a better learning rate may lie outside of it, 4 decades at most; on by default.",
        ),
    ] = None,
    make_target: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="No sweep: train the MLP long in float64 and write its best loss to FOLDER/PROBLEM.toml; "
            "results/targets is where a sweep looks.",
        ),
    ] = None,
    implementations: Annotated[
        bool,
        typer.Option(
            "--implementations",
            help="No sweep: train each optimizer by torch's forloop, foreach, fused, capturable and by optax from one "
            "start, in float32 and float64; say where they part by more than rounding.",
        ),
    ] = False,
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    on: isolation.On = None,
    connect_timeout: isolation.Connect = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw pictures into FOLDER too.")] = None,
    plot_format: Annotated[
        str | None, typer.Option("--plot-format", help="Of --plots: png, svg or pdf; png by default.")
    ] = None,
    plot_size: cli.PlotSize = None,
    store: cli.StoreUrl = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest sweep that was cut off.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show the newest sweep, or that of ID, untrained.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print GitHub tables.")] = False,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Train each optimizer at each learning rate from many seeds: epochs and seconds to the optimum, who diverges."""
    given: dict[str, object] = {
        "problems": tuple(problem or ()),
        "suite": suite,
        "target": target,
        "weights": weights,
        "intercept": False if no_intercept else None,
        "n": n,
        "optimizers": tuple(optimizer or ()),
        "lr": tuple(lr or ()),
        "seeds": seeds,
        "epochs": epochs,
        "engine": engine,
        "device": device,
        "model": model,
        "hidden": cli.layers(hidden),
        "network": network,
        "scheduler": scheduler,
        "loss": loss,
        "batch": batch,
        "dtype": dtype,
        "scale": scale,
        "threads": threads,
        "widen": widen,
        "grid": tuple(grid or ()),
        "budget": budget,
        "studies": studies,
        "untuned": untuned or None,
        "max_seconds": max_seconds,
        **given_table.given(),
    }
    asked = {name: value for name, value in given.items() if value not in (None, ())}
    where = isolation.where(timeout, memory, in_process, on, connect_timeout)
    where.check_threads(1 if threads is None else threads)
    said = {
        "timeout": timeout,
        "memory": memory,
        "in-process": in_process,
        "on": on,
        "connect-timeout": connect_timeout,
    }
    here = {name: value for name, value in said.items() if value}
    wanted_modes = {
        "--show": show,
        "--resume": resume,
        "--make-target": make_target,
        "--implementations": implementations,
    }
    modes = [mode for mode, wanted in wanted_modes.items() if wanted]
    _check(sweep_id, asked | (here if show else {}), modes, markdown=markdown, as_json=as_json)
    if make_target is not None:
        raise typer.Exit(_make_targets(asked | here, make_target))
    if implementations:
        more = {"resume": resume, "plots": plots, "store": store} | here
        request = request_of(only_once(asked | {name: value for name, value in more.items() if value}, given_names()))
        raise typer.Exit(compared(request, as_json=as_json, markdown=markdown, quiet=quiet))
    if plot_format is not None and plots is None:
        raise UsageError("--plot-format goes with --plots")
    suffix, size = f".{(plot_format or 'png').lower()}", cli.plot_size(plot_size, plots, "--plots")
    page = _Page(store, plots, suffix, size, markdown, as_json, quiet, where)
    raise typer.Exit(page.show(sweep_id) if show else page.resume() if resume else page.start(request_of(asked)))


def _check(sweep_id: str | None, asked: dict[str, object], modes: list[str], *, markdown: bool, as_json: bool) -> None:
    """Raises UsageError for options that say different things."""
    if sweep_id is not None and "--show" not in modes:
        raise UsageError(f"'{sweep_id}': an id goes with --show; problems are named with --problem")
    if len(modes) > 1:
        raise UsageError(f"{modes[0]} and {modes[1]} are different things: give one of them")
    if asked and modes and modes[0] in ("--show", "--resume"):
        raise UsageError(f"{modes[0]} takes a sweep as it was asked for: drop --{option_of(next(iter(asked)))}")
    if markdown and as_json:
        raise UsageError("--json and --markdown both write to standard output: give one of them")


def option_of(name: str) -> str:
    """The option that sets a field of the request."""
    return {"problems": "problem", "optimizers": "optimizer", "header": "no-header"}.get(name, name)


def given_names() -> list[str]:
    """What may be said of a table, by the names of TableOptions."""
    return [one.name for one in fields(cli.GivenTable) if one.name != "weights"]


def request_of(asked: dict[str, object]) -> "SweepRequest":
    """The request; what was not given is the request's default."""
    from harness.sweep.candidate import MODELS
    from harness.sweep.plan import DEFAULT_RATES, SweepRequest
    from harness.sweep.rates import rates

    searched = next((name for name in ("untuned", "budget") if name in asked), None)
    for name in ("lr", "widen", "untuned", "budget", "grid") if searched else ("studies",):
        if name in asked and name != searched:
            what = f"--{searched} says itself what is tried" if searched else "--studies goes with --budget"
            raise UsageError(f"{what}: drop --{name}")
    values = {"widen": searched is None, **asked}
    if "suite" in asked:
        for name in ("problems", "target", "weights", "model", "hidden", "network", *given_names()):
            if name in asked:
                raise UsageError(f"--suite {asked['suite']} says itself what is trained: drop --{option_of(name)}")
    values["table"] = {name: values.pop(name) for name in given_names() if name in values}
    if "n" in values:
        values["n"] = cli.row_count(str(values["n"]))
    if "model" in values and values["model"] not in MODELS:
        raise unknown("model", str(values["model"]), MODELS)
    values["lr"] = rates(values.get("lr", (DEFAULT_RATES,)))  # type: ignore[arg-type]  # texts
    return SweepRequest.model_validate(values)


@dataclass(frozen=True)
class _Page:
    """What is shown of a sweep and where it is kept."""

    store: str | None
    plots: Path | None
    suffix: str
    size: Size
    markdown: bool
    as_json: bool
    quiet: bool
    where: "Where"

    def start(self, request: "SweepRequest") -> int:
        """A new sweep; the exit code."""
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore
        from harness.sweep.plan import candidates, new_sweep

        planned = candidates(request)
        opened = Store(self.store)
        with closing(_place(self.where)) as place:  # it imports the harness while the environment is looked at
            made = new_sweep(request, planned)
            SweepStore(opened).start(made)
            return self._go(opened, made, request, planned, place)

    def resume(self) -> int:
        """The newest sweep that was cut off, to its end; the exit code."""
        from harness.report.terminal.console import err
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore
        from harness.sweep.plan import asked_of, moved_since

        Store(self.store, create=False)
        opened = Store(self.store)
        made = SweepStore(opened).unfinished()
        request, planned = asked_of(made)
        with closing(_place(self.where)) as place:
            if moved := moved_since(made):
                err().print(moved, markup=False, soft_wrap=True)
            return self._go(opened, made, request, planned, place)

    def show(self, sweep_id: str | None) -> int:
        """A stored sweep; the exit code is 0 whatever its cells are."""
        from harness.store.store import Store
        from harness.store.sweep_store import SweepStore

        opened = Store(self.store, create=False)
        kept = SweepStore(opened)
        made = kept.sweep(sweep_id)
        self._print(made, kept.cells(made.id), opened)
        return 0

    def _go(
        self, opened: "Store", made: "Sweep", request: "SweepRequest", planned: "Sequence[Candidate]", place: "Place"
    ) -> int:
        from harness.measure.conditions import doubts_of_sweep
        from harness.records.run import exit_code
        from harness.report.render.terminal import print_document
        from harness.report.terminal.console import err, out
        from harness.report.terminal.live import SweepLive
        from harness.report.words.doubts import under_a_run
        from harness.store.sweep_store import SweepStore
        from harness.sweep.run import execute

        kept = SweepStore(opened)
        waiting = len(planned) * len(request.lr) - len(kept.cells(made.id))
        try:
            live = SweepLive(err(), waiting * request.seeds * request.epochs, quiet=self.quiet)
            with place.watched(opened, made.id), live:
                cells = execute(made, planned, kept, live, place=place, widen=request.widen)
        except KeyboardInterrupt:
            self._print(made, kept.cells(made.id), opened)
            raise
        if exit_code(cells) == 0 and self.quiet and not (self.as_json or self.markdown):
            self._draw(cells)
            return 0
        self._print(kept.sweep(made.id), cells, opened)
        if not (self.as_json or self.markdown):
            doctor = pasted("doctor", "--run", made.id, store=opened)
            print_document(out(), under_a_run(doubts_of_sweep(opened, made, cells), doctor))
        return exit_code(cells)

    def __post_init__(self) -> None:
        """Raises UsageError before minutes of training, not after them."""
        if self.plots is not None and self.plots.exists() and not self.plots.is_dir():
            raise UsageError(f"--plots {self.plots}: is a file; name a folder")
        if self.suffix not in FORMATS:
            raise UsageError(f"--plot-format: png, svg or pdf, not '{self.suffix[1:]}'")

    def _print(self, made: "Sweep", cells: "Sequence[Cell]", opened: "Store") -> None:
        """What was asked for on standard output; where it is kept, and how it goes on if it was cut off."""
        from harness.report.render.markdown import markdown
        from harness.report.render.terminal import print_document
        from harness.report.terminal.console import err, out
        from harness.report.words.sweep_document import swept
        from harness.report.words.sweep_json import sweep_json

        if self.as_json:
            print_json(sweep_json(made, cells))
        elif self.markdown:
            typer.echo(markdown(swept(made, cells)))
        elif cells:
            print_document(out(), swept(made, cells))
            again = pasted("sweep", "--show", made.id, store=opened)
            out().print(f"sweep {made.id} is in {opened.url}; again: {again}", markup=False, soft_wrap=True)
        self._draw(cells)
        if made.finished_at is None:
            words = pasted("sweep", "--resume", store=opened)
            err().print(f"unfinished: {words} goes on", markup=False, soft_wrap=True)

    def _draw(self, cells: "Sequence[Cell]") -> None:
        """The pictures, where they were asked for."""
        if self.plots is not None and cells:
            from harness.report.figures.sweep import write_sweep_figures
            from harness.report.terminal.console import err

            for path in write_sweep_figures(self.plots, cells, self.suffix, self.size):
                if not self.quiet:
                    err().print(f"drawn: {path}", markup=False, soft_wrap=True)


def _place(where: "Where") -> "Place":
    """Where trainings are made together."""
    from harness.sweep.isolated import Isolated
    from harness.sweep.measuring import InProcess

    if where.on is not None:
        from harness.sweep.cluster import Cluster

        return Cluster(where.on, where.connect_s, where.limits)
    return InProcess() if where.in_process else Isolated(where.limits)


def _make_targets(asked: dict[str, object], folder: Path) -> int:
    """Write a target for each problem; 0."""
    from dataclasses import replace
    from importlib import import_module

    from harness.files.writing import write_errors
    from harness.report.terminal.console import err, out
    from harness.report.terminal.live import SweepLive
    from harness.sweep import targets
    from harness.sweep.plan import candidates
    from harness.timing.threads import limited

    for name in ("optimizers", "engine", "model", "batch", "dtype", "timeout", "memory", "in-process", "on"):
        if name in asked:
            how = "trains the MLP by Adam in float64, all rows at a time, in this process"
            raise UsageError(f"--make-target {how}: drop --{option_of(name)}")
    size = targets.STORED
    request = request_of({"lr": tuple(f"{lr!r}" for lr in size.lr), "seeds": size.seeds, "epochs": size.epochs} | asked)
    request = request.model_copy(update={"model": "mlp", "engine": "batched", "optimizers": ("adam",)})
    size = replace(size, lr=request.lr, seeds=request.seeds, epochs=request.epochs)
    planned = candidates(request)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--make-target {folder}: is a file; name a folder")
    import_module("torch")  # only a library that is loaded can be held to so many threads
    with limited(request.threads), SweepLive(err(), size.total_epochs * len(planned)) as live:
        for candidate in planned:
            live.working(f"{candidate.problem.label}: its target")
            target = targets.make(candidate.training, size, live.trained)
            path = targets.place(candidate.training, folder)
            with write_errors(f"--make-target {path}"):
                targets.write(target, path)
            live.stored(size.total_epochs)
            out().print(f"{path}: best loss {target.best_loss:.6g} of {target.how}", markup=False, soft_wrap=True)
    return 0
