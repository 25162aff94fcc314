"""harness accuracy: every closed form on every NIST set or rung, verified and not timed."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import isolation
from harness.cli import options as cli
from harness.cli.pasting import pasted
from harness.cli.streams import print_json
from harness.config import expectations_file
from harness.errors import UsageError, unknown
from harness.files.writing import check_file, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judge.gate.expectations import Expectations
    from harness.measure.session import Where
    from harness.records.record import Record
    from harness.records.run import Run
    from harness.report.tables.accuracy import Sheet
    from harness.store.store import Store
    from harness.studies.accuracy import AccuracyRequest

STDOUT = "-"


@cli.takes_model
def accuracy(
    problem: Annotated[
        list[str] | None, typer.Option(help="Problem, or FILE:COLUMN; repeatable. The NIST sets by default.")
    ] = None,
    solver: Annotated[list[str] | None, typer.Option(help="Solver; repeatable. Every closed form by default.")] = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="The rungs of the ladder instead of the NIST sets.")] = False,
    given_model: cli.GivenModel = cli.NO_MODEL,
    device: cli.Device = "auto",
    threads: cli.Threads = 1,
    quantity: Annotated[
        str | None, typer.Option(help="Digits of coef (coefficients), se (standard errors), sd (residual SD) or r2.")
    ] = None,
    se: Annotated[bool, typer.Option("--se", help="Digits of the standard errors: --quantity se.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Every cell that is not fine, not the worst 15.")] = False,
    markdown: Annotated[
        str | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown to FILE too; - prints it instead.")
    ] = None,
    certified: Annotated[
        bool, typer.Option("--certified", help="Check NIST's own figures against the exact solution; fits nothing.")
    ] = False,
    expectations: Annotated[Path | None, typer.Option(help="The expectations file; results/expectations.toml.")] = None,
    timeout: isolation.Timeout = None,
    memory: isolation.Memory = None,
    in_process: isolation.Here = False,
    on: isolation.On = None,
    connect_timeout: isolation.Connect = None,
    store: cli.StoreUrl = None,
    as_json: cli.AsJson = False,
    quiet: cli.Quiet = False,
) -> None:
    """Fit every closed form to the NIST sets or the ladder, untimed: digits, backward errors, bars, the gate."""
    from harness.judge.gate.expectations import read_expectations
    from harness.studies.accuracy import AccuracyRequest

    if certified:
        names = (
            "problem",
            "solver",
            "ladder",
            "device",
            "threads",
            "quantity",
            "se",
            "all",
            "markdown",
            "expectations",
        )
        values = (
            problem,
            solver,
            ladder,
            device != "auto",
            threads != 1,
            quantity,
            se,
            everything,
            markdown,
            expectations,
        )
        named = [name for name, value in zip((*names, "store"), (*values, store), strict=True) if value]
        raise typer.Exit(_certified([*named, *cli.said_of_problems(given_model)], as_json=as_json))
    if ladder and problem:
        raise UsageError("--ladder and --problem both say what is fitted: give one of them")
    if as_json and markdown == STDOUT:
        raise UsageError("--json and --markdown - both write to standard output: give one of them")
    shown, where = _quantity(quantity, se=se), isolation.where(timeout, memory, in_process, on, connect_timeout)
    where.check_threads(threads)
    asked = AccuracyRequest(tuple(problem or ()), tuple(solver or ()), ladder, device, given_model, threads)
    path = expectations or expectations_file()
    expected = read_expectations(path)
    if markdown not in (None, STDOUT):
        check_file(f"--markdown {markdown}", Path(markdown))
    page = _Page(shown, everything, markdown, as_json, quiet, expected, str(path), expectations, where)
    raise typer.Exit(page.make(asked, store))


@dataclass(frozen=True)
class _Page:
    """What is shown of a run and where it goes."""

    quantity: str
    everything: bool
    markdown: str | None
    as_json: bool
    quiet: bool
    expected: "Expectations"
    source: str
    named: Path | None
    where: "Where"

    def make(self, asked: "AccuracyRequest", store: str | None) -> int:
        """Plan, execute with a progress bar, judge and print; the exit code. Ctrl-C prints the tables there are."""
        from harness.measure.run import execute, new_run
        from harness.report.render.terminal import print_document
        from harness.report.terminal.console import err, out
        from harness.report.terminal.live import Live
        from harness.report.words import accuracy as words
        from harness.store.store import Store
        from harness.studies.accuracy import plan_accuracy, sheets
        from harness.timing.sampling import UNTIMED

        request, cases = plan_accuracy(asked)
        tables = sheets(cases)
        opened = Store(store)
        with closing(self.where.place()) as place:
            made = new_run(request, cases)
            try:
                with Live(err(), len(cases), quiet=self.quiet) as live, place.watched(opened, made.id, timed=False):
                    records = execute(made, cases, opened, live, effort=UNTIMED, place=place)
            except KeyboardInterrupt:
                print_document(out(), words.sheets(opened.records(made.id), tables, self.quantity))
                raise
        return self.show(made, records, tables, opened)

    def show(self, made: "Run", records: "Sequence[Record]", tables: "Sequence[Sheet]", opened: "Store") -> int:
        """Print or write everything, or what failed; the exit code: the gate's, or 1 where a bar is not held."""
        from harness.judge.gate.gate import gate
        from harness.judge.studies.bars import bars
        from harness.report.render.markdown import markdown
        from harness.report.render.terminal import print_document
        from harness.report.tables.document import Document
        from harness.report.terminal.console import out
        from harness.report.words import accuracy as words
        from harness.report.words.gate import breaches, conclusion

        report, held = gate(made, records, self.expected), bars(records)
        code = 1 if any(bar.held is False for bar in held) else report.exit_code
        verdict = conclusion(report, made.id, self.source)
        if self.markdown is not None:
            text = markdown(words.in_full(records, tables, self.quantity, held, verdict))
            if self.markdown == STDOUT:
                typer.echo(text, nl=False)
            else:
                write(Path(self.markdown), text, what=f"--markdown {self.markdown}")
        if self.as_json:
            print_json(words.accuracy_json(made.id, records, held, report, code))
        elif self.markdown != STDOUT and not (self.quiet and code == 0):
            if not self.quiet:
                print_document(out(), words.sheets(records, tables, self.quantity))
            print_document(out(), words.cells_not_fine(records, everything=self.everything))
            print_document(out(), words.bars(held, records))
            print_document(out(), Document(list(breaches(report)), [verdict]))
            following = pasted("gate", store=opened, expectations=self.named)
            out().print(f"run {made.id} is in {opened.url}; next: {following}", markup=False, soft_wrap=True)
        return code


def _certified(named: "list[str]", *, as_json: bool) -> int:
    """Print how well NIST's figures agree with the exact ones: 0, or 1 if one does not."""
    import json
    from dataclasses import asdict

    from harness.judge.studies.bars import CERTIFIED_DIGITS
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words import accuracy as words
    from harness.studies.accuracy import certified

    if named:
        raise UsageError(f"--certified fits nothing: drop --{named[0]}")
    sets = certified()
    if as_json:
        print_json(json.dumps([asdict(one) for one in sets]))
    else:
        print_document(out(), words.certified(sets, CERTIFIED_DIGITS))
    return 0 if words.all_agree(sets, CERTIFIED_DIGITS) else 1


def _quantity(name: str | None, *, se: bool) -> str:
    from harness.report.tables.accuracy import QUANTITIES

    if name is not None and name not in QUANTITIES:
        raise unknown("quantity", name, QUANTITIES)
    if se and name not in (None, "se"):
        raise UsageError(f"--se and --quantity {name} both say what is shown: give one of them")
    return "se" if se else name or "coef"
