"""Whether what was timed is what was verified: epochs that do not train, and a raise in one that is timed."""

from pathlib import Path
from typing import Any

import pytest

from harness.measure.one_case import measure
from harness.measure.plan import single
from harness.measure.turns import ask_again, time_together
from harness.problems.catalog import load
from harness.solvers import catalog
from harness.solvers.options import Options
from harness.solvers.status import Status
from harness.timing.clock import SystemClock
from harness.timing.sampling import Effort
from tests.conftest import RunCli

FEW = Effort(warm_up_calls=1, calls_per_turn=1, min_calls=5, max_calls=5, budget_s=0)
PROBLEM = load("synthetic:n=60,p=3,noise=0.5")
RAISES = '''
"""A training whose timed epochs raise from the seventh call on."""

import time

from harness.solvers.fit import linear_fit


class Training:
    unit, epochs_per_call, capture_s, calls = "epoch", 1, None, 0

    def run(self):
        time.sleep(1e-4)
        self.calls += 1
        if self.calls > 6:
            raise ValueError("enough epochs")

    def fit(self):
        return linear_fit([0.0], 0.0)


class Tired:
    name = title = "tired"
    kind, optimizer, takes, devices, requires = "baseline", None, {}, ("cpu",), ()

    def unsupported(self, problem, options):
        return None

    def prepare(self, problem, options):
        return Training()
'''


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("batch", [None, 7], ids=["full", "mini"])
@pytest.mark.parametrize("idle", [True, False], ids=["idle", "trains"])
def test_timed_epochs_whose_steps_do_nothing_are_an_error(batch: int | None, idle: bool) -> None:
    options = Options(lr=0.05, epochs=60, seed=3, batch=batch)
    outcome = measure(single(PROBLEM, catalog.get("torch_sgd"), options))
    prepared: Any = outcome.prepared
    if idle:
        prepared.timed.optimizer.step = lambda: None
    samples = time_together([outcome], SystemClock(), FEW)
    (found,) = ask_again([outcome], samples)
    assert found.status is (Status.ERROR if idle else Status.OK), found.message
    assert found.message.startswith("what is timed does not train" if idle else "")


@pytest.mark.slow
def test_a_raise_in_a_timed_epoch_is_in_table_tally_and_exit_code(
    run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tired.py").write_text(RAISES)
    ended = run_cli("run", "--problem", "four_points", "--solver", "tired.py:Tired", "--solver", "numpy_lstsq")
    code, out = ended.code, ended.stdout + ended.stderr
    rows = {line.split()[0]: line.split()[-1] for line in out.splitlines() if line.startswith(("tired", "numpy"))}
    assert (code, rows) == (1, {"tired.py:Tired": "error", "numpy_lstsq": "ok"}), out
    assert "1 error, 1 ok" in out
    assert "timed: ValueError: enough epochs" in " ".join(out.split())
