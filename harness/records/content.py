"""Whether records are of the same data: identity is name and content."""

from collections.abc import Callable, Iterable

from harness.records.labels import file_of
from harness.records.record import Record

SHOWN = 8
"""Characters of a hash that a person sees: 32 bits tell the few versions of one file apart."""


def contents(records: Iterable[Record]) -> Callable[[Record], str]:
    """What tells the data of each of these records: the hash of all rows and of their split.

    A record from before that was kept has the hash of a later one with the same training rows, or theirs.
    """
    known = {record.problem_sha256: record.data_sha256 for record in records if record.data_sha256}
    return lambda record: record.data_sha256 or known.get(record.problem_sha256, record.problem_sha256)


def case_of_content(record: Record, content: Callable[[Record], str]) -> tuple[str, ...]:
    """What a case of one's own data is, whatever path its file was named by: target, content, solver and options.

    The same content by another path, or in a copy, is the same case. Of any other problem its key.
    """
    target = file_of(record.problem)[1]
    if not (record.is_own and target):
        return (record.case,)
    return (target, content(record), record.case.removeprefix(record.problem))
