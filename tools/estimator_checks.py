"""Every check of harness.testing on every least-squares estimator of the libraries: results/checks.

`python -m tools.estimator_checks` writes the table; with names of ESTIMATORS it runs these and keeps the other rows.
The estimators of a library are checked in one process; one that hangs or crashes it loses nothing but itself.
"""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from unittest import SkipTest

FOLDER = Path("results/checks")
TIMEOUT_S = 1800
MARK = "outcomes: "
MOST_ITERATIONS = 100_000
NO_PENALTY = 1e6


class Tried(NamedTuple):
    """`make`: the estimator, or a name that the harness has; `method`: what its library's documentation says it is."""

    library: str
    make: Callable[[], Any]
    method: str


def sklearn(name: str, method: str, **settings: Any) -> Tried:
    def make() -> Any:
        from sklearn import linear_model

        return getattr(linear_model, name)(**settings)

    return Tried("scikit-learn", make, method)


def target_transformed() -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression

    return TransformedTargetRegressor(regressor=LinearRegression(tol=0))


def pipeline() -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LinearRegression())


def trained_pipeline() -> Any:
    from sklearn.linear_model import SGDRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), SGDRegressor(penalty=None, random_state=0))


def statsmodels(name: str, method: str = "svd") -> Tried:
    def make() -> Any:
        import statsmodels.api as sm

        return getattr(sm, name)

    return Tried("statsmodels", make, method)


def linearmodels(name: str) -> Tried:
    def make() -> Any:
        from linearmodels import iv

        model = getattr(iv, name)

        def fit(X: Any, y: Any, weights: Any = None) -> Any:
            return model(y, X, None, None, weights=weights).fit().params

        fit.__name__ = fit.__qualname__ = name
        return fit

    return Tried("linearmodels", make, "normal_equations")


def glum() -> Any:
    from glum import GeneralizedLinearRegressor

    return GeneralizedLinearRegressor(alpha=0)


def jax_solve() -> Any:
    import jax

    jax.config.update("jax_enable_x64", val=True)  # type: ignore[no-untyped-call]

    def lstsq(X: Any, y: Any) -> Any:
        import numpy as np

        return np.asarray(jax.numpy.linalg.lstsq(X, y)[0])

    return lstsq


def sklearnex(name: str, **settings: Any) -> Tried:
    def make() -> Any:
        from sklearnex import linear_model

        return getattr(linear_model, name)(**settings)

    return Tried("scikit-learn-intelex", make, "normal_equations")


def ours(library: str, name: str, method: str) -> Tried:
    return Tried(library, lambda: name, method)


MANY = {"max_iter": MOST_ITERATIONS, "tol": 1e-12}
ESTIMATORS: Mapping[str, Tried] = {
    "LinearRegression()": sklearn("LinearRegression", "svd"),
    "LinearRegression(tol=0)": sklearn("LinearRegression", "svd", tol=0),
    "Ridge(alpha=0)": sklearn("Ridge", "normal_equations", alpha=0),
    "Ridge(alpha=0, solver='svd')": sklearn("Ridge", "svd", alpha=0, solver="svd"),
    "Ridge(alpha=0, solver='lsqr')": sklearn("Ridge", "iterative", alpha=0, solver="lsqr", **MANY),
    "Ridge(alpha=0, solver='sparse_cg')": sklearn("Ridge", "iterative", alpha=0, solver="sparse_cg", **MANY),
    "SGDRegressor(penalty=None)": sklearn("SGDRegressor", "iterative", penalty=None, random_state=0),
    "make_pipeline(StandardScaler(), SGDRegressor(penalty=None))": Tried("scikit-learn", trained_pipeline, "iterative"),
    "HuberRegressor(epsilon=1e6, alpha=0)": sklearn(
        "HuberRegressor", "iterative", epsilon=NO_PENALTY, alpha=0, max_iter=10_000, tol=1e-10
    ),
    "TweedieRegressor(power=0, alpha=0)": sklearn("TweedieRegressor", "iterative", power=0, alpha=0, max_iter=10_000),
    "Lars(n_nonzero_coefs=100)": sklearn("Lars", "normal_equations", n_nonzero_coefs=100),
    "TransformedTargetRegressor(LinearRegression(tol=0))": Tried("scikit-learn", target_transformed, "svd"),
    "make_pipeline(StandardScaler(), LinearRegression())": Tried("scikit-learn", pipeline, "svd"),
    "OLS": statsmodels("OLS"),
    "WLS": statsmodels("WLS"),
    "GLS": statsmodels("GLS"),
    "GLM": statsmodels("GLM"),
    "OLS.fit(method='qr')": ours("statsmodels", "statsmodels_qr", "qr"),
    "IV2SLS": linearmodels("IV2SLS"),
    "IVLIML": linearmodels("IVLIML"),
    "IVGMM": linearmodels("IVGMM"),
    "GeneralizedLinearRegressor(alpha=0)": Tried("glum", glum, "normal_equations"),
    "feols": ours("pyfixest", "pyfixest", "normal_equations"),
    "least_squares.ols": ours("polars-ols", "polars_ols", "svd"),
    "jax.numpy.linalg.lstsq": Tried("jax", jax_solve, "svd"),
    "sklearnex LinearRegression()": sklearnex("LinearRegression"),
    "sklearnex Ridge(alpha=0)": sklearnex("Ridge", alpha=0),
}


