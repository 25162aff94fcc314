"""The command `harness`: argument parsing only. One file a command; heavy imports inside the commands."""

import os
import sys
from typing import NoReturn

import typer

from harness import __version__
from harness.cli.ab import ab
from harness.cli.accuracy import accuracy
from harness.cli.bisect import bisect
from harness.cli.compare import compare
from harness.cli.completing import completing
from harness.cli.doctor import doctor
from harness.cli.explain import explain
from harness.cli.findings import findings
from harness.cli.fit import fit
from harness.cli.gate import gate
from harness.cli.groups import spread
from harness.cli.history import history
from harness.cli.import_ import import_results
from harness.cli.init import init
from harness.cli.interrupting import INTERRUPTED
from harness.cli.list_ import list_names
from harness.cli.nightly import nightly
from harness.cli.plot import plot
from harness.cli.published import published
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.store import app as store
from harness.cli.streams import delivered, keep_standard_streams
from harness.cli.sweep import sweep
from harness.cli.upgrade import upgrade
from harness.errors import USAGE, HarnessError, one_line

_TyperUsageError: type[typer.BadParameter] = typer.BadParameter.__bases__[0]
"""The error of usage that typer raises: its own in newer releases, click's in older ones."""

EXIT_CODES = """Exit codes: 0 fine; 1 a verdict against the code (gate breached, a case ended wrong);
2 usage; 3 could not measure (incomplete, nothing to judge)."""

app = typer.Typer(
    name="harness",
    help="Times and verifies least-squares fits: speed from a trusted clock, accuracy against exact truth.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(completing(spread(list_names)))
app.command("import")(completing(spread(import_results)))
app.command()(completing(spread(doctor)))
app.add_typer(store, name="store")
for command in (
    init,
    fit,
    run,
    sweep,
    accuracy,
    gate,
    upgrade,
    ab,
    bisect,
    compare,
    history,
    nightly,
    published,
    findings,
    explain,
    report,
    plot,
):
    app.command()(completing(spread(command)))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    pass


def main(command: typer.Typer = app) -> None:
    """Run the command and exit; an error to a person, typer's own among them, is one line on standard error."""
    name = command.info.name
    try:
        code = command(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except HarnessError as error:
        _fail(str(error), error.exit_code)
    except _TyperUsageError as error:
        _fail(f"{error.format_message()} ({name} {' '.join(sys.argv[1:2])} --help)", USAGE)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


class _ToldError(SystemExit):
    """The end of a command that has said in one line why."""


def script() -> None:
    """The command in a process of its own. Of one that was interrupted nothing is tidied up after its last words.

    To take all its libraries apart, as Python does at its end, took 3 of 3.1 seconds on a busy machine.
    """
    keep_standard_streams()
    try:
        main()
    except SystemExit as ended:
        code = delivered(int(ended.code or 0), told=isinstance(ended, _ToldError))
        if code == INTERRUPTED:
            os._exit(INTERRUPTED)
        sys.exit(code)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"harness: {one_line(message)}\n")
    raise _ToldError(code)
