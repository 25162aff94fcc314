"""Solvers of somebody's that go wrong, each in its way, and one that does not."""

import os
import time
import warnings
from typing import Any

import numpy as np


def good(X: Any, y: Any) -> Any:
    return np.linalg.lstsq(X, y, rcond=None)[0]


def hangs(X: Any, y: Any) -> Any:
    time.sleep(3600)


def ends(X: Any, y: Any) -> Any:
    os._exit(7)


def aborts(X: Any, y: Any) -> Any:
    os.abort()


def leaves(X: Any, y: Any) -> Any:
    raise SystemExit(3)


def forks(X: Any, y: Any) -> Any:
    """Both go on, the child too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this process has threads
        child = os.fork()
    if child:
        os.waitpid(child, 0)
    return good(X, y)


def changes(X: Any, y: Any) -> Any:
    np.seterr(all="raise")
    os.environ["OWN_SOLVER"] = "was here"
    os.chdir("/")
    return good(X, y)


def looks(X: Any, y: Any) -> Any:
    """Fits only where nothing of `changes` is left."""
    if "OWN_SOLVER" in os.environ or os.getcwd() == "/" or np.geterr()["invalid"] == "raise":  # noqa: PTH109
        raise RuntimeError("somebody was here")
    return good(X, y)


def writes(X: Any, y: Any) -> Any:
    y[:] = 0.0
    return good(X, y)
