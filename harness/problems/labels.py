"""What the label of a problem says of its source and its model, so that whatever a table prints can be asked for again.

`cars.csv:mpg(--drop name)(weights=n)(no-intercept)`: a file and its target, what was said of the table, the column of
weights, and a model through the origin; `auto_mpg(no-intercept)` is a problem of the catalog.
"""

import os
import re
from pathlib import Path

from harness.problems.model import Model
from harness.problems.problem import NO_INTERCEPT, Problem
from harness.problems.table_options import NOTHING_SAID, options_of, said_in
from harness.problems.weights import weights_text

WEIGHTS = re.compile(r"(.*)\(weights=(.*)\)", re.DOTALL)
TABLE = re.compile(r"(.*?)\((--(?:features|drop|missing|no-header|delimiter|decimal)\b.*)\)", re.DOTALL)
"""What a label ends in that was made of other columns or rows of a table, or of a file that is read in another way."""
FILE = re.compile(r"(.+?\.(?:csv|parquet)):(.+)", re.DOTALL | re.IGNORECASE)
"""A file and its target."""


def read_label(label: str) -> tuple[str, Model]:
    """The label of the problem as its source has it, and what it says of the model."""
    plain = label.replace(NO_INTERCEPT, "")
    weights, table = None, NOTHING_SAID
    if found := WEIGHTS.fullmatch(plain):
        plain, weights = found.groups()
    if found := TABLE.fullmatch(plain):
        plain, table = found[1], options_of(said_in(found[2]))
    return plain, Model(weights=weights, intercept=NO_INTERCEPT not in label, table=table)


def model_of(label: str) -> tuple[str, dict[str, object]]:
    """The same, as what `harness.problems.catalog.load` takes beside it."""
    plain, model = read_label(label)
    asked: dict[str, object] = {} if model.intercept else {"intercept": False}
    asked |= {} if model.weights is None else {"weights": model.weights}
    table = model.table.given()
    return plain, asked | ({"table": table} if table else {})


def file_of(label: str) -> tuple[str, str]:
    """Path and target of a file's problem, `cars.csv:mpg`; of any other label the label, and no target."""
    plain, _ = read_label(label)
    found = FILE.fullmatch(plain)
    return (found[1], found[2]) if found else (plain, "")


def shown_path(path: Path) -> Path:
    """One path for however a file was named: below the working folder from there, else from the root; links stay."""
    whole, here = Path(absolute(path)), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def absolute(path: Path) -> str:
    """The path from the root, `..` and `.` worked out and links as they are."""
    return os.path.abspath(path)  # noqa: PTH100  # of pathlib's, `absolute` leaves `..` and `resolve` follows links


def spec_of(problem: Problem) -> str:
    """What has another process load a problem of a file, whatever its folder; of any other problem its label."""
    path, target = file_of(problem.label)
    if not target:
        return problem.label
    words, weights = options_of(problem.table).command_line, read_label(problem.label)[1].weights
    table = f"({words})" if words else ""
    ending = (weights_text(weights) if weights else "") + ("" if problem.intercept else NO_INTERCEPT)
    return f"{absolute(Path(path))}:{target}{table}{ending}"
