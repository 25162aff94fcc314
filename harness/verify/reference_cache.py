"""References on disk, so that one that took long to compute is computed once a machine; and as JSON on their way."""

import base64
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_dir

from harness.errors import UsageError
from harness.files.writing import replacing
from harness.problems.problem import Problem
from harness.verify.dependences import Dependence
from harness.verify.gram import IntegerGram
from harness.verify.proof import disproved
from harness.verify.reference import Parameters, Reference, compute
from harness.verify.truncated import Resolved

VERSION = 5
"""Raise it when anything that a Reference holds is computed or named differently: older files are then replaced."""
WORTH_KEEPING_S = 0.25
"""A reference that took less is kept as long as there are few: it saves the start of a process that works it out."""
FEW_FILES = 500
"""Of some kilobytes each: what many small problems leave."""
LARGEST_BYTES = 2**26
"""Of a file: a factor of 2000 columns has 43 MB."""
SINGULAR = ("singular", "scaled_singular")
"""What a Reference works out of its factor when it is asked for."""
FOLDER_VARIABLE = "HARNESS_CACHE_DIR"


def folder() -> Path:
    """Where references are kept: below $HARNESS_CACHE_DIR, or the user's cache folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or user_cache_dir("ls-harness")) / "references"


def read(problem: Problem) -> tuple[Reference | None, str]:
    """What is kept of a problem, proved against its data; None if nothing is, and why not where a file is no good.

    A link, another user's file and one of another version count as nothing.
    """
    from harness.files.reading import NoSuchFileError, text_of  # it takes as long to import as all the rest

    path = folder() / f"{problem.sha256}.json"
    try:
        if path.is_symlink() or path.stat().st_uid != os.geteuid():
            return None, ""
        stored = json.loads(text_of(path, LARGEST_BYTES))
        if stored["version"] != VERSION:
            return None, ""
        known = reference_of(stored["reference"])
    except (NoSuchFileError, OSError):
        return None, ""
    except (UsageError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError):
        return None, f"{path} cannot be read: the exact answer was computed anew"
    wrong = disproved(known, problem)
    return (None, f"{path} is not the data's ({wrong}): the exact answer was computed anew") if wrong else (known, "")


def computed(problem: Problem) -> Reference:
    """The Reference, worked out here, and kept if it took long or few are. Raises ValueError for data not finite."""
    before = time.perf_counter()
    known = compute(problem)
    if time.perf_counter() - before >= WORTH_KEEPING_S or _few_are_kept():
        write(problem, known)
    return known


def _few_are_kept() -> bool:
    try:
        return sum(1 for _ in os.scandir(folder())) < FEW_FILES
    except OSError:
        return True


def write(problem: Problem, known: Reference) -> None:
    """Keep what can be proved again; a folder that cannot be written to is left alone.

    The file appears whole or not at all, whichever of several processes is last, and in the place of a link, not in
    what that leads to.
    """
    if disproved(known, problem):
        return
    path = folder() / f"{problem.sha256}.json"
    with suppress(OSError):
        if path.is_symlink() or not path.is_file():
            path.unlink(missing_ok=True)
        with replacing(path, make_folder=True) as made:
            made.write_text(json.dumps({"version": VERSION, "reference": content_of(known)}))


def content_of(known: Reference) -> dict[str, Any]:
    """A Reference as JSON, with its singular values, which nobody has to work out again.

    Floats are hexadecimal text and arrays base64, which are exact.
    """
    return {name: encoded(getattr(known, name)) for name in (*(field.name for field in fields(known)), *SINGULAR)}


def reference_of(content: Mapping[str, Any]) -> Reference:
    """The Reference that `content_of` made JSON of. Raises ValueError, TypeError or LookupError where it is none."""
    said = {name: decoded(value) for name, value in content.items()}
    alternative, resolved, gram = (said.pop(name) for name in ("minimum_norm_alternative", "resolved", "gram"))
    named, singular = said.pop("dependences"), {name: tuple(said.pop(name)) for name in SINGULAR}
    known = Reference(
        **said,
        dependences=tuple(Dependence(text, tuple(columns), *rest) for text, columns, *rest in named),
        minimum_norm_alternative=alternative and Parameters(*alternative),
        resolved=resolved and Resolved(*resolved),
        gram=gram and IntegerGram(gram[0], tuple(gram[1]), *gram[2:]),
    )
    vars(known).update(singular)
    return known


def encoded(value: Any) -> Any:
    """Numbers, arrays, texts and tuples of them as JSON, exactly."""
    if isinstance(value, np.ndarray):
        return {"shape": value.shape, "float64": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()}
    if isinstance(value, float):
        return {"hex": value.hex()}
    if isinstance(value, Fraction):
        return {"ratio": [hex(value.numerator), hex(value.denominator)]}
    if isinstance(value, Dependence):
        return encoded(astuple(value))
    if isinstance(value, IntegerGram):
        whole = [[Fraction(entry) for entry in row] for row in value.values]
        return encoded((whole, value.units, value.n, value.intercept, value.weight))
    return [encoded(entry) for entry in value] if isinstance(value, tuple | list) else value


def decoded(value: Any) -> Any:
    """What `encoded` made JSON of, with lists for tuples. Raises ValueError, TypeError or LookupError."""
    if isinstance(value, list):
        return [decoded(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return float.fromhex(value["hex"])
    if "ratio" in value:
        return Fraction(*(int(text, 16) for text in value["ratio"]))
    numbers = np.frombuffer(base64.b64decode(value["float64"], validate=True), dtype=np.float64)
    return numbers.reshape(value["shape"])
