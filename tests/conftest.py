import gc
import math
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from hypothesis import HealthCheck, settings

from harness.cli import app, main
from harness.measure.run import InProcess
from harness.measure.truth import Here
from harness.sweep import measuring
from harness.timing.threads import SIZED_ONCE, limited, pools_of
from tests.commands import Runs, forking, furnish
from tests.postgres import Database, Server, database_of, running


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


# An example, and drawing it, may take as long as the machine needs.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# A test may import polars or jax before the first that measures with it: then its pool too has the one thread of that.
for variable in SIZED_ONCE:
    os.environ.setdefault(variable, "1")

# pytest prints longer lines in CI, commands write GitHub's summary, and a width or a colour changes what they print:
# a test is the same wherever it runs.
for variable in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
    os.environ.pop(variable, None)

MEMORY = Path("/dev/shm")  # noqa: S108  # as wherever temporary files are, pytest's folder in it is its user's
ROOM_BYTES = 2**30
"""What the tests write comes to a fifth of that."""


def _keep_temporary_files_in_memory() -> None:
    """A disk lets each commit of a store wait for a hundredth of a second, and there are thousands.

    Where somebody says where temporary files go, or memory has no room or runs no programs, they are there as ever.
    """
    fits = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    if fits and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        tempfile.tempdir = os.environ.setdefault("TMPDIR", str(MEMORY))  # it may have been asked for before


_keep_temporary_files_in_memory()

# Of what pip installs for a test little is imported, and that is compiled then.
os.environ.setdefault("PIP_COMPILE", "0")

RunCli = Callable[..., Ended]


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start: a job in a shell's background ignores it (POSIX 2.11), so would they.

    SIGTERM ends the tests as Ctrl-C does: what they made is taken away.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


LONGEST = (
    *("asv_suite", "isolation_sweep", "isolation", "page_browser", "durability", "instructions", "hostile_stores"),
    *("delivery", "published", "docs_run", "engines", "cluster", "page_access", "page_hostile", "page_live"),
    *("jax_engine", "findings", "ab_suite", "isolation_place", "peers", "truth", "postgres"),
)
"""The files of tests that take longest, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first: a process takes a whole file, and the last one should not work alone."""
    place = {f"test_{name}": i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


TESTS, MODULES = count(), [0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """What is there before a test is left alone by the collections in it, but for what a few tests have left.

    Each measurement begins with one, and over torch, jax and thousands of tests it takes a fifth of a second.
    """
    if next(TESTS) % 16 == 0 or len(sys.modules) != MODULES[0]:
        MODULES[0] = len(sys.modules)
        gc.collect()
        gc.freeze()


FOLDERS, CACHES = count(), count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test's own; pytest looks at all that are there before it makes one more, and links that."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}-{next(FOLDERS)}"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's references are kept: never the user's cache. Made by who writes there, as the user's is."""
    folder = tmp_path_factory.getbasetemp() / "caches" / str(next(CACHES))
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(folder))
    monkeypatch.delenv("COLUMNS", raising=False)  # tables are as wide as their tests say
    return folder


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests of a file have built, where they share it."""
    return tmp_path_factory.mktemp("builds")


@pytest.fixture
def shared_builds(cache_folder: Path, builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has built the next one of its file finds, as a person does."""
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(builds))


HERE = Here()


@pytest.fixture(autouse=True)
def _truth_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that start no process have exact answers worked out in theirs; slow ones as a command has them."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr("harness.measure.isolation.apart.shared", lambda: HERE)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread of every library that is loaded: two are many times slower on a busy machine."""
    with pools_of(1), limited(1):
        yield


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where a store can be made; nothing is there yet."""
    return tmp_path / "store.sqlite"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; each process of xdist has one, once a test of it asks."""
    with running() as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    with database_of(postgres) as made:
        yield made


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def any_store(request: pytest.FixtureRequest) -> str:
    """Where a store can be made, in each kind of database: a file's path, a URL."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("store_path"))
    found: Database = request.getfixturevalue("database")
    return found.url


built = cache(typer.main.get_command)
"""The commands of an app with their options: made anew at each call they take as long as most commands."""


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands and Python measure in this process, as by --in-process, and work exact answers out in it.

    For tests that are about something else; that both places give the same is in test_isolation_place.py and
    test_isolation_sweep.py.
    """
    monkeypatch.setattr("harness.measure.isolation.apart.shared", lambda: HERE)
    monkeypatch.setattr("harness.measure.session.Isolated", lambda _: InProcess())
    monkeypatch.setattr("harness.sweep.isolated.Isolated", lambda _: measuring.InProcess())


@pytest.fixture
def run_cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """The command `harness`, or another, in this process, with `tmp_path` as its working folder."""
    monkeypatch.chdir(tmp_path)
    # On a busy machine the shortest run would come to its first line of a log.
    monkeypatch.setattr("harness.report.terminal.live_lines.LOG_EVERY_S", math.inf)
    monkeypatch.setattr("typer.main.get_command", built)

    def run(*words: object, command: typer.Typer = app) -> Ended:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(command)
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs any command, each in a fork of one process that has imported the harness."""
    with forking(HARNESS_CACHE_DIR=str(tmp_path_factory.mktemp("cache"))) as run:
        yield run


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that those commands need, only to be read."""
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    """A copy of that folder, for a test to write in."""
    return Path(shutil.copytree(furnished, tmp_path / "here"))


@pytest.fixture
def harmless_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started to try an import first: tests/test_brought_faults.py has those that end one."""
    for module in ("harness.plugins", "harness.solvers.brought.spec"):
        monkeypatch.setattr(f"{module}.ends_a_process", lambda *_: "")
