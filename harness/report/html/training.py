"""Section 4: loss by epoch, cost to the target by learning rate, who is best, held-out loss, the network."""

from dataclasses import replace

from harness.judge.training.contest import EPOCHS, SECONDS
from harness.judge.training.convergence import SweepSummary, summarise
from harness.judge.training.scores import Pair, Score
from harness.records.sweep import Sweep
from harness.report.figures import training_rows as rows
from harness.report.figures.budgets import budgets_figure
from harness.report.figures.cost_by_rate import profile_figure, targets_figure
from harness.report.figures.figure import Figure
from harness.report.figures.loss_by_epoch import rates_figure, rivals_figure
from harness.report.figures.rows import Row
from harness.report.html import training_traces as traces
from harness.report.html.evidence import Evidence
from harness.report.html.section import Note, Part, Section, Table, table_of
from harness.report.html.training_words import conclusion, details
from harness.report.tables import scores as scored
from harness.report.tables import suite
from harness.report.tables.sweep import page_cells
from harness.report.tables.tunings import OPTIMAL, OPTIMAL_EXPLAINED, PAGE_BEST, Tuned, with_optimal
from harness.report.words import sweep as words
from harness.report.words.by_rate import why_not_by_rate
from harness.report.words.over_workloads import budget_sentences, profile_sentence, score_sentence
from harness.report.words.sweep_document import ended

NETWORK, NETWORK_FIGURES = "sine", ("tutorial_sine_network", "tutorial_sine_loss")
"""The tutorial whose network is shown here, and its figures that are: the others stay with the tutorials."""
NO_SWEEP = (
    "No sweep over learning rates and seeds is stored: harness sweep --problem make_regression makes one, which the"
    " next page shows."
)


def section(evidence: Evidence) -> Section:
    """The sweep's figures and tables, the traces of the run, and the network on the sine."""
    summary = summarise(evidence.cells) if evidence.cells else None
    learned = traces.held_out(evidence.records)
    sentences = [] if summary is None else conclusion(summary)
    parts: list[Part] = [] if summary is None else _swept(summary, evidence.sweep)
    if learned:
        parts += [
            replace(traces.figure(traces.shown(learned), len(learned)), conclusion=traces.sentence(learned)),
            traces.table(learned),
        ]
        sentences = sentences or [traces.sentence(learned)]
    parts += _network(evidence)
    missing = NO_SWEEP if summary is None else ""
    return Section("training", "Training", " ".join(sentences), tuple(parts), missing)


def _swept(summary: SweepSummary, sweep: Sweep | None) -> list[Part]:
    parts: list[Part] = [
        *_suite(sweep),
        *_scored(summary),
        *map(Note, details(summary)),
        _best(summary),
        *_optimal(summary),
        *_figures(summary),
        _every(summary),
    ]
    if sweep is not None:
        parts.append(Note(f"Sweep {sweep.id} ({sweep.command}): {'; '.join(ended(sweep, summary))}."))
    return parts


def _suite(sweep: Sweep | None) -> list[Part]:
    """The workloads of a named suite, and how their targets were set."""
    if sweep is None or not sweep.suite:
        return []
    caption = f"{sweep.suite['title']}. {' '.join(sweep.suite['targets'].split())}"
    rows_of_it = suite.rows(sweep.suite)
    return [table_of("training_suite", caption, suite.COLUMNS, rows_of_it, lambda one: {"problem": one.problem})]


def _scored(summary: SweepSummary) -> list[Part]:
    """Scores over several workloads by each measure, who beats whom, and how that changes with the tries."""
    found: list[Part] = []
    for one in summary.scores:
        name = one.measure.replace(" ", "_").replace("-", "_")
        caption = f"{score_sentence(one)} {scored.EXPLAINED[1]}"
        found.append(table_of(f"training_scores_{name}", caption, scored.SCORE, one.scores, _named))
    for one in summary.scores[:1]:
        caption = f"Who beats whom, by {one.measure}, on how many workloads and by how much."
        found.append(table_of("training_pairs", caption, scored.PAIR, one.pairs, _named))
    if summary.budgets:
        found.append(budgets_figure(summary.budgets, len(summary.tasks)))
        found += map(Note, budget_sentences(summary))
    return found


def _named(one: Score | Pair) -> Row:
    return {"optimizer": one.optimizer}


def _figures(summary: SweepSummary) -> list[Figure]:
    """What there is to draw: nothing of what was not run or that nobody solved."""
    names = list(dict.fromkeys(cell.optimizer for cell in summary.cells))
    rivals, rates = rows.rival_rows(summary), rows.curve_rows(summary)
    found = [rivals_figure(rivals, rows.drawn_names(rivals, names))] if rivals and len(names) > 1 else []
    for measure in (EPOCHS, SECONDS):
        targets = rows.target_rows(summary, measure)
        found += [targets_figure(targets, measure, rows.drawn_names(targets, names))] if targets else []
    found += [rates_figure(rates)] if rates else []
    solved = [one for one in summary.profiles if any(one.share(label, float("inf")) for label in one.ratios)]
    said = " ".join(conclusion(summary))
    found = [replace(one, conclusion=said) for one in found]
    if solved:
        profiles = rows.profile_rows(solved, summary)
        sentences = " ".join(profile_sentence(one) for one in solved)
        found.append(replace(profile_figure(profiles, rows.drawn_names(profiles, names)), conclusion=sentences))
    return found


def _best(summary: SweepSummary) -> Table:
    seeds = sorted({len(cell.cell.seeds) for cell in summary.cells if cell.reaches})
    over = f", medians over {words.between(seeds, 'seed')}" if seeds else ""
    tuned = [
        Tuned(tuning, task)
        for task in summary.tasks
        for tuning in (*rows.ordered(task), *(left for left in task.tunings if not left.run))
    ]

    def named(one: Tuned) -> Row:
        return {**rows.keys(one.subject), "lr": one.tuning.best and one.tuning.best.lr}

    return table_of("training_best", f"Optimizers at their best learning rates{over}.", PAGE_BEST, tuned, named)


def _optimal(summary: SweepSummary) -> list[Part]:
    """Measured and optimal constants, where these are known, and why a training takes other epochs than its rate."""
    known = [row for task in summary.tasks for row in with_optimal(task)]
    caption = f"Measured and optimal constants. {OPTIMAL_EXPLAINED}"
    if not known:
        return []
    why = [Note(line) for task in summary.tasks for line in why_not_by_rate(task)]
    return [table_of("training_optimal", caption, OPTIMAL, known, lambda one: rows.keys(one.subject)), *why]


def _every(summary: SweepSummary) -> Table:
    columns, trained = page_cells(summary)
    caption = "Every learning rate; a dash is censored: not reached."
    return table_of("training_every", caption, columns, trained, lambda one: rows.keys(one.cell))


def _network(evidence: Evidence) -> list[Part]:
    """The network's fit and loss, where the tutorials were re-made."""
    return [one for one in evidence.pictures.get(NETWORK, ()) if one.name in NETWORK_FIGURES]
