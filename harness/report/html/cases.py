"""One case in full, as the page shows it where it is asked for, and how to reproduce it in five lines of Python."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.records.labels import file_of, model_of, table_words
from harness.records.record import Record
from harness.report.tables import case
from harness.report.words.case import terms

NUMBERS = tuple((column.title.lower(), column.kind) for column in case.IN_FULL)
"""What `values` of a case are, in this order."""
SAMPLE_PLACES = 4
"""Significant digits of a sample on the page: a clock's resolution is 1e-3 of the shortest call."""
MOST_TERMS = 100
"""Of a case on the page: a design of a thousand columns is looked at elsewhere."""
REPRODUCE = (
    "from harness.measure import one_case, plan",
    "from harness.problems.catalog import load",
    "from harness.solvers import catalog, options",
    "record = one_case.measure_alone(plan.single({call})).record",
    "print(record.status, record.message, record.accuracy.digits, record.accuracy.excess_loss, record.call_s)",
)


def reproduce(record: Record) -> str:
    """Five lines of Python that measure the case again and print what matters."""
    return "\n".join(REPRODUCE).replace("{call}", call(record))


def call(record: Record) -> str:
    """The arguments of `harness.measure.plan.single` that give the case: every name as a literal of Python's."""
    spec, asked = _source(record)
    named = ", ".join([repr(spec), *(f"{name}={value!r}" for name, value in asked.items())])
    options: dict[str, object] = {"device": record.device, "threads": record.threads, **record.options}
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"load({named}), catalog.get({record.solver!r}), options.Options({given})"


def command(record: Record) -> str:
    """The command line that measures the problem and the solver, with what is not the solver's default."""
    spec, asked = _source(record)
    words = ["harness", "run", "--problem", spec, *table_words(asked.pop("table", {}))]
    for name, value in asked.items():
        words += [f"--{name}", str(value)] if name != "intercept" else ["--no-intercept"]
    words += ["--solver", record.solver, "--device", record.device]
    words += [word for name in ("lr", "seed", "epochs") if name in record.options for word in _option(record, name)]
    return shlex.join(words)


def _option(record: Record, name: str) -> tuple[str, str]:
    value = record.options[name]
    return f"--{name}", str(value)


def _source(record: Record) -> tuple[str, dict[str, Any]]:
    """What to load, and what `load` takes beside it: the target's column of a file (`cars.csv:mpg` is both), ..."""
    path, target = file_of(record.problem)
    table = {"table": dict(record.table)} if record.table else {}
    return path, ({"target": target} if target else {}) | model_of(record.problem)[1] | table


def case_in_full(record: Record) -> dict[str, Any]:
    """What the page shows of a case: `values` by NUMBERS, `terms` with computed, exact and digits."""
    accuracy, samples = record.accuracy, record.samples
    each = record.epochs_per_call
    return {
        "status": record.status.value,
        "message": case.COLUMNS["message"].of(record),
        "advice": record.advice,
        "diagnosis": accuracy.diagnosis,
        "table": [f"left out: {one}" for one in record.columns_left_out] + list(record.notes),
        "dependences": [one.in_full for one in record.dependences],
        "unit": record.unit,
        "values": [column.of(record) for column in case.IN_FULL],
        "terms": _terms(record),
        "scores": [[part, r2, accuracy.mse.get(part)] for part, r2 in accuracy.r2.items()],
        "reached": [[name, epochs, record.seconds_to[name]] for name, epochs in accuracy.epochs_to.items()],
        "options": [[name, _text(value)] for name, value in _options(record).items()],
        "warnings": record.warnings,
        "wall_s": [float(f"{one / each:.{SAMPLE_PLACES}g}") for one in samples.wall_s],
        "call": call(record),
        "command": command(record),
    }


def _options(record: Record) -> Mapping[str, object]:
    tf32 = {} if record.tf32 is None else {"tf32 in force": record.tf32}
    return {"device": record.device, "threads": record.threads, **record.options, **tf32}


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(_text, value))
    return str(value)


def _terms(record: Record) -> Sequence[Sequence[Any]]:
    """Term, computed, exact and digits, the worst first where there are many."""
    rows = [term[:4] for term in terms(record)]
    if len(rows) > MOST_TERMS:
        rows.sort(key=lambda row: float("inf") if row[3] is None else row[3])
    return rows[:MOST_TERMS]
