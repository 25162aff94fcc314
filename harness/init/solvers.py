"""The solvers of a project, found in its sources; nothing of it is imported."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError

MOST = 5
"""Named in harness.toml: a person takes out what is none, and adds the others."""
NOT_THE_PROJECT = {"tests", "test", "docs", "doc", "examples", "benchmarks", "build", "dist"}
ANSWERS = {"coef_", "intercept_"}
"""What a linear estimator of scikit-learn's protocol sets."""


def project_name(folder: Path) -> str:
    """The name in pyproject.toml, else that of the folder. Raises UsageError for one that is no TOML."""
    path = folder / "pyproject.toml"
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("name")
    except OSError:
        named = None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return str(named or folder.resolve().name)


def estimators(folder: Path) -> list[str]:
    """At most MOST estimators, `package.module:Class`: classes with fit(self, X, y) that set coef_ or intercept_."""
    found = [name for package in _packages(folder) for path in _sources(package) for name in _in(path, package)]
    return sorted(found, key=lambda name: (name.count("."), name))[:MOST]


def _packages(folder: Path) -> Iterator[Path]:
    for inside in (folder / "src", folder):
        for path in sorted(inside.iterdir()) if inside.is_dir() else ():
            if (path / "__init__.py").is_file() and path.name not in NOT_THE_PROJECT:
                yield path


def _sources(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*.py")):
        if not NOT_THE_PROJECT & set(path.relative_to(package).parts) and path.is_file():
            yield path


def _in(path: Path, package: Path) -> Iterator[str]:
    """The public estimators of a file; none of one that is no Python of this version."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    parts = path.relative_to(package.parent).with_suffix("").parts
    module = ".".join(part for part in parts if part != "__init__")
    for one in tree.body:
        if isinstance(one, ast.ClassDef) and not one.name.startswith("_") and _is_estimator(one):
            yield f"{module}:{one.name}"


def _is_estimator(found: ast.ClassDef) -> bool:
    """Whether it has a fit of two arguments, and sets what a linear estimator sets."""
    fits = [one for one in found.body if isinstance(one, ast.FunctionDef) and one.name == "fit"]
    takes = any([arg.arg for arg in one.args.args[:3]][1:] in (["X", "y"], ["x", "y"]) for one in fits)
    sets = {one.attr for one in ast.walk(found) if isinstance(one, ast.Attribute)}
    return takes and bool(ANSWERS & sets)
