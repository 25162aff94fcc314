"""asv benchmarks: thin classes over harness.suite, one file per family. Nothing heavy at import.

Unless it is asked for: with HARNESS_SUITE_PREIMPORT=1 and asv's `--launch-method forkserver` the
libraries are imported once and every benchmark is a fork: measured on two cores, 39 s for the full suite
where separate processes took 211 s for a quick one. Not on CUDA, which does not survive a fork; and peak
memory then includes every library.
"""

import importlib
import os

if os.environ.get("HARNESS_SUITE_PREIMPORT"):
    for _module in ("harness.suite", "sklearn.linear_model", "statsmodels.api", "torch._dynamo"):
        importlib.import_module(_module)
