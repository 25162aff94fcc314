"""One case as it ended: every number that is known of it, described once.

To add a metric, add its column to COLUMNS and its key to the media below that show it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.judge.studies.bars import dtype_of, other_rank
from harness.records.labels import text_of
from harness.records.record import SPLITS, TOLERANCE_NAMES, Record, Status
from harness.report.tables import numbers as show
from harness.report.tables.column import Column, Kind, by_key, pick

R_SQUARED_WIDTH = 7
"""Of a column that shows R² with four decimal places: -0.1234."""
SHOWN_TOLERANCE = "1e-4"
"""Of the tolerances, the one that a run's table has room for."""


def _by_split(name: str, what: str) -> Iterator[Column[Record]]:
    for part in SPLITS:
        yield Column(f"{name}_{part}", "", Kind.NUMBER, f"{what} of the {part} rows", f"accuracy.{name}.{part}")


def _to_tolerances(what: str, kind: Kind, meaning: str, mapping: str) -> Iterator[Column[Record]]:
    for name in TOLERANCE_NAMES:
        yield Column(f"{what}_to_{name}", "", kind, meaning.format(name), value=f"{mapping}.{name}")


def _last_score(record: Record) -> float | None:
    score = show.last_split(record.accuracy.r2)
    refused = record.status is Status.RANK_DEFICIENT and record.accuracy.digits is None
    return None if score is None or refused else score[1]


def _last_score_text(record: Record) -> str:
    """Four decimal places, where they fit into the column: a training that diverged is far below 0."""
    value = _last_score(record)
    if value is None:
        return ""
    return text if len(text := f"{value:.4f}") <= R_SQUARED_WIDTH else f"{value:.0e}"


def _last_split(record: Record) -> str:
    score = show.last_split(record.accuracy.r2)
    return "" if score is None else score[0]


def _call_cpu_s(record: Record) -> float | None:
    cpu_s = record.samples.median_cpu_s
    return None if cpu_s is None else cpu_s / record.epochs_per_call


def _options(record: Record) -> str:
    return " ".join(f"{name}={text_of(value)}" for name, value in record.options.items())


def _epochs_text(record: Record) -> str:
    epochs = record.accuracy.epochs_to
    reached = epochs.get(SHOWN_TOLERANCE)
    return "" if not epochs else "censored" if reached is None else f"{reached} ep"


def ranks(record: Record) -> str:
    """Rank found over exact rank, a question mark where the solver gives none."""
    found, exact = record.accuracy.rank, record.accuracy.exact_rank
    return f"{'?' if found is None else found}/{'?' if exact is None else exact}"


def accuracy_label(record: Record) -> str:
    """The solver, and what tells its rows apart in a table of accuracy: float32, and any device but the CPU."""
    extra = [part for part in (dtype_of(record), record.device) if part not in ("float64", "cpu")]
    return " ".join([record.solver, *extra])


def _why_not_fine(record: Record) -> str:
    """The status unless that is ok, the diagnosis, then the message.

    A message that only says which ranks differ would repeat the column beside it.
    """
    status = "" if record.status is Status.OK else record.status.value
    verdict = ", ".join(filter(None, (status, record.accuracy.diagnosis)))
    reason = "another rank" if other_rank(record) else record.message
    return ": ".join(filter(None, (verdict, reason))) or "more than half of the digits lost"


def accuracy_style(record: Record) -> str:
    """The colour of a status in a table of accuracy: most cells are ok, and plain."""
    plain = {Status.OK: "", Status.RANK_DEFICIENT: "yellow", Status.UNSUPPORTED: "dim"}
    return plain.get(record.status, "red")


