"""Which case a person means: by its key, or by a problem, a solver and options."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import UsageError, unknown
from harness.history.sources import Launch
from harness.problems import catalog
from harness.problems.labels import file_of
from harness.problems.model import ANY, Model
from harness.problems.problem import FILE_SUFFIXES
from harness.records.asked import of_problem
from harness.records.content import case_of_content, contents
from harness.records.record import Record

WORDS = re.compile(r"(?:\([^()]*\)|\S)+")
"""Of a case in one string: a label may have spaces between its parentheses, `cars.csv:mpg(--drop name)`."""


def of_case(launches: Sequence[Launch], asked: str | Sequence[str], model: Model = ANY) -> tuple[str, list[Launch]]:
    """The case that `asked` names (see `named_case`) and its launches, those of the same data by another path too."""
    records = [launch.record for launch in launches]
    case, content = named_case(records, asked, model), contents(records)
    alike = {case_of_content(record, content) for record in records if record.case == case}
    return case, [
        launch for launch in launches if launch.record.case == case or case_of_content(launch.record, content) in alike
    ]


def named_case(records: Iterable[Record], asked: str | Sequence[str], model: Model = ANY) -> str:
    """The key of the case that the words name, or one string of them: its key, or problem, solver and any options.

    `model`: what is said of the problem beside them. A case of the same data by another path is the same case.

    Raises UsageError for a name that no record has, with the nearest, for one that several cases have, and for a file
    that cannot be read.
    """
    given = [asked] if isinstance(asked, str) else list(asked)
    every, text = list(records), " ".join(given)
    content = contents(every)
    cases = {record.case: record for record in every}
    if text in cases:
        return text
    problem, *words = given if len(given) > 1 else WORDS.findall(text)
    found = [one for one in of_problem_here(list(cases.values()), problem, model) if _has(one, words)] if words else []
    if not found:
        raise unknown("case", text, {f"{_name(record)} {record.solver}" for record in cases.values()})
    if len({case_of_content(one, content) for one in found}) > 1:
        keys = "; ".join(sorted(shlex.quote(one.case) for one in found))
        raise UsageError(f"'{text}' names {len(found)} cases: say which by an option: {keys}")
    return found[-1].case


def of_problems(records: Sequence[Record], named: Sequence[str], model: Model = ANY) -> list[Record]:
    """The records of these problems; all of them if none is named.

    Raises UsageError for a problem that no record is of.
    """
    if not named:
        return list(records)
    chosen: list[Record] = []
    for problem in named:
        found = of_problem_here(records, problem, model)
        if not found:
            raise unknown("problem in this run", problem, {_name(one) for one in records})
        chosen += found
    return [one for one in records if any(one is other for other in chosen)]


def of_problem_here(records: Sequence[Record], named: str, model: Model = ANY) -> list[Record]:
    """The records of a problem, as `of_problem` finds them; of a file that none is of, those of what lies in it.

    Raises UsageError for a file that cannot be read.
    """
    found = of_problem(records, named, model)
    path = Path(file_of(named)[0])
    if found or path.suffix.lower() not in FILE_SUFFIXES or not path.is_file():
        return found
    loaded = catalog.load(
        named, target=model.target, weights=model.weights, intercept=model.intercept, table=model.table
    )
    content = loaded.content_sha256, loaded.target
    return [one for one in records if (one.data_sha256, file_of(one.problem)[1]) == content]


def _has(record: Record, words: Sequence[str]) -> bool:
    """A solver, then any other words of the case's key."""
    solver, *rest = words
    return solver in (record.solver, record.label) and set(rest) <= set(record.case.split())


def _name(record: Record) -> str:
    """How a person may name its problem."""
    return record.problem if record.is_own else record.problem_name
