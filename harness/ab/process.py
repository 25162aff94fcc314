"""A version's worker process seen from its parent: orders, and answers with a deadline."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from harness.ab.layout import Layout, laid_out
from harness.ab.project import modules
from harness.ab.version import Version
from harness.errors import CannotMeasureError
from harness.files.strict_json import parsed_json
from harness.judge.versions.ab_accuracy import IMPORT_ADVICE
from harness.measure.isolation.ending import WorkerLostError
from harness.measure.isolation.transport import START_S, Child
from harness.records.ab import FAILED_IMPORT, Side
from harness.records.environment import libraries
from harness.solvers.status import Status
from harness.timing.threads import ONE_THREAD

SCRIPT = Path(__file__).with_name("worker.py")
STRANGE = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
"""What would put other modules than the version's own on sys.path."""
Answer = dict[str, Any]


class Worker(Protocol):
    """Whatever takes orders and answers each; tests put a fake one here."""

    def order(self, order: Mapping[str, object]) -> None:
        """Give an order; of a worker that has ended the answer says how."""

    def answer(self, deadline_s: float) -> Answer:
        """The next answer. Raises WorkerLostError."""

    def stop(self) -> None:
        """End it, whatever it does."""


class Process(Child):
    """A worker in a process of its own, whose answers are awaited for so long."""

    def __init__(self, version: Version, layout: Layout | None = None) -> None:
        """Start it; it is not waited for. Raises CannotMeasureError where the interpreter cannot be started."""
        names = [*dict.fromkeys((*libraries(), *(one.name for one in version.held)))]
        command, environment = laid_out([str(version.python), "-P", str(SCRIPT)], one_thread(), layout)
        try:
            super().__init__(command, environment=environment)
        except OSError as error:
            raise CannotMeasureError(f"{version.name}: {version.python} cannot be started: {error.strerror}") from None
        self._name = version.name
        own = version.tree is not None and version.package is not None
        self.order(
            {
                "paths": version.paths,
                "libraries": names,
                "scratch": str(version.scratch) if version.scratch else None,
                "pages": layout.pages if layout else 0,
                "folder": str(version.tree) if own else None,
                "modules": modules(version.package) if own and version.package else (),
            }
        )

    def __enter__(self) -> Self:
        """It has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    def order(self, order: Mapping[str, object]) -> None:
        """Give an order; of a process that has died the answer says how. Raises WorkerLostError once that was said."""
        self.send(order)

    def answer(self, deadline_s: float) -> Answer:
        """The next answer, waited for `deadline_s` seconds. Raises WorkerLostError; a late worker is ended."""
        message = self.receive(deadline_s)
        if message is None:
            raise self.lost(Status.TIMEOUT, f"no answer within {deadline_s:.0f} s")
        answer: Answer = parsed_json(message.decode())
        return answer

    def greeting(self) -> Answer:
        """What it says first. Raises CannotMeasureError where it does not start."""
        try:
            return self.answer(START_S)
        except WorkerLostError as error:
            raise CannotMeasureError(f"{self._name}: {error}") from None


def one_thread() -> dict[str, str]:
    """The environment of this process, with one thread for every library and nothing that changes sys.path."""
    kept = {name: value for name, value in os.environ.items() if name not in STRANGE}
    return kept | dict.fromkeys(ONE_THREAD, "1")


class FailedImportError(CannotMeasureError):
    """A version cannot be measured since a library under it cannot be imported; `why` says which, and how."""

    def __init__(self, side: str, why: str) -> None:
        super().__init__(f"{side} {why}. {IMPORT_ADVICE}")
        self.why = f"{side} {why}"


def identify(version: Version, side: str = "") -> Side:
    """Start the version once: what it runs on. `side`: what an error calls it, its name unless said.

    Raises FailedImportError where a library under it cannot be imported, and
    CannotMeasureError where it does not start, has no harness to measure with, or another than its own.
    """
    with Process(version) as worker:
        greeting = worker.greeting()
    if greeting["status"] != "ok":
        if greeting["message"].startswith(FAILED_IMPORT) and (version.commit is None or version.scratch is not None):
            raise FailedImportError(f"the {side}" if side else version.name, greeting["message"])
        if version.scratch is not None:
            raise CannotMeasureError(f"{version.name}: {greeting['message']}")
        hint = "" if version.package else f"; install the harness into {version.python}"
        raise CannotMeasureError(f"{version.name} has no harness.suite to measure with: {greeting['message']}{hint}")
    found = Path(greeting["file"]).resolve()
    if (
        version.scratch is None
        and version.tree is None
        and version.package is not None
        and version.package.resolve() not in found.parents
    ):
        raise CannotMeasureError(f"{version.name}: {version.python} imports {found}, not {version.package}/harness")
    return Side(
        name=version.name,
        commit=version.commit,
        python=greeting["python"],
        versions=dict(greeting["versions"]),
        libraries=version.held,
    )
