"""Whether records are of the same data: identity is name and content."""

from collections.abc import Callable, Iterable

from harness.records.record import Record

SHOWN = 8
"""Characters of a hash that a person sees: 32 bits tell the few versions of one file apart."""


def contents(records: Iterable[Record]) -> Callable[[Record], str]:
    """What tells the data of each of these records: the hash of all rows and of their split.

    A record from before that was kept has the hash of a later one with the same training rows, or theirs.
    """
    known = {record.problem_sha256: record.data_sha256 for record in records if record.data_sha256}
    return lambda record: record.data_sha256 or known.get(record.problem_sha256, record.problem_sha256)
