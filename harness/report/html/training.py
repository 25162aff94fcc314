"""Section 4: loss by epoch, cost to the target by learning rate, who is best, held-out loss, the network."""

from harness.judge.training.censored import CONFIDENCE
from harness.judge.training.contest import EPOCHS, SECONDS
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.tuning import GOOD_FACTOR
from harness.records.sweep import Sweep
from harness.report.html import training_rows as rows
from harness.report.html import training_traces as traces
from harness.report.html.evidence import Evidence
from harness.report.html.section import Column, Figure, Kind, Note, Part, Section, Table
from harness.report.html.training_figures import rates_figure, rivals_figure
from harness.report.html.training_targets import profile_figure, targets_figure
from harness.report.html.training_words import conclusion, details
from harness.report.words import sweep as words
from harness.report.words.sweep_document import ended

NETWORK, NETWORK_FIGURES = "sine", ("tutorial_sine_network", "tutorial_sine_loss")
"""The tutorial whose network is shown here, and its figures that are: the others stay with the tutorials."""
NO_SWEEP = (
    "No sweep over learning rates and seeds is stored: harness sweep --problem make_regression makes one, which the"
    " next page shows."
)
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


def _best(summary: SweepSummary) -> Table:
    seeds = sorted({len(cell.cell.seeds) for cell in summary.cells if cell.reaches})
    over = f", medians over {words.between(seeds)} seeds" if seeds else ""
    columns = (
        Column("task", "problem"),
        Column("optimizer", "optimizer"),
        Column("lr", "best lr", Kind.SMALL),
        Column("to", "to", Kind.SMALL, "The tightest relative excess loss that any of its learning rates reaches."),
        Column("epochs", "epochs", Kind.WHOLE),
        Column("interval", f"{CONFIDENCE:.0%} interval"),
        Column("behind", "/ best", Kind.RATIO, "Its epochs over those of the best optimizer on the problem."),
        Column("seconds", "time", Kind.SECONDS, "Epochs times the median epoch of the textbook loop."),
        Column("behind_s", "/ quickest", Kind.RATIO, "Its time over that of the quickest optimizer on the problem."),
        Column("solved", "solved %", Kind.NUMBER, "Seeds that get there."),
        Column("good", "good lr", help=f"The learning rates {BEST_HELP}; > or <: they may go on outside the grid."),
        Column("decades", "decades", Kind.NUMBER, f"Width of the learning rates {BEST_HELP}."),
        Column(
            "ending", "status", Kind.STATUS, "ok: the tightest tolerance is reached; censored: a looser one, or none."
        ),
    )
    return Table("training_best", f"Optimizers at their best learning rates{over}.", columns, rows.best_rows(summary))


def _every(summary: SweepSummary) -> Table:
    levels = [
        Column(f"to{i}", f"epochs to {words.level(tolerance)}", Kind.WHOLE)
        for i, tolerance in enumerate(summary.tolerances)
    ]
    there = rows.every_row(summary)
    optional = (
        Column("theory", "theory", Kind.WHOLE, "Median epochs by the closed form of gradient descent."),
        Column("over", "lr / limit", Kind.NUMBER, "Over the stability limit; above 1 gradient descent must diverge."),
        Column("lost", "seeds lost", Kind.WHOLE, "Seeds that diverged."),
        Column("message", "message"),
    )
    columns = (
        Column("task", "problem"),
        Column("optimizer", "optimizer"),
        Column("lr", "learning rate", Kind.SMALL),
        *levels,
        Column("seconds", "time", Kind.SECONDS, "To the tightest tolerance that any optimizer reaches on the problem."),
        Column("solved", "seeds that get there, %", Kind.NUMBER),
        Column("gap", "final excess loss", Kind.SMALL, "Median of the seeds that did not diverge."),
        *(column for column in optional if any(row.get(column.key) for row in there)),
        Column("ending", "status", Kind.STATUS, "censored: the tightest tolerance was not reached by most seeds."),
    )
    return Table("training_every", "Every learning rate; a dash is censored: not reached.", columns, there)


def _network(evidence: Evidence) -> list[Part]:
    """The network's fit and loss, where the tutorials were re-made."""
    return [one for one in evidence.pictures.get(NETWORK, ()) if one.name in NETWORK_FIGURES]
