"""A worker that begins while the command still imports: whoever needs one has it, and nobody's is ended."""

import subprocess
import sys
from contextlib import closing

import psutil
import pytest

from harness.measure.isolation import begun
from harness.measure.isolation.begun import CATALOG, taken, worker_begun

pytestmark = pytest.mark.slow


def waiting_pid() -> int:
    return begun._waiting[0].worker.pid  # noqa: SLF001  # nobody but a test asks


def test_the_first_who_needs_a_worker_has_the_one_that_began() -> None:
    with worker_begun(wanted=True):
        pid = waiting_pid()
        data, worker = taken(CATALOG)
        with closing(data):
            assert worker.pid == pid
            assert not begun._waiting  # noqa: SLF001
    assert psutil.pid_exists(pid)
    worker.stop()


@pytest.mark.parametrize("changed", [True, False])
def test_one_that_is_not_as_this_process_is_now_or_that_nobody_needs_is_ended(
    changed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker_begun(wanted=True):
        pid = waiting_pid()
        if changed:
            monkeypatch.setenv("OMP_NUM_THREADS", "7")
            data, worker = taken(CATALOG)
            with closing(data):
                assert worker.pid != pid
                worker.stop()
            assert not psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_none_begins_where_none_is_wanted() -> None:
    with worker_begun(wanted=False):
        assert not begun._waiting  # noqa: SLF001


def test_what_begins_a_worker_imports_nothing_heavy() -> None:
    """Else it would begin late."""
    code = (
        "import sys, harness.measure.isolation.begun; print([m for m in ('numpy', 'pydantic', 'psutil', 'sqlalchemy')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{code} if m in sys.modules])"], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
