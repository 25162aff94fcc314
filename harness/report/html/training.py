"""Section 4: loss by epoch, cost to the target by learning rate, who is best, held-out loss, the network."""

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import EPOCHS, SECONDS, Contest, TaskSummary
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.tuning import CENSORED, CONVERGED, DIVERGED, GOOD_FACTOR, CellSummary, Tuning
from harness.records.sweep import Sweep
from harness.report.figures import training_rows as rows
from harness.report.figures.cost_by_rate import profile_figure, targets_figure
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import rates_figure, rivals_figure
from harness.report.figures.rows import Row, short
from harness.report.html import training_traces as traces
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, Table, table_of
from harness.report.html.training_words import conclusion, details
from harness.report.tables.column import Column, Kind
from harness.report.words import sweep as words
from harness.report.words.sweep_document import ended

NETWORK, NETWORK_FIGURES = "sine", ("tutorial_sine_network", "tutorial_sine_loss")
"""The tutorial whose network is shown here, and its figures that are: the others stay with the tutorials."""
NO_SWEEP = (
    "No sweep over learning rates and seeds is stored: harness sweep --problem make_regression makes one, which the"
    " next page shows."
)
STATUSES = {CONVERGED: "ok", CENSORED: "censored", DIVERGED: "diverged"}
BEST_HELP = f"within {GOOD_FACTOR:g}x the epochs of the best one, around it"


def section(evidence: Evidence) -> Section:
    """The sweep's figures and tables, the traces of the run, and the network on the sine."""
    summary = summarise(evidence.cells) if evidence.cells else None
    learned = traces.held_out(evidence.records)
    said = [] if summary is None else conclusion(summary)
    parts: list[Part] = [] if summary is None else _swept(summary, evidence.sweep)
    if learned:
        parts += [traces.figure(traces.shown(learned), len(learned)), traces.table(learned)]
        said = said or [traces.sentence(learned)]
    parts += _network(evidence)
    missing = NO_SWEEP if summary is None else ""
    return Section("training", "Training", " ".join(said), tuple(parts), missing)


def _swept(summary: SweepSummary, sweep: Sweep | None) -> list[Part]:
    parts: list[Part] = [*map(Note, details(summary)), _best(summary), *_figures(summary), _every(summary)]
    if sweep is not None:
        parts.append(Note(f"Sweep {sweep.id} ({sweep.command}): {'; '.join(ended(sweep, summary))}."))
    return parts


def _figures(summary: SweepSummary) -> list[Figure]:
    """What there is to draw: nothing of what was not run or that nobody solved."""
    names = list(dict.fromkeys(cell.optimizer for cell in summary.cells))
    rivals, rates = rows.rival_rows(summary), rows.curve_rows(summary)
    found = [rivals_figure(rivals, names)] if rivals and len(names) > 1 else []
    for measure in (EPOCHS, SECONDS):
        targets = rows.target_rows(summary, measure)
        found += [targets_figure(targets, measure, names)] if targets else []
    found += [rates_figure(rates)] if rates else []
    solved = [one for one in summary.profiles if any(one.share(label, float("inf")) for label in one.ratios)]
    return [*found, profile_figure(rows.profile_rows(solved, summary), names)] if solved else found


class Tuned(NamedTuple):
    """An optimizer on a task."""

    task: TaskSummary
    tuning: Tuning


class Tried(NamedTuple):
    """A learning rate of an optimizer on a task."""

    task: TaskSummary
    cell: CellSummary


def _subject(one: Tuned) -> CellSummary:
    return one.tuning.subject or one.tuning.cells[0]


def _reached(value: Callable[[Tuned], object]) -> Callable[[Tuned], object]:
    """The value where any learning rate reaches any tolerance; else None."""
    return lambda one: None if None in (one.tuning.best, one.tuning.reach, one.tuning.good) else value(one)


def _ending(one: Tuned) -> str:
    if one.tuning.best is None:
        return STATUSES.get(_subject(one).status, _subject(one).status)
    return "ok" if one.tuning.tolerance == one.task.tightest else "censored"


def _good(one: Tuned) -> str:
    good = one.tuning.good
    assert good is not None  # noqa: S101  # asked for where something is reached
    return ("< " if good.below is None else "") + words.ends(good) + (" >" if good.above is None else "")


def _behind(contest: Contest | None, tuning: Tuning) -> float | None:
    """How many times the leader's cost; 1 for the leader, None where that is not known."""
    if contest is None:
        return None
    if tuning is contest.leader:
        return 1.0
    return short(next((rival.ratio for rival in contest.rivals if rival.tuning is tuning), None))


