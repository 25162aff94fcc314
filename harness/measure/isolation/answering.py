"""The side of the process that works out exact answers: no solver ever runs in it."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from harness.measure.isolation.data import read_problem
from harness.measure.truth import Here, failed_wire, solved_wire, wire_of
from harness.solvers.training.trained import Trained
from harness.verify.reference_cache import FOLDER_VARIABLE


def serve(connection: Connection, data: int) -> None:
    """Answer orders until they end; `data`: the descriptor of the file that problems come in."""
    here = Here()
    with suppress(EOFError):  # the parent has gone
        while True:
            order = json.loads(connection.recv_bytes())
            try:
                answer = _answered(order, here, data)
            except Exception as error:  # noqa: BLE001  # the parent knows what to make of it
                answer = failed_wire(error)
            connection.send_bytes(json.dumps(answer, allow_nan=False).encode())


def _answered(order: Mapping[str, Any], here: Here, data: int) -> dict[str, Any]:
    """An order names the cache's folder, the problem's hash and, where an optimum is asked for, what was `trained`."""
    os.environ[FOLDER_VARIABLE] = order["cache"]
    try:
        problem = read_problem(data)
    except Exception as error:  # noqa: BLE001  # whatever a worker has written to the file
        return {"changed": f"{type(error).__name__}: {error}"}
    if problem.sha256 != order["sha256"]:
        return {"changed": "it has other numbers"}
    if "trained" in order:
        return solved_wire(here.solved(problem, Trained(**order["trained"])))
    return wire_of(here.reference(problem))
