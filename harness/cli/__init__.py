"""The command `harness`: argument parsing only. One file a command; heavy imports inside the commands."""

import sys

import typer

from harness import __version__
from harness.cli.compare import compare
from harness.cli.fit import fit
from harness.cli.gate import gate
from harness.cli.import_ import import_results
from harness.cli.list_ import list_names
from harness.cli.plot import plot
from harness.cli.published import published
from harness.cli.run import run
from harness.errors import HarnessError

INTERRUPTED = 130

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
app.command("list")(list_names)
app.command("import")(import_results)
for command in (fit, run, gate, compare, published, plot):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    pass


def main() -> None:
    """Run the command; an error to a person is one line on standard error."""
    try:
        app()
    except HarnessError as error:
        sys.stderr.write(f"harness: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("harness: interrupted\n")
        sys.exit(INTERRUPTED)
