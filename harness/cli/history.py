"""harness history: one case over commits, where its level changed, and which commit did it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as cli
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.history.trial import Trial


def history(
    case: Annotated[
        list[str] | None, typer.Argument(help="A record's key, or PROBLEM SOLVER [OPTION=VALUE ...].")
    ] = None,
    quantity: Annotated[
        str, typer.Option("--quantity", help="time, digits, excess_loss or epochs_to (1e-4).")
    ] = "time",
    effect: Annotated[
        float | None,
        typer.Option("--effect", help="Smallest step: 0.03 of time, 0.5 digits, 1 decade, 0.1 of epochs."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only from this date (ISO 8601) or commit on.")] = None,
    store: cli.StoreUrl = None,
    asv: Annotated[bool, typer.Option("--asv", help="Read asv's results instead of the store.")] = False,
    machine: cli.Machine = None,
    results: cli.AsvFolder = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it: FILE.png, FILE.svg or FILE.pdf.")] = None,
    record_noise: Annotated[
        int | None, typer.Option("--record-noise", help="Record so many launches of the same code into --noise.")
    ] = None,
    compare_detectors: Annotated[
        bool, typer.Option("--compare-detectors", help="Compare change-point detectors on --noise; half an hour.")
    ] = False,
    noise: Annotated[Path | None, typer.Option("--noise", help="The file of recorded noise.")] = None,
    as_json: cli.AsJson = False,
) -> None:
    """Show one case over commits with its change points and the commits that made them; it judges nothing.

    A level is sought within one environment: an upgraded library or another processor is told apart. Instead of a
    case: --record-noise and --compare-detectors, which the detector was chosen by (results/change_points).
    """
    if record_noise is not None or compare_detectors:
        if case:
            raise UsageError("--record-noise and --compare-detectors are about no case: drop it")
        _detectors(noise, record_noise, compare=compare_detectors, as_json=as_json)
        return
    if noise is not None:
        raise UsageError("--noise goes with --record-noise or --compare-detectors")
    if not case:
        raise UsageError("say which case: its key, or PROBLEM SOLVER, as in 'harness history auto_mpg numpy_lstsq'")
    for name, value in {"machine": machine, "results": results}.items():
        if value is not None and not asv:
            raise UsageError(f"--{name} goes with --asv")
    if asv and store:
        raise UsageError("--asv reads asv's results and --store a store: give one of them")
    _show(" ".join(case), quantity, effect, since, _Source(store, asv, machine, results), plot, as_json=as_json)


class _Source:
    """Where to read launches from."""

    def __init__(self, store: str | None, asv: bool, machine: str | None, results: Path | None) -> None:
        self.store, self.asv, self.machine, self.results = store, asv, machine, results


def _show(
    case: str,
    quantity: str,
    effect: float | None,
    since: str | None,
    source: _Source,
    plot: Path | None,
    *,
    as_json: bool,
) -> None:
    from harness.asv.gate import existing_folder
    from harness.history.case import history_of
    from harness.history.sources import in_asv, stored
    from harness.report.console import err, out
    from harness.report.history_table import history_json, print_history
    from harness.store.store import Store

    if source.asv:
        launches = in_asv(existing_folder(source.results), source.machine)
    else:
        launches = stored(Store(source.store, create=False))
    found = history_of(launches, case, quantity=quantity, effect=effect, since=since)
    if plot:
        from harness.report.history_figure import write_history_figure

        write_history_figure(plot, found)
        err().print(f"{plot}: written", markup=False, soft_wrap=True)
    if as_json:
        typer.echo(history_json(found))
    else:
        print_history(out(), found)


def _detectors(noise: Path | None, launches: int | None, *, compare: bool, as_json: bool) -> None:
    """Record noise, compare detectors on it, or one after the other."""
    from harness.history.noise import read_noise, record_noise, write_noise
    from harness.history.trial import Effort
    from harness.history.trial import compare as run_trial
    from harness.report.console import err
    from harness.report.working import Working

    if noise is None:
        raise UsageError("name the file of recorded noise: --noise FILE")
    with Working(err(), "starting") as status:
        if launches is not None:
            write_noise(noise, record_noise(launches, status.update))
        if compare:
            recorded = read_noise(noise)
            trials = [run_trial(recorded, count, Effort(), status.update) for count in LAUNCHES]
    if compare:
        _print_trials(trials, as_json=as_json)


LAUNCHES = (1, 5, 15)
"""Of a commit: as one `harness run` measures it, and what repeating it gains."""


def _print_trials(trials: "list[Trial]", *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from harness.history.trial import WITHIN, Effort, trial_json
    from harness.report.detector_table import trial_markdown

    if as_json:
        typer.echo(json.dumps({"effort": asdict(Effort()), "trials": [trial_json(one) for one in trials]}, indent=1))
    else:
        typer.echo("\n".join(trial_markdown(trial_json(one), WITHIN) for one in trials))
