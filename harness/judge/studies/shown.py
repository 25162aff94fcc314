"""Which known findings a case shows: by its solver, the library's version and how it ended."""

from collections.abc import Iterable, Mapping, Sequence

from harness.judge.studies.finding import Finding
from harness.judge.studies.symptom import Expected
from harness.records.record import Record

WEIGHTED, THROUGH_THE_ORIGIN = ("heavy", "(weights="), ("noint", "(no-intercept")
"""Of a problem's label: what says that its rows have weights, and that it has no intercept."""


def shown(
    findings: Sequence[Finding], records: Iterable[Record], versions: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """By case the ids of the findings that it shows, `versions` being those of the libraries that it ran with."""
    found = {one.case: tuple(f.id for f in findings if shows(f, one, versions)) for one in records}
    return {case: ids for case, ids in found.items() if ids}


def shows(finding: Finding, record: Record, versions: Mapping[str, str]) -> bool:
    """Whether a case of any data ended as the finding's own case does, by its solver and in a version that has it.

    What one record cannot show, that repeats differ, is not shown by it. A rank below that of the finding's data is
    one below the rank of the record's. Data with weights, or without an intercept, show only what was found on such.
    """
    version = versions.get(finding.library, "")
    if finding.expect is None or finding.solver != record.solver or not version or not finding.is_bad(version):
        return False
    through_the_origin = _says(finding.problem or "", THROUGH_THE_ORIGIN)
    if finding.weighted != _says(record.problem, WEIGHTED) or through_the_origin != _says(
        record.problem, THROUGH_THE_ORIGIN
    ):
        return False
    return all(_holds(finding.expect, record))


def _says(problem: str, words: tuple[str, ...]) -> bool:
    return any(word in problem for word in words)


def _holds(expect: Expected, record: Record) -> Iterable[bool]:
    accuracy = record.accuracy
    if expect.different_min is not None:
        yield False
    if expect.status is not None:
        yield record.status is expect.status
    if expect.rank is not None:
        yield accuracy.rank is not None and accuracy.rank != accuracy.rank_of_data
    if expect.warned is not None:
        yield bool(record.warnings) is expect.warned
    if expect.message is not None:
        yield expect.message in record.message
    for value, low, high in (
        (accuracy.digits, expect.digits_min, expect.digits_max),
        (accuracy.standard_error_digits, None, expect.standard_error_digits_max),
    ):
        if low is not None or high is not None:
            yield value is not None and (low is None or value >= low) and (high is None or value <= high)
