"""Which benchmarks an asv suite has in a version, asked of its process file by file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.ab.process import Process
from harness.ab.version import Version
from harness.errors import CannotMeasureError, UsageError
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import START_S


@dataclass
class Suite:
    """What a version has of a suite.

    `benchmarks`: as suite_worker.py describes them, by name; `failed`: of each file that cannot be imported, and of
    each benchmark that cannot be made, what it said; `left`: the mem_ benchmarks, where there is no pympler.
    """

    benchmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def discovered(version: Version, root: Path) -> Suite:
    """Every benchmark of the suite in the folder `root`; a file that cannot be imported costs no other.

    Raises CannotMeasureError where the version does not start, UsageError where it has no asv_runner.
    """
    suite, waiting = Suite(), [root.name]
    while waiting:
        with Process(version) as worker:
            greeting = worker.greeting()
            if greeting["status"] != "ok":
                raise CannotMeasureError(f"{version.name}: {greeting['message']}")
            _ask(worker, version, root, waiting, suite)
    return suite


def _ask(worker: Process, version: Version, root: Path, waiting: list[str], suite: Suite) -> None:
    """Of one module after the other, those that turn up in packages too, until none is left or one ends the process."""
    while waiting:
        module = waiting.pop(0)
        try:
            worker.order({"do": "discover", "root": str(root), "module": module})
            answer = worker.answer(START_S)
        except WorkerLostError as error:
            suite.failed[_file(root, module)] = str(error)
            return
        if answer["status"] != "ok":
            message = str(answer["message"])
            if "No module named 'asv_runner'" in message:
                raise UsageError(f"--asv-suite needs asv_runner: {version.python} -m pip install 'ls-harness[asv]'")
            suite.failed[_file(root, module)] = message
            continue
        waiting += answer["modules"]
        suite.benchmarks |= {one["name"]: one for one in answer["benchmarks"]}
        suite.failed |= answer["failed"]
        suite.left += answer["left"]


def _file(root: Path, module: str) -> str:
    """Where a module of the suite is, from beside its folder."""
    path = Path(*module.split("."))
    return str(path / "__init__.py" if (root.parent / path).is_dir() else path.with_suffix(".py"))
