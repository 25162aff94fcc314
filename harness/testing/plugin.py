"""pytest's side: the fixture `measure`, the options, and the summary at the end.

pytest loads this module in every session wherever the package is installed (entry point `pytest11`): it imports
nothing but pytest until a test measures something, and prints nothing unless one did.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.testing.measuring import Measured, Session
    from harness.testing.summary import Summary

PROPERTY = "harness_run"
"""The property of a test that has the id of its run: it reaches the report, JUnit's files and xdist's first process."""
SESSION: "pytest.StashKey[Session]" = pytest.StashKey()
SUMMARY: "pytest.StashKey[Summary]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the fixture `measure`."""
    group = parser.getgroup("harness", "measured least-squares fits")
    group.addoption(
        "--harness-store", metavar="STORE", help="Where measured fits are kept; else what harness.toml says."
    )
    group.addoption(
        "--harness-compare",
        metavar="COMMIT",
        nargs="?",
        const="",
        help="Compare measured fits with the newest earlier ones of the store, or of COMMIT. A worse one fails.",
    )


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> "Callable[..., Measured]":
    """`measured = measure(solver, problem)`: a fit verified, timed and stored; measured.digits, .fit_s, .peak_bytes."""
    from harness.testing.measuring import Session

    stash = request.config.stash
    if SESSION not in stash:
        stash[SESSION] = Session(request.config.getoption("--harness-store"), request.config.rootpath)

    def measured(solver: object, problem: object, **asked: Any) -> "Measured":
        found = stash[SESSION].measure(request.node.nodeid, solver, problem, asked)
        request.node.user_properties.append((PROPERTY, found.run_id))
        return found

    return measured


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let go of the worker process; compare with earlier fits, where that was asked for."""
    config = session.config
    if SESSION in config.stash:
        config.stash[SESSION].close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    measured = [] if reporter is None or hasattr(config, "workerinput") else _measured(reporter.stats)
    asked = config.getoption("--harness-compare", None)
    if not measured and asked is None:
        return
    from harness.testing.summary import summary_of

    found = summary_of(measured, config.getoption("--harness-store"), config.rootpath, asked)
    config.stash[SUMMARY] = found
    if found.exit_code and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = found.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """A row a measured fit, as pytest-benchmark shows them."""
    if SUMMARY in config.stash:
        terminalreporter.section("harness: measured fits")
        width = terminalreporter._tw.fullwidth if terminalreporter.isatty else None  # noqa: SLF001  # pytest has no other
        for line in config.stash[SUMMARY].lines(width):
            terminalreporter.write_line(line)


def _measured(stats: dict[str, list[Any]]) -> list[tuple[str, str]]:
    """Each test that measured with the id of each of its runs, in the order in which they ended."""
    reports = [one for group in stats.values() for one in group if getattr(one, "when", "") == "call"]
    return [(one.nodeid, run) for one in reports for name, run in one.user_properties if name == PROPERTY]