COLUMNS = by_key(
    Column("problem", "Problem", help="the problem with its parameters; data in memory by a hash of theirs", least=10),
    Column("solver", "Solver", help="the solver's name"),
    Column("label", "Solver", help="the solver's name, with the engine of a training that is not the loop", least=14),
    Column("accuracy_label", "Solver", help="the solver, with its arithmetic and device where they are not the usual",
        value=accuracy_label, least=10),
    Column("device", "Device", help="cpu or cuda", spare=2),
    Column("n", "Rows trained on", Kind.WHOLE, "training rows", head="n"),
    Column("p", "Features", Kind.WHOLE, "features, the intercept not counted"),
    Column("lr", "lr", Kind.SMALL, "learning rate; missing for a closed form",
        "options.lr", show.learning_rate, spare=1),
    Column("seed", "", Kind.WHOLE, "of initial weights and batch order", "options.seed"),
    Column("status", "Status", Kind.STATUS, "how the case ended: ok, not_converged, wrong, ...",
        style=lambda record: "red" if record.failed else "", least=9),
    Column("dtype", help="the arithmetic of the solver", value=dtype_of),
    Column("digits", "Digits", Kind.DIGITS, "correct significant digits of the worst coefficient, at most 15",
        "accuracy.digits"),
    Column("excess_loss", "Excess loss", Kind.SMALL,
        "relative excess, (L - L*) / L*, of the objective that was trained; missing where its optimum is unknown",
        "accuracy.excess_loss", head="excess", spare=5),
    Column("excess_relative_to", "Relative to", help="what the excess loss is relative to: optimum, ridge optimum, ...",
        value="accuracy.excess_relative_to"),
    Column("fit_s", "Fit", Kind.SECONDS, "median wall seconds of a whole fit"),
    Column("call_s", "One call", Kind.SECONDS, "median wall seconds of one timed call, a fit or an epoch"),
    Column("call_cpu_s", "One call, CPU", Kind.SECONDS, "median CPU seconds of one timed call", _call_cpu_s),
    Column("unit", "of", help="what one call is: fit or epoch", spare=6),
    *_by_split("r2", "coefficient of determination"),
    *_by_split("mse", "mean squared error, in the target's unit squared,"),
    *_to_tolerances("epochs", Kind.WHOLE, "epochs until the excess loss is {}; missing where censored",
        "accuracy.epochs_to"),
    *_to_tolerances("seconds", Kind.SECONDS, "wall seconds until it is {}, by the median epoch", "seconds_to"),
    Column("epochs_to", f"to {SHOWN_TOLERANCE}", Kind.NUMBER, "epochs to each tolerance, null where censored",
        lambda record: dict(record.accuracy.epochs_to), _epochs_text, spare=3),
    Column("seconds_to", "", Kind.NUMBER, "seconds to each tolerance", lambda record: dict(record.seconds_to)),
    Column("r2", "R²", Kind.NUMBER, "of the test rows; without them of the validation's, else of the training's",
        _last_score, _last_score_text, head="R²", spare=4),
    Column("split", "R² of", help="the rows that R² is of", value=_last_split, spare=8),
    Column("backward_error", "Backward error", Kind.SMALL,
        "how far the design must move, relatively, for the answer to be exact",
        "accuracy.backward_error", head="backward", spare=1),
    Column("condition_number", "Condition number", Kind.SMALL,
        "of the design: its logarithm is what it may cost of digits",
        "accuracy.condition_number", spare=6),
    Column("rank", "Rank", Kind.WHOLE, "of the design, as the solver found it; missing where it tells none",
        "accuracy.rank"),
    Column("exact_rank", "Exact rank", Kind.WHOLE, "of the float64 design, in exact arithmetic",
        "accuracy.exact_rank", spare=7),
    Column("data_rank", "Rank of the data", Kind.WHOLE, "what remains of it when every entry may move in its rounding",
        "accuracy.data_rank", spare=2),
    Column("rank_margin", "Margin of the rank", Kind.SMALL,
        "the singular value that decides the data's rank, over its bound: above 1 all directions count; 0 is exact",
        "accuracy.rank_margin", spare=9),
    Column("dependences", "Dependent columns", help="which columns of the data depend on each other, as equations",
        value=lambda record: "; ".join(one.in_full for one in record.dependences)),
    Column("left_out", "Columns left out", help="each column of a table that is not used, with the reason",
        value=lambda record: ", ".join(record.columns_left_out)),
    Column("notes", help="what else was done to a table", value=lambda record: "; ".join(record.notes)),
    Column("ranks", "Rank", Kind.NUMBER, "rank found over exact rank", ranks, ranks, spare=2),
    Column("standard_error_digits", "Digits of standard errors", Kind.DIGITS,
        "correct digits of the worst standard error",
        "accuracy.standard_error_digits"),
    Column("residual_sd_digits", "", Kind.DIGITS, "correct digits of the residual standard deviation",
        "accuracy.residual_sd_digits"),
    Column("r_squared_digits", "", Kind.DIGITS, "correct digits of R²", "accuracy.r_squared_digits"),
    Column("diagnosis", help="whether the problem or the solver is to blame", value="accuracy.diagnosis"),
    Column("prepare_s", "Preparation", Kind.SECONDS, "wall seconds of the preparation, which is not in fit_s"),
    Column("device_start_s", "Start of the device", Kind.SECONDS,
        "seconds of its context, libraries and first product, once a process"),
    Column("draw_s", "Drawing of an epoch", Kind.SECONDS,
        "median seconds to draw the order of an epoch's rows and copy it to the device, which is not in call_s"),
    Column("transfer_in_s", "Transfer in", Kind.SECONDS, "median seconds of a copy of the training rows to the device"),
    Column("transfer_out_s", "Transfer out", Kind.SECONDS, "median seconds of a copy of the result back"),
    Column("peak_bytes", "Peak memory", Kind.BYTES, "most memory of the host that the fit held"),
    Column("device_peak_bytes", "Peak memory of the device", Kind.BYTES, "most memory of the device that the fit took"),
    Column("device_held_bytes", "Held on the device", Kind.BYTES, "memory of the device that was held before the fit"),
    Column("device_clock_hz", "Clock of the device", Kind.NUMBER, "Hz, at work, after it was timed", text=".4g"),
    Column("thinned_from", "Calls that were timed", Kind.WHOLE,
        "calls that were timed, where only some of the samples are kept"),
    Column("threads", "", Kind.WHOLE, "of BLAS, OpenMP and torch"),
    Column("options", help="every other option that the solver ran with", value=_options),
    Column("message", help="what went wrong, what holds a training up, or why it is unsupported",
        value=lambda record: "; ".join(filter(None, (record.message or record.samples.error, record.plateau)))),
    Column("advice", help="what to do about the status"),
    Column("case", help="the identity of the case over runs"),
    Column("why", help="why the case is not fine", value=_why_not_fine, style=accuracy_style, least=20),
)  # fmt: skip

