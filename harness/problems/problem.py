"""A least-squares problem: the data, its split, its units and what is known of its truth."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SPLITS = ("train", "val", "test")
FILE_SUFFIXES = (".csv", ".parquet")
"""Of a table that is a problem."""
OWN = "user"
"""The family of data that a person brings."""
LINEAR, NONLINEAR = "linear", "nonlinear"
MIN_ROWS = 2
"""Fewer training rows than this leave nothing to fit."""


def short(value: float) -> str:
    """The shortest text that reads back as the number: 1e+06 for 1000000, and 1000001 for itself."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)


@dataclass(frozen=True)
class Split:
    """Row indices (int64) of the training, validation and test parts; val and test may be empty."""

    train: Indices
    val: Indices
    test: Indices

    @classmethod
    def all_train(cls, n: int) -> "Split":
        """Every row is a training row."""
        none = np.empty(0, dtype=np.int64)
        return cls(np.arange(n, dtype=np.int64), none, none)


@dataclass(frozen=True)
class Truth:
    """The coefficients that generated the data, where they are known, and who says so."""

    coef: tuple[float, ...]
    intercept: float
    origin: str


@dataclass(frozen=True)
class Problem:
    """X (n, p) float64 and y (n,) float64, both read-only, and everything a solver may know of them.

    `weights` (n,) are above 0 on the rows of the split, or None: sum w r² is minimised (harness.problems.weights).
    `name` is what expectations call it: never that of a problem of the catalog where the data are a user's own
    (`family` user), whose `spec` tells them apart. `relation` says whether a
    line suits the data (`linear`) or only a curve does (`nonlinear`).
    `recipe` holds the training options that the problem's source used; they are hints, which an
    explicit option overrides and which a solver that does not take them never sees.
    `left_out` names each column of a person's table that is not used, with the reason; `notes` are sentences on what
    else was done to it; `table` is what was said of it (TableOptions), by name.
    """

    name: str
    X: Floats
    y: Floats
    features: tuple[str, ...]
    target: str
    split: Split
    intercept: bool = True
    relation: str = LINEAR
    family: str = OWN
    title: str = ""
    source: str = ""
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    truth: Truth | None = None
    recipe: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    parameters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    spec: str = ""
    weights: Floats | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    table: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Freeze the arrays: a solver that writes into its input must not change the next one's."""
        for array in (self.X, self.y, self.split.train, self.split.val, self.split.test, self.weights):
            if array is not None:
                array.setflags(write=False)

    @property
    def n(self) -> int:
        """Rows, all splits together."""
        return int(self.X.shape[0])

    @property
    def p(self) -> int:
        """Feature columns, the intercept not counted."""
        return int(self.X.shape[1])

    @property
    def label(self) -> str:
        """What tells this problem from every other: the name with its generator's parameters, or a file's `spec`."""
        if not self.parameters:
            return self.spec or self.name
        return self.name + ":" + ",".join(f"{key}={short(value)}" for key, value in self.parameters.items())

    def rows(self, part: str) -> tuple[Floats, Floats]:
        """X (m, p) and y (m,) of one split, `train`, `val` or `test`; read-only."""
        index: Indices = getattr(self.split, part)
        if len(index) == self.n and np.array_equal(index, np.arange(self.n)):
            return self.X, self.y
        X, y = self.X[index], self.y[index]
        X.setflags(write=False)
        y.setflags(write=False)
        return X, y

    @property
    def training_weights(self) -> Floats | None:
        """The weights (m,) of the training rows, as they were given; None without weights."""
        return None if self.weights is None else self.weights[self.split.train]

    def mean_one_weights(self, part: str) -> Floats | None:
        """The weights (m,) of a split's rows, divided by their mean; None without weights."""
        if self.weights is None:
            return None
        weights = self.weights[getattr(self.split, part)]
        return np.asarray(weights / weights.mean())

    @cached_property
    def sha256(self) -> str:
        """Hash of the numbers that are fitted (training rows, weights, intercept flag), for caches and records."""
        X, y = self.rows("train")
        digest = hashlib.sha256(f"{X.shape}{self.intercept}".encode())
        digest.update(np.ascontiguousarray(X).tobytes())
        digest.update(np.ascontiguousarray(y).tobytes())
        if self.weights is not None:
            digest.update(self.weights[self.split.train].tobytes())
        return digest.hexdigest()

    @cached_property
    def content_sha256(self) -> str:
        """Hash of all rows and of their split beside `sha256`: scores are of the test rows too."""
        digest = hashlib.sha256(self.sha256.encode())
        for array in (self.X, self.y, self.split.train, self.split.val, self.split.test, self.weights):
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


NO_INTERCEPT = "(no-intercept)"
"""What the name and the label of a problem end in whose intercept somebody took away: it is another problem."""


def without_intercept(problem: Problem) -> Problem:
    """The same data with a model through the origin; a problem that has no intercept of its own stays as it is."""
    if not problem.intercept:
        return problem
    return replace(
        problem,
        intercept=False,
        name=problem.name + NO_INTERCEPT,
        spec=problem.spec and problem.spec + NO_INTERCEPT,
        title=f"{problem.title or problem.name}, without intercept",
        truth=None,
    )


def design_matrix(problem: Problem) -> Floats:
    """The training rows with a leading column of ones if there is an intercept: (m, p [+ 1]) float64."""
    X, _ = problem.rows("train")
    if not problem.intercept:
        return X
    return np.column_stack([np.ones(len(X)), X])
