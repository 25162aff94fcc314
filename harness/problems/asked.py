"""The problems that a person asks for together: names, files, folders of files, and what is said of all of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.problems import catalog
from harness.problems.labels import file_of
from harness.problems.model import ANY, Model
from harness.problems.problem import FILE_SUFFIXES, OWN, Problem


def asked_problems(
    specs: Sequence[str], model: Model = ANY, sizes: Sequence[int] = ()
) -> Iterator[tuple[str, Problem]]:
    """Each problem once, at each of the `sizes`, with the name that it was found by; a folder stands for its tables.

    A file that is named by several paths, or lies there twice with the same content, is one problem: the first. Raises
    UsageError as `catalog.load` does, and for a folder without a table.
    """
    seen: set[tuple[object, ...]] = set()
    for spec in dict.fromkeys(one for named in specs for one in _in_folder(named)):
        for n in sizes or (None,):
            problem = catalog.load(
                spec, n=n, target=model.target, weights=model.weights, intercept=model.intercept, table=model.table
            )
            content = (problem.content_sha256, problem.target, problem.features) if problem.family == OWN else ()
            if not content or content not in seen:
                yield spec, problem
            seen.add(content)


def _in_folder(spec: str) -> list[str]:
    """The tables of a folder, by name; anything else as it is."""
    folder = Path(spec)
    if spec in catalog.names() or file_of(spec)[1] or not folder.is_dir():
        return [spec]
    found = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in FILE_SUFFIXES)
    if not found:
        raise UsageError(f"{spec}: the folder has no .csv and no .parquet file")
    return found