TOLERANCES = " ".join(f"{what}_to_{name}" for what in ("epochs", "seconds") for name in TOLERANCE_NAMES)
FRAME = pick(
    COLUMNS,
    "problem solver device n p lr seed status digits excess_loss excess_relative_to fit_s call_s unit "
    + " ".join(f"{score}_{part}" for score in ("r2", "mse") for part in SPLITS)
    + f" {TOLERANCES} backward_error condition_number rank exact_rank data_rank rank_margin "
    "standard_error_digits prepare_s device_start_s draw_s transfer_in_s transfer_out_s peak_bytes device_peak_bytes "
    "device_held_bytes device_clock_hz threads options "
    "dependences left_out notes message advice case",
)
"""Of `harness.run` and `harness.load`, one row a case."""
TERMINAL = pick(COLUMNS, "label device lr call_s unit digits excess_loss epochs_to r2 status")
NOTEBOOK = pick(COLUMNS, "problem label device lr call_s digits excess_loss r2 status")
NOT_FINE = pick(COLUMNS, "problem accuracy_label digits backward_error ranks why")
"""Of the cells that an accuracy run calls not fine, on a console and in Markdown."""
IN_FULL = pick(
    COLUMNS,
    "digits excess_loss backward_error condition_number rank exact_rank data_rank rank_margin standard_error_digits "
    "call_s call_cpu_s fit_s prepare_s device_start_s draw_s transfer_in_s transfer_out_s peak_bytes device_peak_bytes "
    "device_held_bytes device_clock_hz thinned_from n p",
)
"""The numbers of one case on the page, where it is shown in full."""
JSON = pick(
    COLUMNS,
    "problem solver dtype device status message digits standard_error_digits residual_sd_digits r_squared_digits "
    "backward_error diagnosis rank exact_rank data_rank rank_margin dependences condition_number",
)
"""Of an accuracy run."""
LABEL = replace(COLUMNS["label"], key="solver")
"""On the page a row's `solver` is the label, by which it is filtered."""
WHO: tuple[Column[Any], ...] = (LABEL, *pick(COLUMNS, "problem device lr"))
"""By which the page's reader knows a case, and filters."""
PAGE = (
    *WHO,
    *pick(
        COLUMNS,
        "status digits excess_loss rank exact_rank data_rank rank_margin condition_number backward_error dependences "
        "r2 split",
    ),
)