BEST: tuple[Column[Tuned], ...] = (
    Column("task", "problem", value="task.name"),
    Column("optimizer", "optimizer", value="tuning.optimizer"),
    Column("lr", "best lr", Kind.SMALL),
    Column("to", "to", Kind.SMALL,
        "The tightest relative excess loss that any of its learning rates reaches.",
        _reached(attrgetter("tuning.reach.tolerance"))),
    Column("epochs", "epochs", Kind.WHOLE, value=_reached(attrgetter("tuning.reach.epochs"))),
    Column("interval", f"{CONFIDENCE:.0%} interval",
        value=_reached(lambda one: words.spread(attrgetter("tuning.reach.interval")(one)))),
    Column("behind", "/ best", Kind.RATIO, "Its epochs over those of the best optimizer on the problem.",
        _reached(lambda one: _behind(one.task.by_epochs, one.tuning))),
    Column("seconds", "time", Kind.SECONDS, "Epochs times the median epoch of the textbook loop.",
        _reached(lambda one: short(attrgetter("tuning.reach.seconds")(one)))),
    Column("behind_s", "/ quickest", Kind.RATIO,
        "Its time over that of the quickest optimizer on the problem.",
        _reached(lambda one: _behind(one.task.by_seconds, one.tuning))),
    Column("solved", "solved %", Kind.NUMBER, "Seeds that get there.",
        _reached(lambda one: short(100 * attrgetter("tuning.reach.success")(one)))),
    Column("good", "good lr",
        help=f"The learning rates {BEST_HELP}; > or <: they may go on outside the grid.", value=_reached(_good)),
    Column("decades", "decades", Kind.NUMBER, f"Width of the learning rates {BEST_HELP}.",
        _reached(lambda one: short(attrgetter("tuning.good.decades")(one), 3))),
    Column("ending", "status", Kind.STATUS,
        "ok: the tightest tolerance is reached; censored: a looser one, or none.", _ending),
)  # fmt: skip


def _best(summary: SweepSummary) -> Table:
    seeds = sorted({len(cell.cell.seeds) for cell in summary.cells if cell.reaches})
    over = f", medians over {words.between(seeds)} seeds" if seeds else ""
    tuned = [
        Tuned(task, tuning)
        for task in summary.tasks
        for tuning in (*rows.ordered(task), *(left for left in task.tunings if not left.run))
    ]

    def named(one: Tuned) -> Row:
        return {**rows.keys(_subject(one)), "lr": one.tuning.best.lr if one.tuning.best else None}

    return table_of("training_best", f"Optimizers at their best learning rates{over}.", BEST, tuned, named)


def _to(tolerance: float) -> Callable[[Tried], float | None]:
    return lambda one: short(one.cell.epochs_to(tolerance))


def _target(name: str, scale: float = 1.0) -> Callable[[Tried], float | None]:
    """An attribute of what is reached of the task's target."""

    def value(one: Tried) -> float | None:
        reach = one.cell.to(one.task.tolerance)
        found = None if reach is None else getattr(reach, name)
        return None if found is None else short(scale * found)

    return value


def _every(summary: SweepSummary) -> Table:
    levels = [
        Column(f"to{i}", f"epochs to {words.level(tolerance)}", Kind.WHOLE, value=_to(tolerance))
        for i, tolerance in enumerate(summary.tolerances)
    ]
    optional: tuple[Column[Tried], ...] = (
        Column(
            "theory",
            "theory",
            Kind.WHOLE,
            "Median epochs by the closed form of gradient descent.",
            _target("predicted"),
        ),
        Column(
            "over",
            "lr / limit",
            Kind.NUMBER,
            "Over the stability limit; above 1 gradient descent must diverge.",
            lambda one: short(one.cell.lr_over_limit, 3),
        ),
        Column("lost", "seeds lost", Kind.WHOLE, "Seeds that diverged.", "cell.diverged"),
        Column("message", "message", value="cell.cell.message"),
    )
    tried = [Tried(task, cell) for task in summary.tasks for tuning in task.tunings for cell in tuning.cells]
    columns: tuple[Column[Tried], ...] = (
        Column("task", "problem", value="task.name"),
        Column("optimizer", "optimizer", value="cell.optimizer"),
        Column("lr", "learning rate", Kind.SMALL),
        *levels,
        Column(
            "seconds",
            "time",
            Kind.SECONDS,
            "To the tightest tolerance that any optimizer reaches on the problem.",
            _target("seconds"),
        ),
        Column("solved", "seeds that get there, %", Kind.NUMBER, value=_target("success", 100)),
        Column(
            "gap",
            "final excess loss",
            Kind.SMALL,
            "Median of the seeds that did not diverge.",
            lambda one: short(one.cell.final_gap, 3),
        ),
        *(one for one in optional if any(one.of(each) for each in tried)),
        Column(
            "ending",
            "status",
            Kind.STATUS,
            "censored: the tightest tolerance was not reached by most seeds.",
            lambda one: STATUSES.get(one.cell.status, one.cell.status),
        ),
    )
    caption = "Every learning rate; a dash is censored: not reached."
    return table_of("training_every", caption, columns, tried, lambda one: rows.keys(one.cell))


def _network(evidence: Evidence) -> list[Part]:
    """The network's fit and loss, where the tutorials were re-made."""
    return [one for one in evidence.pictures.get(NETWORK, ()) if one.name in NETWORK_FIGURES]
