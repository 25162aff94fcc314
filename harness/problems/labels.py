"""What the label of a problem says of its source and its model, so that whatever a table prints can be asked for again.

`cars.csv:mpg(--drop name)(weights=n)(no-intercept)`: a file and its target, what was said of the table, the column of
weights, and a model through the origin; `auto_mpg(no-intercept)` is a problem of the catalog.
"""

import os
import re
from pathlib import Path

from harness.problems.problem import NO_INTERCEPT, Problem
from harness.problems.table_options import options_of, said_in
from harness.problems.weights import weights_text

WEIGHTS = re.compile(r"(.*)\(weights=(.*)\)", re.DOTALL)
TABLE = re.compile(r"(.*?)\((--(?:features|drop|missing|no-header|delimiter|decimal)\b.*)\)", re.DOTALL)
"""What a label ends in that was made of other columns or rows of a table, or of a file that is read in another way."""
FILE = re.compile(r"(.+?\.(?:csv|parquet)):(.+)", re.DOTALL | re.IGNORECASE)
"""A file and its target."""


def model_of(label: str) -> tuple[str, dict[str, object]]:
    """The label of the problem as its source has it, and what `harness.problems.catalog.load` takes beside it."""
    plain = label.replace(NO_INTERCEPT, "")
    asked: dict[str, object] = {"intercept": False} if NO_INTERCEPT in label else {}
    if found := WEIGHTS.fullmatch(plain):
        plain, asked["weights"] = found.groups()
    if found := TABLE.fullmatch(plain):
        plain, asked["table"] = found[1], said_in(found[2])
    return plain, asked


def file_of(label: str) -> tuple[str, str]:
    """Path and target of a file's problem, `cars.csv:mpg`; of any other label the label, and no target."""
    plain, _ = model_of(label)
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
    said = model_of(problem.label)[1]
    words = options_of(problem.table).command_line
    weights = str(said["weights"]) if "weights" in said else ""
    table = f"({words})" if words else ""
    ending = (weights_text(weights) if weights else "") + ("" if problem.intercept else NO_INTERCEPT)
    return f"{absolute(Path(path))}:{target}{table}{ending}"