def outcomes(tried: Tried) -> dict[str, str]:
    """How each check ended: `passed`, `skipped: why`, or the text of its failure."""
    from harness.testing import check, checks
    from harness.timing.threads import limited, pools_of

    warnings.simplefilter("ignore")
    found = {}
    with pools_of(1):
        solver = tried.make()
        with limited(1):
            for name in checks():
                try:
                    check(solver, name, method=tried.method)
                    found[name] = "passed"
                except SkipTest as skipped:
                    found[name] = f"skipped: {skipped}"
                except AssertionError as error:
                    found[name] = str(error)
                except Exception as error:  # noqa: BLE001  # it is this estimator's row
                    found[name] = f"{type(error).__name__}: {error}"
    return found


def in_a_process(names: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The outcomes of estimators, in their order, from one process; of one at which it dies or hangs, how."""
    waiting = list(names)
    while waiting:
        words = [sys.executable, "-m", "tools.estimator_checks", "--print", *waiting]
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, timeout=TIMEOUT_S)
            printed, ended = done.stdout, f"exited {done.returncode}"
        except subprocess.TimeoutExpired as late:
            printed, ended = (late.stdout or b"").decode(), f"no answer within {TIMEOUT_S} s"
        for line in printed.splitlines():
            if line.startswith(MARK):
                yield waiting.pop(0), json.loads(line.removeprefix(MARK))
        if waiting:
            yield waiting.pop(0), {"process": ended}


def table(rows: Mapping[str, Any]) -> str:
    """A line an estimator: how many checks it passes, and which not."""
    lines = [
        "# Least-squares estimators of the libraries, checked against exact answers\n",
        "`python -m tools.estimator_checks` writes this table. Each check is one property on one problem",
        "([what they are](../../docs/how-to/pytest.md)); how many digits an estimator must have follows from the",
        "condition number and from the method that its library's documentation names. `checks.json` has every failure",
        "in full.\n",
        "| library | estimator | by | passed | not | skipped | which not |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        found = row["checks"]
        passed = sum(text == "passed" for text in found.values())
        skipped = sum(text.startswith("skipped") for text in found.values())
        failed = [check for check, text in found.items() if text != "passed" and not text.startswith("skipped")]
        library, method = f"{row['library']} {row['version']}", row["method"].replace("_", " ")
        cells = (library, f"`{name}`", method, passed, len(failed), skipped, ", ".join(failed))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    if sys.argv[1:2] == ["--print"]:
        for name in sys.argv[2:]:
            print(MARK + json.dumps(outcomes(ESTIMATORS[name])), flush=True)
        return
    path = FOLDER / "checks.json"
    before = json.loads(path.read_text()) if path.is_file() else {}
    asked = sys.argv[1:] or list(ESTIMATORS)
    FOLDER.mkdir(exist_ok=True)
    for _, members in groupby(asked, key=lambda name: ESTIMATORS[name].library):
        for name, found in in_a_process(list(members)):
            tried = ESTIMATORS[name]
            row = {"library": tried.library, "version": version(tried.library), "method": tried.method}
            before[name] = {**row, "checks": found}
            print(name, sum(text == "passed" for text in found.values()), flush=True)
            rows = {one: before[one] for one in ESTIMATORS if one in before}
            path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
            (FOLDER / "README.md").write_text(table(rows))


if __name__ == "__main__":
    main()
